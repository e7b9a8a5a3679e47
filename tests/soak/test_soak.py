"""Long runs are flat: memory, open files, threads and the time of a call do not grow."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, List

import pytest
from slopes import Slopes, problems_of, slopes_of
from table import add_row

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

HERE = Path(__file__).parent
# Part of the full size: 1 takes minutes to an hour.
SCALE = float(os.environ.get("SOAK_SCALE", "0.01" if os.environ.get("CI") else "1"))
FULL = {
    "events": 10_000_000,
    "spans": 1_000_000,
    "queued spans": 1_000_000,
    "full disk": 100_000,
    "failing plugin": 100_000,
    "cycles": 1_000,
}
LEAST = {"cycles": 80, "failing plugin": 8_000, "full disk": 8_000}


@pytest.fixture
def soak(run_python: Callable[..., Any], tmp_path: Path) -> Callable[..., Slopes]:
    """Run a workload and return how it grows."""

    def run(workload: str, size: int, **env: str) -> Slopes:
        env["PYTHONPATH"] = os.pathsep.join([*_library_path(), str(HERE.parent / "faults" / "rig")])
        program = [str(HERE / "rig" / "soaking.py"), workload, str(size), str(tmp_path)]
        out = run_python(program, timeout=7200, env=env)
        samples: List[List[float]] = [json.loads(line) for line in out.stdout.splitlines()]
        return slopes_of(samples)

    return run


def _library_path() -> List[str]:
    import nv_one_logger.core

    home = Path(nv_one_logger.core.__file__).parent.parent.parent
    return [] if "site-packages" in str(home) else [str(home)]


@pytest.mark.parametrize("workload", FULL)
def test_long_run_is_flat(soak: Callable[..., Slopes], request: pytest.FixtureRequest, workload: str) -> None:
    size = max(LEAST.get(workload, 0), int(FULL[workload] * SCALE))
    found = soak(workload, size)
    problems = problems_of(found)
    cells = (f"{found.calls}", f"{found.microseconds:.1f}", f"{found.slowdown:.2f}", f"{found.kib:.0f}")
    add_row(request.config, workload, *cells, f"{found.blocks:.0f}", found.files, found.threads, problems or "ok")
    assert problems == []
