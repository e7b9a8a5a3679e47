"""Reads the lines of a file as ``nv_one_logger.reader`` does, with the same account, in a fraction of the time.

``orjson`` reads what is plainly a record. Whatever it refuses, and whatever has no plain number and process id, goes
through the reader's own functions, so that there is one judgement of what a record is.
"""

from __future__ import annotations

from typing import BinaryIO, Callable, Dict, List, Optional, Protocol, Tuple

import orjson

from nv_one_logger.reader import BadLine, FileAccount, Gap, ProcessAccount, RecordFormatError
from nv_one_logger.reader.lines import DEFAULT_MAX_LINE_BYTES
from nv_one_logger.reader.record import count_of, parse_object, pid_of

__all__ = ["MOST_PROCESSES", "RecordTaker", "SourceScanner"]

MOST_PROCESSES = 1000
"""Processes of one source that are told apart; the rest is taken for one of them. No job restarts so often, but two
exporters of one process that write to one file look like it, as the numbers of their records take turns."""

_CHUNK_BYTES = 1024 * 1024


class RecordTaker(Protocol):
    """Takes the records of one process, in order."""

    missing: int
    """Records that were missing in front of those taken; the scanner counts it up."""

    def take(self, kind: str, data: Dict[str, object]) -> None:
        """Take one record of the type ``kind``."""


class _Process:
    """The process that currently writes under one process id."""

    __slots__ = ("last_count", "run", "taker")

    def __init__(self, taker: RecordTaker) -> None:
        self.run = 1
        self.last_count = 0
        self.taker = taker


class SourceScanner:
    """Reads the files of one source (a file, or a rotated set with the oldest first).

    Args:
        make_taker: Called with file, process id and run (see ``ProcessKey``) when a process writes its first record.
        progress: Called with a number of bytes whenever so many more were read.
        max_line_bytes: A longer line is counted as corrupt.
        max_details: How many bad lines and gaps each account keeps in full; all are counted.
    """

    def __init__(
        self,
        make_taker: Callable[[str, Optional[int], int], RecordTaker],
        *,
        progress: Optional[Callable[[int], None]] = None,
        max_line_bytes: int = DEFAULT_MAX_LINE_BYTES,
        max_details: int = 1000,
    ) -> None:
        self.accounts: List[FileAccount] = []
        self._make_taker = make_taker
        self._progress = progress
        self._max_line_bytes = max_line_bytes
        self._max_details = max_details
        self._processes: Dict[Optional[int], _Process] = {}
        self._line = 0
        self._offset = 0

    def read(self, path: str) -> FileAccount:
        """Read one file to its end and return its account; never raises for what stands in it."""
        account = FileAccount(path)
        self.accounts.append(account)
        self._line = self._offset = 0
        try:
            file: BinaryIO = open(path, "rb", buffering=0)  # noqa: SIM115  # closed by the with statement below
        except (OSError, ValueError) as error:  # ValueError: no path can hold a zero byte
            account.error = getattr(error, "strerror", None) or str(error)
            return account
        with file:
            self._read_chunks(file, account)
        return account

    def _read_chunks(self, file: BinaryIO, account: FileAccount) -> None:
        pending: List[bytes] = []
        size = 0  # of what is pending, kept or not
        while True:
            try:
                chunk = file.read(_CHUNK_BYTES)
            except OSError as error:
                account.error = error.strerror or str(error)
                chunk = b""
            if not chunk:
                break
            if self._progress is not None:
                self._progress(len(chunk))
            finished = chunk.split(b"\n")
            rest = finished.pop()
            if finished and size:
                self._take_long([*pending, finished[0]], size + len(finished[0]), account, terminated=True)
                del finished[0]
                pending, size = [], 0
            self._take_lines(finished, account)
            size += len(rest)
            if size > self._max_line_bytes:
                pending = []
            elif rest:
                pending.append(rest)
        if size:
            self._take_long(pending, size, account, terminated=False)

    def _take_long(self, pieces: List[bytes], size: int, account: FileAccount, *, terminated: bool) -> None:
        """Take a line that came in several pieces."""
        if size > self._max_line_bytes:
            self._begin_line(account, size, terminated)
            self._report_bad(account, size, terminated, "longer than the reader accepts")
            self._offset += size + terminated
        else:
            self._take_slowly(b"".join(pieces), account, terminated)

    def _take_lines(self, lines: List[bytes], account: FileAccount) -> None:
        """Take whole lines; the loop that the time goes into."""
        loads, processes, accounts = orjson.loads, self._processes, account.processes
        for raw in lines:
            try:
                data = loads(raw)
                kind, count, pid = data["type"], data["count"], data["pid"]
                process, own = processes.get(pid), accounts.get(pid)
            except (ValueError, KeyError, TypeError):  # TypeError: no object, or a process id that is one
                self._take_slowly(raw, account, terminated=True)
                continue
            if (
                process is None
                or own is None
                or type(count) is not int
                or count != process.last_count + 1
                or type(pid) is not int
                or type(kind) is not str
            ):
                self._take_slowly(raw, account, terminated=True)
                continue
            size = len(raw) + 1
            self._line += 1
            self._offset += size
            account.lines += 1
            account.bytes += size
            account.records += 1
            own.records += 1
            own.last_count = process.last_count = count
            process.taker.take(kind, data)

    def _take_slowly(self, raw: bytes, account: FileAccount, terminated: bool) -> None:
        """Take any line, as the reader would."""
        size = len(raw)
        self._begin_line(account, size, terminated)
        if not raw or raw.isspace():
            account.blank_lines += 1
        else:
            try:
                data = parse_object(raw)
            except RecordFormatError as error:
                self._report_bad(account, size, terminated, error.message)
            else:
                account.records += 1
                self._number(data, account).take(str(data["type"]), data)
        self._offset += size + terminated

    def _begin_line(self, account: FileAccount, size: int, terminated: bool) -> None:
        self._line += 1
        account.lines += 1
        account.bytes += size + terminated

    def _report_bad(self, account: FileAccount, size: int, terminated: bool, reason: str) -> None:
        if terminated:
            account.corrupt_lines += 1
        else:
            account.torn_lines += 1
        if len(account.bad_lines) < self._max_details:
            account.bad_lines.append(BadLine(account.path, self._line, self._offset, size, reason, not terminated))

    def _number(self, data: Dict[str, object], account: FileAccount) -> RecordTaker:
        """Account for the record's number and return who takes it."""
        pid, count = pid_of(data), count_of(data)
        if pid is None or count is None:
            account.uncounted += 1
            return self._process(account.path, pid).taker
        process = self._process(account.path, pid)
        if count <= process.last_count:
            process.run += 1
            process.last_count = 0
            process.taker = self._make_taker(account.path, pid, process.run)
        missing = count - process.last_count - 1
        own = account.processes.setdefault(pid, ProcessAccount(pid, first_run=process.run))
        own.records += 1
        own.last_count = count
        own.last_run = process.run
        if missing:
            self._report_gap(account, own, process, (process.last_count + 1, count - 1))
        process.last_count = count
        return process.taker

    def _report_gap(
        self, account: FileAccount, own: ProcessAccount, process: _Process, numbers: Tuple[int, int]
    ) -> None:
        gap = Gap(account.path, self._line, own.pid, process.run, *numbers)
        own.missing += gap.missing
        account.missing += gap.missing
        process.taker.missing += gap.missing
        if len(account.gaps) < self._max_details:
            account.gaps.append(gap)

    def _process(self, path: str, pid: Optional[int]) -> _Process:
        process = self._processes.get(pid)
        if process is None:
            process = self._processes[pid] = _Process(self._make_taker(path, pid, 1))
        return process
