from __future__ import annotations

from pathlib import Path
from typing import Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from nv_one_logger.cli.config.marking import mark_line, read_lines
from nv_one_logger.core.exceptions import ConfigError


def mark(line: str, column: int, key: str = "", width: int = 100) -> Tuple[str, str]:
    marked = mark_line(ConfigError("is odd", line=1, column=column, key=key), [line], width)
    assert marked is not None
    return marked.text, marked.caret


def test_caret_stands_below_the_place() -> None:
    assert mark("  enabld: true", 3) == ("  enabld: true", "  ^")


def test_caret_counts_columns_of_the_screen() -> None:
    assert mark("日本: x", 5) == ("日本: x", "      ^")
    assert mark("\ta: x", 2) == ("    a: x", "    ^")


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert mark("a: \x1b[31mred", 1) == ("a: ?[31mred", "^")


@given(
    line=st.text(st.characters(blacklist_characters="\n\r\u2028"), max_size=300),
    column=st.integers(1, 320),
    width=st.integers(20, 120),
)
def test_marked_line_always_fits_and_the_caret_is_in_sight(line: str, column: int, width: int) -> None:
    text, caret = mark(line, column, width=width)
    assert cell_len(text) <= width
    assert len(caret) <= width
    assert caret.strip() == "^"


def test_long_line_is_cut_on_both_sides() -> None:
    text, caret = mark("x" * 200 + "HERE" + "y" * 200, 201, width=60)
    assert text.startswith("...x")
    assert text.endswith("y...")
    assert text[len(caret) - 1 :].startswith("HERE")


@pytest.mark.parametrize(
    ("line", "column", "key"),
    [
        ("      api_key: hunter2", 7, "config.api_key"),
        ("      api_key: hunter2", 16, "config.api_key"),
        ('      "api_key": "hunter2 x", "b": 1', 7, "config.api_key"),
        ("  config: {password: hunter2, retries: many}", 40, "config.retries"),
        ("  config: {password: hunter2, retries: many}", 22, "config.password"),
        ("      headers: {Authorization: Bearer hunter2}", 16, "config.headers"),
        ("      - hunter2", 9, "config.tokens[0]"),
        ("  - {client_secret: 'hunter2 }'}", 1, ""),
        ("      my password: hunter2", 7, ""),
        ("      password: a, hunter2 # and hunter2", 7, ""),
        ("      password: [a, hunter2]", 7, ""),
        ("      password: 'it''s hunter2' ", 7, ""),
        ('{"password": "a\\"hunter2", "b": 1}', 40, "config.b"),
        ('{"password" :"hunter2", "b": 1}', 26, "config.b"),
        ('{"passwords": ["a", {"x": "hunter2"}], "b": 1}', 40, "config.b"),
        ('{"password": "hunter2', 2, ""),
        ("{password: hunter2, api_key: hunter2, retries: many, token: hunter2}", 40, "config.retries"),
    ],
)
def test_secrets_are_hidden(line: str, column: int, key: str) -> None:
    assert "hunter2" not in mark(line, column, key)[0]


def test_other_keys_of_a_line_stay_readable_and_the_caret_moves_with_them() -> None:
    marked = mark("{password: x1, retries: many, token: a}", 16, "config.retries")
    assert marked == ("{password: ***, retries: many, token: ***}", " " * 16 + "^")


@pytest.mark.parametrize("line", [None, 0, 2])
def test_mistake_without_a_line_marks_nothing(line: int) -> None:
    assert mark_line(ConfigError("is odd", line=line), ["only one"], 80) is None


def test_lines_of_a_file_are_those_of_the_readers(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: \xff\n")
    assert [line.strip() for line in read_lines(str(path))] == ["a: 1", "b: \ufffd", ""]
    assert read_lines(str(tmp_path / "absent.yaml")) == ()
