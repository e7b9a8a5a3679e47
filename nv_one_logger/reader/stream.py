"""Streams the records of files, and keeps the account of each file while it goes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from nv_one_logger.reader.account import BadLine, FileAccount, Gap, ProcessAccount, RunCounter
from nv_one_logger.reader.lines import DEFAULT_MAX_LINE_BYTES, Line, LineSplitter
from nv_one_logger.reader.record import (
    ProcessKey,
    Record,
    RecordFormatError,
    count_of,
    parse_object,
    pid_of,
)

__all__ = ["FileScanner", "RecordReader", "order_rotated", "rotation_base"]

_CHUNK_BYTES = 256 * 1024
_ROTATED = re.compile(r"^(?P<base>.+\.[A-Za-z]\w*)\.(?P<age>[0-9]{1,6})$")


def rotation_base(path: str) -> str:
    """Return the name that the files of one rotated set have in common: ``run.jsonl.2`` gives ``run.jsonl``."""
    match = _ROTATED.match(path)
    return match.group("base") if match else path


def order_rotated(paths: Iterable[Union[str, Path]]) -> List[str]:
    """Put the files of each rotated set together, oldest first (``run.jsonl.2``, ``run.jsonl.1``, ``run.jsonl``).

    The sets stand in the order in which their first file was given.
    """
    sets: Dict[str, List[str]] = {}
    for path in paths:
        text = os.fspath(path)
        sets.setdefault(rotation_base(text), []).append(text)
    return [path for members in sets.values() for path in sorted(members, key=_age, reverse=True)]


def _age(path: str) -> int:
    match = _ROTATED.match(path)
    return int(match.group("age")) if match else 0


class FileScanner:
    """Turns the lines of one file into records and keeps its account; the base of reading and of following.

    Args:
        path: Name of the file, as it shall stand in records and reports.
        counters: Numbers seen so far by process id, carried from one file of a rotated set to the next.
        source: What the files of its rotated set have in common (``ProcessKey.source``); by default told by the name.
        max_details: How many bad lines and how many gaps the account keeps in full; all are counted.
        on_bad_line: Called with every corrupt or torn line.
        on_gap: Called with every gap.
    """

    def __init__(
        self,
        path: str,
        counters: Optional[Dict[int, RunCounter]] = None,
        *,
        source: Optional[str] = None,
        max_details: int = 1000,
        on_bad_line: Optional[Callable[[BadLine], None]] = None,
        on_gap: Optional[Callable[[Gap], None]] = None,
    ) -> None:
        self.account = FileAccount(path)
        self._source = rotation_base(path) if source is None else source
        self._counters: Dict[int, RunCounter] = {} if counters is None else counters
        self._keys: Dict[int, ProcessKey] = {}  # the latest of each process id
        self._max_details = max_details
        self._on_bad_line = on_bad_line
        self._on_gap = on_gap

    def scan(self, line: Line) -> Optional[Record]:
        """Take one line; return its record, or ``None`` when it is blank or was reported as bad."""
        number, offset, size, content, terminated = line
        account = self.account
        account.lines += 1
        account.bytes += size + terminated
        if content is None:
            self._report_bad(line, "longer than the reader accepts")
            return None
        if not content or content.isspace():
            account.blank_lines += 1
            return None
        try:
            data = parse_object(content)
        except RecordFormatError as error:
            self._report_bad(line, error.message)
            return None
        account.records += 1
        return Record(account.path, number, offset, self._take_number(data, line), str(data["type"]), data)

    def _report_bad(self, line: Line, reason: str) -> None:
        account = self.account
        torn = not line.terminated
        if torn:
            account.torn_lines += 1
        else:
            account.corrupt_lines += 1
        bad = BadLine(account.path, line.number, line.offset, line.size, reason, torn)
        if len(account.bad_lines) < self._max_details:
            account.bad_lines.append(bad)
        if self._on_bad_line is not None:
            self._on_bad_line(bad)

    def _take_number(self, data: Dict[str, object], line: Line) -> ProcessKey:
        """Account for the record's number and return which process it belongs to."""
        pid, count = pid_of(data), count_of(data)
        if pid is None or count is None:
            self.account.uncounted += 1
            known = self._counters.get(pid) if pid is not None else None
            return ProcessKey(self._source, pid, known.run if known is not None else 1)
        counter = self._counters.get(pid)
        if counter is None:
            counter = self._counters[pid] = RunCounter()
        missing = counter.take(count)
        run = counter.run
        process = self.account.processes.get(pid)
        if process is None:
            process = self.account.processes[pid] = ProcessAccount(pid, first_run=run)
        process.records += 1
        process.last_count = count
        process.last_run = run
        if missing is not None:
            self._report_gap(Gap(self.account.path, line.number, pid, run, *missing), process)
        key = self._keys.get(pid)
        if key is None or key.run != run:
            key = self._keys[pid] = ProcessKey(self._source, pid, run)
        return key

    def _report_gap(self, gap: Gap, process: ProcessAccount) -> None:
        process.missing += gap.missing
        self.account.missing += gap.missing
        if len(self.account.gaps) < self._max_details:
            self.account.gaps.append(gap)
        if self._on_gap is not None:
            self._on_gap(gap)


class RecordReader:
    """Streams the records of any number of files; iterate over it once.

    Reads in bounded memory: one piece of a file, one record, and the accounts. Never raises for what stands in a file,
    nor for a file that cannot be read: both are in :attr:`accounts`, which is complete when the iteration is.

    Args:
        paths: Files, in the order they shall be read. Files of one rotated set (``run.jsonl.1``, ``run.jsonl``)
            continue each other's numbers, so give them oldest first, for which :func:`order_rotated` is there.
        max_line_bytes: A longer line is reported as corrupt and skipped.
        max_details: How many bad lines and gaps each account keeps in full; all are counted.
        on_bad_line: Called with every corrupt or torn line.
        on_gap: Called with every gap.

    Example:
        >>> reader = RecordReader(["run.jsonl"])
        >>> stops = [record.name for record in reader if record.type == "stop"]
        >>> [account.is_clean for account in reader.accounts]
    """

    def __init__(
        self,
        paths: Iterable[Union[str, Path]],
        *,
        max_line_bytes: int = DEFAULT_MAX_LINE_BYTES,
        max_details: int = 1000,
        on_bad_line: Optional[Callable[[BadLine], None]] = None,
        on_gap: Optional[Callable[[Gap], None]] = None,
    ) -> None:
        self.accounts: List[FileAccount] = []
        self._paths = [os.fspath(path) for path in paths]
        self._max_line_bytes = max_line_bytes
        self._max_details = max_details
        self._on_bad_line = on_bad_line
        self._on_gap = on_gap

    def __iter__(self) -> Iterator[Record]:
        self.accounts.clear()
        counters: Dict[str, Dict[int, RunCounter]] = {}
        for path in self._paths:
            scanner = FileScanner(
                path,
                counters.setdefault(rotation_base(path), {}),
                max_details=self._max_details,
                on_bad_line=self._on_bad_line,
                on_gap=self._on_gap,
            )
            self.accounts.append(scanner.account)
            yield from self._read(path, scanner)

    def _read(self, path: str, scanner: FileScanner) -> Iterator[Record]:
        # Opening and reading are guarded each by itself: an OSError of whoever consumes the records is not ours.
        file, problem = _open(path)
        scanner.account.error = problem
        if file is None:
            return
        with file:
            splitter = LineSplitter(self._max_line_bytes)
            while True:
                chunk, scanner.account.error = _read_chunk(file)
                if not chunk:
                    break
                for line in splitter.feed(chunk):
                    record = scanner.scan(line)
                    if record is not None:
                        yield record
            last = splitter.finish()
            record = scanner.scan(last) if last is not None else None
            if record is not None:
                yield record


def _open(path: str) -> Tuple[Optional[BinaryIO], Optional[str]]:
    try:
        return open(path, "rb", buffering=0), None  # closed by the caller's with statement
    except OSError as error:
        return None, _reason(error)


def _read_chunk(file: BinaryIO) -> Tuple[bytes, Optional[str]]:
    try:
        return file.read(_CHUNK_BYTES), None
    except OSError as error:
        return b"", _reason(error)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
