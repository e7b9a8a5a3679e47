"""Prints what a suite measured, as one table at the end of the run."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import pytest


class Table(NamedTuple):
    """What stands above the rows."""

    title: str
    heading: Tuple[str, ...]


_ROWS = pytest.StashKey[Dict[str, List[Sequence[object]]]]()

INJECTED = Table("injected faults", ("fault", "met by", "injected", "job unaffected", "expected", "found", "verdict"))
KILLED = Table(
    "kill -9 at random moments",
    ("mode", "rounds", "killed", "acknowledged", "found", "torn lines", "hidden behind one", "verdict"),
)
SOAKED = Table(
    "growth over the second half of a long run",
    ("workload", "calls", "us/call", "slowdown", "KiB", "objects", "files", "threads", "verdict"),
)


def add_row(config: pytest.Config, table: Table, *cells: object) -> None:
    """Add one row, to be printed when all tests are done."""
    config.stash.setdefault(_ROWS, {}).setdefault(table.title, []).append(cells)


def print_table(terminalreporter: Any, table: Table) -> None:
    """Print the rows of a table, numbers to the right; nothing if there are none."""
    rows = terminalreporter.config.stash.get(_ROWS, {}).get(table.title)
    if not rows:
        return
    lines = [[str(cell) for cell in row] for row in [table.heading, *rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.heading))]
    terminalreporter.write_sep("=", table.title)
    for number, line in enumerate(lines):
        cells = [
            cell.rjust(width) if number and cell[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(line, widths)
        ]
        terminalreporter.write_line("  ".join(cells).rstrip())
