"""Keeps a growing file below a size by renaming it away, also when several processes append to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Rotation"]


class Rotation:
    """Renames ``run.jsonl`` to ``run.jsonl.1``, that to ``run.jsonl.2`` and so on, when it has grown large.

    Args:
        max_bytes: Rotate once the file has at least this size.
        backup_count: How many renamed files are kept, 1 or more; the oldest is deleted.
    """

    def __init__(self, max_bytes: int, backup_count: int) -> None:
        self._max_bytes = max_bytes
        self._backup_count = backup_count

    @staticmethod
    def can_share_files() -> bool:
        """Whether several processes may rotate one file: needs the locks of POSIX."""
        return fcntl is not None

    def has_moved(self, fd: int, path: Path) -> bool:
        """Whether ``path`` is no longer the file that ``fd`` is open on: another process has rotated it."""
        try:
            return not os.path.samestat(os.fstat(fd), os.stat(path))
        except FileNotFoundError:
            return True

    def is_due(self, fd: int) -> bool:
        """Whether the open file has reached its size."""
        return os.fstat(fd).st_size >= self._max_bytes

    def rotate(self, fd: int, path: Path) -> None:
        """Rename the file that ``fd`` is open on, unless another process did so meanwhile."""
        if fcntl is not None:
            fcntl.flock(fd, fcntl.LOCK_EX)  # released with the descriptor, at the latest
        try:
            if not self.has_moved(fd, path):
                self._rename(path)
        finally:
            if fcntl is not None:
                fcntl.flock(fd, fcntl.LOCK_UN)

    def _rename(self, path: Path) -> None:
        for number in range(self._backup_count - 1, 0, -1):
            older = self._backup(path, number)
            if older.exists():
                os.replace(older, self._backup(path, number + 1))
        os.replace(path, self._backup(path, 1))

    @staticmethod
    def _backup(path: Path, number: int) -> Path:
        return path.with_name(f"{path.name}.{number}")


def rotation_or_none(max_bytes: Optional[int], backup_count: int) -> Optional[Rotation]:
    """Return the rotation that the options ask for, ``None`` for a file that may grow."""
    return None if max_bytes is None else Rotation(max_bytes, backup_count)
