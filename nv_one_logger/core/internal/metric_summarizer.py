"""Summarises a series of numbers while it grows."""

from __future__ import annotations

from typing import Generic, Optional, Tuple, TypeVar

__all__ = ["MetricSummarizer"]

T = TypeVar("T", int, float)


class MetricSummarizer(Generic[T]):
    """Latest, smallest, largest, sum and average of the values added so far, in constant memory.

    Everything is ``None`` before the first value. A NaN makes sum and average NaN, but is never the smallest or largest
    value next to a number. Equal when all six attributes are; not safe for several threads.
    """

    def __init__(self) -> None:
        self.latest_value: Optional[T] = None
        self.min_value: Optional[T] = None
        self.max_value: Optional[T] = None
        self.avg_value: Optional[float] = None
        self.total_value: Optional[T] = None
        self.count = 0

    def add_value(self, value: T) -> None:
        """Add the next value of the series."""
        self.count += 1
        self.latest_value = value
        if self.total_value is None or self.min_value is None or self.max_value is None:
            self.min_value = self.max_value = self.total_value = value
            self.avg_value = value
            return
        self.total_value = self.total_value + value
        # A value differs from itself only if it is NaN.
        if value < self.min_value or self.min_value != self.min_value:
            self.min_value = value
        if value > self.max_value or self.max_value != self.max_value:
            self.max_value = value
        self.avg_value = float(self.total_value) / self.count

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MetricSummarizer):
            return NotImplemented
        return self._state() == other._state()

    def __hash__(self) -> int:
        # Equal ones must have equal hashes, and every attribute changes: only the class is left.
        return hash(MetricSummarizer)

    def __repr__(self) -> str:
        return (
            f"MetricSummarizer(count={self.count}, latest={self.latest_value}, min={self.min_value}, "
            f"max={self.max_value}, avg={self.avg_value}, total={self.total_value})"
        )

    def _state(self) -> Tuple[object, ...]:
        return (
            self.latest_value,
            self.min_value,
            self.max_value,
            self.avg_value,
            self.total_value,
            self.count,
        )
