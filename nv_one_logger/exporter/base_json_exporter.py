"""Turns spans and events into records, JSON-compatible dicts, and numbers them."""

from __future__ import annotations

import logging
import os
import threading
from abc import abstractmethod
from typing import Any, Dict, List, Optional

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.fork import after_fork_in_child
from nv_one_logger.core.internal.log_limiter import LogLimiter
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import BaseExporter
from nv_one_logger.exporter.internal.record_type import RecordType

__all__ = ["BaseJsonExporter"]

_logger = logging.getLogger(__name__)
_log = LogLimiter(_logger)

_MAX_NAMED_SPANS = 10

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
        _raise_first(error)

    def export_start(self, span: Span) -> None:
        """Write the start that was pending until now, and hold back this one.

        Raises:
            ExportError: The pending start could not be written; this one is held back all the same.
        """
        self._check_ready()
        error = None
        with self._lock:
            if self._pending is not None:
                error = self._flush_pending()
            # What the record will show as attributes is what there is now, not what is added until it is written.
            self._pending_attributes = span.attributes_json() if span._updated_attributes else None
            self._pending = span
            self._open_spans[span] = None
        if error is not None:
            raise error

    def export_stop(self, span: Span) -> None:
        """Write a ``complete`` record if the span's own start is pending, else a ``stop`` record.

        Raises:
            OneLoggerError: The span has not been stopped.
            ExportError: A record could not be written.
        """
        self._check_ready()
        if span.stop_time is None:
            raise OneLoggerError(f"Span {span.name_str} has no stop event: it has not been stopped.")
        error = None
        with self._lock:
            self._open_spans.pop(span, None)
            if self._pending is span:
                self._pending = None
                record = _span_record(_COMPLETE, span, span.attributes_json())
                record["start_event"] = span.start_event_json()
            else:
                if self._pending is not None:
                    error = self._flush_pending()
                record = {"type": _STOP, "id": span.id_str, "name": span.name_str}
                attributes = span.attributes_json()
                if attributes:
                    record["attributes"] = attributes
            record["stop_event"] = span.stop_event_json()
            self._number_and_write(record)
        if error is not None:
            raise error

    def export_event(self, event: Event, span: Span) -> None:
        """Write the pending start, then an ``event`` record.

        Raises:
            ExportError: A record could not be written.
        """
        self._check_ready()
        self._export_on_span(_EVENT, event, span)

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        """Write the pending start, then an ``application_error`` record.

        Raises:
            ExportError: A record could not be written.
        """
        self._check_ready()
        self._export_on_span(_APPLICATION_ERROR, event, span)

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        """Write the pending start, then a ``telemetry_data_error`` record.

        Raises:
            ExportError: A record could not be written.
        """
        self._check_ready()
        self._write_after_pending({"type": _TELEMETRY_DATA_ERROR, "error": _event_json(error)})

    def close(self) -> None:
        """Write the pending start, name in one warning the spans that were never stopped, and mark it closed.

        Raises:
            ExportError: The pending start could not be written; the exporter is closed all the same.
        """
        with self._lock:
            error = self._flush_pending()
            self._warn_about_open_spans()
            self._open_spans.clear()
            super().close()
        _raise_first(error)

    def _export_on_span(self, record_type: str, event: Event, span: Span) -> None:
        self._write_after_pending({"type": record_type, "span_id": span.id_str, "event": _event_json(event)})

    def _write_after_pending(self, record: Dict[str, Any]) -> None:
        error = None
        with self._lock:
            if self._pending is not None:
                error = self._flush_pending()
            self._number_and_write(record)
        if error is not None:
            raise error

    def _flush_pending(self) -> Optional[Exception]:
        """Write the pending start, if any. Returns the error instead of raising: what follows must be tried too."""
        span = self._pending
        if span is None:
            return None
        # Cleared first: a record that cannot be written must not stand in the way of all later ones.
        self._pending = None
        attributes = self._pending_attributes
        try:
            record = _span_record(_START, span, span.initial_attributes_json() if attributes is None else attributes)
            record["start_event"] = span.start_event_json()
            self._number_and_write(record)
        except Exception as error:
            return error
        return None

    def _number_and_write(self, record: Dict[str, Any]) -> None:
        # Counted before the attempt, so that a lost record shows as a gap.
        self._count = record["count"] = self._count + 1
        record["pid"] = self._pid
        try:
            self._write(record)
        except Exception as error:
            _log.error(
                (id(self), type(error)),
                "%s could not write record %d (%s): %s",
                type(self).__name__,
                self._count,
                record["type"],
                error,
            )
            raise

    def _warn_about_open_spans(self) -> None:
        if not self._open_spans:
            return
        names: List[str] = [span.name_str for span in self._open_spans]
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


def _span_record(record_type: str, span: Span, attributes: Dict[str, Any]) -> Dict[str, Any]:
    record: Dict[str, Any] = {"type": record_type, "id": span.id_str}
    if span.parent_span is not None:
        parent = span.exported_parent
        if parent is not None:
            record["parent_id"] = parent.id_str
    record["name"] = span.name_str
    if attributes:
        record["attributes"] = attributes
    return record


def _event_json(event: Event) -> Dict[str, Any]:
    return {"name": event.name_str, "attributes": event.attributes.to_json()}


def _raise_first(error: Optional[Exception]) -> None:
    if error is not None:
        raise error
