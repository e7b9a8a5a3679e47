"""An exporter that keeps what it is given, for tests to look at."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span, SpanName
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter

__all__ = ["RecordedCall", "RecordingExporter"]


class RecordedCall(NamedTuple):
    """One call of an ``export_*`` method."""

    method: str
    """``"start"``, ``"stop"``, ``"event"``, ``"error"`` or ``"telemetry_data_error"``."""
    name: str
    """Name of the span for a start or a stop, else of the event."""
    span: Optional[Span]
    event: Optional[Event]


class RecordingExporter(BaseJsonExporter):
    """Keeps every call, in order, and the records that a ``FileExporter`` would have written. Safe for many threads.

    The spans and events are the application's own objects, not copies. What was recorded stays readable after
    ``close()``.

    Example:
        >>> exporter = RecordingExporter()
        >>> exporter.initialize()
        >>> exporter.export_start(Span.create("load"))
        >>> exporter.names()
        ['load']
    """

    def __init__(self) -> None:
        super().__init__()
        # Guarded by the lock of the base class, which covers the order of calls and records alike.
        self._calls: List[RecordedCall] = []
        self._records: List[Dict[str, Any]] = []

    # --- what was recorded -------------------------------------------------------------------------------------------

    @property
    def calls(self) -> List[RecordedCall]:
        """All calls so far."""
        with self._lock:
            return list(self._calls)

    @property
    def records(self) -> List[Dict[str, Any]]:
        """The records so far, with the start that is still held back, if there is one."""
        with self._lock:
            self.flush(0.0)
            return [dict(record) for record in self._records]

    def names(self, method: Optional[str] = None) -> List[str]:
        """Return the names of spans and events in the order of the calls, of all methods or of one."""
        return [call.name for call in self.calls if method in (None, call.method)]

    def spans(self, name: Optional[SpanName] = None) -> List[Span]:
        """Return the spans that were started, in order, all or those of a name."""
        started = (call.span for call in self.calls if call.method == "start" and call.span is not None)
        return [span for span in started if name is None or name in (span.name, span.name_str)]

    def span(self, name: SpanName) -> Span:
        """Return the one span of a name.

        Raises:
            AssertionError: There is none, or more than one; the message names those that there are.
        """
        found = self.spans(name)
        if len(found) != 1:
            raise AssertionError(f"Expected one span {name!r}, found {len(found)}. Started: {self.names('start')}.")
        return found[0]

    def events(self, name: Optional[str] = None) -> List[Event]:
        """Return the events, errors among them, in order, all or those of a name."""
        events = [call.event for call in self.calls if call.method in ("event", "error") and call.event is not None]
        return [event for event in events if name in (None, event.name_str)]

    @property
    def errors(self) -> List[ErrorEvent]:
        """The errors of the application, in order."""
        return [event for event in self.events() if isinstance(event, ErrorEvent)]

    @property
    def telemetry_data_errors(self) -> List[TelemetryDataError]:
        """The problems of the telemetry itself, in order."""
        return [call.event for call in self.calls if isinstance(call.event, TelemetryDataError)]

    def clear(self) -> None:
        """Forget what was recorded; spans that are open stay open."""
        with self._lock:
            self.flush(0.0)
            self._calls.clear()
            self._records.clear()

    # --- the exporter ------------------------------------------------------------------------------------------------

    def export_start(self, span: Span) -> None:
        """Keep the start of a span."""
        with self._lock:
            super().export_start(span)
            self._calls.append(RecordedCall("start", span.name_str, span, None))

    def export_stop(self, span: Span) -> None:
        """Keep the stop of a span."""
        with self._lock:
            super().export_stop(span)
            self._calls.append(RecordedCall("stop", span.name_str, span, None))

    def export_event(self, event: Event, span: Span) -> None:
        """Keep an event."""
        with self._lock:
            super().export_event(event, span)
            self._calls.append(RecordedCall("event", event.name_str, span, event))

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        """Keep an error of the application."""
        with self._lock:
            super().export_error(event, span)
            self._calls.append(RecordedCall("error", event.name_str, span, event))

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        """Keep a problem of the telemetry itself."""
        with self._lock:
            super().export_telemetry_data_error(error)
            self._calls.append(RecordedCall("telemetry_data_error", error.name_str, None, error))

    def _write(self, json_dict: Dict[str, Any]) -> None:
        self._records.append(json_dict)
