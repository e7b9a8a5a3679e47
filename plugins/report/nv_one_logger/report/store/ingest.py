"""Reads sources into a folder of tables, each source in one process."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from nv_one_logger.reader import FileAccount
from nv_one_logger.report.store.follow import Follower, Row, Rows
from nv_one_logger.report.store.scan import MOST_PROCESSES, SourceScanner
from nv_one_logger.report.store.tables import TableWriter, mark_complete
from nv_one_logger.report.store.values import MOST
from nv_one_logger.report.vocabulary import LOAD, OWN_WORK, SAVES, SPAN_BUCKETS, TRAINING_LOOP

__all__ = ["NEEDED_SPANS", "ingest"]

NEEDED_SPANS = frozenset([TRAINING_LOOP, LOAD, *SAVES, *OWN_WORK, *(name for name, _ in SPAN_BUCKETS)])
"""Spans that a report needs; conversion keeps all."""

# Numbers of processes: those of a source stand together.
_NUMBERS_A_SOURCE = 1 << 20


@dataclass(frozen=True)
class _Task:
    number: int
    paths: Tuple[str, ...]
    folder: Path
    is_whole: bool


def ingest(
    sources: Sequence[Tuple[str, ...]],
    folder: Path,
    *,
    is_whole: bool = False,
    workers: int = 1,
    progress: Optional[Callable[[int], None]] = None,
) -> List[FileAccount]:
    """Read all sources and write the tables of ``schema.TABLES`` into ``folder``.

    Args:
        sources: Files, those of one rotated set together, oldest first.
        folder: An empty folder.
        is_whole: Keep every span and event with its ids and attributes, rather than what a report needs.
        workers: Processes that read; one means this one.
        progress: Called with a number of bytes whenever so many more were read.

    Returns:
        The accounts of all files, in the order of the sources.
    """
    tasks = [_Task(number, tuple(paths), folder, is_whole) for number, paths in enumerate(sources)]
    accounts: List[FileAccount] = []
    for some in _run(tasks, min(workers, len(tasks)), progress):
        accounts.extend(some)
    with TableWriter(folder, "files") as writer:
        writer.rows("files").extend(_file_row(account) for account in accounts)
    mark_complete(folder)
    return accounts


def _run(
    tasks: Sequence[_Task], workers: int, progress: Optional[Callable[[int], None]]
) -> Iterator[List[FileAccount]]:
    if workers <= 1:
        for task in tasks:
            yield _read_source(task, progress)
        return
    # Started anew, not forked: this process may have threads, DuckDB's among them.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for accounts in pool.map(_read_source, tasks):
            if progress is not None:
                progress(sum(account.bytes for account in accounts))
            yield accounts


def _read_source(task: _Task, progress: Optional[Callable[[int], None]] = None) -> List[FileAccount]:
    """Read one source; runs in a worker."""
    with TableWriter(task.folder, f"part-{task.number:06}") as writer:
        return _Source(task, writer, progress).read()


class _Source:
    def __init__(self, task: _Task, writer: TableWriter, progress: Optional[Callable[[int], None]]) -> None:
        self._task = task
        self._writer = writer
        self._progress = progress
        self._rows = Rows(*(writer.rows(table) for table in Rows._fields))
        self._current: Dict[Optional[int], Follower] = {}
        self._scanner = SourceScanner(self._make_follower, progress=self._note_progress)
        self._path = ""
        self._made = 0

    def read(self) -> List[FileAccount]:
        for path in self._task.paths:
            self._path = path
            self._scanner.read(path)
        for follower in self._current.values():
            self._finish(follower)
        return self._scanner.accounts

    def _make_follower(self, path: str, pid: Optional[int], run: int) -> Follower:
        ended = self._current.get(pid)
        if self._made >= MOST_PROCESSES:
            return ended if ended is not None else next(iter(self._current.values()))
        if ended is not None:
            self._finish(ended)
        number = self._task.number * _NUMBERS_A_SOURCE + self._made
        self._made += 1
        follower = Follower(number, path, pid, run, self._rows, is_whole=self._task.is_whole, needed=NEEDED_SPANS)
        self._current[pid] = follower
        return follower

    def _finish(self, follower: Follower) -> None:
        row: Row = follower.finish(self._path)
        self._writer.rows("processes").append(row)

    def _note_progress(self, read: int) -> None:
        # Called for every piece of a file, which makes it the moment to let go of rows.
        self._writer.relieve()
        if self._progress is not None:
            self._progress(read)


def _file_row(account: FileAccount) -> Tuple[object, ...]:
    return (
        account.path, account.bytes, account.lines, account.records, account.blank_lines, account.corrupt_lines,
        account.torn_lines, account.uncounted, min(account.missing, MOST), account.error,
    )  # fmt: skip
