"""What is wrong about a call of a recorder, in words for the caller."""

from __future__ import annotations

from typing import Optional, Type, TypeVar, cast

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp

__all__ = ["are_usable", "usable_or_none", "why_not_addable", "why_not_stoppable", "why_unusable"]

T = TypeVar("T")


def are_usable(attributes: object, event_attributes: object, time: object, parent: object) -> bool:
    """Whether each of these arguments of ``start`` and ``stop`` is of its type, or left out."""
    return (
        (attributes is None or isinstance(attributes, Attributes))
        and (event_attributes is None or isinstance(event_attributes, Attributes))
        and (time is None or isinstance(time, TracingTimestamp))
        and (parent is None or isinstance(parent, Span))
    )


def why_unusable(*arguments: object) -> str:
    """Say what is wrong with arguments that are not :func:`are_usable`."""
    given = ", ".join(f"{type(value).__name__} {value!r}" for value in arguments if value is not None)
    return (
        "Attributes have to be Attributes, times TracingTimestamps and a parent a Span; other arguments of start() and "
        f"stop() are left out. Found: {given}."
    )


def usable_or_none(value: Optional[T], expected: Type[T]) -> Optional[T]:
    """Return an argument if it is of its type, else ``None``."""
    return value if isinstance(cast(object, value), expected) else None


def why_not_stoppable(span: object, is_closed: bool) -> str:
    """Say why something cannot be stopped by a recorder that does not hold it."""
    if not isinstance(span, Span):
        return f"Cannot stop {span!r}, which is no span. Give stop() what start() returned."
    if is_closed:
        return f"Cannot stop span {span.name_str}: the recorder is closed, which has stopped all spans."
    state = "it was never started by this recorder" if span.active else "it was stopped before"
    return f"Cannot stop span {span.name_str}: {state}. Stop each span once."


def why_not_addable(span: object, kind: str, event: object, is_closed: bool) -> str:
    """Say why an event, or an error, cannot be added."""
    if not isinstance(event, Event):
        return f"Cannot add {event!r} to a span: it is no event. Make one with Event.create()."
    if not isinstance(span, Span):
        subject = f"{span!r}, which is no span"
    else:
        subject = f"span {span.name_str}, which was {'never started by this recorder' if span.active else 'stopped'}"
    why = " (the recorder is closed)" if is_closed else ""
    return (
        f"Cannot add an event to a span that is not running. The {kind} {event.name_str} was meant for {subject}{why}."
    )
