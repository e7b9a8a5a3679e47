from __future__ import annotations

import collections
import datetime
import decimal
import enum
import json
from pathlib import PurePosixPath
from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.exporter.internal.encoder import encode_record, plain_value


class Plain(enum.Enum):
    A = 1


class Text(str, enum.Enum):
    A = "x"


class Hostile:
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise ValueError("no comparison")


class NumberLike:
    """What a scalar of numpy or torch looks like."""

    shape = ()
    ndim = 0

    def __init__(self, number: Any) -> None:
        self._number = number

    def item(self) -> Any:
        return self._number


def strict(data: bytes) -> Any:
    """Parse as a strict reader does: no NaN, no Infinity, valid UTF-8, one line."""
    assert b"\n" not in data

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(data.decode("utf-8"), parse_constant=refuse)


def nested(depth: int) -> List[Any]:
    value: List[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        ([1.5, float("nan")], [1.5, "NaN"]),
        (Plain.A, 1),
        (Text.A, "x"),
        ((1, 2), [1, 2]),
        (PurePosixPath("/a/b"), "/a/b"),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (datetime.timedelta(seconds=90), 90.0),
        (b"abc", "abc"),
        (2**100, 2**100),
        (NumberLike(3), 3),
        (NumberLike(2.5), 2.5),
        (NumberLike(float("nan")), "NaN"),
        (NumberLike(True), True),
        ("NUL \0 and line\nend", "NUL \0 and line\nend"),
        (1 + 2j, "1+2j"),
        (None, None),
    ],
)
def test_value_has_a_json_form(value: Any, expected: Any) -> None:
    assert strict(encode_record({"value": value})) == {"value": expected}


@pytest.mark.parametrize(
    "value",
    [
        "\ud800",
        {"\ud800": "\udfff"},
        b"\xff\xfe",
        Hostile(),
        [Hostile()],
        {"deep": nested(500)},
        nested(100_000),
        object(),
        type,
        10**5000,
        decimal.Decimal("NaN"),
        collections.OrderedDict(a=1),
        {1, 2},
        {1: 2, None: 3, (1, 2): 4, Plain.A: 5},
        {"inner": float("nan"), "surrogate": "\ud800"},
        "x" * 1_000_000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_say_becomes_a_text_and_never_a_failure(value: Any) -> None:
    assert set(strict(encode_record({"value": value, "kept": 1}))) == {"value", "kept"}


def test_cycles_are_cut() -> None:
    cycle: List[Any] = [1]
    cycle.append(cycle)
    mapping = {"list": cycle}
    mapping["self"] = mapping  # type: ignore[assignment]
    assert strict(encode_record({"value": cycle}))["value"] == [1, "<refers to itself>"]
    assert strict(encode_record({"value": mapping}))["value"]["self"] == "<refers to itself>"


def test_same_object_twice_is_no_cycle() -> None:
    shared = ["\ud800"]
    assert plain_value([shared, shared]) == [["\\ud800"], ["\\ud800"]]


def test_numpy_scalars_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    record = {"f": numpy.float32(1.5), "i": numpy.int64(7), "b": numpy.bool_(True), "nan": numpy.float64("nan")}
    assert strict(encode_record(record)) == {"f": 1.5, "i": 7, "b": True, "nan": "NaN"}


def test_encoding_is_compact_and_keeps_the_order() -> None:
    assert encode_record({"b": 1, "a": {"c": [1, 2]}}) == b'{"b":1,"a":{"c":[1,2]}}'


def test_text_beyond_ascii_is_readable() -> None:
    assert encode_record({"name": "Größe"}) == '{"name":"Größe"}'.encode()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(value=json_values)
def test_what_json_can_say_comes_back(value: Any) -> None:
    assert strict(encode_record({"value": value})) == {"value": value}
    assert plain_value(value) == value


anything = st.recursive(
    st.one_of(
        st.none(),
        st.floats(),
        st.complex_numbers(),
        st.binary(max_size=6),
        st.text(st.characters(), max_size=6),
        st.text(st.characters(categories=["Cs"]), max_size=2),
        st.datetimes(),
        st.sampled_from([Plain.A, Text.A, Hostile, object]),
        st.builds(NumberLike, st.floats()),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=anything)
def test_anything_makes_one_line_of_strict_json(value: Any) -> None:
    strict(encode_record({"value": value}))
    strict(json.dumps(plain_value(value), allow_nan=False).encode())
