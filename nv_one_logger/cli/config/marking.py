"""Shows the line of a file with a caret below the place that is meant, and nothing secret in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, Optional, Sequence, Tuple

from rich.cells import cell_len

from nv_one_logger.config.masking import MASK, is_secret_path
from nv_one_logger.core.exceptions import ConfigError

__all__ = ["MarkedLine", "mark_line", "read_lines"]

_WORDS = "token|key|password|secret|authorization"  # as in config.masking
_SECRET_KEY = re.compile(
    rf"""["']?[\w.-]*(?:{_WORDS})[\w.-]*["']?\s*:\s+|"[^"]*(?:{_WORDS})[^"]*"\s*:\s*""",
    re.IGNORECASE,
)
_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""")
_IN_BRACES = re.compile(r"[^,}\]]*")
_TAB = "    "


@dataclass(frozen=True)
class MarkedLine:
    """A line, and a line with a caret to print below it.

    Attributes:
        number: Number of the line.
        text: The line, cut where it is too wide.
        caret: Blanks and a caret.
    """

    number: int
    text: str
    caret: str


def read_lines(path: str) -> Sequence[str]:
    """Return the lines of a file; none when it cannot be read."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as stream:
            return stream.read().split("\n")
    except (OSError, ValueError):
        return ()


def mark_line(error: ConfigError, lines: Sequence[str], width: int) -> Optional[MarkedLine]:
    """Mark the place of a mistake; ``None`` when it stands nowhere in the file.

    Args:
        error: The mistake.
        lines: The lines of its file.
        width: Columns there are for the line.
    """
    if error.line is None or not 0 < error.line <= len(lines):
        return None
    before, after = _without_secrets(error, lines[error.line - 1].rstrip("\r"))
    before, after = _fitting(_shown(before), _shown(after), width)
    return MarkedLine(error.line, before + after, " " * cell_len(before) + "^")


def _without_secrets(error: ConfigError, line: str) -> Tuple[str, str]:
    """Divide a line at the place of a mistake, the values of secret keys hidden on both sides."""
    place = max((error.column or 1) - 1, 0)
    before, after, end = "", "", 0
    for start, stop in _secret_values(line):
        before += line[end : min(start, max(place, end))]
        after += line[max(end, place) : max(start, place)] if place < start else ""
        if stop <= place:
            before += MASK
        else:
            after += MASK
        end = stop
    before += line[end : max(place, end)]
    after += line[max(place, end) :]
    name = error.key.rpartition(".")[2]
    is_on_key = bool(name) and after.lstrip("\"'").startswith(name)
    return before, MASK if is_secret_path(error.key) and not is_on_key else after


def _secret_values(line: str) -> Iterator[Tuple[int, int]]:
    """Find where the values of secret keys begin and end in a line; in doubt such a value is all the rest of it."""
    end = 0
    while True:
        key = _SECRET_KEY.search(line, end)
        if key is None or key.end() == len(line):
            return
        start = key.end()
        value = _QUOTED.match(line, start)
        if value is None and line[start] not in "\"'[{|>" and re.search(r"[{\[]", line[: key.start()]):
            value = _IN_BRACES.match(line, start)
        end = len(line) if value is None else value.end()
        if end > start:
            yield start, end


def _shown(text: str) -> str:
    return "".join(_TAB if c == "\t" else c if c.isprintable() else "?" for c in text)


def _fitting(before: str, after: str, width: int) -> Tuple[str, str]:
    """Cut both ends so that the place stays in sight."""
    if cell_len(before) > width * 2 // 3:
        while before and cell_len(before) > width // 3:
            before = before[1:]
        before = f"...{before}"
    room = width - cell_len(before)
    if cell_len(after) > room:
        while after and cell_len(after) > room - 3:
            after = after[:-1]
        after = f"{after}..."
    return before, after
