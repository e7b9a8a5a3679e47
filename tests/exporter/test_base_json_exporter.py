from __future__ import annotations

import logging
import os
from typing import Any, Dict, List, Optional

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter
from nv_one_logger.exporter.exporter import ExportError

WHEN = TracingTimestamp(1_750_000_000.0, 10.0)
LATER = TracingTimestamp(1_750_000_001.5, 11.5)


class ListExporter(BaseJsonExporter):
    """Keeps records; fails for those of the kinds it is told to refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.records: List[Dict[str, Any]] = []
        self.refused: List[str] = []

    def _write(self, json_dict: Dict[str, Any]) -> None:
        if json_dict["type"] in self.refused:
            raise ExportError(f"no {json_dict['type']}")
        self.records.append(json_dict)

    def kinds(self) -> List[str]:
        return [record["type"] for record in self.records]


@pytest.fixture
def exporter() -> ListExporter:
    one = ListExporter()
    one.initialize()
    return one


def start(exporter: BaseJsonExporter, name: str, parent: Optional[Span] = None) -> Span:
    span = Span.create(name, parent, start_time=WHEN)
    exporter.export_start(span)
    return span


def stop(exporter: BaseJsonExporter, span: Span) -> None:
    span.stop(stop_time=LATER)
    exporter.export_stop(span)


def event_on(exporter: BaseJsonExporter, span: Span, name: str = "e") -> None:
    exporter.export_event(span.add_event(Event.create(name, Attributes({"rows": 128}), WHEN)), span)


def data_error() -> TelemetryDataError:
    return TelemetryDataError(WHEN, TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA, "lost data")


def test_span_with_nothing_in_between_is_one_complete_record(exporter: ListExporter) -> None:
    span = Span.create("parse", span_attributes=Attributes({"shard": 3}), start_time=WHEN)
    exporter.export_start(span)
    assert exporter.records == []
    stop(exporter, span)
    assert exporter.records == [
        {
            "type": "complete",
            "id": span.id_str,
            "name": "parse",
            "attributes": {"shard": 3, "duration_msec": 1500},
            "start_event": {"name": "span_start", "attributes": {"timestamp_msec": 1_750_000_000_000}},
            "stop_event": {"name": "span_stop", "attributes": {"timestamp_msec": 1_750_000_001_500}},
            "count": 1,
            "pid": os.getpid(),
        }
    ]


def test_keys_of_every_record_stand_in_their_order(exporter: ListExporter) -> None:
    parent = start(exporter, "parent")
    span = start(exporter, "ingest", parent)
    event_on(exporter, span)
    exporter.export_error(ErrorEvent.create("bad row"), span)
    exporter.export_telemetry_data_error(data_error())
    stop(exporter, span)
    stop(exporter, start(exporter, "child", parent))
    assert [list(record) for record in exporter.records] == [
        ["type", "id", "name", "start_event", "count", "pid"],
        ["type", "id", "parent_id", "name", "start_event", "count", "pid"],
        ["type", "span_id", "event", "count", "pid"],
        ["type", "span_id", "event", "count", "pid"],
        ["type", "error", "count", "pid"],
        ["type", "id", "name", "attributes", "stop_event", "count", "pid"],
        ["type", "id", "parent_id", "name", "attributes", "start_event", "stop_event", "count", "pid"],
    ]
    assert exporter.records[1]["parent_id"] == parent.id_str
    assert exporter.records[2]["event"] == {
        "name": "e",
        "attributes": {"rows": 128, "timestamp_msec": 1_750_000_000_000},
    }
    assert exporter.records[4]["error"]["attributes"]["telemetry_data_error_type"] == "incomplete_telemetry_data"


def test_parent_id_is_the_nearest_exported_ancestor(exporter: ListExporter) -> None:
    root = start(exporter, "root")
    hidden = Span.create("hidden", root)
    hidden._is_exported = False
    stop(exporter, start(exporter, "leaf", hidden))
    assert exporter.records[-1]["parent_id"] == root.id_str


def test_order_of_nested_spans(exporter: ListExporter) -> None:
    a = start(exporter, "A")
    b = start(exporter, "B")
    stop(exporter, b)
    event_on(exporter, a)
    stop(exporter, a)
    assert [(r["type"], r.get("name")) for r in exporter.records] == [
        ("start", "A"),
        ("complete", "B"),
        ("event", None),
        ("stop", "A"),
    ]


def test_order_of_overlapping_spans(exporter: ListExporter) -> None:
    a = start(exporter, "A")
    b = start(exporter, "B")
    stop(exporter, a)
    c = start(exporter, "C")
    stop(exporter, b)
    stop(exporter, c)
    assert [f"{r['type']} {r['name']}" for r in exporter.records] == [
        "start A",
        "start B",
        "stop A",
        "start C",
        "stop B",
        "stop C",
    ]


def test_start_shows_the_attributes_of_its_moment(exporter: ListExporter) -> None:
    span = Span.create("a", span_attributes=Attributes({"k": 1}))
    span.add_attribute("before", 2)
    exporter.export_start(span)
    span.add_attribute("after", 3)
    event_on(exporter, span)
    stop(exporter, span)
    assert exporter.records[0]["attributes"] == {"k": 1, "before": 2}
    assert exporter.records[-1]["attributes"] == {
        "k": 1,
        "before": 2,
        "after": 3,
        "duration_msec": span.duration_msec(),
    }


def test_telemetry_data_error_comes_after_the_start_it_follows(exporter: ListExporter) -> None:
    start(exporter, "a")
    exporter.export_telemetry_data_error(data_error())
    assert exporter.kinds() == ["start", "telemetry_data_error"]


def test_record_that_cannot_be_written_silences_nothing_else(exporter: ListExporter) -> None:
    exporter.refused = ["start"]
    a = start(exporter, "a")
    with pytest.raises(ExportError, match="no start"):
        event_on(exporter, a)
    exporter.refused = []
    event_on(exporter, a)
    stop(exporter, a)
    assert exporter.kinds() == ["event", "event", "stop"]
    assert [record["count"] for record in exporter.records] == [2, 3, 4]


def test_pending_start_that_fails_does_not_lose_the_next_span(exporter: ListExporter) -> None:
    start(exporter, "a")
    exporter.refused = ["start"]
    b = Span.create("b")
    with pytest.raises(ExportError):
        exporter.export_start(b)
    exporter.refused = []
    stop(exporter, b)
    assert exporter.kinds() == ["complete"]


def test_pending_start_that_fails_does_not_lose_the_stop(exporter: ListExporter) -> None:
    a = start(exporter, "a")
    event_on(exporter, a)
    start(exporter, "b")
    exporter.refused = ["start"]
    with pytest.raises(ExportError):
        stop(exporter, a)
    assert exporter.kinds()[-1] == "stop"


def test_running_span_cannot_be_exported_as_stopped(exporter: ListExporter) -> None:
    with pytest.raises(OneLoggerError, match="no stop event"):
        exporter.export_stop(start(exporter, "a"))


def test_close_writes_the_pending_start_and_names_what_was_never_stopped(
    exporter: ListExporter, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(12):
        start(exporter, f"span{number}")
    exporter.close()
    assert exporter.kinds() == ["start"] * 12
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "12 span(s)" in warning.getMessage()
    assert "span9 and 2 more" in warning.getMessage()


def test_close_says_nothing_when_all_is_stopped(exporter: ListExporter, caplog: pytest.LogCaptureFixture) -> None:
    stop(exporter, start(exporter, "a"))
    exporter.close()
    exporter.close()
    assert not caplog.records


def test_close_raises_what_fails_and_is_closed_all_the_same(exporter: ListExporter) -> None:
    start(exporter, "a")
    exporter.refused = ["start"]
    with pytest.raises(ExportError):
        exporter.close()
    assert exporter.closed


def test_second_initialize_loses_nothing(exporter: ListExporter) -> None:
    start(exporter, "a")
    exporter.initialize()
    assert exporter.kinds() == ["start"]


def test_flush_writes_what_is_held_back(exporter: ListExporter) -> None:
    start(exporter, "a")
    exporter.flush(1.0)
    assert exporter.kinds() == ["start"]
    start(exporter, "b")
    exporter.refused = ["start"]
    with pytest.raises(ExportError):
        exporter.flush(1.0)


def test_exporter_that_is_not_ready_refuses(exporter: ListExporter) -> None:
    span = Span.create("a")
    unready = ListExporter()
    for call in (unready.export_start, unready.export_stop):
        with pytest.raises(ExportError, match="not initialized"):
            call(span)
    for refuse in (unready.export_event, unready.export_error):
        with pytest.raises(ExportError):
            refuse(ErrorEvent.create("e"), span)
    with pytest.raises(ExportError):
        unready.export_telemetry_data_error(data_error())


def test_pid_is_that_of_the_constructor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 4242)
    exporter = ListExporter()
    exporter.initialize()
    stop(exporter, start(exporter, "a"))
    assert exporter.records[0]["pid"] == 4242


def test_renewed_exporter_leaves_what_is_pending_and_open_to_the_parent(
    exporter: ListExporter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What a forked child does, without one."""
    event_on(exporter, start(exporter, "outer"))
    start(exporter, "pending")
    exporter.records.clear()
    monkeypatch.setattr(os, "getpid", lambda: 4242)
    with exporter._lock:
        exporter._renew_after_fork()
    stop(exporter, start(exporter, "own"))
    exporter.close()
    assert [(r["name"], r["type"], r["count"], r["pid"]) for r in exporter.records] == [("own", "complete", 1, 4242)]
    assert not caplog.records


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_forked_child_counts_anew_under_its_own_pid(exporter: ListExporter) -> None:
    outer = start(exporter, "outer")
    event_on(exporter, outer)
    start(exporter, "pending")
    child = os.fork()
    if child == 0:
        exporter.records.clear()
        stop(exporter, start(exporter, "inner", outer))
        (record,) = exporter.records
        os._exit(0 if (record["count"], record["pid"], record["parent_id"]) == (1, os.getpid(), outer.id_str) else 1)
    assert os.waitpid(child, 0)[1] == 0
