"""docs/guarantees.md names a test for what it promises, and the test exists."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, FrozenSet, List, Tuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guarantees.md"

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)(?:\[[^\]`]*\])?`")


def named_tests() -> List[Tuple[str, str]]:
    return sorted(set(NAMED.findall(PAGE.read_text(encoding="utf-8"))))


@lru_cache(maxsize=None)
def functions_in(path: str) -> FrozenSet[str]:
    file = ROOT / path
    if not file.exists():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("path", "name"), named_tests(), ids=lambda value: value if value.startswith("test_") else "")
def test_named_test_exists(path: str, name: str) -> None:
    assert name in functions_in(path)


def test_every_row_names_a_test_or_says_that_it_promises_nothing(page_named: Callable[[str], Any]) -> None:
    page = page_named("docs/guarantees.md")
    rows = [line for line in page.text.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    heads = {rows[0]} | {row for row in rows if row.rstrip(" |").endswith("Shown by")}
    bare = [row for row in rows if row not in heads and not NAMED.search(row) and "**not promised**" not in row]
    assert bare == []
    assert len(named_tests()) > 40
