"""The programs beside this file are type-checked by ``nox -s types``; here each runs in a fresh process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

PROGRAMS = [path for path in sorted(Path(__file__).parent.glob("*.py")) if not path.name.startswith("test_")]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program_runs_without_a_warning(program: Path, run_python: Callable[..., Any]) -> None:
    run_python(["-W", "error", str(program)])
