from __future__ import annotations

import copy
import pickle
import uuid

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span


def test_null_span_is_a_falsy_span_that_records_nothing() -> None:
    assert isinstance(NULL_SPAN, Span)
    assert not NULL_SPAN
    assert not NULL_SPAN.is_recording
    assert not NULL_SPAN.active


def test_null_span_accepts_every_call_and_keeps_nothing() -> None:
    event = Event.create("e")
    assert NULL_SPAN.add_event(event) is event
    assert NULL_SPAN.add_attribute("k", 1).value == 1
    NULL_SPAN.add_attributes(Attributes({"k": 1}))
    NULL_SPAN.stop(Attributes({"k": 1}))
    assert NULL_SPAN.attributes == NULL_SPAN.updated_attributes == Attributes()
    assert NULL_SPAN.events == []
    assert NULL_SPAN.event_count == 0
    assert NULL_SPAN.stop_event is None
    assert NULL_SPAN.duration_msec() == 0


def test_null_span_answers_every_question() -> None:
    assert NULL_SPAN.id == uuid.UUID(int=0)
    assert NULL_SPAN.name_str == ""
    assert NULL_SPAN.parent_span is None
    assert NULL_SPAN.start_event.name == "span_start"
    assert NULL_SPAN.to_json() == {"name": "", "id": str(uuid.UUID(int=0)), "events": []}
    assert repr(NULL_SPAN) == "NULL_SPAN"


def test_there_is_one_null_span() -> None:
    assert pickle.loads(pickle.dumps(NULL_SPAN)) is NULL_SPAN
    assert copy.deepcopy(NULL_SPAN) is NULL_SPAN
