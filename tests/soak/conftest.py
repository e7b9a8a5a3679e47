"""What the soak suite needs: the programs, and the table of what was measured."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FAULTS_RIG = HERE.parent / "faults" / "rig"
sys.path += [str(FAULTS_RIG), str(HERE / "rig")]

from table import print_table  # noqa: E402  # of the rig


def pytest_terminal_summary(terminalreporter: Any) -> None:
    heading = ("workload", "calls", "us/call", "slowdown", "KiB", "objects", "files", "threads", "verdict")
    print_table(terminalreporter, "growth over the second half of a long run", heading)
