from __future__ import annotations

import copy
import json
import pickle
from typing import Any, Dict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nv_one_logger.reader.record import ProcessKey, Record, RecordFormatError, duration_of, parse_object


def record(**data: Any) -> Record:
    return Record("f.jsonl", 1, 0, ProcessKey("f.jsonl", 7, 1), data["type"], data)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"type":"start"', "not JSON (Expecting ',' delimiter, column 16)"),
        (b'{"type":"start"}{', "not JSON (Extra data, column 17)"),
        (b"[]", "a list, not an object"),
        (b"3", "a int, not an object"),
        (b"{}", "no 'type'"),
        (b'{"type":3}', "no 'type'"),
        (b'{"type":"\xff"}', "not UTF-8 (byte 10 of the line)"),
        (b"\0\0\0\0", "not JSON (Expecting value, column 1)"),
    ],
)
def test_reason_says_what_is_wrong_with_a_line(line: bytes, reason: str) -> None:
    with pytest.raises(RecordFormatError) as caught:
        parse_object(line)
    assert caught.value.message == reason


def test_hostile_json_is_a_reason_and_never_another_exception() -> None:
    for line in (b"[" * 1_000_000, b'{"type":' + b"9" * 10_000 + b"}"):
        with pytest.raises(RecordFormatError):
            parse_object(line)


def test_bare_nan_of_the_reference_library_is_read() -> None:
    assert parse_object(b'{"type":"event","v":NaN}')["type"] == "event"


def test_span_record_tells_its_span() -> None:
    complete = record(
        type="complete",
        id="A",
        name="parse",
        parent_id="P",
        attributes={"duration_msec": 40},
        start_event={"name": "span_start", "attributes": {"timestamp_msec": 300}},
        stop_event={"name": "span_stop", "attributes": {"timestamp_msec": 340}},
        count=3,
        pid=7,
    )
    assert (complete.span_id, complete.name, complete.parent_id, complete.count) == ("A", "parse", "P", 3)
    assert (complete.start_msec, complete.stop_msec, complete.timestamp_msec) == (300, 340, 340)
    assert complete.attributes == {"duration_msec": 40}


def test_event_record_tells_its_event_and_its_span() -> None:
    event = record(type="event", span_id="A", event={"name": "loaded", "attributes": {"rows": 5, "timestamp_msec": 9}})
    assert (event.span_id, event.name, event.timestamp_msec) == ("A", "loaded", 9)
    assert event.attributes["rows"] == 5
    assert not event.event.is_error


def test_telemetry_data_error_is_an_error_about_no_span() -> None:
    error = record(type="telemetry_data_error", error={"name": "telemetry_data_error", "attributes": {}})
    assert error.span_id is None
    assert error.event.is_error


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
keys = [
    "id",
    "span_id",
    "parent_id",
    "name",
    "attributes",
    "event",
    "error",
    "start_event",
    "stop_event",
    "count",
    "pid",
]


@settings(
    suppress_health_check=[HealthCheck.too_slow], deadline=None
)  # the first inputs of so wide a strategy are slow
@given(
    type_name=st.sampled_from(["start", "event", "telemetry_data_error", "new"]),
    data=st.dictionaries(st.sampled_from(keys), json_values | st.just({"attributes": {"timestamp_msec": True}})),
)
def test_no_content_makes_a_property_fail(type_name: str, data: Dict[str, Any]) -> None:
    parsed = parse_object(json.dumps({"type": type_name, **data}).encode())
    read = record(**parsed)
    for value in (read.span_id, read.parent_id, read.name):
        assert value is None or isinstance(value, str)
    for moment in (read.count, read.start_msec, read.stop_msec, read.timestamp_msec):
        assert moment is None or type(moment) is int
    assert isinstance(read.attributes, dict)


@pytest.mark.parametrize("value", [True, "4", None, float("nan"), float("inf"), 10**400])
def test_duration_that_is_no_finite_number_is_absent(value: object) -> None:
    assert duration_of({"duration_msec": value}) is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def parsed_by_json(line: bytes) -> Any:
    """What Python's own parser makes of a line: the measure of the quicker one."""
    try:
        parsed = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) and isinstance(parsed.get("type"), str) else None


@given(
    value=JSON_VALUES,
    escaped=st.booleans(),
    mutation=st.tuples(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=3)),
)
def test_any_line_is_read_as_python_reads_json(value: Any, escaped: bool, mutation: Any) -> None:
    text = json.dumps({"type": "event", "v": value}, ensure_ascii=escaped)
    whole = text.encode("utf-8", "surrogatepass")
    place, removed, added = mutation
    for line in (whole, whole[:place] + added + whole[place + removed :]):
        try:
            parsed: Any = parse_object(line)
        except RecordFormatError:
            parsed = None
        assert repr(parsed) == repr(parsed_by_json(line))  # repr: NaN is not equal to itself


@pytest.mark.parametrize(
    "line", [b'{"type":"event","v":"\\ud800"}', b'{"type":"event","v":' + b"[" * 300 + b"]" * 300 + b"}"]
)
def test_what_only_the_slower_parser_reads_is_read(line: bytes) -> None:
    assert parse_object(line) == json.loads(line)


def test_record_can_be_handed_to_another_process_and_not_be_changed() -> None:
    one = record(type="start", name="a")
    assert pickle.loads(pickle.dumps(one)) == one
    assert copy.copy(one) == one
    with pytest.raises(AttributeError):
        one.type = "stop"  # type: ignore[misc]
