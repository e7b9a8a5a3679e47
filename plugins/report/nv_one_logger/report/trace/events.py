"""Turns the records of one process into events of the Trace Event Format.

The format is described in "Trace Event Format" (Google, 2016), which Perfetto and Chrome read: ``X`` is a whole span,
``B`` one that never ended, ``i`` a moment, ``C`` a number over time, ``M`` a name. Times are microseconds.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Dict, Iterator, Mapping, Optional, Sequence

from nv_one_logger.reader import Record, SpanNode
from nv_one_logger.reader.record import APPLICATION_ERROR, EVENT, TELEMETRY_DATA_ERROR
from nv_one_logger.report.store.values import fraction, micros, text
from nv_one_logger.report.trace.lanes import Lanes, Placed

__all__ = ["ProcessTrack", "TraceCounts", "TraceEvent"]

TraceEvent = Dict[str, object]

_LONGEST_TEXT = 2000
_COUNTED = re.compile(r"latest_loss|(?:train|interval)_throughput_per_gpu|metric_.+_(?:last|mean)|avg_\w+_per_second")
_MEASURING = frozenset(["training_metrics_update", "validation_metrics_update", "testing_metrics_update"])


@dataclass
class TraceCounts:
    """How many of what was written.

    Attributes:
        spans: Spans that ended.
        open_spans: Spans that did not.
        moments: Events.
        errors: Errors of the application and of the telemetry.
        numbers: Values of loss, throughput and the like.
        untimed: Spans and events without a usable time, which no trace can show.
    """

    spans: int = 0
    open_spans: int = 0
    moments: int = 0
    errors: int = 0
    numbers: int = 0
    untimed: int = 0


@dataclass
class ProcessTrack:
    """One process of the trace.

    Attributes:
        number: What the trace calls it; process ids of several machines may be equal.
        base: Where the trace begins, microseconds since the epoch.
        shift: What to add to the times of this process, microseconds.
        counts: Counts what is written.
    """

    number: int
    base: int
    shift: int
    counts: TraceCounts
    _lanes: Lanes = field(default_factory=Lanes)
    _named_lanes: int = 0

    def take(self, record: Record, opened: Optional[SpanNode], ended: Sequence[SpanNode]) -> Iterator[TraceEvent]:
        """Return the events that a record makes.

        Args:
            record: The record.
            opened: The span that it opens, if any.
            ended: The spans that it ends.
        """
        if record.type == EVENT:
            yield from self._moment(record)
        elif record.type in (APPLICATION_ERROR, TELEMETRY_DATA_ERROR):
            yield from self._error(record)
        if opened is not None:
            self._begin(opened)
        for node in ended:
            yield from self._end(node)
        yield from self._new_lanes()

    def leave_open(self, node: SpanNode) -> Iterator[TraceEvent]:
        """Return the event of a span that never ended."""
        self._begin(node)
        start = self._lanes.start_of(node.id)
        if start is None:
            self.counts.untimed += 1
            return
        self.counts.open_spans += 1
        yield self._event("B", node.name, "span", start, self._lanes.lane_of(node.id), _arguments(node.attributes))
        yield from self._new_lanes()

    def nanoseconds(self, msec: Optional[int]) -> Optional[int]:
        """Return a moment of a record as nanoseconds since the trace's beginning, on the common clock."""
        moment = micros(msec)
        return None if moment is None else (moment + self.shift - self.base) * 1000

    def _begin(self, node: SpanNode) -> None:
        start = self.nanoseconds(node.start_msec)
        if start is not None:
            self._lanes.begin(node.id, node.parent_id, start)

    def _end(self, node: SpanNode) -> Iterator[TraceEvent]:
        stop = self.nanoseconds(node.stop_msec)
        self._begin(node)
        if stop is None or self._lanes.start_of(node.id) is None:
            self.counts.untimed += 1
            return
        placed: Placed = self._lanes.end(node.id, stop)
        self.counts.spans += 1
        event = self._event("X", node.name, "span", placed.start, placed.lane, _arguments(node.attributes))
        yield {**event, "dur": (placed.stop - placed.start) / 1000}

    def _moment(self, record: Record) -> Iterator[TraceEvent]:
        event = record.event
        at = self.nanoseconds(event.timestamp_msec)
        if at is None:
            self.counts.untimed += 1
            return
        self.counts.moments += 1
        lane = self._lanes.lane_of(record.span_id)
        yield {**self._event("i", event.name, "event", at, lane, _arguments(event.attributes)), "s": "t"}
        if event.name in _MEASURING:
            yield from self._numbers(event.attributes, at)

    def _numbers(self, attributes: Mapping[str, object], at: int) -> Iterator[TraceEvent]:
        for name, value in attributes.items():
            number = fraction(value) if _COUNTED.fullmatch(name) else None
            if number is not None:
                self.counts.numbers += 1
                yield self._event("C", name, "number", at, 0, {"value": number})

    def _error(self, record: Record) -> Iterator[TraceEvent]:
        event = record.event
        at = self.nanoseconds(event.timestamp_msec)
        if at is None:
            self.counts.untimed += 1
            return
        self.counts.errors += 1
        attributes = event.attributes
        kind = text(attributes.get("exception_type")) or text(attributes.get("telemetry_data_error_type"))
        lane = self._lanes.lane_of(record.span_id)
        name = f"error: {kind or event.name or record.type}"
        yield {**self._event("i", name, "error", at, lane, _arguments(attributes)), "s": "p"}

    def _new_lanes(self) -> Iterator[TraceEvent]:
        while self._named_lanes < self._lanes.count:
            self._named_lanes += 1
            lane = self._named_lanes
            name = "spans" if lane == 1 else f"spans beside them, {lane - 1}"
            yield self.metadata("thread_name", {"name": name}, lane)
            yield self.metadata("thread_sort_index", {"sort_index": lane}, lane)

    def metadata(self, what: str, arguments: Mapping[str, object], lane: int = 0) -> TraceEvent:
        """Return an event that names something."""
        return {"name": what, "ph": "M", "ts": 0, "pid": self.number, "tid": lane, "args": dict(arguments)}

    def _event(
        self, phase: str, name: str, category: str, at: int, lane: int, arguments: Mapping[str, object]
    ) -> TraceEvent:
        return {
            "name": _short(name) or "(no name)",
            "cat": category,
            "ph": phase,
            "ts": at / 1000,
            "pid": self.number,
            "tid": lane,
            "args": dict(arguments),
        }


def _arguments(attributes: Mapping[str, object]) -> Mapping[str, object]:
    """Return attributes as viewers can show them: no endless texts, no number that JSON or a double cannot hold."""
    return {_short(name): _shown(value) for name, value in attributes.items() if name != "timestamp_msec"}


def _shown(value: object) -> object:
    if isinstance(value, str):
        return _short(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else _short(str(value)) if abs(value) < 10**300 else "a huge integer"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _short(json.dumps(value))


def _short(text_: str) -> str:
    shown = text_ if len(text_) <= _LONGEST_TEXT else text_[:_LONGEST_TEXT] + "..."
    return shown.encode("utf-8", "replace").decode("utf-8")  # viewers refuse lone surrogates
