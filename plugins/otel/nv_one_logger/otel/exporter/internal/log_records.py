"""Log records of OpenTelemetry that belong to a span: they arrive at once, those of a span when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, SpanContext, set_span_in_context

__all__ = ["LogRecords"]


class LogRecords:
    """Makes log records of one resource.

    Args:
        resource: Who sends.
        scope: Name of the instrumentation scope.
        max_value_length: Longest text of an attribute; longer ones are cut.
    """

    def __init__(self, resource: Resource, scope: str, max_value_length: int | None) -> None:
        self._resource = resource
        self._scope = InstrumentationScope(scope, "")
        self._max_value_length = max_value_length

    def make(
        self,
        event_name: str,
        time_ns: int,
        body: str,
        attributes: Mapping[str, Any],
        span: SpanContext | None,
        *,
        is_error: bool = False,
    ) -> ReadableLogRecord:
        """Return one record.

        Args:
            event_name: What kind of event it is.
            time_ns: When it happened, nanoseconds since the epoch.
            body: What people read.
            attributes: Values that OTLP can say.
            span: The span it belongs to. Never the ambient one, which is the application's own.
            is_error: Whether it is an ERROR rather than an INFO.
        """
        context = set_span_in_context(NonRecordingSpan(span or INVALID_SPAN_CONTEXT), Context())
        record = LogRecord(
            timestamp=time_ns,
            observed_timestamp=time_ns,
            context=context,
            severity_text="ERROR" if is_error else "INFO",
            severity_number=SeverityNumber.ERROR if is_error else SeverityNumber.INFO,
            body=body,
            attributes=BoundedAttributes(
                attributes=attributes, max_value_len=self._max_value_length, extended_attributes=True
            ),
            event_name=event_name,
        )
        return ReadableLogRecord(record, self._resource, self._scope)
