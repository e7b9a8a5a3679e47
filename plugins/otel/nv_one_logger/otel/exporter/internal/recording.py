"""From our spans and events to those of OpenTelemetry, for one exporter that is ready."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.trace import SpanContext, Status, StatusCode

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.exporter.exporter import ExportError
from nv_one_logger.otel.exporter.internal.attributes import exported, sendable_text
from nv_one_logger.otel.exporter.internal.ids import SpanIds, span_id_of, trace_id_of
from nv_one_logger.otel.exporter.internal.log_records import LogRecords

__all__ = ["LogOutput", "Recording", "nanoseconds"]

SPAN_ID = "one_logger_span_id"
PARENT_ID = "one_logger_parent_id"
SPAN_NAME = "one_logger_span_name"
UNFINISHED = "one_logger_unfinished"

# So many spans are remembered after their end, for children that start later.
_MOST_KNOWN = 8192
# A span that ends sooner needs no log record of its start.
_START_DUE_SEC = 1.0


def nanoseconds(timestamp: TracingTimestamp) -> int:
    """Return the wall-clock time in nanoseconds since the epoch."""
    return int(timestamp.seconds_since_epoch * 1e9)


@dataclass(frozen=True)
class LogOutput:
    """Where log records go.

    Attributes:
        records: Makes them.
        put: Takes them.
    """

    records: LogRecords
    put: Callable[[ReadableLogRecord], None]


@dataclass
class _OpenSpan:
    span: Span
    otel_span: trace.Span
    attributes: Mapping[str, Any]
    started_at: float  # monotonic
    is_start_logged: bool = False

    @property
    def context(self) -> SpanContext:
        return self.otel_span.get_span_context()


class Recording:
    """Holds the open spans and turns what happens to them into spans and log records of OpenTelemetry.

    Not safe for threads; the exporter's lock guards it.

    Args:
        tracer: Starts spans. Its provider uses ``ids``.
        ids: The generator of ids.
        is_sent: Whether spans leave the process, see :func:`attributes.exported`.
        has_markers: Whether everything is sent at once as a zero-length span too.
        logs: Where log records go, if they do.
        known: Contexts of spans that a recording before this one exported, in the parent process or before a restart.
    """

    def __init__(
        self,
        tracer: trace.Tracer,
        ids: SpanIds,
        *,
        is_sent: bool,
        has_markers: bool,
        logs: LogOutput | None,
        known: OrderedDict[int, SpanContext],
    ) -> None:
        self._tracer = tracer
        self._ids = ids
        self._is_sent = is_sent
        self._has_markers = has_markers
        self._logs = logs
        self._known = known
        self._open: dict[int, _OpenSpan] = {}
        self._unlogged: dict[int, _OpenSpan] = {}  # spans whose start no log record tells yet

    @property
    def known(self) -> OrderedDict[int, SpanContext]:
        """Contexts of all spans that were started, the open ones and the latest others, by the id of ours."""
        return self._known

    @property
    def has_unlogged_starts(self) -> bool:
        """Whether :meth:`log_starts` will have something to do, now or later."""
        return bool(self._unlogged)

    # --- what happens ------------------------------------------------------------------------------------------------

    def start(self, span: Span) -> None:
        """Start a span. One that is open already goes on."""
        key = span.id.int
        if key in self._open:
            return
        event = span.start_event
        start_ns = nanoseconds(event.timestamp)
        parent, parent_id = self._parent_of(span)
        attributes = self._attributes(span.attributes_json())
        identity = self._attributes({SPAN_ID: key, PARENT_ID: parent_id})
        self._ids.use(trace_id_of(span) if parent is None else 0, span_id_of(span))
        try:
            otel_span = self._tracer.start_span(
                self._text(span.name_str),
                context=_within(parent),  # never the ambient context: that one is the application's
                attributes={**attributes, **identity},
                start_time=start_ns,
            )
        finally:
            self._ids.forget()
        opened = _OpenSpan(span, otel_span, {**identity, **attributes}, time.monotonic())
        self._open[key] = opened
        self._remember(key, opened.context)
        if self._logs is not None and otel_span.is_recording():
            self._unlogged[key] = opened
        self._mark_end(opened, event, f"span_start_event_for_{span.name_str}")

    def event(self, event: Event, span: Span) -> None:
        """Record an event.

        Raises:
            ExportError: The span is not open.
        """
        opened = self._opened(span)
        values = self._attributes(event.attributes_json())
        time_ns = nanoseconds(event.timestamp)
        if self._has_markers:
            self._mark(opened, f"{event.name_str}_event_for_{span.name_str}", time_ns, values)
        if self._has_markers or self._logs is None:
            opened.otel_span.add_event(self._text(event.name_str), values, time_ns)
        self._log(opened, event.name_str, time_ns, event.name_str, values)

    def error(self, event: ErrorEvent, span: Span) -> None:
        """Record an error of the application; the status of the span says so.

        Raises:
            ExportError: The span is not open.
        """
        opened = self._opened(span)
        values = self._attributes(event.attributes_json())
        time_ns = nanoseconds(event.timestamp)
        message = self._text(event.error_message)
        as_exception = {**_exception_attributes(values), **values}
        if self._has_markers:
            self._mark(opened, f"error_for_{span.name_str}", time_ns, values, message)
            opened.otel_span.add_event(event.name_str, values, time_ns)
        else:
            opened.otel_span.add_event("exception", as_exception, time_ns)
        opened.otel_span.set_status(Status(StatusCode.ERROR, message))
        self._log(opened, event.name_str, time_ns, message, as_exception, is_error=True)

    def stop(self, span: Span) -> None:
        """End a span, and forget it even if that fails.

        Raises:
            ExportError: The span is not open, or has not been stopped.
        """
        opened = self._opened(span)
        event = span.stop_event
        if event is None:
            raise ExportError(f"Span {span.name_str} ({span.id_str}) has no stop event: it has not been stopped.")
        stop_ns = nanoseconds(event.timestamp)
        try:
            opened.otel_span.set_attributes(self._attributes(span.attributes_json()))
            self._mark_end(opened, event, f"span_stop_event_for_{span.name_str}")
        finally:
            self._open.pop(span.id.int, None)
            self._unlogged.pop(span.id.int, None)
            opened.otel_span.end(stop_ns)

    def telemetry_data_error(self, error: TelemetryDataError) -> None:
        """Record a problem of the telemetry itself, which belongs to no span."""
        values = self._attributes(error.attributes_json())
        time_ns = nanoseconds(error.timestamp)
        message = self._text(error.error_message)
        if self._logs is not None:
            self._logs.put(self._logs.records.make(error.name_str, time_ns, message, values, None, is_error=True))
        if self._logs is None or self._has_markers:
            name = "span_for_telemetry_data_error"
            marker = self._tracer.start_span(name, context=Context(), start_time=time_ns)
            marker.add_event(error.name_str, values, time_ns)
            marker.set_status(Status(StatusCode.ERROR, message))
            marker.end(time_ns)

    def log_starts(self, *, is_everything: bool) -> None:
        """Send log records of the starts of open spans: of all, or of those that have been open for a while."""
        due = time.monotonic() - _START_DUE_SEC
        for opened in list(self._unlogged.values()):
            if not is_everything and opened.started_at > due:
                return  # the others are younger
            self._log_start(opened)

    def end_open_spans(self) -> list[Span]:
        """End spans that nobody stopped, as what is never ended is never sent; return them, in order of their start."""
        left = list(self._open.values())
        now_ns = time.time_ns()
        for opened in reversed(left):  # children first, as they would have been
            opened.otel_span.set_attributes(self._attributes(opened.span.attributes_json()))
            opened.otel_span.set_attribute(UNFINISHED, True)
            opened.otel_span.end(now_ns)
        self._open.clear()
        self._unlogged.clear()
        return [opened.span for opened in left]

    # --- details -----------------------------------------------------------------------------------------------------

    def _opened(self, span: Span) -> _OpenSpan:
        opened = self._open.get(span.id.int)
        if opened is None:
            raise ExportError(
                f"Cannot find the span {span.name_str} ({span.id_str}). Its start was not exported, or it has ended."
            )
        return opened

    def _parent_of(self, span: Span) -> tuple[SpanContext | None, str | None]:
        """Return the nearest known ancestor, and the id of the parent by our own reckoning if that is another one."""
        ancestor = span.exported_parent
        parent_id = ancestor.id_str if ancestor is not None else None
        if span.parent_span is None and span.parent_id_str is not None:  # read back from a record
            parent_id = span.parent_id_str
            context = self._known.get(_uuid_number(parent_id))
            return context, None if context is not None else parent_id
        is_nearest = True
        while ancestor is not None:
            context = self._known.get(ancestor.id.int)
            if context is not None:
                return context, None if is_nearest else parent_id
            ancestor, is_nearest = ancestor.exported_parent, False
        return None, parent_id

    def _remember(self, key: int, context: SpanContext) -> None:
        if not context.is_valid:  # OTEL_SDK_DISABLED
            return
        self._known[key] = context
        while len(self._known) > _MOST_KNOWN + len(self._open):
            oldest, its_context = self._known.popitem(last=False)
            if oldest in self._open:
                self._known[oldest] = its_context

    def _mark_end(self, opened: _OpenSpan, event: Event, marker_name: str) -> None:
        """Record the first or the last event of a span; without markers only if it says more than the time."""
        values = self._attributes(event.attributes_json())
        time_ns = nanoseconds(event.timestamp)
        if self._has_markers:
            self._mark(opened, marker_name, time_ns, values)
        if self._has_markers or len(values) > 1:
            opened.otel_span.add_event(event.name_str, values, time_ns)

    def _mark(
        self, opened: _OpenSpan, name: str, time_ns: int, values: Mapping[str, Any], error: str | None = None
    ) -> None:
        marker = self._tracer.start_span(
            self._text(name), context=_within(opened.context), attributes=values, start_time=time_ns
        )
        if error is not None:
            marker.set_status(Status(StatusCode.ERROR, error))
        marker.end(time_ns)

    def _log(
        self,
        opened: _OpenSpan,
        event_name: str,
        time_ns: int,
        body: str,
        values: Mapping[str, Any],
        *,
        is_error: bool = False,
    ) -> None:
        if self._logs is None or not opened.otel_span.is_recording():
            return
        self._log_start(opened)  # first things first
        described = {**values, **self._attributes({SPAN_ID: opened.span.id.int, SPAN_NAME: opened.span.name_str})}
        record = self._logs.records.make(
            self._text(event_name), time_ns, self._text(body), described, opened.context, is_error=is_error
        )
        self._logs.put(record)

    def _log_start(self, opened: _OpenSpan) -> None:
        if self._logs is None or self._unlogged.pop(opened.span.id.int, None) is None:
            return
        event = opened.span.start_event
        own = self._attributes({**event.attributes_json(), SPAN_NAME: opened.span.name_str})
        time_ns, name = nanoseconds(event.timestamp), self._text(opened.span.name_str)
        values = {**opened.attributes, **own}
        self._logs.put(self._logs.records.make("span_start", time_ns, name, values, opened.context))

    def _attributes(self, values: Mapping[Any, object]) -> dict[str, Any]:
        return exported(values, is_sent=self._is_sent)

    def _text(self, text: str) -> str:
        return sendable_text(text) if self._is_sent else text


def _within(parent: SpanContext | None) -> Context:
    if parent is None:
        return Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _exception_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what OpenTelemetry's semantic conventions call the parts of an exception."""
    found = {
        "exception.type": values.get("exception_type"),
        "exception.message": values.get("exception_message", values.get("error_message")),
        "exception.stacktrace": values.get("exception_traceback"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _uuid_number(text: str) -> int:
    try:
        return UUID(text).int
    except ValueError:
        return -1
