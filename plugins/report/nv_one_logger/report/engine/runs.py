"""Which processes belong to which session and attempt, and between which moments an attempt stands."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Set, Tuple

from nv_one_logger.report.engine.database import Row
from nv_one_logger.report.store.schema import TABLES

__all__ = ["AttemptWindow", "Process", "Run", "group_attempts", "group_sessions", "read_processes"]

# A process that began longer before its first record than this was not just importing.
_LONGEST_START_US = 86_400 * 1_000_000


@dataclass(frozen=True)
class Process:
    """One row of the table ``processes``; see ``store.schema``."""

    process: int
    path: str
    pid: Optional[int]
    run: int
    records: int
    missing: int
    first_us: int
    last_us: int
    process_start_us: Optional[int]
    application: Optional[str]
    session_tag: Optional[str]
    attempt: Optional[int]
    rank: Optional[int]
    world_size: Optional[int]
    host: Optional[str]
    has_session_record: bool
    heartbeats: int
    application_ended: bool
    tells_exit: bool
    exit_reason: Optional[str]
    exit_detail: Optional[str]
    last_error: Optional[str]
    error_is_last: bool
    open_spans: str
    global_batch_size: Optional[int]
    loop_first_iteration: Optional[int]
    iterations_recorded: int

    @property
    def started(self) -> int:
        """When it began: as its session record says, else its first record."""
        began = self.process_start_us
        if began is None or not self.first_us - _LONGEST_START_US <= began <= self.first_us:
            return self.first_us
        return began

    @property
    def open_at_end(self) -> Tuple[Tuple[str, int], ...]:
        """Name and start of the spans that had not ended, innermost first."""
        listed = json.loads(self.open_spans)["spans"] if self.open_spans else []
        return tuple((name, start) for name, start in listed)


@dataclass(frozen=True)
class Run:
    """A process in its attempt, with a rank in any case."""

    process: Process
    attempt: int
    rank: int


@dataclass(frozen=True)
class AttemptWindow:
    """One attempt.

    Attributes:
        number: 1 for the first.
        runs: Its processes.
        started: Where its time begins: the first process, or record where no session record tells.
        ended: Where it ends: the last record, or where the next attempt begins.
        resume_at: The lowest iteration that a later attempt began with; ``None`` when none did.
    """

    number: int
    runs: Tuple[Run, ...]
    started: int
    ended: int
    resume_at: Optional[int] = None

    @property
    def first_iteration(self) -> Optional[int]:
        """The number of its first iteration; ``None`` when it began no training."""
        firsts = (run.process.loop_first_iteration for run in self.runs)
        return min((first for first in firsts if first is not None), default=None)

    @property
    def ranks(self) -> Tuple[int, ...]:
        """The ranks that recorded anything."""
        return tuple(sorted({run.rank for run in self.runs}))


def read_processes(rows: Sequence[Row]) -> List[Process]:
    """Make objects of the rows of ``processes``, without those whose records tell no time."""
    names = TABLES["processes"].names
    known = [dict(zip(names, row, strict=True)) for row in rows]
    return [Process(**row) for row in known if row["first_us"] is not None]


def group_sessions(processes: Sequence[Process]) -> Dict[Optional[str], List[Process]]:
    """Put processes together by session tag; those without one belong to the only session, if there is one only."""
    sessions: Dict[Optional[str], List[Process]] = {}
    for process in processes:
        sessions.setdefault(process.session_tag, []).append(process)
    if None in sessions and len(sessions) == 2:
        (tag,) = [tag for tag in sessions if tag is not None]
        sessions[tag].extend(sessions.pop(None))
    return sessions


def group_attempts(processes: Sequence[Process]) -> List[AttemptWindow]:
    """Find the attempts of a session.

    A new attempt begins where a rank begins again after its last record, or where the launcher counts another one. A
    process that runs at the same time as the one of its rank (a worker, a second file) belongs to the same attempt.
    """
    groups: List[_Group] = []
    given = _ranks_given(processes)
    for process in sorted(processes, key=lambda process: (process.first_us, process.process)):
        rank = given[process.path] if process.rank is None else process.rank
        if not groups or groups[-1].is_over(process, rank):
            groups.append(_Group())
        groups[-1].add(Run(process, len(groups), rank))
    return _with_resumption(_bounded([group.runs for group in groups]))


class _Group:
    """The processes of an attempt while they are collected."""

    def __init__(self) -> None:
        self.runs: List[Run] = []
        self._last_us: Dict[int, int] = {}  # by rank
        self._numbers: Set[int] = set()  # that the launcher gave it

    def add(self, run: Run) -> None:
        self.runs.append(run)
        self._last_us[run.rank] = max(run.process.last_us, self._last_us.get(run.rank, run.process.last_us))
        if run.process.attempt is not None:
            self._numbers.add(run.process.attempt)

    def is_over(self, process: Process, rank: int) -> bool:
        """Whether the process begins another attempt."""
        if process.attempt is not None and self._numbers and process.attempt not in self._numbers:
            return True
        last_us = self._last_us.get(rank)
        return last_us is not None and process.first_us >= last_us


def _ranks_given(processes: Sequence[Process]) -> Dict[str, int]:
    """Give a free rank to the processes of each file that tell none, by path."""
    taken = {process.rank for process in processes if process.rank is not None}
    free = (rank for rank in range(len(taken) + len(processes)) if rank not in taken)
    by_path: Dict[str, int] = {}
    for process in processes:
        if process.rank is None and process.path not in by_path:
            by_path[process.path] = next(free)
    return by_path


def _bounded(groups: Sequence[Sequence[Run]]) -> List[AttemptWindow]:
    windows: List[AttemptWindow] = []
    for number, runs in enumerate(groups, 1):
        first = min(run.process.first_us for run in runs)
        started = min(run.process.started for run in runs)
        ended = max(run.process.last_us for run in runs)
        if windows:
            before = windows[-1]
            if first < before.ended:
                before = windows[-1] = replace(before, ended=max(before.started, first))
            started = max(started, before.ended)
        windows.append(AttemptWindow(number, tuple(runs), started, max(started, ended)))
    return windows


def _with_resumption(windows: Sequence[AttemptWindow]) -> List[AttemptWindow]:
    found: List[AttemptWindow] = []
    lowest: Optional[int] = None
    for window in reversed(windows):
        found.append(replace(window, resume_at=lowest))
        first = window.first_iteration
        if first is not None:
            lowest = first if lowest is None else min(lowest, first)
    return found[::-1]
