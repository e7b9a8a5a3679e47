"""Reads files that others are writing: new records as they come, across rotation and truncation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Callable, Dict, Iterator, NamedTuple, Optional, Tuple

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
        file = self._file
        if file is None:
            file = _open_file(self.path)
            if file is None:
                return
            self._follow(file, self.path)
        yield from self._drain(file)
        successor = self._successor(file)
        while successor is not None:
            # What was written between the last read and the renaming.
            yield from self._drain(file)
            file = _open_same(*successor)
            if file is None:
                return  # renamed again in this moment; the next look finds it under its new name
            yield from self._end_of_file()
            self._follow(file, successor[0])
            yield from self._drain(file)
            successor = self._successor(file)

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

    def _follow(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._position = 0
        self._splitter = LineSplitter()
        self._scanner = self._new_scanner(path)

    def _drain(self, file: BinaryIO) -> Iterator[Record]:
        if os.fstat(file.fileno()).st_size < self._position:
            file.seek(0)
            self._follow(file, self.path)
        while True:
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

    def _successor(self, file: BinaryIO) -> Optional[Tuple[Path, _Identity]]:
        """Return the file that took over from the open one; ``None`` while that is still the current one."""
        current = _identity_of_path(self.path)
        mine = _identity(os.fstat(file.fileno()))
        if current is None or current == mine:
            return None
        newer = (self.path, current)
        for path, identity in self._rotated():
            if identity == mine:
                return newer
            newer = (path, identity)
        # Not found: it was rotated out of existence. The oldest is next, and the numbers will show what is missing.
        return newer

    def _rotated(self) -> Iterator[Tuple[Path, _Identity]]:
        """Return the renamed files, newest first."""
        number = 1
        while True:
            path = self.path.with_name(f"{self.path.name}.{number}")
            identity = _identity_of_path(path)
            if identity is None:
                return
            yield path, identity
            number += 1


def _open_file(path: Path) -> Optional[BinaryIO]:
    try:
        return open(path, "rb", buffering=0)  # closed by the caller, when the file's end is certain
    except FileNotFoundError:
        return None


def _open_same(path: Path, identity: _Identity) -> Optional[BinaryIO]:
    """Open a file unless the name has gone to another one meanwhile."""
    file = _open_file(path)
    if file is not None and _identity(os.fstat(file.fileno())) != identity:
        file.close()
        return None
    return file


def _identity(status: os.stat_result) -> _Identity:
    return _Identity(status.st_dev, status.st_ino)


def _identity_of_path(path: Path) -> Optional[_Identity]:
    try:
        return _identity(os.stat(path))
    except FileNotFoundError:
        return None
