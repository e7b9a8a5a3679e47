"""What the exporter's own tests do not reach."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.otel.exporter.internal.ids import SpanIds
from nv_one_logger.otel.exporter.internal.log_records import LogRecords
from nv_one_logger.otel.exporter.internal.recording import LogOutput, Recording, nanoseconds


def make_recording(records: list[Any]) -> Recording:
    ids = SpanIds()
    tracer = TracerProvider(id_generator=ids, shutdown_on_exit=False).get_tracer("test")
    logs = LogOutput(LogRecords(Resource({}), "test", None), records.append)
    return Recording(tracer, ids, is_sent=True, has_markers=False, logs=logs, known=OrderedDict())


def test_starts_are_logged_once_they_are_due() -> None:
    records: list[Any] = []
    recording = make_recording(records)
    span = Span.create("train")
    recording.start(span)
    recording.log_starts(is_everything=False)
    assert records == []
    assert recording.has_unlogged_starts is True
    recording.log_starts(is_everything=True)
    recording.log_starts(is_everything=True)
    assert [record.log_record.event_name for record in records] == ["span_start"]
    assert bool(recording.has_unlogged_starts) is False
    assert recording.end_open_spans() == [span]
    assert recording.end_open_spans() == []


def test_nanoseconds_are_truncated() -> None:
    assert nanoseconds(TracingTimestamp(1.0000000019, 0.0)) == 1_000_000_001
