"""Finds the files that paths, folders and globs name."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Tuple, Union

from nv_one_logger.reader import order_rotated
from nv_one_logger.reader.stream import rotation_base
from nv_one_logger.report.exceptions import InputError
from nv_one_logger.report.store.schema import MARKER

__all__ = ["Inputs", "find_inputs"]

_IN_FOLDERS = ("*.jsonl", "*.jsonl.[0-9]*", "*.ndjson", "*.ndjson.[0-9]*")
_MAGIC = frozenset("*?[")


@dataclass(frozen=True)
class Inputs:
    """What to read.

    Attributes:
        sources: Files of records; those of one rotated set stand together, oldest first.
        tables: Folders that ``one-logger convert`` wrote.
    """

    sources: Tuple[Tuple[str, ...], ...]
    tables: Tuple[Path, ...]

    @property
    def bytes(self) -> int:
        """How much there is to read of the sources."""
        return sum(_size_of(path) for source in self.sources for path in source)


def find_inputs(paths: Iterable[Union[str, Path]]) -> Inputs:
    """Find the files that ``paths`` name.

    A file is taken as it is, whatever its name. Of a folder the files ``*.jsonl`` and ``*.ndjson`` are taken, rotated
    ones too, in all folders below; a folder of tables is recognised. Anything else is a glob (``**`` too).

    Raises:
        InputError: A path names nothing; all such paths are in the one message.
    """
    files: Dict[str, None] = {}  # a set that keeps the order
    tables: Dict[Path, None] = {}
    unknown: List[str] = []
    for path in paths:
        name = os.fspath(path)
        found = [name] if _exists(name) else _expand(name)
        if not found:
            unknown.append(name)
        for entry in found:
            if not os.path.isdir(entry):
                files[entry] = None
                continue
            marked = _tables_in(Path(entry))
            tables.update(dict.fromkeys(marked))
            inside = _records_in(Path(entry))
            files.update(dict.fromkeys(inside))
            if not marked and not inside:
                unknown.append(f"{entry} (a folder without *.jsonl)")
    if unknown:
        raise InputError(f"Nothing to read: {', '.join(unknown)}. Name files of records, folders of them, or globs.")
    return Inputs(_as_sources(files), tuple(tables))


def _as_sources(files: Iterable[str]) -> Tuple[Tuple[str, ...], ...]:
    sources: Dict[str, List[str]] = {}
    for path in order_rotated(files):
        sources.setdefault(rotation_base(path), []).append(path)
    return tuple(tuple(members) for members in sources.values())


def _expand(pattern: str) -> List[str]:
    return sorted(glob.glob(pattern, recursive=True), key=_by_number) if _MAGIC & set(pattern) else []


def _exists(name: str) -> bool:
    try:
        return os.path.exists(name)
    except ValueError:  # a zero byte within
        return False


def _tables_in(folder: Path) -> List[Path]:
    return sorted(marker.parent for marker in folder.rglob(MARKER))


def _records_in(folder: Path) -> List[str]:
    found = {str(path) for pattern in _IN_FOLDERS for path in folder.rglob(pattern) if path.is_file()}
    return sorted(found, key=_by_number)


def _by_number(path: str) -> Tuple[List[str], List[int]]:
    """Return a key that puts rank10 after rank9."""
    parts = re.split(r"(\d+)", path)
    return parts[::2], [int(digits) for digits in parts[1::2]]


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return 0
