"""Turns spans and events into records, JSON-compatible dicts, and numbers them."""

from __future__ import annotations

import logging
import os
import threading
import time
from abc import abstractmethod
from typing import Any, Callable, Dict, List, Optional

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.internal.fork import after_fork_in_child
from nv_one_logger.core.internal.log_limiter import LogLimiter, mark_logged
from nv_one_logger.core.internal.redaction import redacted
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import _READY, BaseExporter
from nv_one_logger.exporter.internal.hookimpl import hookimpl
from nv_one_logger.exporter.internal.pending_watch import PendingStartWatch
from nv_one_logger.exporter.internal.record_type import RecordType

__all__ = ["BaseJsonExporter"]

_logger = logging.getLogger(__name__)
_log = LogLimiter(_logger)

_MAX_NAMED_SPANS = 10
_PENDING_START_SEC = 1.0

_START = RecordType.START.value
_STOP = RecordType.STOP.value
_COMPLETE = RecordType.COMPLETE.value
_EVENT = RecordType.EVENT.value
_APPLICATION_ERROR = RecordType.APPLICATION_ERROR.value
_TELEMETRY_DATA_ERROR = RecordType.TELEMETRY_DATA_ERROR.value


class BaseJsonExporter(BaseExporter):
    """An exporter of records. A subclass implements :meth:`_write`, which gets one record after the other.

    The start of a span is held back (the *pending* start) until something else happens, so that a span with nothing
    in between becomes one ``complete`` record. Keys of a record: ``type``, ``id`` (of an event ``span_id``),
    ``parent_id`` (of a child: the nearest exported ancestor), ``name``, ``attributes`` (only when there are any),
    ``start_event``, ``stop_event``, ``event`` or ``error``, then ``count`` (1 for the first record of this exporter in
    this process; a number that is missing is a record that was lost) and ``pid``.

    Safe for many threads: one lock covers the pending start, the numbering and the writing.
    """

    def __init__(self) -> None:
        super().__init__()
        # Guards everything below, and calls of _write.
        self._lock = threading.RLock()
        self._pending: Optional[Span] = None
        self._pending_attributes: Optional[Dict[str, Any]] = None
        self._open_spans: Dict[Span, None] = {}
        self._count = 0
        self._pid = os.getpid()
        # A subclass that sets this has its pending start written after a second, from a thread of the watch.
        self._watch: Optional[PendingStartWatch] = None
        self._clock: Callable[[], float] = time.monotonic
        self._pending_since = 0.0
        self._failure_in_background: Optional[Exception] = None
        after_fork_in_child(self, "_renew_after_fork")

    @abstractmethod
    def _write(self, json_dict: Dict[str, Any]) -> None:
        """Write one finished record.

        Raises:
            ExportError: It could not be written. Its number is not used again.
        """

    def initialize(self) -> None:
        """Make the exporter ready; a start that is still pending is written first."""
        with self._lock:
            error = self._flush_pending()
            super().initialize()
        self._raise_first(error)

    def export_start(self, span: Span) -> None:
        """Write the start that was pending until now, and hold back this one.

        Raises:
            ExportError: The pending start could not be written; this one is held back all the same.
        """
        if self._state is not _READY:
            self._check_ready()
        error = None
        watch = self._watch
        with self._lock:
            if self._pending is not None:
                error = self._flush_pending()
            # What the record will show as attributes is what there is now, not what is added until it is written.
            self._pending_attributes = span.attributes_json() if span._updated_attributes else None
            self._pending = span
            self._open_spans[span] = None
            if watch is not None:
                self._pending_since = self._clock()
        if watch is not None and not watch.awake:
            watch.wake()
        if error is not None:
            self._raise_first(error)

    def export_stop(self, span: Span) -> None:
        """Write a ``complete`` record if the span's own start is pending, else a ``stop`` record.

        Raises:
            OneLoggerError: The span has not been stopped.
            ExportError: A record could not be written.
        """
        if self._state is not _READY:
            self._check_ready()
        error = None
        with self._lock:
            if self._pending is span and span._stop_time is not None:
                self._pending = None
                self._open_spans.pop(span, None)
                error = self._write_complete(span)
            else:
                record = _stop_record(span)
                if self._pending is not None:
                    error = self._flush_pending()
                self._open_spans.pop(span, None)
                error = self._number_and_write(record) or error
        if error is not None:
            self._raise_first(error)

    def export_event(self, event: Event, span: Span) -> None:
        """Write the pending start, then an ``event`` record.

        Raises:
            ExportError: A record could not be written.
        """
        if self._state is not _READY:
            self._check_ready()
        error = None
        with self._lock:
            if self._pending is not None:
                error = self._flush_pending()
            error = self._write_event(event, span) or error
        if error is not None:
            self._raise_first(error)

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        """Write the pending start, then an ``application_error`` record.

        Raises:
            ExportError: A record could not be written.
        """
        self._check_ready()
        self._write_after_pending(
            {"type": _APPLICATION_ERROR, "span_id": span.id_str, "event": _event_json(event)},
        )

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        """Write the pending start, then a ``telemetry_data_error`` record.

        Raises:
            ExportError: A record could not be written.
        """
        self._check_ready()
        self._write_after_pending({"type": _TELEMETRY_DATA_ERROR, "error": _event_json(error)})

    @hookimpl
    def flush(self, timeout_sec: float) -> None:
        """Write the pending start; all else was written at once. A subclass that buffers calls this first.

        Raises:
            ExportError: It could not be written.
        """
        with self._lock:
            error = self._flush_pending()
        self._raise_first(error)

    def close(self) -> None:
        """Write the pending start, name in one warning the spans that were never stopped, and mark it closed.

        Raises:
            ExportError: The pending start could not be written; the exporter is closed all the same.
        """
        with self._lock:
            error = self._flush_pending()
            names = [span.name_str for span in self._open_spans]
            self._open_spans.clear()
            super().close()
        if names:
            self._warn_about_open_spans(names)
        self._raise_first(error)

    def _write_after_pending(self, record: Dict[str, Any]) -> None:
        error = None
        with self._lock:
            if self._pending is not None:
                error = self._flush_pending()
            error = self._number_and_write(record) or error
        if error is not None:
            self._raise_first(error)

    def write_pending_start_if_due(self, now: float) -> Optional[float]:
        """Write the pending start if it has been pending for a second at ``now`` (monotonic seconds).

        Returns:
            Seconds until it is due, ``None`` when nothing is pending any more. A failure is raised by a later call, so
            that it is counted like any other.
        """
        with self._lock:
            if self._pending is None:
                return None
            remaining = self._pending_since + _PENDING_START_SEC - now
            if remaining > 0:
                return remaining
            self._failure_in_background = self._flush_pending()
        return None

    def _flush_pending(self) -> Optional[Exception]:
        """Write the pending start, if any. Returns the error instead of raising: what follows must be tried too."""
        span = self._pending
        if span is None:
            return None
        # Cleared first: a record that cannot be written must not stand in the way of all later ones.
        self._pending = None
        attributes = self._pending_attributes
        try:
            attributes = span.initial_attributes_json() if attributes is None else attributes
            return self._number_and_write(_start_record(span, attributes))
        except Exception as error:
            return error

    # A subclass that can make the lines of these two without the dict in between says so by overriding them.

    def _write_complete(self, span: Span) -> Optional[Exception]:
        return self._number_and_write(_complete_record(span))

    def _write_event(self, event: Event, span: Span) -> Optional[Exception]:
        return self._number_and_write({"type": _EVENT, "span_id": span.id_str, "event": _event_json(event)})

    def _number_and_write(self, record: Dict[str, Any]) -> Optional[Exception]:
        # Counted before the attempt, so that a lost record shows as a gap.
        self._count = record["count"] = self._count + 1
        record["pid"] = self._pid
        return self._write_or_error(self._write, record)

    def _write_or_error(self, write: Callable[[Any], None], content: Any) -> Optional[Exception]:
        """Write, and return the error if that fails, or if a start has failed that was due meanwhile."""
        try:
            write(content)
        except Exception as error:
            return error
        failure, self._failure_in_background = self._failure_in_background, None
        return failure

    def _raise_first(self, error: Optional[Exception]) -> None:
        """Log and raise an error, if there is one. To be called without the lock.

        A handler of the application may record telemetry itself: a thread that logs under the lock and one that
        records under the lock of the handler would wait for each other.
        """
        if error is None:
            return
        _log.error(
            (id(self), type(error)), "%s could not write a record: %s", type(self).__name__, redacted(str(error))
        )
        mark_logged(error)
        raise error

    def _warn_about_open_spans(self, names: List[str]) -> None:
        more = len(names) - _MAX_NAMED_SPANS
        _logger.warning(
            "%s is closed while %d span(s) were started and never stopped: %s%s",
            type(self).__name__,
            len(names),
            ", ".join(names[:_MAX_NAMED_SPANS]),
            f" and {more} more" if more > 0 else "",
        )

    def _renew_after_fork(self) -> None:
        """Start as a process of its own: what is pending or open is the parent's to finish."""
        self._lock = threading.RLock()
        self._pending = None
        self._open_spans = {}
        self._count = 0
        self._pid = os.getpid()
        self._failure_in_background = None


def _complete_record(span: Span) -> Dict[str, Any]:
    attributes, start_event, stop_event = span.complete_json()
    parent = None if span.parent_span is None else span.exported_parent
    if parent is None:
        # One literal for each shape: a third faster than adding the keys one by one.
        return {
            "type": _COMPLETE,
            "id": span.id_str,
            "name": span.name_str,
            "attributes": attributes,  # never empty: there is duration_msec
            "start_event": start_event,
            "stop_event": stop_event,
        }
    return {
        "type": _COMPLETE,
        "id": span.id_str,
        "parent_id": parent.id_str,
        "name": span.name_str,
        "attributes": attributes,
        "start_event": start_event,
        "stop_event": stop_event,
    }


def _stop_record(span: Span) -> Dict[str, Any]:
    stop_event = span.stop_event_json()
    return {
        "type": _STOP,
        "id": span.id_str,
        "name": span.name_str,
        "attributes": span.attributes_json(),
        "stop_event": stop_event,
    }


def _start_record(span: Span, attributes: Dict[str, Any]) -> Dict[str, Any]:
    record: Dict[str, Any] = {"type": _START, "id": span.id_str}
    parent = span.exported_parent
    if parent is not None:
        record["parent_id"] = parent.id_str
    record["name"] = span.name_str
    if attributes:
        record["attributes"] = attributes
    record["start_event"] = span.start_event_json()
    return record


def _event_json(event: Event) -> Dict[str, Any]:
    return {"name": event.name_str, "attributes": event.attributes_json()}
