from __future__ import annotations

import copy
import enum
import gc
import json
import time
import uuid
import weakref
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.attributes import Attribute, Attributes
from nv_one_logger.core.event import ErrorEvent, Event, StandardEventName
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.latest_events import MAX_KEPT_EVENTS
from nv_one_logger.core.span import NVTXColor, Span, StandardSpanAttributeName, StandardSpanName
from nv_one_logger.core.time import TracingTimestamp

START = TracingTimestamp(23400.2, 100.2)
STOP = TracingTimestamp(23420.8, 120.9)


class Plain(enum.Enum):
    A = "value_a"


class Text(str, enum.Enum):
    A = "value_a"


class Special(Attributes):
    """A collection of another class."""


def test_standard_names_have_their_values() -> None:
    assert StandardSpanName.APPLICATION == "application"
    assert list(StandardSpanAttributeName) == ["duration_msec", "nvtx_color"]
    assert NVTXColor.DARK_GREEN == "darkgreen"
    assert len(NVTXColor) == 11


def test_created_span_starts_now_with_an_id_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nv_one_logger.core.time.TracingTimestamp.now", lambda: START)
    one, other = Span.create("a"), Span.create("a")
    assert one.start_event.timestamp is START
    assert one.start_event.name == StandardEventName.SPAN_START
    assert one.id != other.id
    assert (one.id.version, one.id.variant) == (4, uuid.RFC_4122)
    assert one.id_str == str(one.id)
    assert one.parent_span is None
    assert one.active
    assert one.is_recording
    assert one._timer.running


def test_constructor_takes_id_and_start_event() -> None:
    span_id, start = uuid.uuid4(), Event("span_start", START)
    span = Span(span_id, "a", start, None, Attributes({"k": 1}))
    assert span.id is span_id
    assert span.start_event is start
    assert span.start_time is START
    assert span.attributes.to_json() == {"k": 1}


def test_perf_counter_of_zero_is_a_time() -> None:
    span = Span(uuid.uuid4(), "a", Event("span_start", TracingTimestamp(0.0, 0.0)))
    span.stop(stop_time=TracingTimestamp(0.0, 0.0))
    assert span.duration_msec() == 0


def test_span_needs_a_start_event() -> None:
    with pytest.raises(OneLoggerError, match="needs a start event"):
        Span(uuid.uuid4(), "a", None)  # type: ignore[arg-type]


def test_start_event_of_another_name_is_refused_when_asked_for() -> None:
    span = Span(uuid.uuid4(), "a", Event("other", START))
    with pytest.raises(OneLoggerError, match="not span_start"):
        _ = span.start_event


@pytest.mark.parametrize("name", ["value_a", Plain.A, Text.A])
def test_name_of_any_enum_is_its_value(name: Any) -> None:
    span = Span.create(name)
    assert span.name is name
    assert span.name_str == Event.create(name).name_str == "value_a"


def test_duration_comes_from_the_monotonic_clock() -> None:
    span = Span.create("a", start_time=START)
    span.stop(stop_time=STOP)
    assert span.duration_msec() == 20700
    assert span.attributes["duration_msec"].value == 20700
    assert span.stop_time is STOP
    assert not span.active
    assert not span._timer.running


def test_stop_before_the_start_lasts_nothing_and_warns(caplog: pytest.LogCaptureFixture) -> None:
    span = Span.create("a", start_time=STOP)
    span.stop(stop_time=START)
    assert span.duration_msec() == 0
    assert "before its start" in caplog.text


def test_second_stop_changes_nothing() -> None:
    span = Span.create("a", start_time=START)
    span.stop(stop_time=STOP)
    span.stop(Attributes({"late": 1}), TracingTimestamp(99999.0, 99999.0))
    assert span.stop_time is STOP
    assert span.stop_event is not None
    assert "late" not in span.stop_event.attributes


def test_running_span_has_no_duration_and_no_stop_event() -> None:
    span = Span.create("a")
    assert span.stop_event is None
    with pytest.raises(OneLoggerError, match="has not been stopped"):
        span.duration_msec()
    with pytest.raises(OneLoggerError, match="no stop event"):
        span.stop_event_json()


def test_stop_event_carries_its_attributes() -> None:
    span = Span.create("a")
    span.stop(Special({"reason": "done"}), STOP)
    assert span.stop_event is not None
    assert span.stop_event.name == StandardEventName.SPAN_STOP
    assert isinstance(span.stop_event.attributes, Special)
    assert span.stop_event_json() == {
        "name": "span_stop",
        "attributes": {"reason": "done", "timestamp_msec": STOP.milliseconds_since_epoch},
    }


def test_start_event_attributes_stay_the_callers_and_compare_equal() -> None:
    mine = Special({"k": 1})
    span = Span.create("a", start_event_attributes=mine, start_time=START)
    assert span.start_event.attributes == mine
    mine.add("later", 2)
    assert span.start_event_json()["attributes"] == {"k": 1, "timestamp_msec": START.milliseconds_since_epoch}


def test_later_changes_of_the_callers_attributes_do_not_reach_the_span() -> None:
    mine = Attributes({"k": 1})
    span = Span.create("a", span_attributes=mine)
    mine.add("later", 2)
    assert span.attributes.to_json() == {"k": 1}
    assert span.initial_attributes_json() == {"k": 1}


@pytest.mark.parametrize("initial", [Special(), Special({"k": 1})])
def test_class_of_the_attributes_is_kept(initial: Special) -> None:
    span = Span.create("a", span_attributes=initial)
    assert isinstance(span.attributes, Special)
    assert isinstance(span.updated_attributes, Special)


def test_updated_attributes_are_kept_apart_and_overlay_the_initial_ones() -> None:
    span = Span.create("a", span_attributes=Attributes({"k": 1, "same": 0}))
    assert span.add_attribute("k", 2) == Attribute("k", 2)
    span.add_attributes(Attributes({"more": 3}))
    assert span.updated_attributes.to_json() == {"k": 2, "more": 3}
    assert span.attributes.to_json() == span.attributes_json() == {"k": 2, "same": 0, "more": 3}
    span.stop(stop_time=span.start_time)
    assert span.updated_attributes.to_json() == {"k": 2, "more": 3, "duration_msec": 0}


def test_attributes_set_after_the_stop_are_kept_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    span = Span.create("a")
    span.stop()
    span.add_attribute("late", 1)
    span.add_attributes(Attributes({"later": 2}))
    assert {"late", "later"} <= set(span.attributes)
    assert "will not see it" in caplog.text


def test_events_stand_between_start_and_stop() -> None:
    span = Span.create("a")
    event = span.add_event(Event.create("e"))
    assert span.events == [span.start_event, event]
    span.stop()
    assert span.events == [span.start_event, event, span.stop_event]
    assert span.event_count == 1


def test_event_on_a_stopped_span_is_refused() -> None:
    span = Span.create("a")
    span.stop()
    with pytest.raises(OneLoggerError, match=r"Cannot add an event to a span that is not running."):
        span.add_event(Event.create("e"))


def test_only_the_latest_events_are_kept_and_all_are_counted() -> None:
    span = Span.create("a")
    for number in range(MAX_KEPT_EVENTS + 10):
        span.add_event(Event.create(f"e{number}"))
    span.stop()
    assert span.event_count == MAX_KEPT_EVENTS + 10
    names = [event.name for event in span.events]
    assert len(names) == MAX_KEPT_EVENTS + 2
    assert (names[0], names[1], names[-1]) == ("span_start", "e10", "span_stop")


def test_asking_whether_a_span_is_active_does_not_depend_on_its_history() -> None:
    span = Span.create("a")
    for _ in range(2000):
        span.add_event(Event.create("tick"))
    begin = len(gc.get_objects())
    assert all(span.active for _ in range(100))
    assert len(gc.get_objects()) - begin < 100


def test_exported_parent_is_the_nearest_ancestor_that_exporters_know() -> None:
    root = Span.create("root")
    hidden = Span.create("hidden", root)
    hidden._is_exported = False
    leaf = Span.create("leaf", hidden)
    assert leaf.exported_parent is root
    assert root.exported_parent is None
    assert leaf.parent_id_str == hidden.id_str
    root._is_exported = False
    assert leaf.exported_parent is None


def test_complete_json_is_what_the_three_methods_give() -> None:
    for start, stop, update in ((None, None, False), (Attributes({"s": 1}), None, False), (None, None, True)):
        span = Span.create("a", None, Attributes({"k": 1}), start, START)
        if update:
            span.add_attribute("u", 2)
        span.stop(stop, STOP)
        expected = (span.attributes_json(), span.start_event_json(), span.stop_event_json())
        assert span.complete_json() == expected
    with pytest.raises(OneLoggerError):
        Span.create("a").complete_json()


def test_snapshot_is_not_reached_by_later_changes() -> None:
    parent, span = Span.create("p"), Span.create("a", span_attributes=Special({"k": 1}))
    span.add_attribute("u", 1)
    span.add_event(Event.create("first"))
    snapshot = span.snapshot(parent)
    span.add_attribute("v", 2)
    span.add_event(Event.create("second"))
    span.stop()
    assert ([event.name for event in snapshot.events], snapshot.event_count) == (["span_start", "first"], 1)
    assert (snapshot.id, snapshot.name, snapshot.parent_span) == (span.id, "a", parent)
    assert snapshot.active
    assert snapshot.attributes.to_json() == {"k": 1, "u": 1}
    assert isinstance(snapshot.attributes, Special)
    snapshot.catch_up_with(span)
    assert snapshot.attributes == span.attributes
    assert (snapshot.events, snapshot.event_count) == (span.events, 2)
    assert snapshot.stop_time is span.stop_time


def test_snapshot_of_a_span_that_was_read_back_keeps_its_identity() -> None:
    child = Span.create("a", Span.create("p"))
    again = Span.from_json(child.to_json())
    assert again.snapshot().id == child.id
    assert again.snapshot().parent_id_str == child.parent_id_str


def test_spans_are_compared_by_identity_and_slotted() -> None:
    one = Span.create("a")
    assert one != Span.from_json(one.to_json())
    assert not hasattr(one, "__dict__")
    assert weakref.ref(one)() is one
    assert copy.copy(one).id == one.id
    assert "name='a'" in repr(one)


@pytest.mark.parametrize("missing", ["name", "id", "events"])
def test_incomplete_json_is_rejected(missing: str) -> None:
    data = Span.create("a").to_json()
    del data[missing]
    with pytest.raises(OneLoggerError, match=f"A span needs {missing}"):
        Span.from_json(data)
    with pytest.raises(OneLoggerError):
        Span.from_json({})


def test_identity_of_another_kind_is_kept_as_it_is() -> None:
    data = {**Span.create("a").to_json(), "id": "span-17"}
    again = Span.from_json(data)
    assert (again.id, again.id_str) == ("span-17", "span-17")
    assert again.to_json() == data


def test_name_of_another_kind_is_shown_as_text() -> None:
    span = Span.create(7)  # type: ignore[arg-type]
    assert (span.name, span.name_str, span.to_json()["name"]) == (7, "7", "7")


def test_id_object_is_accepted_unchanged() -> None:
    data = Span.create("a").to_json()
    data["id"] = uuid.UUID(data["id"])
    assert Span.from_json(data).id is data["id"]


values = st.dictionaries(
    st.text(min_size=1, max_size=6).filter(lambda n: n != "duration_msec"), st.integers(), max_size=3
)


@given(
    name=st.text(min_size=1),
    initial=values,
    updated=values,
    events=st.lists(st.text(min_size=1, max_size=5).filter(lambda n: n not in ("error", "span_stop")), max_size=4),
    is_stopped=st.booleans(),
    has_error=st.booleans(),
    stop_values=st.none() | values,
)
def test_span_survives_json(
    name: str,
    initial: Dict[str, int],
    updated: Dict[str, int],
    events: List[str],
    is_stopped: bool,
    has_error: bool,
    stop_values: Optional[Dict[str, int]],
) -> None:
    span = Span.create(name, Span.create("parent"), Attributes(initial), start_time=START)
    for event in events:
        span.add_event(Event.create(event, Attributes({"of": event})))
    if has_error:
        span.add_event(ErrorEvent.create("m", ValueError("v")))
    for key, value in updated.items():
        span.add_attribute(key, value)
    if is_stopped:
        span.stop(None if stop_values is None else Attributes(stop_values), STOP)

    again = Span.from_json(json.loads(json.dumps(span.to_json())))

    assert (again.id, again.name, again.active) == (span.id, span.name, span.active)
    assert again.parent_id_str == span.parent_id_str
    assert again.attributes == span.attributes
    assert again.updated_attributes == span.updated_attributes
    assert again.events == span.events
    assert again.to_json() == span.to_json()
    if is_stopped:
        assert again.duration_msec() == span.duration_msec()
        again.stop()
        assert len(again.events) == len(span.events)


def test_default_times_come_from_the_time_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 5.0)
    monkeypatch.setattr(time, "perf_counter", lambda: 7.0)
    span = Span.create("a")
    span.stop()
    assert span.start_time == span.stop_time == TracingTimestamp(5.0, 7.0)
