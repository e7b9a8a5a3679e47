"""Ranks slower than their peers, by the time of their own work before the others have to wait for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple

from nv_one_logger.report.engine.database import Database, Row
from nv_one_logger.report.model import Straggler

__all__ = ["find_stragglers"]

SLOW_RATIO = 1.1
"""A rank is slow in a step if its own work takes 10 % longer than that of the median rank ..."""
MARGIN_US = 1000
"""... and a millisecond, which is the resolution of records."""
FAR_RATIO = 2.0
"""A rank that is not chronically slow is told of if its own work took twice as long ..."""
FAR_US = 10_000
"""... and 10 ms, in some steps ..."""
LEAST_SHARE = 0.01
"""... and the others waited for that 1 % of all the time of the steps."""
CHRONIC_SHARE = 0.5
"""A rank is chronically slow if it is slow in half of the steps ..."""
LEAST_STEPS = 3
"""... and there are three to compare."""
TOGETHER_SHARE = 0.05
"""Steps end together if their ends are at most so far apart, measured by their length ..."""
TOGETHER_US = 2000
"""... or two milliseconds."""
MOST_STEPS = 50_000
"""Of more steps every second, third, ... is compared, and costs are scaled up."""


@dataclass(frozen=True)
class _Method:
    query: str
    what: str
    steps: str = "steps"


_WORK = _Method("own_work", "data loading and forward pass")
_LENGTH = _Method("own_length", "iteration")
_LATENESS = _Method("own_lateness", "iteration plus its late start")
_WINDOW = _Method("own_window", "iterations of a window", "windows")


def find_stragglers(database: Database, hosts: Mapping[int, str]) -> Tuple[Straggler, ...]:
    """Compare the ranks step by step, by the first method below that the records allow and that finds somebody.

    1. Spans of own work (``data_loading``, ``model_forward``, ``zero_grad``), where at least two ranks record them.
    2. Where all ranks' iterations end together, which is what waiting for each other looks like: how much later than
       the first a rank began. Else the length of the iteration.
    3. Where single iterations are not recorded by two ranks: time of the iterations between ``training_metrics_update``
       events.

    Args:
        database: Has the views of ``iterations.declare_lengths``.
        hosts: Machine of each rank.
    """
    spread, length, ranks = database.select("togetherness")[0]
    methods: List[Tuple[_Method, Dict[str, object]]] = [(_WORK, {})]
    if _number(ranks) < 2:
        methods.append((_WINDOW, {}))
    elif spread is None or _number(spread) > max(TOGETHER_US, TOGETHER_SHARE * _number(length)):
        methods.append((_LENGTH, {}))
    else:
        methods.append((_LATENESS, {"length_us": round(_number(length))}))
    for method, parameters in methods:
        found = _compare(database, method, parameters, hosts)
        if found:
            return found
    return ()


def _compare(
    database: Database, method: _Method, parameters: Dict[str, object], hosts: Mapping[int, str]
) -> Tuple[Straggler, ...]:
    database.create("own", method.query, **parameters)
    steps, ranks = (int(_number(value)) for value in database.select("step_count")[0])
    if ranks < 2 or steps < LEAST_STEPS:
        return ()
    every = max(1, -(-steps // MOST_STEPS))
    database.create("step_medians", "step_medians", every=every)
    rows = database.select("stragglers", ratio=SLOW_RATIO, margin_us=MARGIN_US, far_ratio=FAR_RATIO, far_us=FAR_US)
    total = sum(_number(row[9]) for row in rows)
    found = [_judge(database, row, method, every, total, hosts) for row in rows]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: (-one.cost, one.rank)))


def _judge(
    database: Database, row: Row, method: _Method, every: int, total: float, hosts: Mapping[int, str]
) -> Optional[Straggler]:
    rank, compared, slow, far = (int(_number(value)) for value in row[:4])
    own, peers, waited, waited_far, furthest = (_number(value) for value in row[4:9])
    slowdown = own / peers if peers > 0 else 1.0
    if compared < LEAST_STEPS:
        return None
    if slow >= CHRONIC_SHARE * compared and slowdown >= SLOW_RATIO:
        evidence = (
            f"{method.what}: median {_msec(own)}, {_msec(peers)} for the median rank; "
            f"slow in {slow:,} of {compared:,} {method.steps} compared"
        )
        host = hosts.get(rank)
        return Straggler(rank, host, "chronic", slow, compared, slowdown, round(waited * every), evidence)
    if not far or waited_far < LEAST_SHARE * total:
        return None
    (worst,) = database.select("furthest_step", rank=rank)[0]
    evidence = (
        f"{method.what}: more than twice the median rank's in {far:,} of {compared:,} {method.steps} compared, "
        f"at most {_msec(furthest)} more, at iteration {worst}"
    )
    return Straggler(rank, hosts.get(rank), "one-off", far, compared, slowdown, round(waited_far * every), evidence)


def _msec(microseconds: float) -> str:
    return f"{microseconds / 1000:,.1f} ms"


def _number(value: object) -> float:
    return 0.0 if value is None else float(value)  # type: ignore[arg-type]
