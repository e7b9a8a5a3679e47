"""Remembers which records were dealt with, so that a replay that was cut off goes on behind them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Dict, Mapping, Optional

from nv_one_logger.core.exceptions import OneLoggerError

__all__ = ["Journal", "JournalError"]

_VERSION = 1
# The second line has one length for ever, so that it can be overwritten where it stands.
_SLOT_BYTES = 64


class JournalError(OneLoggerError):
    """The file of the state cannot be used for this replay."""


class Journal:
    """How far each file was dealt with, in a file of two lines.

    The first names the target and what was finished before; it is written anew, beside and then over the old one,
    whenever a file is finished. The second holds the current place, and is overwritten after each record with one
    ``pwrite(2)``: even ``kill -9`` costs at most the one record that was on its way.

    Args:
        path: The file; ``None`` to remember nothing.
        target: What is sent to.

    Raises:
        JournalError: The file exists and is the state of a replay to another target, or of none.
        OSError: It cannot be read or written.
    """

    def __init__(self, path: Optional[Path], target: str) -> None:
        self._path = path
        self._target = target
        self._done: Dict[str, int] = {}
        self._current: Optional[str] = None
        self._descriptor = -1
        self._slot_at = 0
        if path is not None:
            if path.exists():
                self._done = _read(path, target)
            self._rewrite()

    @property
    def is_resumed(self) -> bool:
        """Whether anything was dealt with before."""
        return any(self._done.values())

    def is_done(self, path: str, offset: int) -> bool:
        """Whether the record at a byte offset was dealt with before."""
        return offset < self._done.get(os.path.abspath(path), 0)

    def note(self, path: str, offset: int) -> None:
        """Remember that the record at a byte offset, and all before it in its file, are dealt with."""
        if self._path is None:
            return
        name = os.path.abspath(path)
        self._done[name] = max(self._done.get(name, 0), offset + 1)
        if name != self._current:
            self._current = name
            self._rewrite()
        else:
            os.pwrite(self._descriptor, _slot(self._done[name]), self._slot_at)

    def close(self) -> None:
        """Write everything down."""
        if self._path is not None and self._descriptor >= 0:
            self._rewrite()
            os.close(self._descriptor)
            self._descriptor = -1

    def _rewrite(self) -> None:
        if self._path is None:
            return
        facts = {"version": _VERSION, "target": self._target, "current": self._current, "done": self._done}
        head = json.dumps(facts).encode() + b"\n"
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.partial")
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(descriptor, head + _slot(self._done.get(self._current or "", 0)))
        os.replace(partial, self._path)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._slot_at = descriptor, len(head)


def _slot(offset: int) -> bytes:
    return json.dumps({"offset": offset}).encode().ljust(_SLOT_BYTES - 1) + b"\n"


def _read(path: Path, target: str) -> Dict[str, int]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        head, slot = json.loads(lines[0]), json.loads(lines[1])
        version, owner, current = head["version"], head["target"], head.get("current")
        done = {str(name): int(offset) for name, offset in _mapping(head["done"]).items()}
        offset = int(slot["offset"])
    except (ValueError, LookupError, TypeError) as error:
        raise JournalError(f"{path} is no state of a replay ({error}). Name another file, or remove it.") from error
    if version != _VERSION or owner != target:
        raise JournalError(f"{path} is the state of a replay to {owner!r}, not to {target!r}. Name another file.")
    if current is not None:
        done[current] = max(done.get(current, 0), offset)
    return done


def _mapping(value: object) -> Mapping[str, int]:
    if not isinstance(value, dict):
        raise TypeError(f"found {value!r}")
    return value
