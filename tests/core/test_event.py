from __future__ import annotations

import enum
import json
import logging
from typing import Any, Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Attributes as AttributesFromEvent
from nv_one_logger.core.event import (
    ErrorEvent,
    Event,
    StandardEventAttributeName,
    StandardEventName,
    TelemetryDataError,
)
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.time import TracingTimestamp

WHEN = TracingTimestamp(1_750_000_000.25, 812.5)
INCOMPLETE = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA


class Plain(enum.Enum):
    A = "value_a"


class Text(str, enum.Enum):
    A = "value_a"


class Special(Attributes):
    """A collection of another class."""


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_standard_names_have_their_values() -> None:
    assert [name.value for name in StandardEventName] == ["span_start", "span_stop", "error", "telemetry_data_error"]
    assert [name.value for name in StandardEventAttributeName] == [
        "timestamp_msec",
        "error_message",
        "exception_type",
        "exception_message",
        "exception_traceback",
        "telemetry_data_error_type",
    ]
    assert AttributesFromEvent is Attributes


def test_event_carries_its_time_as_an_attribute() -> None:
    event = Event.create("batch_loaded", Attributes({"rows": 128}), WHEN)
    assert event.to_json() == {
        "name": "batch_loaded",
        "timestamp": {"seconds_since_epoch": 1_750_000_000.25, "perf_counter_seconds": 812.5},
        "attributes": {"rows": 128, "timestamp_msec": 1_750_000_000_250},
    }


def test_event_happens_now_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nv_one_logger.core.time.TracingTimestamp.now", lambda: WHEN)
    assert Event.create("e").timestamp is WHEN
    assert ErrorEvent.create("e").timestamp is WHEN
    assert TelemetryDataError.create(INCOMPLETE, "e").timestamp is WHEN


def test_event_whose_attributes_were_taken_away_has_none_in_its_json() -> None:
    event = Event.create("e", None, WHEN)
    event.attributes.clear()
    assert event.to_json() == {"name": "e", "timestamp": WHEN.to_json()}


def test_exception_that_cannot_be_rendered_still_tells_where_it_was_raised() -> None:
    error = SyntaxError("bad")
    error.filename, error.lineno, error.text = "<input>", 1, 5  # type: ignore[assignment]
    event = ErrorEvent.create("m", raised(error))
    assert event.exception_type == "SyntaxError"
    assert "raise error" in str(event.exception_traceback)


def test_subclass_of_an_event_is_made_by_its_own_constructor() -> None:
    class Mine(Event):
        def __init__(self, name: Any, timestamp: TracingTimestamp, attributes: Any = None) -> None:
            super().__init__(name, timestamp, attributes)
            self.is_mine = True

    event = Mine.create("e", Attributes({"rows": 1}), WHEN)
    again = Mine.from_json(event.to_json())
    assert isinstance(event, Mine)
    assert event.is_mine
    assert isinstance(again, Mine)
    assert again == event


def test_name_of_another_kind_is_shown_as_text() -> None:
    assert Event.create(7).name_str == "7"  # type: ignore[arg-type]


def test_event_needs_a_timestamp() -> None:
    with pytest.raises(OneLoggerError, match="needs a timestamp"):
        Event("e", None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["value_a", Plain.A, Text.A])
def test_name_of_any_enum_is_its_value(name: Any) -> None:
    event = Event.create(name)
    assert event.name is name
    assert event.name_str == "value_a"


@pytest.mark.parametrize("build", [lambda a: Event("e", WHEN, a), lambda a: Event.create("e", a, WHEN)])
def test_caller_keeps_its_attributes_and_still_finds_them_equal(build: Any) -> None:
    given_attributes = Special({"rows": 1})
    event = build(given_attributes)
    assert given_attributes.to_json() == {"rows": 1}
    assert event.attributes == given_attributes
    assert given_attributes == event.attributes
    assert isinstance(event.attributes, Special)
    given_attributes.add("more", 2)
    assert event.attributes.to_json() == {"rows": 1, "timestamp_msec": 1_750_000_000_250}
    assert event.attributes != given_attributes


def test_stamp_counts_against_a_collection_that_has_one() -> None:
    event = Event.create("e", Attributes({"rows": 1}), WHEN)
    assert event.attributes == Attributes({"rows": 1, "timestamp_msec": 1_750_000_000_250})
    assert event.attributes != Attributes({"rows": 1, "timestamp_msec": 5})


def test_one_collection_serves_many_events() -> None:
    shared = Attributes({"rows": 1})
    first, second = Event("a", TracingTimestamp(1.0, 1.0), shared), Event("b", TracingTimestamp(2.0, 2.0), shared)
    assert [event.attributes["timestamp_msec"].value for event in (first, second)] == [1000, 2000]


def test_another_time_among_the_attributes_is_replaced_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    event = Event("e", WHEN, Attributes({"timestamp_msec": 5}))
    assert event.attributes["timestamp_msec"].value == 1_750_000_000_250
    assert "timestamp_msec" in caplog.text


def test_attributes_of_another_event_may_be_used_again(caplog: pytest.LogCaptureFixture) -> None:
    first = Event("e", WHEN, Attributes({"rows": 1}))
    Event("f", TracingTimestamp(5.0, 5.0), first.attributes)
    assert not caplog.records


def test_attributes_added_later_are_in_the_json() -> None:
    event = Event.create("e", None, WHEN)
    event.attributes.add("late", 1)
    assert event.attributes_json() == {"timestamp_msec": 1_750_000_000_250, "late": 1}


def test_timestamp_may_be_assigned() -> None:
    event = Event.create("e")
    event._timestamp = WHEN
    assert event.timestamp is WHEN


def test_events_are_equal_and_hash_alike_by_name_time_and_attributes() -> None:
    one, same = Event("e", WHEN, Attributes({"a": 1})), Event("e", WHEN, Attributes({"a": 1}))
    assert one == same
    assert hash(one) == hash(same)
    assert one != Event("e", WHEN, Attributes({"a": 2}))
    assert one != Event("f", WHEN, Attributes({"a": 1}))
    assert one != "e"
    assert hash(Event(Text.A, WHEN)) == hash(Event("value_a", WHEN))
    assert "name='e'" in repr(one)


@pytest.mark.parametrize("data", [None, {}, {"name": "e"}, {"timestamp": WHEN.to_json()}])
def test_incomplete_json_is_rejected(data: Any) -> None:
    with pytest.raises(OneLoggerError, match="An event needs"):
        Event.from_json(data)


def test_error_event_tells_type_text_and_traceback_of_the_exception() -> None:
    event = ErrorEvent.create("loading failed", raised(ValueError("row 7")))
    attributes = event.attributes.to_json()
    assert list(attributes) == [
        "error_message",
        "exception_type",
        "exception_message",
        "exception_traceback",
        "timestamp_msec",
    ]
    assert attributes["exception_type"] == event.exception_type == "ValueError"
    assert attributes["exception_message"] == event.exception_message == "row 7"
    assert attributes["exception_traceback"] == event.exception_traceback
    assert "raise error" in str(event.exception_traceback)
    assert event.name == StandardEventName.ERROR


@pytest.mark.parametrize("error", [ValueError(), AssertionError(), TimeoutError(), KeyError()])
def test_exception_without_a_text_can_be_recorded(error: Exception) -> None:
    event = ErrorEvent.create("failed", raised(error))
    assert event.exception_message == ""
    assert event.attributes["exception_message"].value == ""


def test_traceback_is_that_of_the_exception_and_not_of_the_one_being_handled() -> None:
    error = raised(ValueError("mine"))
    try:
        raise KeyError("other")
    except KeyError:
        event = ErrorEvent.create("failed", error)
    assert "other" not in str(event.exception_traceback)
    assert "mine" in str(event.exception_traceback)


def test_given_traceback_and_attributes_win() -> None:
    event = ErrorEvent.create("failed", ValueError("x"), "my traceback", Attributes({"error_message": "mine"}), WHEN)
    assert event.exception_traceback == "my traceback"
    assert event.attributes["error_message"].value == "mine"
    assert event.timestamp is WHEN


def test_hostile_exception_can_be_recorded() -> None:
    class HostileError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    event = ErrorEvent.create("failed", raised(HostileError()))
    assert event.exception_type == "HostileError"
    assert "cannot be had" in str(event.exception_message)


def test_constructor_finds_the_traceback_of_the_named_exception_being_handled() -> None:
    try:
        raise ValueError("handled")
    except ValueError:
        found = ErrorEvent(WHEN, "failed", "ValueError", "handled")
        other = ErrorEvent(WHEN, "failed", "KeyError", "k")
    assert "handled" in str(found.exception_traceback)
    assert found.attributes["exception_traceback"].value == found.exception_traceback
    assert other.exception_traceback is None
    assert ErrorEvent(WHEN, "failed", "ValueError", "v").exception_traceback is None


def test_exception_type_needs_a_message() -> None:
    with pytest.raises(OneLoggerError, match="exception_message"):
        ErrorEvent(WHEN, "failed", "ValueError")


def test_error_without_exception_has_a_message_only() -> None:
    event = ErrorEvent.create("failed")
    assert list(event.attributes.to_json()) == ["error_message", "timestamp_msec"]
    assert "exception_type" not in event.to_json()


def test_telemetry_data_error_tells_its_kind() -> None:
    error = TelemetryDataError(WHEN, INCOMPLETE, "lost data", Attributes({"k": 1}))
    assert error.attributes.to_json() == {
        "error_message": "lost data",
        "telemetry_data_error_type": "incomplete_telemetry_data",
        "k": 1,
        "timestamp_msec": 1_750_000_000_250,
    }
    assert error.to_json()["error_type"] == "incomplete_telemetry_data"


def test_kinds_of_event_differ() -> None:
    event = Event(StandardEventName.ERROR, WHEN, Attributes({"error_message": "m"}))
    error = ErrorEvent(WHEN, "m")
    assert error != event
    assert error == ErrorEvent(WHEN, "m") != ErrorEvent(WHEN, "n")
    assert TelemetryDataError(WHEN, INCOMPLETE, "m") == TelemetryDataError(WHEN, INCOMPLETE, "m")
    assert TelemetryDataError(WHEN, INCOMPLETE, "m") != error
    assert len({hash(error), hash(ErrorEvent(WHEN, "m"))}) == 1


texts = st.text(max_size=20)
timestamps = st.builds(TracingTimestamp, st.floats(0, 4e9), st.floats(0, 1e9))
attributes = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(lambda n: n != "timestamp_msec"), st.integers(), max_size=4
)


@given(name=st.text(min_size=1), when=timestamps, values=attributes)
def test_event_survives_json(name: str, when: TracingTimestamp, values: Dict[str, int]) -> None:
    if name in ("error", "telemetry_data_error"):
        return
    event = Event(name, when, Attributes(values))
    assert Event.from_json(json.loads(json.dumps(event.to_json()))) == event


@given(when=timestamps, message=texts, text=st.none() | texts, values=attributes)
def test_error_event_survives_json(when: TracingTimestamp, message: str, text: Any, values: Dict[str, int]) -> None:
    logging.disable(logging.CRITICAL)
    try:
        kind = None if text is None else "ValueError"
        event = ErrorEvent(when, message, kind, text, attributes=Attributes(values))
        assert Event.from_json(json.loads(json.dumps(event.to_json()))) == event
        created = ErrorEvent.create(message, raised(ValueError(text)))
        assert ErrorEvent.from_json(json.loads(json.dumps(created.to_json()))) == created
    finally:
        logging.disable(logging.NOTSET)


@given(when=timestamps, message=texts, kind=st.sampled_from(list(TelemetryDataError.ErrorType)))
def test_telemetry_data_error_survives_json(when: TracingTimestamp, message: str, kind: Any) -> None:
    error = TelemetryDataError(when, kind, message)
    assert Event.from_json(json.loads(json.dumps(error.to_json()))) == error
