"""Fits straight lines to what a long run measured: how much each call adds for ever."""

from __future__ import annotations

from statistics import median
from typing import List, NamedTuple, Sequence


class Slopes(NamedTuple):
    """How much a run grows, measured over its second half."""

    calls: int
    microseconds: float
    """CPU time of a call."""
    slowdown: float
    """Time of a call in the last quarter, in the second one's: 1 is flat."""
    kib: float
    """Growth of the resident memory, in KiB."""
    blocks: float
    """Growth of the number of objects that the interpreter has allocated."""
    files: int
    """Growth of the number of open files."""
    threads: int


def slopes_of(samples: Sequence[Sequence[float]]) -> Slopes:
    """Fit the samples of ``soaking.py``."""
    quarter = len(samples) // 4
    half = samples[2 * quarter :]
    calls = [row[0] for row in half]
    costs = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in zip(samples, samples[1:])]
    growth = [_slope(calls, [row[column] for row in half]) * (calls[-1] - calls[0]) for column in (2, 3)]
    return Slopes(
        int(samples[-1][0]),
        1e6 * samples[-1][1] / samples[-1][0],
        median(costs[3 * quarter :]) / median(costs[quarter : 2 * quarter]),
        growth[0] / 1024,
        growth[1],
        int(half[-1][4] - half[0][4]),
        int(half[-1][5] - half[0][5]),
    )


def _slope(xs: List[float], ys: List[float]) -> float:
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / sum((x - mean_x) ** 2 for x in xs)


def problems_of(slopes: Slopes) -> List[str]:
    """Return what is not flat. Generous: a leak of one object a call is hundreds of times more."""
    calls = slopes.calls / 2
    limits = {
        "slowdown": 1.6,
        "kib": 2048 + calls * 16 / 1024,
        "blocks": 1000 + calls * 0.01,
        "files": 0,
        "threads": 0,
    }
    found = slopes._asdict()
    return [f"{name} {found[name]:.1f} is over {limit:.1f}" for name, limit in limits.items() if found[name] > limit]
