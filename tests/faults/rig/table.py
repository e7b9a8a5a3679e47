"""Prints what a suite measured, as one table at the end of the run."""

from __future__ import annotations

from typing import Any, List, Sequence

import pytest

_ROWS = pytest.StashKey[List[Sequence[object]]]()


def add_row(config: pytest.Config, *cells: object) -> None:
    """Add one row, to be printed when all tests are done."""
    config.stash.setdefault(_ROWS, []).append(cells)


def print_table(terminalreporter: Any, title: str, heading: Sequence[str]) -> None:
    """Print the rows below a heading; numbers to the right."""
    rows = terminalreporter.config.stash.get(_ROWS, [])
    if not rows:
        return
    lines = [[str(cell) for cell in row] for row in [heading, *rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    terminalreporter.write_sep("=", title)
    for number, line in enumerate(lines):
        cells = [
            cell.rjust(width) if number and cell[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(line, widths)
        ]
        terminalreporter.write_line("  ".join(cells).rstrip())
