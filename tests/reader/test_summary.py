from __future__ import annotations

from pathlib import Path
from typing import Any

from nv_one_logger.reader import OTHER_ERRORS, ErrorKind, ProcessKey, Record, RecordReader, RunSummary

DATA = Path(__file__).parents[1] / "data" / "reference-2.3.1"


def record(type_: str, **data: Any) -> Record:
    return Record("f.jsonl", 1, 0, ProcessKey("f.jsonl", 7, 1), type_, {"type": type_, **data})


def at(msec: int) -> Any:
    return {"name": "x", "attributes": {"timestamp_msec": msec}}


def span(name: str, id_: str, start: int, stop: int) -> Record:
    return record("complete", id=id_, name=name, start_event=at(start), stop_event=at(stop))


def summary_of(*records: Record) -> RunSummary:
    summary = RunSummary()
    for each in records:
        summary.add(each)
    summary.finish()
    return summary


def test_spans_are_added_up_by_name() -> None:
    summary = summary_of(
        span("step", "a", 0, 10), span("step", "b", 10, 40), span("save", "c", 40, 41), span("step", "d", 41, 61)
    )
    step = summary.spans["step"]
    assert (step.count, step.total_msec, step.median_msec, step.slowest_msec) == (3, 60, 20, 30)
    assert step.slowest is not None
    assert step.slowest.id == "b"
    assert summary.spans["save"].count == 1


def test_open_spans_are_counted_apart() -> None:
    summary = RunSummary()
    summary.add(record("start", id="a", name="loop", start_event=at(5)))
    assert [node.id for node in summary.finish()] == ["a"]
    loop = summary.spans["loop"]
    assert (loop.count, loop.open, loop.median_msec, loop.slowest_msec) == (0, 1, None, None)


def test_span_of_unknown_duration_is_counted_without_one() -> None:
    stats = summary_of(record("complete", id="a", name="loop")).spans["loop"]
    assert (stats.count, stats.total_msec, stats.slowest) == (1, 0, None)


def test_events_are_counted_by_name_and_unknown_types_by_type() -> None:
    summary = summary_of(
        record("event", span_id="a", event={"name": "saved", "attributes": {}}),
        record("event", span_id="a", event={"name": "saved", "attributes": {}}),
        record("rumour"),
    )
    assert summary.events == {"saved": 2}
    assert summary.unknown_types == {"rumour": 1}
    assert summary.records == 3


def test_sessions_and_heartbeats_are_known_and_tell_when_a_process_was_alive() -> None:
    named = {"id": "a", "name": "loop", "start_msec": 30}
    summary = RunSummary()
    for each in (
        record("session", session={"application_name": "digits", "timestamp_msec": 10}),
        record("heartbeat", timestamp_msec=90, open_spans=[named], open_span_count=1),
    ):
        summary.add(each)
    assert [node.name for node in summary.finish()] == ["loop"]
    assert (summary.first_msec, summary.last_msec, summary.unknown_types) == (10, 90, {})
    assert (summary.records, summary.spans["loop"].open) == (2, 1)


def test_errors_are_grouped_by_exception_and_message() -> None:
    attributes = {"exception_type": "ValueError", "error_message": "bad row"}
    summary = summary_of(
        record("application_error", span_id="a", event={"name": "error", "attributes": attributes}),
        record("application_error", span_id="b", event={"name": "error", "attributes": attributes}),
        record("telemetry_data_error", error={"name": "t", "attributes": {"telemetry_data_error_type": "lost"}}),
    )
    assert summary.errors == {
        ErrorKind("application_error", "ValueError", "bad row"): 2,
        ErrorKind("telemetry_data_error", "lost", ""): 1,
    }


def test_kinds_of_errors_are_bounded() -> None:
    summary = summary_of(
        *(
            record("application_error", event={"name": "error", "attributes": {"error_message": f"row {number}"}})
            for number in range(150)
        )
    )
    assert len(summary.errors) == 101
    assert summary.errors[OTHER_ERRORS] == 50


def test_span_of_time_reaches_from_the_first_to_the_last_moment() -> None:
    summary = summary_of(span("a", "a", 20, 30), span("b", "b", 5, 25), record("rumour"))
    assert (summary.first_msec, summary.last_msec) == (5, 30)


def test_memory_is_bounded_by_the_open_spans() -> None:
    summary = RunSummary()
    for number in range(5000):
        summary.add(record("start", id=str(number), name="step", start_event=at(number)))
        summary.add(record("stop", id=str(number), name="step", stop_event=at(number + 1)))
    assert summary._tracker.open_spans() == []
    assert summary.spans["step"].count == 5000


def test_reference_file_is_summed_up() -> None:
    summary = RunSummary()
    for each in RecordReader([DATA / "attempt2-rank0.jsonl"]):
        summary.add(each)
    assert summary.finish() == []
    assert summary.spans["training_single_iteration"].count == 20
    assert summary.events["training_metrics_update"] == 2
    assert summary.errors == {ErrorKind("application_error", "RuntimeError", "Error in zero_grad: "): 1}
