from __future__ import annotations

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext, TraceFlags

from nv_one_logger.otel.exporter.internal.log_records import LogRecords


def test_record_belongs_to_its_span_and_never_to_the_ambient_one() -> None:
    records = LogRecords(Resource({}), "scope", 5)
    span = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with TracerProvider(shutdown_on_exit=False).get_tracer("application").start_as_current_span("ambient"):
        with_span = records.make("event", 7, "body", {"long": "123456"}, span).log_record
        without = records.make("event", 7, "body", {}, None, is_error=True).log_record
    assert (with_span.trace_id, with_span.span_id, with_span.trace_flags) == (1, 2, 1)
    assert (without.trace_id, without.span_id) == (0, 0)
    assert (with_span.severity_text, without.severity_text) == ("INFO", "ERROR")
    assert dict(with_span.attributes or {}) == {"long": "12345"}
