from __future__ import annotations

import io
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Tuple

import click
import pytest
from rich.console import Console

from nv_one_logger.report.commands import running
from nv_one_logger.report.commands.running import read_with_progress

Call = Tuple[int, bool]


def reading(calls: List[Call]) -> Callable[..., str]:
    def read(paths: Sequence[str], *, workers: int, progress: Optional[Callable[[int], None]]) -> str:
        calls.append((workers, progress is not None))
        if progress is not None:
            progress(1_000)
        return "read"

    return read


def test_small_inputs_are_read_here_without_a_bar(reference: Path) -> None:
    calls: List[Call] = []
    assert read_with_progress(reading(calls), [str(reference)], None) == "read"
    assert calls == [(1, False)]


def test_large_inputs_are_read_by_all_cores_and_told_how_many(monkeypatch: pytest.MonkeyPatch, reference: Path) -> None:
    monkeypatch.setattr(running, "_ALONE_BYTES", 1)
    monkeypatch.setattr(running, "_cores", lambda: 7)
    calls: List[Call] = []
    read_with_progress(reading(calls), [str(reference)], None)
    read_with_progress(reading(calls), [str(reference)], 3)
    assert calls == [(7, False), (3, False)]


def test_terminal_gets_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch, reference: Path) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80)
    monkeypatch.setattr(running, "make_console", lambda *, stderr: console)
    calls: List[Call] = []
    read_with_progress(reading(calls), [str(reference)], None)
    assert calls == [(1, True)]
    assert "reading" in file.getvalue()


def test_path_that_names_nothing_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="Nothing to read"):
        read_with_progress(reading([]), [str(tmp_path / "absent")], None)
