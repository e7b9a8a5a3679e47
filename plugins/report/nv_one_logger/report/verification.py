"""Says what of the records is there, damaged or missing, file by file and process by process."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Tuple, Union

from nv_one_logger.reader import FileAccount
from nv_one_logger.report.exceptions import InputError
from nv_one_logger.report.store.identity import Identity
from nv_one_logger.report.store.inputs import find_inputs
from nv_one_logger.report.store.scan import MOST_PROCESSES, SourceScanner

__all__ = ["FileCheck", "ProcessCheck", "Verification", "verify"]


@dataclass(frozen=True)
class ProcessCheck:
    """What a source (a file, or a rotated set) holds of one process.

    Attributes:
        rank: Its rank; ``None`` when neither a record nor the name of the file says it.
        pid: Its process id; ``None`` when its records have none.
        run: Which process of that id it is in this source, 1 for the first.
        records: Records read.
        missing: Records that gaps in the numbers show to be missing.
        session_tag: The session it belongs to; ``None`` when no record says it.
        world_size: Ranks that its session should have; ``None`` likewise.
    """

    rank: Optional[int]
    pid: Optional[int]
    run: int
    records: int
    missing: int
    session_tag: Optional[str]
    world_size: Optional[int]


@dataclass(frozen=True)
class FileCheck:
    """One file.

    Attributes:
        account: What its lines are; every line is in exactly one class.
        processes: Who wrote; of a rotated set all are at the first file.
    """

    account: FileAccount
    processes: Tuple[ProcessCheck, ...]

    @property
    def verdict(self) -> str:
        """What is worst about it: ``unreadable``, ``corrupt``, ``missing``, ``torn`` or ``complete``."""
        account = self.account
        if account.error:
            return "unreadable"
        if account.corrupt_lines:
            return "corrupt"
        if account.missing:
            return "missing"
        return "torn" if account.torn_lines else "complete"


@dataclass(frozen=True)
class Verification:
    """All files.

    Attributes:
        files: In the order given; files of a rotated set together, the oldest first.
    """

    files: Tuple[FileCheck, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is torn, corrupt, missing or unreadable."""
        return all(file.account.is_clean for file in self.files)

    @property
    def absent_ranks(self) -> Dict[str, Tuple[int, ...]]:
        """Ranks that the world size promises and no file is of, by session tag; many jobs record only some ranks."""
        seen: Dict[str, Tuple[int, set[int]]] = {}
        for process in (process for file in self.files for process in file.processes):
            if process.rank is None or process.world_size is None:
                continue
            size, ranks = seen.get(process.session_tag or "", (0, set()))
            seen[process.session_tag or ""] = (max(size, process.world_size), ranks | {process.rank})
        # A world size of a million would be a mistake in a record, and no reason to list a million ranks.
        absent = {tag: tuple(sorted(set(range(min(size, 100_000))) - ranks)) for tag, (size, ranks) in seen.items()}
        return {tag: ranks for tag, ranks in absent.items() if ranks}


def verify(
    paths: Iterable[Union[str, Path]], *, workers: int = 1, progress: Optional[Callable[[int], None]] = None
) -> Verification:
    """Read all files to their ends.

    Args:
        paths: Files of records (JSON Lines), folders and globs of them.
        workers: Processes that read. More than one starts new interpreters, so the calling program needs the usual
            ``if __name__ == "__main__":``.
        progress: Called with a number of bytes whenever so many more were read.

    Raises:
        InputError: A path names nothing to read, or tables that ``one-logger convert`` wrote.
    """
    inputs = find_inputs(paths)
    if inputs.tables:
        raise InputError(
            f"{inputs.tables[0]} holds tables, which were verified when they were made; see its table 'files'. "
            "Name files of records."
        )
    if min(workers, len(inputs.sources)) <= 1:
        found = [_check_source(source, progress) for source in inputs.sources]
    else:
        found = _check_in_processes(inputs.sources, workers, progress)
    return Verification(tuple(file for files in found for file in files))


def _check_in_processes(
    sources: Tuple[Tuple[str, ...], ...], workers: int, progress: Optional[Callable[[int], None]]
) -> List[List[FileCheck]]:
    found = []
    with ProcessPoolExecutor(min(workers, len(sources)), mp_context=multiprocessing.get_context("spawn")) as pool:
        for files in pool.map(_check_source, sources):
            if progress is not None:
                progress(sum(file.account.bytes for file in files))
            found.append(files)
    return found


def _check_source(source: Tuple[str, ...], progress: Optional[Callable[[int], None]] = None) -> List[FileCheck]:
    made: List[_Taker] = []

    def make_taker(path: str, pid: Optional[int], run: int) -> _Taker:
        if len(made) < MOST_PROCESSES:
            made.append(_Taker(path, pid, run))
        return made[-1]

    scanner = SourceScanner(make_taker, progress=progress)
    for path in source:
        scanner.read(path)
    processes = tuple(taker.check() for taker in made)
    return [FileCheck(account, () if number else processes) for number, account in enumerate(scanner.accounts)]


class _Taker:
    """Counts the records of one process and learns who it is."""

    def __init__(self, path: str, pid: Optional[int], run: int) -> None:
        self.missing = 0
        self._records = 0
        self._pid, self._run = pid, run
        self._identity = Identity(path)

    def take(self, kind: str, data: Dict[str, object]) -> None:
        self._records += 1
        self._identity.take(kind, data)

    def check(self) -> ProcessCheck:
        who = self._identity
        return ProcessCheck(
            who.rank, self._pid, self._run, self._records, self.missing, who.session_tag, who.world_size
        )
