"""Fills ``{rank}``, ``{pid}``, ``{session_tag}`` and ``{application_name}`` into a path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping

__all__ = ["PLACEHOLDERS", "fill_placeholders", "has_placeholder"]

PLACEHOLDERS = ("rank", "pid", "session_tag", "application_name")

_PATTERN = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def fill_placeholders(path: Path, values: Mapping[str, object]) -> Path:
    """Return the path with every placeholder that has a value replaced; other braces stay as they are.

    A value becomes part of one file name, whatever it holds: characters outside ``A-Z a-z 0-9 . _ -`` become ``_``, and
    so does a leading dot, so that no value can lead out of the directory or hide the file.
    """

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        return _file_name_part(str(values[name])) if name in values else match.group(0)

    return Path(_PATTERN.sub(replacement, str(path)))


def has_placeholder(path: Path, name: str) -> bool:
    """Whether the path holds this placeholder."""
    return "{" + name + "}" in str(path)


def _file_name_part(value: str) -> str:
    safe = _UNSAFE.sub("_", value)
    return f"_{safe[1:]}" if safe.startswith(".") else safe
