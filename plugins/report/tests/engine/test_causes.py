from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from nv_one_logger.report import analyze
from nv_one_logger.report.model import ProcessRun, StopCause

NOW = 1_700_000_000_000_000
LATER = NOW + 3600 * 1_000_000


def only_process(path: Path, now: int = LATER) -> ProcessRun:
    (process,) = analyze([path], now=now).processes
    return process


def test_process_whose_spans_all_ended_ended_normally(recording: Callable[..., Any]) -> None:
    one = recording()
    one.begin(0)
    one.stop("application", 100)
    assert only_process(one.path).cause is StopCause.NORMAL


def test_process_with_open_spans_vanished_and_its_spans_have_an_age(recording: Callable[..., Any]) -> None:
    one = recording()
    one.begin(0)
    one.start("training_loop", 10, train_iterations_start=0)
    one.start("checkpoint_save_sync", 400)
    one.heartbeat(1000, checkpoint_save_sync=400, write_shard=700)
    process = only_process(one.path)
    assert process.cause is StopCause.VANISHED
    assert [(span.name, span.age) for span in process.open_spans] == [
        ("write_shard", 300_000),
        ("checkpoint_save_sync", 600_000),
        ("training_loop", 990_000),
        ("application", 1_000_000),
    ]
    assert "vanished in write_shard" in process.cause_text


def test_span_that_a_heartbeat_named_and_that_ended_is_not_open(recording: Callable[..., Any]) -> None:
    one = recording()
    one.begin(0)
    one.heartbeat(500, application=0)
    one.write({"type": "heartbeat", "timestamp_msec": 1_700_000_000_600,
               "open_spans": [{"id": "100-2", "name": "work", "start_msec": 1_700_000_000_550}]})  # fmt: skip
    one.span("work", 550, 700)
    assert [span.name for span in only_process(one.path).open_spans] == ["application"]


def test_recent_process_with_open_spans_may_still_run(recording: Callable[..., Any]) -> None:
    one = recording()
    one.begin(0)
    assert only_process(one.path, NOW + 59_000_000).cause is StopCause.RUNNING
    assert only_process(one.path, NOW + 61_000_000).cause is StopCause.VANISHED


def test_recent_process_that_was_followed_by_an_attempt_is_gone(recording: Callable[..., Any], tmp_path: Path) -> None:
    for at in (0, 1000):
        one = recording(pid=100 + at)
        one.begin(at)
    report = analyze([tmp_path], now=NOW + 2_000_000)
    assert [run.cause for run in report.processes] == [StopCause.VANISHED, StopCause.RUNNING]


def test_exception_on_its_way_out_is_told_once_with_the_span_it_came_from(
    recording: Callable[..., Any], tmp_path: Path
) -> None:
    one = recording()
    one.begin(0)
    one.start("training_loop", 0, train_iterations_start=0)
    one.start("load_shard", 5)
    for name in ("load_shard", "training_loop", "application"):
        one.error(
            f"Error in {name}: shard 17 is gone", 10, on=name, exception_type="OSError",
            exception_message="shard 17 is gone", exception_traceback=f"Traceback of {name}",
        )  # fmt: skip
        one.stop(name, 10)
    process = only_process(one.path)
    assert process.cause is StopCause.EXCEPTION
    assert process.cause_text == "ended by OSError in load_shard: shard 17 is gone"
    (group,) = analyze([tmp_path]).errors
    assert (group.count, group.message, group.traceback) == (1, "shard 17 is gone", "Traceback of load_shard")


def test_exception_that_was_dealt_with_is_no_cause(recording: Callable[..., Any]) -> None:
    one = recording()
    one.begin(0)
    one.error("Error", 10, exception_type="OSError", exception_message="once more")
    one.span("retry", 11, 12)
    one.stop("application", 20)
    assert only_process(one.path).cause is StopCause.NORMAL


def test_library_that_tells_why_it_ended_is_believed(recording: Callable[..., Any]) -> None:
    one = recording()
    one.session(0)
    one.begin(0)
    one.error("Error", 10, exception_type="OSError", exception_message="caught at the very end")
    one.stop("application", 20)
    assert only_process(one.path).cause is StopCause.NORMAL


@pytest.mark.parametrize(
    ("said", "cause", "text"),
    [
        ({"exit_reason": "signal", "exit_detail": "SIGTERM"}, StopCause.SIGNAL, "ended by SIGTERM"),
        ({"exit_reason": "exception", "exit_detail": "ValueError: no"}, StopCause.EXCEPTION, "ended by ValueError: no"),
        ({"exit_reason": "exception", "exit_detail": "KeyboardInterrupt"}, StopCause.SIGNAL,
         "ended by SIGINT (Ctrl-C)"),
        ({"exit_reason": "interpreter_exit"}, StopCause.NORMAL, "ended normally"),
    ],
)  # fmt: skip
def test_reason_on_the_application_span_counts(
    recording: Callable[..., Any], said: dict[str, str], cause: StopCause, text: str
) -> None:
    one = recording()
    one.begin(0)
    one.stop("application", 20, **said)
    process = only_process(one.path)
    assert (process.cause, process.cause_text) == (cause, text)


def test_attempt_ends_by_the_worst_cause_of_the_rank_that_ended_first(
    recording: Callable[..., Any], tmp_path: Path
) -> None:
    for rank, ended in ((0, 300), (1, 100), (2, 200), (3, 400)):
        one = recording(rank, world_size=4)
        one.begin(0)
        if rank in (1, 2):
            one.start(f"work_{rank}", ended)
        else:
            one.stop("application", ended)
    (attempt,) = analyze([tmp_path]).attempts
    assert attempt.cause is StopCause.VANISHED
    assert attempt.cause_text.startswith("Rank 1 vanished in work_1")
    assert attempt.cause_text.endswith("; 1 more alike.")
