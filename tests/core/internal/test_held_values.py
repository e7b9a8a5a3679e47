from __future__ import annotations

import collections
import dataclasses
import io
import itertools
from typing import Any, Dict, Iterator, List

import pydantic
import pytest

from nv_one_logger.core.internal.held_values import holds_iterator, text_of


@dataclasses.dataclass
class Plain:
    field: Any


class Model(pydantic.BaseModel):
    field: Any


class Lying(Dict[str, Any]):
    """A dict that hides what it holds."""

    def values(self) -> Any:
        raise ValueError("none of your business")


class Hostile:
    def __repr__(self) -> str:
        raise ValueError("no text")


def endless() -> Iterator[int]:
    yield from itertools.count()


@pytest.mark.parametrize(
    "value",
    [
        endless(),
        itertools.count(),
        iter([1]),
        map(str, [1]),
        io.StringIO("line"),
        [itertools.count()],
        (1, {"deep": [{"deeper": itertools.count()}]}),
        collections.deque([itertools.count()]),
        frozenset([itertools.count()]),
        Lying(a=itertools.count()),
        Plain(itertools.count()),
        Model(field=[itertools.count()]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_reading_would_use_up_is_found(value: object) -> None:
    assert holds_iterator(value)


@pytest.mark.parametrize(
    "value",
    [
        1,
        "text",
        [1, [2, (3, {"a": None})]],
        {"a": {1, 2}},
        range(10**9),
        Plain(1),
        Plain,
        Model(field=1),
        Model,
        object(),
        Hostile(),
        Lying(a=1),
        b"bytes",
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values_hold_none(value: object) -> None:
    assert not holds_iterator(value)


def test_shared_and_cyclic_values_are_looked_at_once() -> None:
    cycle: List[Any] = [1]
    cycle.append(cycle)
    assert not holds_iterator(cycle)
    lattice: List[Any] = [1]
    for _ in range(200):  # 2 ** 200 ways to the bottom
        lattice = [lattice, lattice]
    assert not holds_iterator(lattice)
    deep: List[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert not holds_iterator(deep)


def test_value_that_cannot_be_looked_at_counts_as_one() -> None:
    class Unreadable(type):
        def __getattribute__(cls, name: str) -> Any:
            raise ValueError(name)

    class Value(metaclass=Unreadable):
        pass

    assert holds_iterator(object.__new__(Value))


def test_text_is_the_repr_or_says_that_there_is_none() -> None:
    assert text_of([1]) == "[1]"
    assert text_of(Hostile()) == "<Hostile without a text>"
