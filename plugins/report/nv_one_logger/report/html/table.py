"""A table as the page shows it: text in cells, and what kind of text its columns hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

__all__ = ["Table", "make_table"]

MOST_ROWS = 300
_MOST_SHORT = 26


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows, for those who cannot see where it stands.
        headings: One for each column.
        rows: The cells; the first of each row is its heading.
        kinds: CSS class of each column: ``n`` holds numbers, ``s`` short texts, which are not broken, ``l`` long ones.
        left_out: Rows that are not shown, because nobody reads so many.
    """

    caption: str
    headings: Tuple[str, ...]
    rows: Tuple[Tuple[str, ...], ...]
    kinds: Tuple[str, ...]
    left_out: int


def make_table(
    caption: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[int] = (),
    most: int = MOST_ROWS,
) -> Table:
    """Return a table of the first ``most`` rows, which knows how many there were beyond them."""
    shown = tuple(tuple(row) for row in rows[:most])
    kinds = tuple("n" if index in numeric else _kind([row[index] for row in shown]) for index in range(len(headings)))
    return Table(caption, tuple(headings), shown, kinds, max(0, len(rows) - most))


def _kind(cells: Sequence[str]) -> str:
    return "l" if max(map(len, cells), default=0) > _MOST_SHORT else "s"
