from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from nv_one_logger.otel.exporter.internal.attributes import converted, exported, sendable_text


class Color(Enum):
    RED = "red"


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (True, True),
        ((1 << 63) - 1, (1 << 63) - 1),
        (1 << 63, str(1 << 63)),
        (-(1 << 63), -(1 << 63)),
        (0.5, 0.5),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
        (b"\xff", "\\xff"),
        ([1, 2], [1, 2]),
        ((1.0, 2.0), [1.0, 2.0]),
        ([], []),
        (["a", "\ud800"], ["a", "\\ud800"]),
        ([True, False], [True, False]),
        ({"a": [1]}, "{'a': [1]}"),
        (Color.RED, "red"),
    ],
)
def test_what_is_sent(value: Any, expected: Any) -> None:
    (sent,) = exported({"name": value}, is_sent=True).values()
    assert sent == expected
    assert type(sent) is type(expected)


def test_numpy_scalars_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    values = {"a": numpy.float32(0.5), "b": numpy.int64(7), "c": numpy.bool_(True)}
    assert exported(values, is_sent=True) == {"a": 0.5, "b": 7, "c": True}


def test_names_are_texts_and_none_is_left_out() -> None:
    assert exported({Color.RED: 1, "": 2, 7: 3, "x": None, "\ud800": 4}, is_sent=True) == {
        "red": 1,
        "_": 2,
        "7": 3,
        "\\ud800": 4,
    }


def test_what_stays_in_the_process_stays_as_it_is() -> None:
    assert exported({"big": 1 << 80, "none": None, "text": "\ud800"}, is_sent=False) == {
        "big": 1 << 80,
        "text": "\ud800",
    }


def test_hostile_values_have_a_text() -> None:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    for value in (Hostile(), {"a": Hostile()}, nested):
        assert isinstance(converted(value), str)
        assert isinstance(exported({"a": value}, is_sent=True)["a"], str)


def test_texts_have_a_utf8_form() -> None:
    assert sendable_text("a\udcff").encode() == b"a\\udcff"
