"""Processes of multiprocessing close what they recorded, however they are started."""

from __future__ import annotations

import json
import multiprocessing
from multiprocessing import util
from pathlib import Path
from typing import Any, Callable, List

import pytest

from nv_one_logger.recorder.child_process import when_child_process_ends, when_forked_child_ends
from nv_one_logger.recorder.default_recorder import DefaultRecorder

PROGRAM = """
import multiprocessing
import sys
from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.recorder.default_recorder import DefaultRecorder

def configure(path):
    recorder = DefaultRecorder([FileExporter(file_path=path)])
    config = OneLoggerConfig(application_name="a", world_size_or_fn=1, session_tag_or_fn="s")
    OneLoggerProvider.instance().configure(config, recorder)
    return recorder

def inherit():
    OneLoggerProvider.instance().recorder.start("left open by the child")

def configure_and_leave_open(path):
    configure(path).start("left open by the child")

if __name__ == "__main__":
    method, place, path = sys.argv[1:]
    context = multiprocessing.get_context(method)
    if place == "parent":
        recorder = configure(path)
        recorder.start("of the parent")
        process = context.Process(target=inherit)
    else:
        process = context.Process(target=configure_and_leave_open, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == 0, process.exitcode
    if place == "parent":
        recorder.close()
"""


def finished(path: Path) -> List[str]:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [record["name"] for record in records if record["type"] in ("stop", "complete")]


@pytest.mark.parametrize(
    ("method", "place", "names"),
    [
        ("fork", "parent", ["left open by the child", "of the parent"]),
        ("fork", "child", ["left open by the child"]),
        ("spawn", "child", ["left open by the child"]),
        ("forkserver", "child", ["left open by the child"]),
    ],
)
def test_child_closes_its_recorder(
    run_python: Callable[..., Any], tmp_path: Path, method: str, place: str, names: List[str]
) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this platform has no {method}")
    (tmp_path / "program.py").write_text(PROGRAM)
    path = tmp_path / "records.jsonl"
    run_python([str(tmp_path / "program.py"), method, place, str(path)])
    assert finished(path) == names


class Subject:
    pass


@pytest.fixture
def finalizers(monkeypatch: pytest.MonkeyPatch) -> List[Any]:
    """What would be called when a process of multiprocessing ends."""
    made: List[Any] = []
    monkeypatch.setattr(util, "Finalize", lambda subject, action, args, exitpriority: made.append((action, args)))
    return made


def test_main_process_needs_nothing(finalizers: List[Any]) -> None:
    when_child_process_ends(Subject(), print)
    assert finalizers == []


def test_child_process_calls_the_action_with_the_subject(
    finalizers: List[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "a parent")
    subject = Subject()
    when_child_process_ends(subject, print)
    assert finalizers == [(print, (subject,))]


def test_forked_child_asks_after_its_own_finalizers_were_cleared(
    finalizers: List[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: List[Any] = []
    monkeypatch.setattr(util, "register_after_fork", lambda subject, action: registered.append((subject, action)))
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "a parent")
    subject = Subject()
    when_forked_child_ends(subject, print)
    ((registered_subject, action),) = registered
    assert finalizers == []
    action(registered_subject)
    assert finalizers == [(print, (subject,))]


def test_recorder_made_in_a_child_process_is_closed_at_its_end(
    finalizers: List[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "a parent")
    recorder = DefaultRecorder([])
    ((action, arguments),) = finalizers
    action(*arguments)
    assert recorder._closed


@pytest.mark.parametrize("function", [when_child_process_ends, when_forked_child_ends])
def test_program_without_multiprocessing_needs_nothing(
    finalizers: List[Any], monkeypatch: pytest.MonkeyPatch, function: Callable[..., None]
) -> None:
    monkeypatch.delitem(__import__("sys").modules, "multiprocessing.util")
    function(Subject(), print)
    assert finalizers == []
