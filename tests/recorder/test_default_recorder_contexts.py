"""Spans across threads, asyncio tasks and forks: who is whose parent, and who stops what."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

from nv_one_logger.api.context import propagate_span
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.recorder.default_recorder import DefaultRecorder
from nv_one_logger.testing import RecordingExporter

TIMEOUT = 30.0

Configure = Callable[..., DefaultRecorder]


def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(function, *arguments).result(TIMEOUT)


# --- threads ---------------------------------------------------------------------------------------------------------


def test_new_thread_has_no_current_span(recorder: DefaultRecorder) -> None:
    recorder.start("outer")
    assert in_thread(recorder.start, "root").parent_span is None


def test_thread_with_a_copied_context_has_the_parent_of_where_it_was_copied(recorder: DefaultRecorder) -> None:
    outer = recorder.start("outer")
    child = in_thread(contextvars.copy_context().run, recorder.start, "child")
    assert child.parent_span is outer
    assert in_thread(propagate_span(recorder.start), "child").parent_span is outer
    assert recorder.start("next here").parent_span is outer


def test_span_that_another_thread_stopped_is_nobodys_parent(recorder: DefaultRecorder) -> None:
    outer = recorder.start("outer")
    inner = recorder.start("inner")
    in_thread(recorder.stop, inner)
    assert recorder.start("next").parent_span is outer
    in_thread(recorder.stop, outer)
    assert recorder.start("next but one").parent_span is not outer


def test_stopping_in_another_thread_leaves_its_own_current_span(recorder: DefaultRecorder) -> None:
    outer = recorder.start("outer")

    def work() -> Span:
        mine = recorder.start("mine")
        recorder.stop(outer)
        child = recorder.start("child")
        assert child.parent_span is mine
        return mine

    assert in_thread(work).parent_span is None
    assert recorder.start("root").parent_span is None


def test_span_of_a_context_that_is_copied_and_stopped_there_is_not_current_here(recorder: DefaultRecorder) -> None:
    outer = recorder.start("outer")
    inner = recorder.start("inner")
    contextvars.copy_context().run(recorder.stop, inner)
    assert recorder.start("next").parent_span is outer


# --- asyncio ---------------------------------------------------------------------------------------------------------


class NextTurn:
    """Lets the other tasks run."""

    def __await__(self) -> Iterator[None]:
        yield


def test_tasks_inherit_the_span_they_were_created_in_and_do_not_disturb_each_other(recorder: DefaultRecorder) -> None:
    async def child(name: str) -> None:
        with timed_span(name):
            await NextTurn()
            with timed_span(f"{name} inner"):
                await NextTurn()

    async def main() -> None:
        with timed_span("main"):
            await asyncio.gather(child("a"), child("b"))
            with timed_span("after"):
                pass

    asyncio.run(main())
    exporter = recorder._exporters[0]
    assert isinstance(exporter, RecordingExporter)
    parents = {span.name_str: span.parent_span and span.parent_span.name_str for span in exporter.spans()}
    assert parents == {
        "main": None,
        "a": "main",
        "b": "main",
        "a inner": "a",
        "b inner": "b",
        "after": "main",
    }


def test_task_does_not_change_its_creator(recorder: DefaultRecorder) -> None:
    async def leave_open() -> Span:
        return recorder.start("left open")

    async def main() -> None:
        outer = recorder.start("outer")
        left_open = await asyncio.ensure_future(leave_open())
        assert left_open.parent_span is outer
        assert recorder.start("next").parent_span is outer

    asyncio.run(main())


# --- fork ------------------------------------------------------------------------------------------------------------

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def in_fork(function: Callable[[], None]) -> None:
    """Run a function in a forked child, which ends as any process that called ``os.fork`` itself."""
    child = os.fork()
    if child == 0:
        try:
            function()
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def forking_recorder(configure: Configure, tmp_path: Path) -> Iterator[DefaultRecorder]:
    recorder = configure([FileExporter(file_path=tmp_path / "records.jsonl")])
    yield recorder
    recorder.close()


def read(tmp_path: Path) -> List[Any]:
    return [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]


@needs_fork
def test_open_span_of_the_parent_is_the_parent_in_the_child_and_stopped_once(
    forking_recorder: DefaultRecorder, tmp_path: Path
) -> None:
    recorder = forking_recorder
    outer = recorder.start("outer")
    recorder.event(outer, Event.create("before"))

    def child() -> None:
        assert recorder.get_active_spans_by_name("outer") == []
        recorder.stop(recorder.start("of the child"))
        recorder.event(outer, Event.create("from the child"))
        recorder.stop(outer)  # the parent's to stop
        recorder._close_now()

    in_fork(child)
    recorder.stop(outer)
    recorder.close()
    records = read(tmp_path)
    of_child = [record for record in records if record["pid"] != os.getpid()]
    of_parent = [record for record in records if record["pid"] == os.getpid()]
    assert [record["type"] for record in of_child] == ["complete", "event"]
    assert of_child[1]["span_id"] == outer.id_str
    assert of_child[0]["parent_id"] == outer.id_str
    assert [record["type"] for record in of_parent] == ["start", "event", "stop"]


@needs_fork
def test_grandchild_keeps_the_span_of_its_grandparent(forking_recorder: DefaultRecorder, tmp_path: Path) -> None:
    recorder = forking_recorder
    outer = recorder.start("outer")

    def grandchild() -> None:
        recorder.stop(recorder.start("of the grandchild"))
        recorder.stop(outer)
        recorder._close_now()

    in_fork(lambda: in_fork(grandchild))
    recorder.close()
    of_grandchild, of_outer = read(tmp_path)
    assert (of_grandchild["name"], of_grandchild["parent_id"]) == ("of the grandchild", outer.id_str)
    assert (of_outer["type"], of_outer["id"]) == ("complete", outer.id_str)


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_while_another_thread_records_blocks_nobody(forking_recorder: DefaultRecorder) -> None:
    recorder, stop = forking_recorder, threading.Event()

    def record() -> None:
        while not stop.is_set():
            recorder.stop(recorder.start("busy"))

    thread = threading.Thread(target=record)
    thread.start()
    try:
        for _ in range(20):
            in_fork(lambda: recorder.stop(recorder.start("of the child")))
    finally:
        stop.set()
        thread.join()


def test_forked_recorder_inherits_what_was_open(recorder: DefaultRecorder, exporter: RecordingExporter) -> None:
    """What the child does, seen from within: another process tells nothing to the measurement of coverage."""
    outer = recorder.start("outer")
    recorder._renew_after_fork()
    recorder.stop(outer)
    assert outer.active
    child = recorder.start("child")
    recorder._renew_after_fork()
    assert recorder.start("grandchild").parent_span is child
    recorder.event(outer, Event.create("e"))
    recorder.stop(child)
    recorder.close()
    assert exporter.names("stop") == ["grandchild"]
    assert exporter.names("event") == ["e"]
