from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.exporter.internal.placeholders import PLACEHOLDERS, fill_placeholders, has_placeholder


def test_every_placeholder_is_filled_in() -> None:
    values = {name: number for number, name in enumerate(PLACEHOLDERS)}
    path = Path("a/{rank}-{pid}/{session_tag}.{application_name}.jsonl")
    assert fill_placeholders(path, values) == Path("a/0-1/2.3.jsonl")


def test_other_braces_and_unknown_values_stay() -> None:
    path = Path("{date}/{rank}/{}/{{pid}}.jsonl")
    assert fill_placeholders(path, {"pid": 5}) == Path("{date}/{rank}/{}/{5}.jsonl")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("../../etc/passwd", "_._.._etc_passwd"), ("a/b", "a_b"), (".hidden", "_hidden"), ("nul\0", "nul_"), ("", "")],
)
def test_value_cannot_lead_out_of_the_directory(value: str, expected: str) -> None:
    filled = fill_placeholders(Path("logs/x{session_tag}"), {"session_tag": value})
    assert filled.parent == Path("logs")
    assert str(fill_placeholders(Path("{session_tag}x"), {"session_tag": value})) == f"{expected}x".replace("..", "..")


@given(value=st.text())
def test_any_value_stays_one_part_of_a_name(value: str) -> None:
    filled = fill_placeholders(Path("logs/tag-{session_tag}"), {"session_tag": value})
    assert filled.parent == Path("logs")
    assert "\0" not in str(filled)


def test_placeholder_is_found() -> None:
    assert has_placeholder(Path("a/{pid}.jsonl"), "pid")
    assert not has_placeholder(Path("a/{rank}.jsonl"), "pid")
