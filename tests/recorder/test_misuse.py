from __future__ import annotations

from typing import Any, Tuple

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.recorder.misuse import (
    are_usable,
    usable_or_none,
    why_not_addable,
    why_not_stoppable,
    why_unusable,
)

GOOD = (Attributes({}), Attributes({}), TracingTimestamp.now(), Span.create("parent"))


def with_one(place: int, value: Any) -> Tuple[Any, ...]:
    return (*GOOD[:place], value, *GOOD[place + 1 :])


def test_arguments_of_their_types_are_usable() -> None:
    assert are_usable(*GOOD)
    assert all(are_usable(*with_one(place, None)) for place in range(4))


@pytest.mark.parametrize("place", range(4))
def test_argument_of_another_type_is_not(place: int) -> None:
    assert not are_usable(*with_one(place, {"a": 1}))


def test_only_what_is_usable_is_kept() -> None:
    assert usable_or_none(GOOD[2], TracingTimestamp) is GOOD[2]
    assert usable_or_none(1.5, TracingTimestamp) is None  # type: ignore[arg-type]


def test_message_names_what_was_found() -> None:
    assert "Found: dict {'a': 1}, float 1.5." in why_unusable({"a": 1}, None, 1.5, None)


def stopped_span() -> Span:
    span = Span.create("work")
    span.stop()
    return span


@pytest.mark.parametrize(
    ("span", "is_closed", "phrase"),
    [
        (None, False, "Cannot stop None, which is no span"),
        ("work", False, "Cannot stop 'work', which is no span"),
        (Span.create("work"), False, "Cannot stop span work: it was never started by this recorder"),
        (stopped_span(), False, "Cannot stop span work: it was stopped before"),
        (stopped_span(), True, "Cannot stop span work: the recorder is closed"),
    ],
)
def test_reason_why_a_span_cannot_be_stopped(span: Any, is_closed: bool, phrase: str) -> None:
    assert phrase in why_not_stoppable(span, is_closed)


@pytest.mark.parametrize(
    ("span", "event", "is_closed", "phrase"),
    [
        (Span.create("work"), "text", False, "Cannot add 'text' to a span: it is no event"),
        (None, Event.create("e"), False, "The event e was meant for None, which is no span."),
        (stopped_span(), Event.create("e"), False, "meant for span work, which was stopped."),
        (stopped_span(), Event.create("e"), True, "meant for span work, which was stopped (the recorder is closed)."),
        (Span.create("work"), Event.create("e"), False, "span work, which was never started by this recorder."),
    ],
)
def test_reason_why_an_event_cannot_be_added(span: Any, event: Any, is_closed: bool, phrase: str) -> None:
    assert phrase in why_not_addable(span, "event", event, is_closed)
