"""Cuts bytes into lines without ever holding more than one line, of bounded length."""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Optional

__all__ = ["DEFAULT_MAX_LINE_BYTES", "Line", "LineSplitter"]

# Far above any record written by this library (attributes are bounded), far below what hurts a login node.
DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024


class Line(NamedTuple):
    """One line of a file.

    Attributes:
        number: 1-based.
        offset: Where its first byte stands in the file.
        size: Bytes, the newline not counted.
        data: The bytes without the newline; ``None`` when the line was longer than allowed and was not kept.
        terminated: Whether a newline ended it; only the last line of a file can lack one.
    """

    number: int
    offset: int
    size: int
    data: Optional[bytes]
    terminated: bool


class LineSplitter:
    """Takes a file's bytes piece by piece and returns its lines.

    Memory is bounded by the largest piece plus ``max_line_bytes``: the content of a longer line is dropped, its size
    and place are kept.
    """

    def __init__(self, max_line_bytes: int = DEFAULT_MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._number = 1
        self._offset = 0
        self._pieces: List[bytes] = []
        self._size = 0

    @property
    def pending_bytes(self) -> int:
        """Size of the line that has begun and not yet ended."""
        return self._size

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """Return the lines that end within ``chunk``; consume the iterator before the next call."""
        *finished, rest = chunk.split(b"\n")
        for piece in finished:
            size = len(piece)
            if self._size or size > self._max_line_bytes:
                self._add(piece)
                yield self._take(terminated=True)
            else:  # as nearly always: the whole line is in this piece
                line = Line(self._number, self._offset, size, piece, True)
                self._number += 1
                self._offset += size + 1
                yield line
        self._add(rest)

    def finish(self) -> Optional[Line]:
        """Return the last line if no newline ended it, ``None`` if nothing is left."""
        return self._take(terminated=False) if self._size else None

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_line_bytes:
            self._pieces.clear()
        elif piece:
            self._pieces.append(piece)

    def _take(self, terminated: bool) -> Line:
        kept = self._size <= self._max_line_bytes
        line = Line(self._number, self._offset, self._size, b"".join(self._pieces) if kept else None, terminated)
        self._number += 1
        self._offset += self._size + terminated
        self._pieces.clear()
        self._size = 0
        return line
