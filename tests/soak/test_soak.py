"""Long runs are flat: memory, open files, threads and the time of a call do not grow."""

from __future__ import annotations

import os
import sys
from typing import Callable

import pytest
from slopes import Slopes, problems_of
from table import SOAKED, add_row

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

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


@pytest.mark.parametrize("workload", FULL)
def test_long_run_is_flat(soak: Callable[..., Slopes], request: pytest.FixtureRequest, workload: str) -> None:
    size = max(LEAST.get(workload, 0), int(FULL[workload] * SCALE))
    found = soak(workload, size)
    problems = problems_of(found)
    flat = (f"{found.slowdown:.2f}", f"{found.kib:.0f}", f"{found.blocks:.0f}", found.files, found.threads)
    cost = f"{found.microseconds:.1f}"
    add_row(request.config, SOAKED, workload, found.calls, cost, *flat, problems or "ok")
    assert problems == []
