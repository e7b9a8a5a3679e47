"""Spans: timed operations, possibly nested, with attributes and events."""

from __future__ import annotations

import logging
import uuid
from enum import Enum
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type, Union, cast

from nv_one_logger.core.attributes import Attribute, Attributes, AttributeValue
from nv_one_logger.core.event import Event, StandardEventName
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.held_values import name_text
from nv_one_logger.core.internal.ids import new_id_bits, uuid_text
from nv_one_logger.core.internal.latest_events import LatestEvents
from nv_one_logger.core.internal.log_limiter import LogLimiter
from nv_one_logger.core.internal.span_names import NVTXColor, StandardSpanAttributeName, StandardSpanName
from nv_one_logger.core.time import TracingTimestamp

__all__ = ["NVTXColor", "Span", "SpanName", "StandardSpanAttributeName", "StandardSpanName"]

SpanName = Union[Enum, str]

_log = LogLimiter(logging.getLogger(__name__))


_new = object.__new__


class _TimerView:
    """What remains of the stopwatch that spans once had: whether it runs."""

    __slots__ = ("running",)

    def __init__(self, running: bool) -> None:
        self.running = running


class Span:
    """A timed operation.

    Spans are made by a recorder (or by :meth:`create`) and compared by identity. Memory is bounded: a span keeps its
    start and stop events and the latest 128 others, however long it lives.

    Args:
        id: The identity of the span.
        name: A string or a member of an enum.
        start_event: The event ``span_start``; its time is the start of the span.
        parent_span: The span this one is a part of, ``None`` for a root.
        span_attributes: What to say about the operation; copied, the class is kept.

    Raises:
        OneLoggerError: There is no start event.
    """

    # Start and stop are kept as times and built into events when somebody asks: exporters of records never do.
    # `_id` and `_parent_id_str` stay unset until needed: each store here is paid for by every span.
    __slots__ = (
        "__weakref__",
        "_attributes_class",
        "_events",
        "_id",
        "_id_bits",
        "_id_str",
        "_initial_values",
        "_is_exported",
        "_parent_id_str",
        "_start_event",
        "_start_time",
        "_stop_event",
        "_stop_time",
        "_updated_attributes",
        "name",
        "parent_span",
    )

    name: SpanName
    parent_span: Optional[Span]
    _attributes_class: Type[Attributes]
    _events: Optional[LatestEvents]
    _id: uuid.UUID
    _id_bits: int
    _id_str: Optional[str]
    _initial_values: Dict[str, Any]
    _is_exported: bool
    _parent_id_str: str
    _start_event: Optional[Event]
    _start_time: TracingTimestamp
    _stop_event: Optional[Event]
    _stop_time: Optional[TracingTimestamp]
    _updated_attributes: Optional[Attributes]

    def __init__(
        self,
        id: uuid.UUID,
        name: SpanName,
        start_event: Event,
        parent_span: Optional[Span] = None,
        span_attributes: Optional[Attributes] = None,
    ) -> None:
        if not isinstance(cast(object, start_event), Event):
            raise OneLoggerError(f"Span {name} needs a start event with a time, found {start_event!r}.")
        self._set_up(name, parent_span, span_attributes, start_event.timestamp)
        self._start_event = start_event
        self._id = id
        self._id_str = str(id)

    def _set_up(
        self,
        name: SpanName,
        parent_span: Optional[Span],
        span_attributes: Optional[Attributes],
        start_time: TracingTimestamp,
    ) -> None:
        self.name = name
        self.parent_span = parent_span
        self._start_time = start_time
        if span_attributes is None:
            self._attributes_class = Attributes
            self._initial_values = {}
        else:
            self._attributes_class = span_attributes.__class__
            self._initial_values = span_attributes.to_json()
        self._updated_attributes = None
        self._start_event = None
        self._stop_event = None
        self._stop_time = None
        self._events = None
        self._id_str = None
        self._id_bits = 0
        # Whether exporters are shown this span; the recorder that filters it out says so here.
        self._is_exported = True

    @classmethod
    def create(
        cls,
        name: SpanName,
        parent_span: Optional[Span] = None,
        span_attributes: Optional[Attributes] = None,
        start_event_attributes: Optional[Attributes] = None,
        start_time: Optional[TracingTimestamp] = None,
    ) -> Span:
        """Make a span with an id of its own that starts at ``start_time``, by default now."""
        span = _new(cls)
        if start_time is None:
            start_time = TracingTimestamp.now()
        span._set_up(name, parent_span, span_attributes, start_time)
        span._id_bits = new_id_bits()
        if start_event_attributes is not None:
            span._start_event = Event(StandardEventName.SPAN_START, start_time, start_event_attributes)
        return span

    def __repr__(self) -> str:
        return f"Span(name={self.name_str!r}, id={self.id_str!r}, active={self.active})"

    @property
    def id(self) -> uuid.UUID:
        """The identity of the span."""
        try:
            return self._id
        except AttributeError:
            self._id = uuid.UUID(int=self._id_bits)
            return self._id

    @property
    def id_str(self) -> str:
        """The identity as the text of a UUID, as records hold it."""
        text = self._id_str
        if text is None:
            text = self._id_str = uuid_text(self._id_bits)
        return text

    @property
    def name_str(self) -> str:
        """The name as text; of any enum member, its value."""
        name = self.name
        if type(name) is str:
            return name
        return name_text(name)

    @property
    def parent_id_str(self) -> Optional[str]:
        """The identity of the parent as text, also of a span that was read back without its parent."""
        if self.parent_span is not None:
            return self.parent_span.id_str
        return getattr(self, "_parent_id_str", None)

    @property
    def exported_parent(self) -> Optional[Span]:
        """The nearest ancestor that exporters were shown, or ``None``: what an exporter should call the parent."""
        ancestor = self.parent_span
        while ancestor is not None and not ancestor._is_exported:
            ancestor = ancestor.parent_span
        return ancestor

    @property
    def is_recording(self) -> bool:
        """Whether what is said to this span is recorded anywhere; ``False`` on the null span only."""
        return True

    @property
    def active(self) -> bool:
        """Whether the span has not been stopped yet."""
        return self._stop_time is None

    @property
    def start_time(self) -> TracingTimestamp:
        """When the span started."""
        return self._start_time

    @property
    def stop_time(self) -> Optional[TracingTimestamp]:
        """When the span was stopped, ``None`` while it is active."""
        return self._stop_time

    @property
    def start_event(self) -> Event:
        """The event ``span_start``.

        Raises:
            OneLoggerError: The span was built around an event of another name.
        """
        event = self._start_event
        if event is None:
            event = self._start_event = Event(StandardEventName.SPAN_START, self._start_time)
        if event.name != StandardEventName.SPAN_START:
            raise OneLoggerError(f"The first event of span {self.name_str} is {event.name_str}, not span_start.")
        return event

    @property
    def stop_event(self) -> Optional[Event]:
        """The event ``span_stop``, ``None`` while the span is active."""
        if self._stop_event is None and self._stop_time is not None:
            self._stop_event = Event(StandardEventName.SPAN_STOP, self._stop_time)
        return self._stop_event

    @property
    def events(self) -> List[Event]:
        """The start event, the latest others (at most 128, oldest first), and the stop event once there is one."""
        events = [self.start_event if self._start_event is None else self._start_event]
        if self._events:
            events.extend(self._events.kept)
        stop_event = self.stop_event
        if stop_event is not None:
            events.append(stop_event)
        return events

    @property
    def event_count(self) -> int:
        """How many events were added, start and stop not counted; may be more than :attr:`events` still holds."""
        return 0 if self._events is None else self._events.tally.value

    @property
    def attributes(self) -> Attributes:
        """A fresh collection of all attributes, those given at the start overlaid by the later ones."""
        return self._attributes_class.from_json(self.attributes_json())

    @property
    def updated_attributes(self) -> Attributes:
        """What was added or changed after creation, ``duration_msec`` included once the span has stopped."""
        updated = self._updated_attributes
        if updated is None:
            updated = self._updated_attributes = self._attributes_class({})
        if self._stop_time is not None and "duration_msec" not in updated:
            updated.add("duration_msec", self.duration_msec())
        return updated

    @property
    def _timer(self) -> _TimerView:
        # Frozen: users' tests read `span._timer.running`.
        return _TimerView(self.active)

    def add_event(self, event: Event) -> Event:
        """Add an event and return it.

        Raises:
            OneLoggerError: The span has been stopped.
        """
        if self._stop_time is not None:
            raise OneLoggerError(
                f"Cannot add an event to a span that is not running. Span {self.name_str} was stopped before event "
                f"{event.name_str}."
            )
        events = self._events
        if events is None:
            events = self._events = LatestEvents()
        events.kept.append(event)
        events.tally.tick()
        return event

    def add_attribute(self, name: str, value: AttributeValue) -> Attribute:
        """Set an attribute and return it. On a span that has stopped it stays here and is not exported any more."""
        self._warn_if_stopped(name)
        return self.updated_attributes.add_attribute(Attribute(name, value))

    def add_attributes(self, attributes: Attributes) -> None:
        """Set all the given attributes. On a span that has stopped they are not exported any more."""
        self._warn_if_stopped(", ".join(attributes))
        self.updated_attributes.add_attributes(attributes)

    def _warn_if_stopped(self, names: str) -> None:
        if self._stop_time is not None:
            _log.warning(
                "attribute after stop",
                "Attribute %s was set on span %s after it was stopped; exporters will not see it.",
                names,
                self.name_str,
            )

    def stop(
        self, stop_event_attributes: Optional[Attributes] = None, stop_time: Optional[TracingTimestamp] = None
    ) -> None:
        """Stop the span at ``stop_time``, by default now; a span that has stopped stays as it is.

        The duration is the difference of the monotonic counters. A stop time before the start counts as 0 ms, with a
        warning in the log.
        """
        if self._stop_time is not None:
            return
        if stop_time is None:
            stop_time = TracingTimestamp.now()
        if stop_event_attributes is not None:
            self._stop_event = Event(StandardEventName.SPAN_STOP, stop_time, stop_event_attributes)
        if stop_time._perf_counter_seconds < self._start_time._perf_counter_seconds:
            _log.warning(
                "negative duration", "Span %s was stopped at a time before its start; its duration is 0.", self.name_str
            )
        self._stop_time = stop_time
        if self._updated_attributes is not None:
            self._updated_attributes.add("duration_msec", self.duration_msec())

    def duration_msec(self) -> int:
        """Return how long the span took, in milliseconds.

        Raises:
            OneLoggerError: The span is still active.
        """
        stop_time = self._stop_time
        if stop_time is None:
            raise OneLoggerError(f"Span {self.name_str} has no duration yet: it has not been stopped.")
        return max(0, int((stop_time._perf_counter_seconds - self._start_time._perf_counter_seconds) * 1000))

    def initial_attributes_json(self) -> Dict[str, Any]:
        """Return the attributes given at the start as plain values."""
        return self._initial_values.copy()

    def complete_json(self) -> Tuple[Dict[str, Any], Dict[str, Any], Dict[str, Any]]:
        """Return attributes, start event and stop event of a finished span, as records hold them.

        Raises:
            OneLoggerError: The span is still active.
        """
        return self.attributes_json(), self.start_event_json(), self.stop_event_json()

    def attributes_json(self) -> Dict[str, Any]:
        """Return all attributes as plain values, ``attributes.to_json()`` without making the collection."""
        values = self._initial_values.copy()
        if self._updated_attributes:
            values.update(self._updated_attributes.to_json())
        if self._stop_time is not None:
            values["duration_msec"] = self.duration_msec()
        return values

    def start_event_json(self) -> Dict[str, Any]:
        """Return the start event as records hold it: ``{"name": ..., "attributes": {...}}``."""
        return _event_json("span_start", self._start_event, self._start_time)

    def stop_event_json(self) -> Dict[str, Any]:
        """Return the stop event as records hold it.

        Raises:
            OneLoggerError: The span is still active.
        """
        if self._stop_time is None:
            raise OneLoggerError(f"Span {self.name_str} has no stop event: it has not been stopped.")
        return _event_json("span_stop", self._stop_event, self._stop_time)

    def snapshot(self, parent_span: Optional[Span] = None) -> Span:
        """Return a copy that later changes of this span do not reach, with the given parent in place of its own."""
        copy = _new(type(self))
        copy.name = self.name
        copy.parent_span = parent_span or self.parent_span
        copy._start_time = self._start_time
        copy._attributes_class = self._attributes_class
        copy._initial_values = self._initial_values  # never changed after creation, so it can be shared
        copy._start_event = self._start_event
        copy._id_bits = self._id_bits
        copy._id_str = self._id_str
        copy._is_exported = self._is_exported
        if not self._id_bits:  # made around an identity of somebody else, perhaps read back
            for name in ("_id", "_parent_id_str"):
                if hasattr(self, name):
                    setattr(copy, name, getattr(self, name))
        copy.catch_up_with(self)
        return copy

    def catch_up_with(self, original: Span) -> None:
        """Make this snapshot show its original as it is now: attributes, events, stop."""
        updated = original._updated_attributes
        self._updated_attributes = None if updated is None else updated.copy()
        events = original._events
        # A span that has stopped takes no more events, so those of one can be shared.
        self._events = events.copy() if events is not None and original._stop_time is None else events
        self._stop_event = original._stop_event
        self._stop_time = original._stop_time

    def to_json(self) -> Dict[str, Any]:
        """Return the span as plain JSON values.

        Keys: ``name``, ``id`` (text), ``parent_id`` (of a child), ``events`` (list), ``attributes`` and
        ``updated_attributes`` (each only when not empty; the first holds both).
        """
        data: Dict[str, Any] = {"name": self.name_str, "id": self.id_str}
        if self.parent_id_str is not None:
            data["parent_id"] = self.parent_id_str
        data["events"] = [event.to_json() for event in self.events]
        for key, values in (("attributes", self.attributes_json()), ("updated_attributes", self._updated_json())):
            if values:
                data[key] = values
        return data

    def _updated_json(self) -> Dict[str, Any]:
        return self.updated_attributes.to_json()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Span:
        """Rebuild a span, running or stopped, from what :meth:`to_json` returned.

        The parent comes back as ``parent_id_str`` only, and names of enums as strings.

        Raises:
            OneLoggerError: ``name``, ``id`` or ``events`` is missing.
        """
        for key in ("name", "id", "events"):
            if not data or not data.get(key):
                raise OneLoggerError(f"A span needs {key}, found {data!r}.")
        events = [Event.from_json(event) for event in data["events"]]
        updated = data.get("updated_attributes") or {}
        initial = {name: value for name, value in (data.get("attributes") or {}).items() if name not in updated}
        span = cls(
            _id_from_json(data["id"]),
            data["name"],
            events[0],
            span_attributes=Attributes(initial),
        )
        if data.get("parent_id"):
            span._parent_id_str = data["parent_id"]
        span._restore(events[1:], updated)
        return span

    def _restore(self, events: List[Event], updated: Mapping[str, Any]) -> None:
        stop_event = events.pop() if events and events[-1].name == StandardEventName.SPAN_STOP else None
        for event in events:
            self.add_event(event)
        if updated:
            self._updated_attributes = Attributes(updated)
        if stop_event is not None:
            self._stop_event = stop_event
            self.stop(stop_time=stop_event.timestamp)


def _id_from_json(value: Any) -> uuid.UUID:
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
    except ValueError:  # an identity that somebody else gave; it stays as it is
        return cast(uuid.UUID, value)


def _event_json(name: str, event: Optional[Event], time: TracingTimestamp) -> Dict[str, Any]:
    if event is None:
        return {"name": name, "attributes": {"timestamp_msec": int(time._seconds_since_epoch * 1000)}}
    return {"name": event.name_str, "attributes": event.attributes_json()}
