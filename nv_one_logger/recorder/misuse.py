"""What is wrong about a call of a recorder, in words for the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Type, TypeVar, cast

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.internal.held_values import text_of, type_name
from nv_one_logger.core.span import Span, SpanName
from nv_one_logger.core.time import TracingTimestamp

if TYPE_CHECKING:
    from typing_extensions import TypeGuard

__all__ = [
    "are_usable",
    "is_a",
    "is_name",
    "usable_or_none",
    "why_no_exception",
    "why_no_name",
    "why_not_addable",
    "why_not_stoppable",
    "why_unusable",
]

T = TypeVar("T")

_MAX_SHOWN = 200


def is_a(value: object, expected: Type[T]) -> TypeGuard[T]:
    """Whether a value is of a type, also where it answers every question with an exception."""
    try:
        return isinstance(value, expected)
    except Exception:
        return False


def is_name(name: SpanName) -> bool:
    """Whether something can name a span: it can be looked up and has a text."""
    try:
        hash(name)
        str(name)
    except Exception:
        return False
    return True


def why_no_name(name: object) -> str:
    """Say what is wrong with a name that :func:`is_name` refuses."""
    return f"The name of a span has to be a str or a member of a StrEnum, found {_shown(name)}."


def why_no_exception(value: object) -> str:
    """Say what is wrong with what was given as the exception of an error."""
    return f"The exception of an error has to be an exception; it is left out. Found: {_shown(value)}."


def are_usable(attributes: object, event_attributes: object, time: object, parent: object) -> bool:
    """Whether each of these arguments of ``start`` and ``stop`` is of its type, or left out."""
    return (
        (attributes is None or is_a(attributes, Attributes))
        and (event_attributes is None or is_a(event_attributes, Attributes))
        and (time is None or is_a(time, TracingTimestamp))
        and (parent is None or is_a(parent, Span))
    )


def why_unusable(*arguments: object) -> str:
    """Say what is wrong with arguments that are not :func:`are_usable`."""
    given = ", ".join(f"{type_name(type(value))} {_shown(value)}" for value in arguments if value is not None)
    return (
        "Attributes have to be Attributes, times TracingTimestamps and a parent a Span; other arguments of start() and "
        f"stop() are left out. Found: {given}."
    )


def usable_or_none(value: Optional[T], expected: Type[T]) -> Optional[T]:
    """Return an argument if it is of its type, else ``None``."""
    return value if is_a(cast(object, value), expected) else None


def why_not_stoppable(span: object, is_closed: bool) -> str:
    """Say why something cannot be stopped by a recorder that does not hold it."""
    if not is_a(span, Span):
        return f"Cannot stop {_shown(span)}, which is no span. Give stop() what start() returned."
    if is_closed:
        return f"Cannot stop span {span.name_str}: the recorder is closed, which has stopped all spans."
    state = "it was never started by this recorder" if span.active else "it was stopped before"
    return f"Cannot stop span {span.name_str}: {state}. Stop each span once."


def why_not_addable(span: object, kind: str, event: object, is_closed: bool) -> str:
    """Say why an event, or an error, cannot be added."""
    if not is_a(event, Event):
        return f"Cannot add {_shown(event)} to a span: it is no event. Make one with Event.create()."
    if not is_a(span, Span):
        subject = f"{_shown(span)}, which is no span"
    else:
        subject = f"span {span.name_str}, which was {'never started by this recorder' if span.active else 'stopped'}"
    why = " (the recorder is closed)" if is_closed else ""
    return (
        f"Cannot add an event to a span that is not running. The {kind} {event.name_str} was meant for {subject}{why}."
    )


def _shown(value: object) -> str:
    """Return ``repr`` of a value for a message, which has to have an end."""
    text = text_of(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}... ({len(text)} characters)"
