"""The exact account of a file: what was read, what could not be, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

__all__ = ["BadLine", "FileAccount", "Gap", "ProcessAccount", "RunCounter"]


@dataclass(frozen=True)
class BadLine:
    """A line that is no record.

    Attributes:
        path: The file.
        line: 1-based line.
        offset: Byte offset of the line in the file.
        size: Bytes of the line, its newline not counted.
        reason: What is wrong with it.
        torn: It is the last line and no newline ends it: the process was cut off while writing, or is writing now.
    """

    path: str
    line: int
    offset: int
    size: int
    reason: str
    torn: bool

    def __str__(self) -> str:
        kind = "torn last line" if self.torn else "corrupt line"
        return f"{self.path}, line {self.line}, byte {self.offset}: {kind} of {self.size} bytes: {self.reason}"


@dataclass(frozen=True)
class Gap:
    """Records that a process numbered but that are not in the file.

    Attributes:
        path: The file.
        line: Line of the record after the gap.
        pid: The process.
        run: Which process of that id (see ``ProcessKey.run``).
        first: Number of the first missing record.
        last: Number of the last missing record.
    """

    path: str
    line: int
    pid: int
    run: int
    first: int
    last: int

    @property
    def missing(self) -> int:
        """How many records are missing."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        numbers = f"record {self.first}" if self.first == self.last else f"records {self.first} to {self.last}"
        return f"{self.path}, before line {self.line}: {numbers} of process {self.pid} (run {self.run}) missing"


@dataclass
class ProcessAccount:
    """What one file holds of the processes with one id.

    Attributes:
        pid: The process id.
        records: Numbered records read.
        missing: Records missing before, between, and so far as later numbers tell; lost *last* records leave no trace.
        first_run: Which process of that id (see ``ProcessKey.run``) the file's first record is from.
        last_run: And its last record.
        last_count: Number of the last record read.
    """

    pid: int
    first_run: int
    last_run: int = 0
    records: int = 0
    missing: int = 0
    last_count: int = 0

    @property
    def runs(self) -> int:
        """How many processes of that id wrote to the file, one after the other."""
        return self.last_run - self.first_run + 1


@dataclass
class FileAccount:
    """What one file holds. Every line is counted in exactly one of records, blank, corrupt and torn.

    Attributes:
        path: The file.
        bytes: Bytes read, newlines included.
        lines: Lines read, a last one without newline included.
        records: Lines that are records.
        blank_lines: Lines of nothing but white space (exporters write one after a torn line).
        corrupt_lines: Lines that are no record, a torn last one not counted.
        torn_lines: 1 if the file ends in the middle of a record, else 0.
        uncounted: Records without a usable ``count`` or ``pid``; they are read, and no gap can be told from them.
        missing: Records that gaps in ``count`` show to be missing.
        processes: By process id.
        bad_lines: The first of the corrupt and torn lines, as many as the reader was asked to keep.
        gaps: The first gaps, likewise.
        error: Why the file could not be opened or read to its end; ``None`` if it was.
    """

    path: str
    bytes: int = 0
    lines: int = 0
    records: int = 0
    blank_lines: int = 0
    corrupt_lines: int = 0
    torn_lines: int = 0
    uncounted: int = 0
    missing: int = 0
    processes: Dict[int, ProcessAccount] = field(default_factory=dict)
    bad_lines: List[BadLine] = field(default_factory=list)
    gaps: List[Gap] = field(default_factory=list)
    error: Optional[str] = None

    @property
    def is_clean(self) -> bool:
        """Whether the file was read to its end, every line is a record or blank, and no record is missing."""
        return not (self.error or self.corrupt_lines or self.torn_lines or self.missing)


class RunCounter:
    """Follows the numbers of one process id through one source, across restarts.

    A process numbers its records 1, 2, 3, ... in the order it writes them. So a number that does not grow starts
    another process with the same id, and a number that jumps shows what is missing, in front of the first one
    too. (Two exporters of one process writing to one file cannot be told apart, and give meaningless gaps.)
    """

    def __init__(self) -> None:
        self.run = 1
        self.last_count = 0

    def take(self, count: int) -> Optional[Tuple[int, int]]:
        """Count one record; return the first and last number missing in front of it, if any."""
        if count <= self.last_count:
            self.run += 1
            self.last_count = 0
        expected = self.last_count + 1
        self.last_count = count
        return (expected, count - 1) if count > expected else None
