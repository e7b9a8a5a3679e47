"""Durations of any number of spans in bounded memory, with quantiles."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate
from typing import Dict, Optional, Union

__all__ = ["DurationHistogram"]

# Whole numbers up to this are kept exactly, larger values to one part in 2,048. Durations from a microsecond to a year
# need fewer than 60 powers of two, so a histogram never exceeds some hundred thousand buckets; a few dozen is usual.
_STEPS = 4096


class DurationHistogram:
    """Counts durations (milliseconds) in buckets whose width grows with the duration.

    Whole milliseconds below 4,096 are exact; the error of a quantile above is less than 0.05 %. Negative durations,
    which a clock set back can cause, count as 0. The scheme is that of HdrHistogram (hdrhistogram.org).
    """

    def __init__(self) -> None:
        self.count = 0
        self._buckets: Dict[float, int] = {}

    def add(self, duration_msec: Union[int, float]) -> None:
        """Count one duration, a finite number."""
        bucket = _lower_edge(float(duration_msec)) if duration_msec > 0 else 0.0
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1

    def quantile(self, fraction: float) -> Optional[float]:
        """Return the duration (milliseconds) below or at which ``fraction`` (0 to 1) of all lie; ``None`` when empty.

        Between two middle values the mean is taken, as ``statistics.median`` does.
        """
        if not self.count:
            return None
        position = fraction * (self.count - 1)
        below, above = math.floor(position), math.ceil(position)
        low, high = self._at(below), self._at(above)
        return low + (high - low) * (position - below)

    def _at(self, index: int) -> float:
        edges = sorted(self._buckets)
        up_to = list(accumulate(self._buckets[edge] for edge in edges))
        return edges[bisect_right(up_to, index)]


def _lower_edge(value: float) -> float:
    mantissa, exponent = math.frexp(value)
    return math.ldexp(math.floor(mantissa * _STEPS) / _STEPS, exponent)
