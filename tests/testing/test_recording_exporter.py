from __future__ import annotations

from enum import Enum
from typing import Any, Dict, Iterator

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import ExportError
from nv_one_logger.testing import RecordedCall, RecordingExporter


class Names(Enum):
    STEP = "step"


@pytest.fixture
def exporter() -> Iterator[RecordingExporter]:
    exporter = RecordingExporter()
    exporter.initialize()
    yield exporter
    exporter.close()


def finished(exporter: RecordingExporter, name: Any) -> Span:
    span = Span.create(name)
    exporter.export_start(span)
    span.stop()
    exporter.export_stop(span)
    return span


def test_calls_are_kept_in_order(exporter: RecordingExporter) -> None:
    span = Span.create("load", None, Attributes({"size": 1}))
    tick, bad = Event.create("tick"), ErrorEvent.create("bad batch")
    lost = TelemetryDataError.create(TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA, "lost")
    exporter.export_start(span)
    exporter.export_event(tick, span)
    exporter.export_error(bad, span)
    exporter.export_telemetry_data_error(lost)
    span.stop()
    exporter.export_stop(span)

    assert exporter.calls == [
        RecordedCall("start", "load", span, None),
        RecordedCall("event", "tick", span, tick),
        RecordedCall("error", "error", span, bad),
        RecordedCall("telemetry_data_error", "telemetry_data_error", None, lost),
        RecordedCall("stop", "load", span, None),
    ]
    assert exporter.names() == ["load", "tick", "error", "telemetry_data_error", "load"]
    assert exporter.names("event") == ["tick"]
    assert exporter.events() == [tick, bad]
    assert exporter.events("tick") == [tick]
    assert exporter.errors == [bad]
    assert exporter.telemetry_data_errors == [lost]


def test_spans_are_found_by_name_and_by_enum(exporter: RecordingExporter) -> None:
    load, step = finished(exporter, "load"), finished(exporter, Names.STEP)

    assert exporter.spans() == [load, step]
    assert exporter.spans("load") == [load]
    assert exporter.spans("step") == exporter.spans(Names.STEP) == [step]
    assert exporter.span("step") is step


def test_span_that_is_not_the_only_one_is_an_error_that_names_all(exporter: RecordingExporter) -> None:
    finished(exporter, "load")
    finished(exporter, "load")

    with pytest.raises(AssertionError, match=r"one span 'load', found 2\. Started: \['load', 'load'\]"):
        exporter.span("load")
    with pytest.raises(AssertionError, match="one span 'lode', found 0"):
        exporter.span("lode")


def test_records_are_those_of_a_file_exporter(exporter: RecordingExporter) -> None:
    span = finished(exporter, "load")
    exporter.export_start(Span.create("open"))

    complete, start = exporter.records
    assert (complete["type"], complete["id"], complete["count"]) == ("complete", span.id_str, 1)
    assert (start["type"], start["name"], start["count"]) == ("start", "open", 2)


def test_clear_forgets_and_the_records_go_on_counting(exporter: RecordingExporter) -> None:
    span = Span.create("load")
    exporter.export_start(span)
    exporter.clear()
    assert (exporter.calls, exporter.records) == ([], [])

    span.stop()
    exporter.export_stop(span)
    (record,) = exporter.records
    assert (record["type"], record["count"]) == ("stop", 2)


def test_what_was_recorded_is_readable_after_close(exporter: RecordingExporter) -> None:
    finished(exporter, "load")
    exporter.close()
    assert exporter.names("stop") == ["load"]


def test_refused_call_is_not_kept() -> None:
    exporter = RecordingExporter()
    with pytest.raises(ExportError):
        exporter.export_start(Span.create("load"))
    assert exporter.calls == []


def test_returned_records_and_calls_are_copies(exporter: RecordingExporter) -> None:
    finished(exporter, "load")
    exporter.calls.clear()
    exporter.records[0].clear()
    assert exporter.names("start") == ["load"]
    assert exporter.records[0]["name"] == "load"


def test_subclass_that_cannot_write_tells_so_when_records_are_read() -> None:
    class Full(RecordingExporter):
        def _write(self, json_dict: Dict[str, Any]) -> None:
            raise ExportError("full")

    exporter = Full()
    exporter.initialize()
    exporter.export_start(Span.create("load"))
    with pytest.raises(ExportError, match="full"):
        assert exporter.records
