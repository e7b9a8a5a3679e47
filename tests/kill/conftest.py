"""What the kill suite needs: the rig of the fault suite, and the table of what was measured."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

HERE = Path(__file__).parent
FAULTS_RIG = HERE.parent / "faults" / "rig"
sys.path += [str(FAULTS_RIG), str(HERE / "rig")]

from runner import Rig  # noqa: E402  # of the rigs
from table import KILLED, print_table  # noqa: E402


@pytest.fixture(scope="session")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("killed"), "killed", [HERE / "rig"])
    yield rig
    rig.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    print_table(terminalreporter, KILLED)
