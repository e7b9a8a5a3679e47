"""``kill -9`` at random moments: what was acknowledged is in the file, and the reader knows what is damaged."""

from __future__ import annotations

import os
from typing import Any, Dict

import pytest
from aftermath import judge
from table import KILLED, add_row

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs kill -9")

# Rounds over all modes, and what their seeds begin with.
ROUNDS = int(os.environ.get("KILL_ROUNDS", "80" if os.environ.get("CI") else "500"))
FIRST_SEED = int(os.environ.get("KILL_SEED", "0"))

MODES = ["single", "threads", "processes", "background"]


def case(mode: str, seed: int) -> Dict[str, Any]:
    """Every third time the job is restarted, every sixth time after a line that is torn for certain."""
    return {"mode": mode, "seed": seed, "restart": seed % 3 == 0, "tear": seed % 6 == 0}


@pytest.mark.parametrize("mode", MODES)
def test_every_acknowledged_record_outlives_kill_9(killer: Any, request: pytest.FixtureRequest, mode: str) -> None:
    """In the background, flush() acknowledges."""
    rounds = max(1, ROUNDS // len(MODES))
    seeds = range(FIRST_SEED, FIRST_SEED + rounds)
    outcomes = killer.run(case(mode, seed) for seed in seeds)
    after = [judge(outcome) for outcome in outcomes]
    problems = [f"{outcome.case}: {problem}" for outcome, found in zip(outcomes, after) for problem in found.problems]
    sums = [sum(found[column] for found in after) for column in range(1, 6)]
    add_row(request.config, KILLED, mode, rounds, *sums, "FAILED" if problems else "ok")
    assert problems == []
    assert sums[0] >= rounds
