"""What the spans took and what went wrong, added up while the records stream by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Optional, Union

from nv_one_logger.reader.histogram import DurationHistogram
from nv_one_logger.reader.record import (
    APPLICATION_ERROR,
    EVENT,
    KNOWN_TYPES,
    START,
    STOP,
    TELEMETRY_DATA_ERROR,
    ProcessKey,
    Record,
)
from nv_one_logger.reader.spans import SpanNode, SpanTracker

__all__ = ["OTHER_ERRORS", "ErrorKind", "RunSummary", "SpanStats"]


class ErrorKind(NamedTuple):
    """What makes two errors the same kind.

    Attributes:
        type: The record type, ``application_error`` or ``telemetry_data_error``.
        name: The exception's type, or the telemetry error's; else the error event's name.
        message: The error message.
    """

    type: str
    name: str
    message: str


# Messages often hold numbers, so the kinds of errors of a long run need a limit.
_MAX_ERROR_KINDS = 100
OTHER_ERRORS = ErrorKind("", "", "other errors")


@dataclass
class SpanStats:
    """All spans of one name.

    Attributes:
        name: The name.
        count: Spans that ended.
        open: Spans that did not.
        total_msec: Sum of the durations (milliseconds).
        slowest: The slowest span that ended, without its events and children.
        durations: The durations, for any quantile.
    """

    name: str
    count: int = 0
    open: int = 0
    total_msec: float = 0
    slowest: Optional[SpanNode] = None
    durations: DurationHistogram = field(default_factory=DurationHistogram)

    @property
    def median_msec(self) -> Optional[float]:
        """The middle duration (milliseconds); ``None`` when no span ended."""
        return self.durations.quantile(0.5)

    @property
    def slowest_msec(self) -> Optional[Union[int, float]]:
        """The longest duration (milliseconds); ``None`` when no span ended."""
        return self.slowest.duration_msec if self.slowest is not None else None

    def add(self, node: SpanNode) -> None:
        """Count one span."""
        if node.is_open:
            self.open += 1
            return
        self.count += 1
        duration = node.duration_msec
        if duration is None:
            return
        self.total_msec += duration
        self.durations.add(duration)
        slowest = self.slowest_msec
        if slowest is None or duration > slowest:
            self.slowest = node


class RunSummary:
    """Adds records up; memory is bounded by the open spans and the number of different names.

    Attributes:
        records: Records taken.
        processes: Records by process, in order of appearance.
        spans: By span name, in order of the first end. Spans still open are added by :meth:`finish`.
        events: Number of events by name.
        errors: Number of application and telemetry errors by kind; beyond 100 kinds under ``OTHER_ERRORS``.
        unknown_types: Number of records by type, of types this version does not know.
        first_msec: Earliest moment in any record, milliseconds since the epoch; ``None`` before the first.
        last_msec: Latest moment.

    Example:
        >>> summary = RunSummary()
        >>> for record in RecordReader(["run.jsonl"]):
        ...     summary.add(record)
        >>> summary.finish()
        >>> summary.spans["training_loop"].total_msec
    """

    def __init__(self) -> None:
        self.records = 0
        self.processes: Dict[ProcessKey, int] = {}
        self.spans: Dict[str, SpanStats] = {}
        self.events: Dict[str, int] = {}
        self.errors: Dict[ErrorKind, int] = {}
        self.unknown_types: Dict[str, int] = {}
        self.first_msec: Optional[int] = None
        self.last_msec: Optional[int] = None
        self._tracker = SpanTracker()

    def add(self, record: Record) -> None:
        """Take one record."""
        self.records += 1
        self.processes[record.process] = self.processes.get(record.process, 0) + 1
        kind = record.type
        if kind not in (START, STOP):  # whose one moment comes next
            self._widen(record.start_msec)
        self._widen(record.timestamp_msec)
        if kind == EVENT:
            name = record.event.name
            self.events[name] = self.events.get(name, 0) + 1
        elif kind in (APPLICATION_ERROR, TELEMETRY_DATA_ERROR):
            self._add_error(record)
        elif kind not in KNOWN_TYPES:
            self.unknown_types[kind] = self.unknown_types.get(kind, 0) + 1
        for node in self._tracker.add(record):
            self._add_span(node)

    def finish(self) -> List[SpanNode]:
        """Count the spans still open as open, and return them, per process in order of their start."""
        left = self._tracker.finish()
        for node in left:
            self._add_span(node)
        return left

    def _add_span(self, node: SpanNode) -> None:
        stats = self.spans.get(node.name)
        if stats is None:
            stats = self.spans[node.name] = SpanStats(node.name)
        stats.add(node)

    def _add_error(self, record: Record) -> None:
        event = record.event
        attributes = event.attributes
        name = attributes.get("exception_type") or attributes.get("telemetry_data_error_type") or event.name
        kind = ErrorKind(record.type, str(name), str(attributes.get("error_message", "")))
        if kind not in self.errors and len(self.errors) >= _MAX_ERROR_KINDS:
            kind = OTHER_ERRORS
        self.errors[kind] = self.errors.get(kind, 0) + 1

    def _widen(self, moment: Optional[int]) -> None:
        if moment is None:
            return
        if self.first_msec is None or moment < self.first_msec:
            self.first_msec = moment
        if self.last_msec is None or moment > self.last_msec:
            self.last_msec = moment
