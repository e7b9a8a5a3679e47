"""What the soak suite needs: the programs, and the table of what was measured."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, List

import pytest

HERE = Path(__file__).parent
FAULTS_RIG = HERE.parent / "faults" / "rig"
sys.path += [str(FAULTS_RIG), str(HERE / "rig")]

from slopes import Slopes, slopes_of  # noqa: E402  # of the rigs
from table import SOAKED, print_table  # noqa: E402


@pytest.fixture
def soak(run_python: Callable[..., Any], tmp_path: Path) -> Callable[..., Slopes]:
    """Run a workload and return how it grows."""

    def run(workload: str, size: int, **env: str) -> Slopes:
        env["PYTHONPATH"] = os.pathsep.join([*_library_path(), str(FAULTS_RIG)])
        program = [str(HERE / "rig" / "soaking.py"), workload, str(size), str(tmp_path)]
        out = run_python(program, timeout=7200, env=env)
        samples: List[List[float]] = [json.loads(line) for line in out.stdout.splitlines()]
        return slopes_of(samples)

    return run


def _library_path() -> List[str]:
    import nv_one_logger.core

    home = Path(nv_one_logger.core.__file__).parent.parent.parent
    return [] if "site-packages" in str(home) else [str(home)]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    print_table(terminalreporter, SOAKED)
