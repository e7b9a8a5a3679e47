"""The data model, written as JSON text and read back, is what it was."""

from __future__ import annotations

import json
import math
from typing import Any, Dict, List, Optional

from hypothesis import assume, given
from hypothesis import strategies as st

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp

finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.one_of(st.text(), st.booleans(), st.integers(), finite)
lists = st.one_of(*(st.lists(kind, max_size=4) for kind in (st.text(), st.booleans(), st.integers(), finite)))
raw = st.dictionaries(st.text(), scalars | lists | st.none(), max_size=5)
timestamps = st.builds(
    TracingTimestamp, st.floats(min_value=-1e11, max_value=1e11), st.floats(min_value=-1e9, max_value=1e9)
)
event_names = st.text(min_size=1).filter(lambda name: name not in ("error", "span_stop", "span_start"))
events = st.builds(lambda name, when, values: Event(name, when, Attributes(values)), event_names, timestamps, raw)
error_events = st.builds(
    lambda when, message, fields, values: ErrorEvent(when, message, *fields, attributes=Attributes(values)),
    timestamps,
    st.text(),
    st.one_of(
        st.just((None, None, None)),
        st.tuples(st.text(min_size=1), st.text(), st.none() | st.text()),
        st.tuples(st.none(), st.text() | st.none(), st.text() | st.none()),
    ),
    raw,
)
data_errors = st.builds(
    lambda when, kind, message, values: TelemetryDataError(when, kind, message, Attributes(values)),
    timestamps,
    st.sampled_from(list(TelemetryDataError.ErrorType)),
    st.text(),
    raw,
)
any_event = st.one_of(events, error_events, data_errors)


def through_text(data: Any) -> Any:
    return json.loads(json.dumps(data, allow_nan=False))


@given(values=raw)
def test_attributes_come_back(values: Dict[str, Any]) -> None:
    attributes = Attributes(values)
    again = Attributes.from_json(through_text(attributes.to_json()))
    assert again == attributes
    assert list(again) == list(attributes)
    assert {name: type(one.value) for name, one in again.items()} == {
        name: type(one.value) for name, one in attributes.items()
    }


@given(timestamp=timestamps)
def test_timestamps_come_back(timestamp: TracingTimestamp) -> None:
    assert TracingTimestamp.from_json(through_text(timestamp.to_json())) == timestamp


@given(event=any_event)
def test_every_kind_of_event_comes_back(event: Event) -> None:
    again = Event.from_json(through_text(event.to_json()))
    assert type(again) is type(event)
    assert again == event
    assert event == again
    assert hash(again) == hash(event)
    assert again.to_json() == event.to_json()
    assert list(again.attributes) == list(event.attributes)


@given(one=any_event, other=any_event)
def test_equal_events_are_equal_both_ways_and_hash_alike(one: Event, other: Event) -> None:
    assert (one == other) == (other == one)
    if one == other:
        assert hash(one) == hash(other)


@given(
    name=st.text(min_size=1),
    initial=raw,
    updated=raw,
    happened=st.lists(any_event, max_size=4),
    start_values=st.none() | raw,
    stop_values=st.none() | raw,
    start=timestamps,
    duration=st.none() | st.floats(min_value=-10, max_value=1e6),
)
def test_spans_come_back(
    name: str,
    initial: Dict[str, Any],
    updated: Dict[str, Any],
    happened: List[Event],
    start_values: Optional[Dict[str, Any]],
    stop_values: Optional[Dict[str, Any]],
    start: TracingTimestamp,
    duration: Optional[float],
) -> None:
    parent = Span.create("parent")
    given_at_start = None if start_values is None else Attributes(start_values)
    span = Span.create(name, parent, Attributes(initial), given_at_start, start)
    for event in happened:
        span.add_event(event)
    for key, value in updated.items():
        span.add_attribute(key, value)
    if duration is not None:
        stop = TracingTimestamp(start.seconds_since_epoch + duration, start.perf_counter_seconds + duration)
        span.stop(None if stop_values is None else Attributes(stop_values), stop)

    again = Span.from_json(through_text(span.to_json()))

    assert again.to_json() == span.to_json()
    assert (again.id, again.name, again.active) == (span.id, name, duration is None)
    assert again.parent_id_str == parent.id_str
    assert again.events == span.events
    assert again.attributes == span.attributes
    assert again.updated_attributes == span.updated_attributes
    assert again.stop_event == span.stop_event
    if duration is not None:
        assert again.duration_msec() == span.duration_msec() >= 0
        assert math.isclose(span.duration_msec(), max(0.0, duration) * 1000, abs_tol=1.01)


@given(event=events, values=raw)
def test_event_never_changes_with_what_the_caller_does_later(event: Event, values: Dict[str, Any]) -> None:
    mine = Attributes(values)
    made = Event(event.name, event.timestamp, mine)
    before = made.to_json()
    mine.add("later", 1)
    Event("other", TracingTimestamp(1.0, 1.0), mine)
    assert made.to_json() == before
    assume("timestamp_msec" not in values)
    mine.pop("later")
    assert made.attributes == Attributes.from_json({key: value for key, value in values.items() if key != "later"})
