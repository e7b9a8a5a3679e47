from __future__ import annotations

import collections
import datetime
import decimal
import enum
import json
from pathlib import PurePosixPath
from typing import Any, Callable, Dict, List
from unittest.mock import MagicMock

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


class FalseClass:
    @property
    def __class__(self) -> Any:
        raise ValueError("no class")


class FalseName(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise ValueError("no name")


class Nameless(metaclass=FalseName):
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class HostileDict(Dict[str, Any]):
    def items(self) -> Any:
        raise ValueError("no items")


class HostileList(List[Any]):
    def __iter__(self) -> Any:
        raise ValueError("no elements")


class HostileFloat(float):
    def __float__(self) -> float:
        raise ValueError("no number")


class HostileInt(int):
    def __int__(self) -> int:
        raise ValueError("no number")


class HostileDate(datetime.date):
    def isoformat(self) -> str:
        raise ValueError("no format")


# Functions: even pytest stumbles over some of these.
HOSTILE: Dict[str, Callable[[], Any]] = {
    "class": FalseClass,
    "name": Nameless,
    "dict": lambda: HostileDict(a=1),
    "list": lambda: HostileList([1]),
    "float": lambda: HostileFloat(1.5),
    "int": lambda: HostileInt(1),
    "date": lambda: HostileDate(2020, 1, 2),
    "mock": MagicMock,
    "mock of str": lambda: MagicMock(spec=str),
    "mock of int": lambda: MagicMock(spec=int),
    "mock of float": lambda: MagicMock(spec=float),
    "mock of dict": lambda: MagicMock(spec=dict),
    "mock of list": lambda: MagicMock(spec=list),
    "mock of enum": lambda: MagicMock(spec=enum.Enum),
    "mock of date": lambda: MagicMock(spec=datetime.date),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("beside", ["plain", "\ud800"], ids=["fast", "careful"])
def test_object_that_fails_whatever_it_is_asked_costs_no_record(kind: str, beside: str) -> None:
    """Beside text that JSON has no form for, the record takes the careful way through plain values."""
    value = HOSTILE[kind]()
    record = strict(encode_record({"type": "event", "value": value, "list": [value], "beside": beside}))
    assert list(record) == ["type", "value", "list", "beside"]
    assert record["type"] == "event"


def test_value_that_changes_while_it_is_read_costs_no_record(capfd: pytest.CaptureFixture[str]) -> None:
    changing: Dict[str, Any] = {}

    class Caching:
        def __str__(self) -> str:
            changing["cached"] = "text"
            return "text"

    changing.update(first=Caching(), second=2)
    assert strict(encode_record({"value": changing}))["value"]["second"] == 2
    capfd.readouterr()  # Rust says on stderr that it panicked


def test_interruption_by_the_user_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(record: Any) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("nv_one_logger.exporter.internal.encoder._to_json", interrupt)
    with pytest.raises(KeyboardInterrupt):
        encode_record({"value": 1})


@pytest.mark.parametrize("kind", [int, float, bool, str, bytes, type(None), tuple])
def test_key_of_any_kind_becomes_text(kind: Any) -> None:
    key = kind()
    for beside in ("plain", "\ud800"):
        (found,) = strict(encode_record({"value": {key: beside}}))["value"]
        assert isinstance(found, str)


def test_key_that_is_a_member_of_an_enum_is_its_value() -> None:
    for beside in ("plain", "\ud800"):
        (plain, text) = strict(encode_record({"value": {Plain.A: beside, Text.A: beside}}))["value"]
        assert (plain, text) == ("1", "x")


def test_object_that_only_looks_like_a_scalar_becomes_text() -> None:
    class Empty:
        ndim = 0

        def item(self) -> Any:
            raise TypeError("only size-1 arrays")

        def __str__(self) -> str:
            return "empty"

    assert plain_value(Empty()) == "empty"


def test_keys_named_like_those_of_a_record_stay_where_they_are() -> None:
    attributes = {"type": "stop", "count": -1, "pid": "none", "id": 0, "attributes": {"type": 1}}
    record = {"type": "complete", "attributes": attributes, "count": 1, "pid": 2}
    assert strict(encode_record(record)) == record


def test_large_integer_far_inside_is_readable_again() -> None:
    record = strict(encode_record({"value": [{"big": 10**4000, "bigger": -(10**5000), "small": 7}]}))
    assert record["value"][0]["big"] == 10**4000
    assert isinstance(record["value"][0]["bigger"], str)
    assert record["value"][0]["small"] == 7


def test_megabyte_of_text_comes_back() -> None:
    text = "ä\n" * 500_000
    assert strict(encode_record({"value": text})) == {"value": text}


def test_what_stands_in_for_a_number_is_one_only_without_dimensions() -> None:
    class Matrix(NumberLike):
        shape = (2, 2)
        ndim = 2

        def __str__(self) -> str:
            return "[[1 2] [3 4]]"

    class Dated(NumberLike):
        def __str__(self) -> str:
            return "2020-01-02"

    assert strict(encode_record({"value": Matrix(0)})) == {"value": "[[1 2] [3 4]]"}
    assert strict(encode_record({"value": Dated(datetime.date(2020, 1, 2))})) == {"value": "2020-01-02"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Plain.A, 1),
        (datetime.datetime(2020, 1, 2, 3, 4, 5), "2020-01-02T03:04:05"),
        (datetime.time(3, 4, 5), "03:04:05"),
        (datetime.timedelta(minutes=2), 120.0),
        (PurePosixPath("/a/b"), "/a/b"),
        (bytearray(b"abc"), "abc"),
        (b"\xff", "\\xff"),
        (memoryview(b"abc"), "abc"),
        (NumberLike(3), 3),
        (2.5, 2.5),
        ({1}, [1]),
    ],
    ids=str,
)
def test_careful_way_gives_the_same_forms(value: Any, expected: Any) -> None:
    assert strict(encode_record({"value": value, "beside": "\ud800"}))["value"] == expected
    assert plain_value(value) == expected


def test_enum_of_enums_ends() -> None:
    class Odd(enum.Enum):
        A = 1

        @property
        def value(self) -> Any:  # type: ignore[override]
            return self

    assert plain_value(Odd.A) == "<nested too deeply>"


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
    assert strict(encode_record({"matrix": numpy.array([[1, 2]]), "zero": numpy.array(3)})) == {
        "matrix": "[[1 2]]",
        "zero": 3,
    }
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
