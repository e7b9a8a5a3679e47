"""How far each process came, what later attempts did again, and the cells of the ledger that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import pyarrow as pa

from nv_one_logger.report.engine.database import Database
from nv_one_logger.report.engine.ledger import Cell, Gap
from nv_one_logger.report.engine.runs import AttemptWindow, Run
from nv_one_logger.report.model import ProcessRun, StopCause

__all__ = ["Work", "declare_runs", "gaps_between", "iterations_kept", "lost_iterations", "make_cells", "read_work"]


_ABSENT = 2**63


@dataclass(frozen=True)
class Work:
    """What one process did.

    Attributes:
        known_from: Start of the first span that says more than that the application runs; ``None`` without one.
        spans: Spans that the ledger has to look at.
        iterations: Iterations finished, as far as recorded.
        last_iteration: Number of the last one; ``None`` when it finished none.
        lost_from: Where the time of iterations begins that were done again; ``None`` without any.
    """

    known_from: Optional[int]
    spans: int
    iterations: int
    last_iteration: Optional[int]
    lost_from: Optional[int]


def declare_runs(database: Database, windows: Sequence[AttemptWindow]) -> Dict[Tuple[int, int], int]:
    """Make the table ``runs`` and return the index of each cell, by attempt and rank.

    A cell is a rank in an attempt, also of a rank that recorded nothing in this attempt but in another.
    """
    ranks = sorted({rank for window in windows for rank in window.ranks})
    keys = [(window.number, rank) for rank in ranks for window in windows]
    first = {(run.attempt, run.rank): run.process.process for window in reversed(windows) for run in window.runs}
    # In the order of the tables, so that neighbouring cells are near each other in them.
    keys.sort(key=lambda key: first.get(key, _ABSENT))
    index = {key: number for number, key in enumerate(keys)}
    whole = pa.int64()
    columns = [
        ("process", whole), ("cell", whole), ("attempt", whole), ("rank", whole), ("last_us", whole),
        ("has_iterations", pa.bool_()), ("resume_at", whole),
    ]  # fmt: skip
    rows = [
        (
            run.process.process, index[run.attempt, run.rank], run.attempt, run.rank, run.process.last_us,
            run.process.iterations_recorded > 0, window.resume_at,
        )
        for window in windows
        for run in window.runs
    ]  # fmt: skip
    database.fill("runs", columns, rows)
    return index


def read_work(database: Database, windows: Sequence[AttemptWindow]) -> Dict[int, Work]:
    """Ask what each process did, by its number."""
    lost_from = _lost_from(database, windows)
    runs = {run.process.process: run for window in windows for run in window.runs}
    found = {}
    for row in database.select("work"):
        process, known_from, spans, recorded, saved, told, done = (_whole_or_none(value) for value in row)
        run = runs[process or 0]
        reached = [number for number in (recorded, saved, told) if number is not None]
        first = run.process.loop_first_iteration or 0
        last = max((number for number in reached if number >= first), default=None)
        counted = run.process.iterations_recorded or max(done or 0, 0 if last is None else last + 1 - first)
        found[run.process.process] = Work(known_from, spans or 0, counted, last, lost_from.get(process or 0))
    return found


def _lost_from(database: Database, windows: Sequence[AttemptWindow]) -> Dict[int, int]:
    resume_at = {run.process.process: window.resume_at or 0 for window in windows for run in window.runs}
    found = {}
    for row in database.select("lost_from"):
        process, begun, below, below_us, above, above_us = (_whole_or_none(value) for value in row)
        last_kept = resume_at[process or 0] - 1
        if begun is not None:
            found[process or 0] = begun
        elif above is not None and above_us is not None:
            found[process or 0] = _interpolate(last_kept, below, below_us, above, above_us)
    return found


def _interpolate(wanted: int, below: Optional[int], below_us: Optional[int], above: int, above_us: int) -> int:
    """Return when an iteration had been finished, between two moments at which a number of them is known."""
    if below is None or below_us is None or above <= wanted or below_us >= above_us:
        return above_us
    return below_us + (above_us - below_us) * (wanted - below) // (above - below)


def lost_iterations(window: AttemptWindow, work: Mapping[int, Work]) -> int:
    """Return how many iterations of an attempt were done again later: those of the rank that had come furthest."""
    resume, first = window.resume_at, window.first_iteration
    last = last_iteration(window.runs, work)
    if resume is None or last is None or first is None:
        return 0
    return max(0, last + 1 - max(resume, first))


def last_iteration(runs: Sequence[Run], work: Mapping[int, Work]) -> Optional[int]:
    """Return the number of the last iteration that any of the processes finished."""
    known = (work[run.process.process].last_iteration for run in runs)
    return max((last for last in known if last is not None), default=None)


def iterations_kept(windows: Sequence[AttemptWindow], work: Mapping[int, Work]) -> Optional[int]:
    """Return how many iterations the session did, each counted once; ``None`` when none is recorded."""
    done: List[int] = []
    for window in windows:
        first, last = window.first_iteration, last_iteration(window.runs, work)
        if last is not None:
            done.append(last + 1 - (first or 0) - lost_iterations(window, work))
    return sum(done) if done else None


def make_cells(
    index: Mapping[Tuple[int, int], int],
    windows: Sequence[AttemptWindow],
    work: Mapping[int, Work],
    processes: Sequence[ProcessRun],
) -> List[Cell]:
    """Say of each rank in each attempt where the meaning of its time changes."""
    by_number = {window.number: window for window in windows}
    by_cell: Dict[Tuple[int, int], List[Run]] = {}
    for run in (run for window in windows for run in window.runs):
        by_cell.setdefault((run.attempt, run.rank), []).append(run)
    causes: Dict[Tuple[int, Optional[int]], List[StopCause]] = {}
    for process in processes:
        causes.setdefault((process.attempt, process.rank), []).append(process.cause)
    cells = []
    for attempt, rank in sorted(index, key=lambda key: index[key]):
        window = by_number[attempt]
        runs = by_cell.get((attempt, rank), [])
        if not runs:
            cells.append(
                Cell(attempt, rank, window.started, window.ended, window.started, window.started, True, None, 0)
            )
            continue
        did = [work[run.process.process] for run in runs]
        last = max(run.process.last_us for run in runs)
        known = [one.known_from for one in did if one.known_from is not None]
        lost = [one.lost_from for one in did if one.lost_from is not None]
        first = min(run.process.first_us for run in runs)
        cells.append(
            Cell(
                attempt=attempt,
                rank=rank,
                start=window.started,
                stop=window.ended,
                known_from=_within(window, min(known, default=first)),
                alive_to=_within(window, last),
                is_lost=not set(causes[attempt, rank]) <= {StopCause.NORMAL, StopCause.RUNNING},
                lost_from=min(lost) if lost else None,
                spans=sum(one.spans for one in did),
            )
        )
    return cells


def _within(window: AttemptWindow, moment: int) -> int:
    return min(max(moment, window.started), window.ended)


def gaps_between(windows: Sequence[AttemptWindow]) -> List[Gap]:
    """Return the time between each attempt and the next."""
    pairs = zip(windows, windows[1:], strict=False)
    return [Gap(before.number, before.ended, after.started) for before, after in pairs]


def _whole_or_none(value: object) -> Optional[int]:
    return None if value is None else int(value)  # type: ignore[call-overload]
