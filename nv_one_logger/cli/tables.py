"""Tables: drawn on a terminal, one line a row where something else reads them."""

from __future__ import annotations

import json
from typing import Mapping, Optional, Sequence

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nv_one_logger.cli.console import printable

__all__ = ["print_json", "print_table"]

_GAP = "  "

# On a narrower terminal more columns would each be a few letters wide.
_NARROW = 120
_MOST_IF_NARROW = 4


def print_table(
    console: Console,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    styles: Optional[Mapping[str, str]] = None,
    whole: Sequence[str] = (),
) -> None:
    """Print a table.

    Args:
        console: Where. On a terminal cells wrap to its width, and where that is too narrow for so many columns, the
            cells of a row stand below each other; elsewhere each row is a line, however long.
        headings: One for each column.
        rows: The cells.
        styles: Style of cells, by their text.
        whole: Headings of columns that are never broken.
    """
    cells = [[printable(" ".join(cell.split("\n"))) for cell in row] for row in rows]
    if console.is_terminal and len(headings) > _MOST_IF_NARROW and console.width < _NARROW:
        for row in cells:
            _print_stacked(console, headings, row, styles or {})
        return
    if console.is_terminal:
        console.print(_drawn(headings, cells, styles or {}, whole))
        return
    for line in _lines([list(headings), *cells]):
        console.print(line, soft_wrap=True)


def print_json(data: object) -> None:
    """Print data as JSON in plain ASCII, which no terminal or pipe garbles."""
    click.echo(json.dumps(data, indent=2))


def _drawn(
    headings: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[str, str], whole: Sequence[str]
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading in whole)
    for row in rows:
        table.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in row))
    return table


def _print_stacked(console: Console, headings: Sequence[str], row: Sequence[str], styles: Mapping[str, str]) -> None:
    console.print(Text.assemble((row[0], "bold"), _GAP, (row[1], styles.get(row[1], ""))))
    for heading, cell in zip(headings[2:], row[2:]):
        if cell:
            console.print(Padding(Text.assemble((f"{heading}: ", "dim"), cell), (0, 0, 0, 4)))


def _lines(rows: Sequence[Sequence[str]]) -> Sequence[str]:
    widths = [max(map(cell_len, column)) for column in zip(*rows)]
    return [
        _GAP.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths)).rstrip() for row in rows
    ]
