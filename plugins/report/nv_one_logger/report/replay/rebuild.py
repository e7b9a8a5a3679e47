"""Turns records back into the objects that exporters take: spans, events and errors with their ids and times."""

from __future__ import annotations

import json
import math
import uuid
from collections import OrderedDict
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple, cast

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, StandardEventName, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.reader import ProcessKey, Record
from nv_one_logger.reader.record import duration_of
from nv_one_logger.report.store.values import micros

__all__ = [
    "KnownSpans",
    "UnusableRecordError",
    "rebuild_error",
    "rebuild_event",
    "rebuild_telemetry_error",
    "timestamp",
]

# An asynchronous checkpoint may succeed, and a child begin, when its span has ended; so many are remembered.
_REMEMBERED = 4096
_STAMP = "timestamp_msec"


class UnusableRecordError(OneLoggerError):
    """A record from which nothing can be rebuilt; the message is the reason."""


class _Key(NamedTuple):
    process: ProcessKey
    span_id: str


class KnownSpans:
    """The spans of all processes that are open, and those that ended last."""

    def __init__(self) -> None:
        self._open: Dict[_Key, Span] = {}
        self._ended: OrderedDict[_Key, Span] = OrderedDict()

    @property
    def open_count(self) -> int:
        """How many have begun and not ended."""
        return len(self._open)

    def open_in(self, process: ProcessKey) -> List[Span]:
        """Return the open spans of one process, in order of their start."""
        return [span for key, span in self._open.items() if key.process == process]

    def find(self, record: Record) -> Span:
        """Return the span that a record is attached to.

        Raises:
            UnusableRecordError: Its start is not in the files.
        """
        key = _Key(record.process, record.span_id or "")
        span = self._open.get(key) or self._ended.get(key)
        if span is None:
            raise UnusableRecordError("its span is not in the files")
        return span

    def begin(self, record: Record) -> Span:
        """Return the span that a ``start`` or ``complete`` record begins, running.

        Raises:
            UnusableRecordError: The record has no id or no time, or its span is open already or has ended.
        """
        span_id, start = record.span_id, record.start_msec
        if not span_id:
            raise UnusableRecordError("it names no span")
        key = _Key(record.process, span_id)
        if key in self._open or key in self._ended:
            raise UnusableRecordError("its span was started before")
        span = self._make(record, start, record.attributes)
        self._open[key] = span
        return span

    def end(self, record: Record) -> Tuple[Span, bool]:
        """Return the span that a ``stop`` or ``complete`` record ends, stopped, and whether it was open before.

        A stop whose start was lost gives a span that begins where its duration says.

        Raises:
            UnusableRecordError: The record has no id or no time, or its span has ended already.
        """
        key = _Key(record.process, record.span_id or "")
        if key in self._ended:
            raise UnusableRecordError("its span was stopped before")
        stop = record.stop_msec
        if stop is None or micros(stop) is None:
            raise UnusableRecordError("it has no time")
        span = self._open.pop(key, None)
        was_open = span is not None
        if span is None:
            duration = duration_of(record.attributes)
            if not key.span_id or duration is None or not 0 <= duration <= stop:
                raise UnusableRecordError("its start is not in the files")
            span = self._make(record, stop - round(duration), {})
        _stop(span, record, stop)
        self._ended[key] = span
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        return span, was_open

    def _make(self, record: Record, start_msec: Optional[int], attributes: Mapping[str, object]) -> Span:
        if micros(start_msec) is None:
            raise UnusableRecordError("it has no time")
        at = timestamp(cast(int, start_msec))
        start_event = Event(StandardEventName.SPAN_START, at, _event_attributes(record.data.get("start_event")))
        values = {name: value for name, value in attributes.items() if name != "duration_msec"}
        return Span(
            id=_identity(record.span_id or ""),
            name=record.name,
            start_event=start_event,
            parent_span=self._parent(record, at),
            span_attributes=usable_attributes(values),
        )

    def _parent(self, record: Record, at: TracingTimestamp) -> Optional[Span]:
        if record.parent_id is None:
            return None
        key = _Key(record.process, record.parent_id)
        known = self._open.get(key) or self._ended.get(key)
        if known is not None:
            return known
        # Another process's, or lost: exporters need its id only.
        return Span(_identity(record.parent_id), "", Event(StandardEventName.SPAN_START, at))


def rebuild_event(record: Record) -> Event:
    """Return the event of an ``event`` record.

    Raises:
        UnusableRecordError: It has no name or no time.
    """
    event = record.event
    if not event.name:
        raise UnusableRecordError("it has no name")
    return Event(event.name, _time_of(record), _own(event.attributes))


def rebuild_error(record: Record) -> ErrorEvent:
    """Return the error of an ``application_error`` record.

    Raises:
        UnusableRecordError: It has no time.
    """
    attributes = dict(record.event.attributes)
    known: Dict[str, Any] = {
        name: attributes[name]
        for name in ("exception_type", "exception_message", "exception_traceback")
        if isinstance(attributes.get(name), str)
    }
    if known.get("exception_type"):
        known.setdefault("exception_message", "")
    # "" and not None: nothing is to be looked up here and now.
    known.setdefault("exception_traceback", "")
    return ErrorEvent(_time_of(record), str(attributes.get("error_message", "")), attributes=_own(attributes), **known)


def rebuild_telemetry_error(record: Record) -> TelemetryDataError:
    """Return the error of a ``telemetry_data_error`` record; one of unknown kind counts as incomplete data.

    Raises:
        UnusableRecordError: It has no time.
    """
    attributes = record.event.attributes
    kinds = {str(kind): kind for kind in TelemetryDataError.ErrorType}
    incomplete = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
    kind = kinds.get(str(attributes.get("telemetry_data_error_type")), incomplete)
    return TelemetryDataError(_time_of(record), kind, str(attributes.get("error_message", "")), _own(attributes))


def timestamp(msec: int) -> TracingTimestamp:
    """Return the timestamp of a moment whose whole milliseconds are exactly ``msec``."""
    seconds = msec / 1000
    if int(seconds * 1000) != msec:  # cut off by the rounding of floats
        seconds = math.nextafter(seconds, math.inf)
    return TracingTimestamp(seconds, msec / 1000)


def usable_attributes(values: Mapping[str, object]) -> Attributes:
    """Return attributes; what the library would refuse, lists of several types, as JSON text."""
    attributes = Attributes()
    for name, value in values.items():
        try:
            attributes.add(name, cast(Any, value))
        except OneLoggerError:
            attributes.add(name, json.dumps(value))
    return attributes


def _stop(span: Span, record: Record, stop_msec: int) -> None:
    known = span.attributes.to_json()
    changed = {
        name: value
        for name, value in record.attributes.items()
        if name != "duration_msec" and (name not in known or known[name] != value or type(known[name]) != type(value))  # noqa: E721
    }
    if changed:
        span.add_attributes(usable_attributes(changed))
    duration = duration_of(record.attributes)
    begun = span.start_time.milliseconds_since_epoch
    length = duration if duration is not None and duration >= 0 else max(0, stop_msec - begun)
    at = timestamp(stop_msec)
    # Half a millisecond more, so that cutting off gives the recorded duration back, whatever floats round to.
    at = TracingTimestamp(at.seconds_since_epoch, span.start_time.perf_counter_seconds + (int(length) + 0.5) / 1000)
    span.stop(_event_attributes(record.data.get("stop_event")), at)


def _event_attributes(event: object) -> Optional[Attributes]:
    """Return what an event says beside its time, ``None`` if nothing: then the span builds the event by itself."""
    attributes = event.get("attributes") if isinstance(event, dict) else None
    values = _without_stamp(attributes) if isinstance(attributes, dict) else {}
    return usable_attributes(values) if values else None


def _own(attributes: Mapping[str, object]) -> Attributes:
    return usable_attributes(_without_stamp(attributes))


def _without_stamp(attributes: Mapping[str, object]) -> Dict[str, object]:
    return {name: value for name, value in attributes.items() if name != _STAMP}


def _time_of(record: Record) -> TracingTimestamp:
    msec = record.event.timestamp_msec
    if msec is None or micros(msec) is None:
        raise UnusableRecordError("it has no time")
    return timestamp(msec)


def _identity(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:  # an identity that somebody else gave; it stays as it is
        return cast(uuid.UUID, text)
