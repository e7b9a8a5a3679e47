"""Reads files that others are writing: new records as they come, across rotation and truncation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from nv_one_logger.reader import BadLine, FileScanner, Gap, LineSplitter, Record
from nv_one_logger.reader.account import RunCounter

__all__ = ["FollowedFile"]

_CHUNK_BYTES = 256 * 1024


class _Identity(NamedTuple):
    device: int
    inode: int


class FollowedFile:
    """One path, followed.

    A file that was renamed away (``run.jsonl`` to ``run.jsonl.1``, then ``.2``) is read to its end, then those that
    came after it, so that no record is passed over however often it rotated meanwhile. One that was truncated is read
    from its beginning. One that does not exist yet is waited for.

    Args:
        path: The file that is written to.
        on_bad_line: Called with every line that is no record; the last line only once it cannot grow any more.
        on_gap: Called with every gap in the numbers of a process, across rotation.
    """

    def __init__(self, path: Path, on_bad_line: Callable[[BadLine], None], on_gap: Callable[[Gap], None]) -> None:
        self.path = path
        self._on_bad_line = on_bad_line
        self._on_gap = on_gap
        self._counters: Dict[int, RunCounter] = {}
        self._file: Optional[BinaryIO] = None
        self._position = 0
        self._splitter = LineSplitter()
        self._scanner = self._new_scanner(path)

    @property
    def is_open(self) -> bool:
        """Whether the file has been found."""
        return self._file is not None

    def poll(self) -> Iterator[Record]:
        """Return the records that were written since the last call.

        Raises:
            OSError: The file exists and cannot be read.
        """
        if self._file is None and not self._open(self.path):
            return
        yield from self._drain()
        for successor in self._successors():
            # What was written between the last read and the renaming.
            yield from self._drain()
            yield from self._end_of_file()
            if self._open(successor):
                yield from self._drain()

    def finish(self) -> Iterator[Record]:
        """Take the file for finished: return the last record if it lacks only its newline, report a torn one."""
        yield from self._end_of_file()

    def close(self) -> None:
        """Close the file; what it ends with may still be being written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _new_scanner(self, path: Path) -> FileScanner:
        return FileScanner(
            str(path), self._counters, source=str(self.path), on_bad_line=self._on_bad_line, on_gap=self._on_gap
        )

    def _open(self, path: Path) -> bool:
        try:
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115  # lives until the file's end is certain
        except FileNotFoundError:
            return False
        self._position = 0
        self._splitter = LineSplitter()
        self._scanner = self._new_scanner(path)
        return True

    def _drain(self) -> Iterator[Record]:
        file = self._file
        if file is None:
            return
        if os.fstat(file.fileno()).st_size < self._position:
            yield from self._end_of_file()
            self._open(self.path)
            file = self._file
        while file is not None:
            chunk = file.read(_CHUNK_BYTES)
            if not chunk:
                break
            self._position += len(chunk)
            for line in self._splitter.feed(chunk):
                record = self._scanner.scan(line)
                if record is not None:
                    yield record

    def _end_of_file(self) -> Iterator[Record]:
        if self._file is None:
            return
        self.close()
        last = self._splitter.finish()
        record = self._scanner.scan(last) if last is not None else None
        if record is not None:
            yield record

    def _successors(self) -> List[Path]:
        """Return the files that took over from the open one, oldest first; none while it is still the current one."""
        current = _identity_of_path(self.path)
        mine = _identity(os.fstat(self._file.fileno())) if self._file is not None else None
        if current is None or mine is None or current == mine:
            return []
        older = list(self._rotated())
        places = [place for place, (_, identity) in enumerate(older) if identity == mine]
        # Not found: it was rotated out of existence, and the numbers will show what is missing.
        newer = older[: places[0]] if places else []
        return [*(path for path, _ in reversed(newer)), self.path]

    def _rotated(self) -> Iterator[Tuple[Path, _Identity]]:
        number = 1
        while True:
            path = self.path.with_name(f"{self.path.name}.{number}")
            identity = _identity_of_path(path)
            if identity is None:
                return
            yield path, identity
            number += 1


def _identity(status: os.stat_result) -> _Identity:
    return _Identity(status.st_dev, status.st_ino)


def _identity_of_path(path: Path) -> Optional[_Identity]:
    try:
        return _identity(os.stat(path))
    except FileNotFoundError:
        return None
