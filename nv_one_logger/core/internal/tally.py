"""A counter that many threads may advance without a lock."""

from __future__ import annotations

import itertools
from typing import Any, Tuple

__all__ = ["Tally"]


class Tally:
    """Counts upwards; each :attr:`tick` returns the next number, each number exactly once over all threads.

    ``value += 1`` loses counts between threads on some supported interpreters, and a lock costs four times as much:
    ``next()`` of ``itertools.count`` is one indivisible C call.

    Args:
        start: The value to begin with.
    """

    __slots__ = ("_count", "tick")

    def __init__(self, start: int = 0) -> None:
        self._count = itertools.count(start)
        self.tick = self._count.__next__

    @property
    def value(self) -> int:
        """How many ticks there were, plus the start."""
        # The repr, `count(42)`, is the one way to read the number without taking it that no version deprecates.
        return int(repr(self._count)[6:-1])

    def __reduce__(self) -> Tuple[Any, ...]:
        return Tally, (self.value,)
