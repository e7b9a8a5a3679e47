from __future__ import annotations

import io
import json
from typing import List

import pytest
from rich.console import Console

from nv_one_logger.cli.tables import print_json, print_table

WIDE = ["a", "b", "c", "d", "e"]
CELLS = ["name", "on", "", "p" * 60, "why\nso \x1b[31m"]


def shown(width: int, terminal: bool, headings: List[str], *rows: List[str]) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=terminal, color_system=None, highlight=False)
    print_table(console, headings, rows, whole=headings[1:2])
    return stream.getvalue()


def test_pipe_gets_aligned_columns_however_long() -> None:
    assert shown(80, False, WIDE, CELLS, ["n", "off", "", "", "日本"]).splitlines() == [
        f"a     b    c  {'d':<60}  e",
        f"name  on      {'p' * 60}  why so \\x1b[31m",
        f"n     off     {'':<60}  日本",
    ]


def test_terminal_gets_a_table_of_its_width() -> None:
    lines = shown(40, True, ["Name", "State"], ["x" * 100, "on"]).splitlines()
    assert max(map(len, lines)) <= 40
    assert sum(line.count("x") for line in lines) == 100


def test_many_columns_are_stacked_where_the_terminal_is_narrow() -> None:
    assert shown(50, True, WIDE, CELLS).splitlines() == [
        "name  on",
        "    d:".ljust(50),
        f"    {'p' * 46}",
        f"    {'p' * 14}".ljust(50),
        "    e: why so \\x1b[31m".ljust(50),
    ]
    assert "p" * 60 in shown(200, True, WIDE, CELLS)


def test_json_is_plain_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "日本 \udc80"})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == {"name": "日本 \udc80"}
