"""The records that a file exporter adds when asked: who writes, and what is open."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Optional

import pytest

from nv_one_logger.core.event import Event
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import RecordWriteError
from nv_one_logger.exporter.file_exporter import FileExporter

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

NEVER = 3600.0  # no heartbeat of the watch's own comes within a test


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.fixture
def opened(path: Path) -> Iterator[Any]:
    """Make exporters that are closed at the end."""
    exporters: List[FileExporter] = []

    def make(**options: Any) -> FileExporter:
        exporter = FileExporter(options.pop("file_path", path), **options)
        exporter.initialize()
        exporters.append(exporter)
        return exporter

    yield make
    for exporter in exporters:
        exporter.close()


def records(path: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def kinds(path: Path) -> List[Any]:
    return [(record["type"], record["count"]) for record in records(path)]


def record_span(exporter: Any, name: str = "work", parent: Optional[Span] = None) -> None:
    span = Span.create(name, parent_span=parent)
    exporter.export_start(span)
    span.stop()
    exporter.export_stop(span)


def in_child(work: Any) -> None:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_neither_record_is_written_unless_asked_for(opened: Any, path: Path) -> None:
    exporter = opened()
    assert exporter.write_heartbeat_if_due(1e12) is None
    record_span(exporter)
    assert kinds(path) == [("complete", 1)]


def test_session_record_is_the_first_and_takes_a_number(opened: Any, path: Path) -> None:
    exporter = FileExporter(path, session_record=True)
    exporter.configure(SimpleNamespace(application_name="digits", session_tag="run-7", world_size=4))
    exporter.initialize()
    assert kinds(path) == [("session", 1)]
    record_span(exporter)
    exporter.close()
    session, span = records(path)
    assert list(session) == ["type", "session", "count", "pid"]
    assert session["session"]["session_tag"] == "run-7"
    assert session["session"]["world_size"] == 4
    assert (session["pid"], span["pid"], span["count"]) == (os.getpid(), os.getpid(), 2)


def test_unconfigured_exporter_says_what_it_knows(opened: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    opened(session_record=True)
    (session,) = records(path)
    assert session["session"]["rank"] == 3
    assert "application_name" not in session["session"]


def test_restarted_process_says_again_who_it_is(opened: Any, path: Path) -> None:
    opened(session_record=True).close()
    opened(session_record=True).close()
    assert kinds(path) == [("session", 1), ("session", 1)]


def test_second_initialize_adds_no_session_record_unless_it_opens_the_file(opened: Any, path: Path) -> None:
    exporter = opened(session_record=True)
    exporter.initialize()
    assert kinds(path) == [("session", 1)]
    exporter.close()
    exporter.initialize()
    assert kinds(path) == [("session", 1), ("session", 2)]


def test_each_file_of_a_rotated_set_begins_with_a_session_record(opened: Any, tmp_path: Path, path: Path) -> None:
    exporter = opened(session_record=True, max_bytes=1200, backup_count=100)
    for _ in range(30):
        record_span(exporter)
    files = sorted(tmp_path.iterdir(), key=lambda file: records(file)[0]["count"])
    assert len(files) > 3
    assert all(records(file)[0]["type"] == "session" for file in files)
    assert [count for file in files for _, count in kinds(file)] == list(range(1, 31 + len(files)))


def test_file_smaller_than_a_session_record_still_takes_every_record(opened: Any, tmp_path: Path) -> None:
    exporter = opened(session_record=True, max_bytes=1, backup_count=100)
    for _ in range(3):
        record_span(exporter)
    exporter.close()
    written = [record for file in tmp_path.iterdir() for record in records(file)]
    assert sorted(record["count"] for record in written) == list(range(1, len(written) + 1))
    assert sum(record["type"] == "complete" for record in written) == 3


def test_file_rotated_by_another_process_gets_a_session_record_of_this_one(
    opened: Any, path: Path, tmp_path: Path
) -> None:
    exporter = opened(session_record=True, max_bytes=10**6)
    record_span(exporter)
    os.replace(path, tmp_path / "run.jsonl.1")
    record_span(exporter)
    assert kinds(path) == [("session", 3), ("complete", 4)]


def test_session_record_that_cannot_be_written_is_a_gap_and_the_failure_of_the_next_call(
    opened: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = FileExporter(path, session_record=True)
    number_and_write = exporter._number_and_write

    def fail(record: Dict[str, Any]) -> Any:
        monkeypatch.setattr(exporter, "_write", full)
        try:
            return number_and_write(record)
        finally:
            monkeypatch.undo()

    def full(record: Dict[str, Any]) -> None:
        raise RecordWriteError("disk full")

    monkeypatch.setattr(exporter, "_number_and_write", fail)
    exporter.initialize()
    assert exporter.ready
    span = Span.create("work")
    exporter.export_start(span)
    span.stop()
    with pytest.raises(RecordWriteError, match="disk full"):
        exporter.export_stop(span)
    record_span(exporter)
    exporter.close()
    assert kinds(path) == [("complete", 2), ("complete", 3)]


@needs_fork
def test_forked_child_says_who_it_is_at_its_first_record(opened: Any, path: Path) -> None:
    exporter = opened(session_record=True)
    record_span(exporter)
    in_child(lambda: [record_span(exporter), record_span(exporter)])
    record_span(exporter)
    of_parent = [(r["type"], r["count"]) for r in records(path) if r["pid"] == os.getpid()]
    of_child = [(r["type"], r["count"]) for r in records(path) if r["pid"] != os.getpid()]
    assert of_parent == [("session", 1), ("complete", 2), ("complete", 3)]
    assert of_child == [("session", 1), ("complete", 2), ("complete", 3)]


@needs_fork
def test_forked_child_that_records_nothing_says_nothing(opened: Any, path: Path) -> None:
    exporter = opened(session_record=True, heartbeat_sec=NEVER)

    def do_nothing() -> None:
        assert exporter.write_heartbeat_if_due(time.monotonic() + 2 * NEVER) is None
        exporter.flush(1.0)
        exporter.close()

    in_child(do_nothing)
    assert kinds(path) == [("session", 1)]


@needs_fork
def test_grandchild_of_a_silent_child_goes_on_in_the_same_file(opened: Any, path: Path) -> None:
    exporter = opened(session_record=True)
    in_child(lambda: in_child(lambda: record_span(exporter)))
    assert kinds(path) == [("session", 1), ("session", 1), ("complete", 2)]


@needs_fork
def test_forked_child_that_is_initialized_says_who_it_is_once(opened: Any, path: Path) -> None:
    exporter = opened(session_record=True)

    def child() -> None:
        exporter.initialize()
        record_span(exporter)
        exporter.close()

    in_child(child)
    assert kinds(path) == [("session", 1), ("session", 1), ("complete", 2)]


def test_renewed_exporter_says_who_it_is_at_its_first_record(opened: Any, path: Path) -> None:
    """As in a forked child, in this process."""
    exporter = opened(session_record=True, heartbeat_sec=NEVER)
    exporter._renew_after_fork()
    now = time.monotonic()
    assert exporter.write_heartbeat_if_due(now + 2 * NEVER) is None
    record_span(exporter)
    assert exporter.write_heartbeat_if_due(now) == pytest.approx(NEVER, abs=60)
    assert kinds(path) == [("session", 1), ("session", 1), ("complete", 2)]


def test_renewed_exporter_that_is_initialized_says_who_it_is_once(opened: Any, path: Path) -> None:
    exporter = opened(session_record=True)
    exporter._renew_after_fork()
    exporter.initialize()
    record_span(exporter)
    assert kinds(path) == [("session", 1), ("session", 1), ("complete", 2)]


def test_renewed_exporter_whose_file_is_rotated_says_who_it_is_in_a_file_of_its_own(
    opened: Any, path: Path, tmp_path: Path
) -> None:
    exporter = opened(session_record=True, max_bytes=10**6)
    exporter._renew_after_fork()
    os.rename(path, tmp_path / "elsewhere.jsonl")
    record_span(exporter)
    assert kinds(path) == [("session", 1), ("complete", 2)]


def test_renewed_exporter_that_cannot_open_its_file_loses_records_only(opened: Any, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    exporter = opened(file_path=folder / "run.jsonl", session_record=True, max_bytes=10**6)
    exporter._renew_after_fork()
    os.rename(folder, tmp_path / "gone")
    folder.write_text("in the way")
    span = Span.create("work")
    exporter.export_start(span)
    span.stop()
    with pytest.raises(RecordWriteError, match="cannot open"):
        exporter.export_stop(span)
    folder.unlink()
    record_span(exporter)
    assert kinds(folder / "run.jsonl") == [("session", 2), ("complete", 3)]


@needs_fork
@pytest.mark.parametrize("options", [{}, {"max_bytes": 10**6}], ids=["file of its own", "rotated"])
def test_forked_child_that_opens_a_file_says_who_it_is_there(
    opened: Any, tmp_path: Path, options: Dict[str, Any]
) -> None:
    exporter = opened(file_path=tmp_path / "{pid}.jsonl", session_record=True, **options)
    event = Event.create("hello")
    parent = Span.create("of the parent")
    in_child(lambda: exporter.export_event(event, parent))
    (of_child,) = [file for file in tmp_path.iterdir() if file.name != f"{os.getpid()}.jsonl"]
    assert kinds(of_child) == [("session", 1), ("event", 2)]


def test_heartbeat_names_the_open_spans_when_it_is_due(opened: Any, path: Path) -> None:
    exporter = opened(heartbeat_sec=NEVER)
    now = time.monotonic()
    outer, inner = Span.create("outer"), Span.create("inner")
    exporter.export_start(outer)
    exporter.export_start(inner)
    remaining = exporter.write_heartbeat_if_due(now)
    assert remaining == pytest.approx(NEVER, abs=60)
    assert [kind for kind, _ in kinds(path)] == ["start"]  # of the outer one; the inner is held back
    assert exporter.write_heartbeat_if_due(now + NEVER) == pytest.approx(NEVER, abs=60)
    inner.stop()
    exporter.export_stop(inner)
    exporter.write_heartbeat_if_due(now + 2 * NEVER)
    assert kinds(path) == [("start", 1), ("heartbeat", 2), ("complete", 3), ("heartbeat", 4)]
    names = [[span["name"] for span in r["open_spans"]] for r in records(path) if r["type"] == "heartbeat"]
    assert names == [["outer", "inner"], ["outer"]]
    outer.stop()
    exporter.export_stop(outer)


def test_watch_writes_heartbeats_before_and_between_spans(opened: Any, path: Path) -> None:
    exporter = opened(heartbeat_sec=0.01)
    written = threading.Event()
    write = exporter._write
    beats: List[Dict[str, Any]] = []

    def observed(record: Dict[str, Any]) -> None:
        write(record)
        beats.append(record)
        if len(beats) == 3:
            written.set()

    exporter._write = observed
    assert written.wait(10)
    exporter.close()
    assert {record["type"] for record in records(path)} == {"heartbeat"}


def test_heartbeats_end_when_the_exporter_is_closed(opened: Any, path: Path) -> None:
    exporter = opened(heartbeat_sec=NEVER)
    exporter.close()
    assert exporter.write_heartbeat_if_due(time.monotonic() + 2 * NEVER) is None
    assert records(path) == []
    exporter.initialize()
    assert exporter.write_heartbeat_if_due(time.monotonic()) == pytest.approx(NEVER, abs=60)


def test_heartbeat_that_cannot_be_written_is_the_failure_of_the_next_call(
    opened: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = opened(heartbeat_sec=NEVER)

    def fail(record: Dict[str, Any]) -> None:
        raise RecordWriteError(f"disk full: {errno.ENOSPC}")

    with monkeypatch.context() as patch:
        patch.setattr(exporter, "_write", fail)
        assert exporter.write_heartbeat_if_due(time.monotonic() + 2 * NEVER) == pytest.approx(NEVER, abs=60)
    span = Span.create("work")
    exporter.export_start(span)
    span.stop()
    with pytest.raises(RecordWriteError, match="disk full"):
        exporter.export_stop(span)
    assert kinds(path) == [("complete", 2)]


@needs_fork
def test_forked_child_beats_once_it_has_recorded_something(opened: Any, path: Path) -> None:
    exporter = opened(heartbeat_sec=NEVER)

    def child() -> None:
        now = time.monotonic()
        assert exporter.write_heartbeat_if_due(now) is None
        record_span(exporter, "of the child")
        # It has begun, here or in the thread of the watch that the span woke.
        assert exporter.write_heartbeat_if_due(now) == pytest.approx(NEVER, abs=60)
        exporter.write_heartbeat_if_due(now + 2 * NEVER)

    in_child(child)
    assert kinds(path) == [("complete", 1), ("heartbeat", 2)]


def test_interval_has_to_be_positive(path: Path) -> None:
    with pytest.raises(OneLoggerError, match="heartbeat_sec"):
        FileExporter(path, heartbeat_sec=0)


def test_both_work_behind_a_queue(path: Path) -> None:
    inner = FileExporter(path, session_record=True, heartbeat_sec=NEVER)
    exporter = BackgroundExporter(inner)
    exporter.configure(SimpleNamespace(application_name="digits", session_tag="run-7", world_size=4))
    exporter.initialize()
    span = Span.create("work")
    exporter.export_start(span)
    exporter.flush(10.0)
    inner.write_heartbeat_if_due(time.monotonic() + 2 * NEVER)
    span.stop()
    exporter.export_stop(span)
    exporter.close()
    assert kinds(path) == [("session", 1), ("start", 2), ("heartbeat", 3), ("stop", 4)]
    session, _, heartbeat, _ = records(path)
    assert session["session"]["application_name"] == "digits"
    assert [one["name"] for one in heartbeat["open_spans"]] == ["work"]
