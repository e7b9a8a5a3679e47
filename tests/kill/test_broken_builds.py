"""The kill suite fails on builds that break what it shows."""

from __future__ import annotations

import os
from typing import Any

import pytest
from aftermath import judge

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs kill -9")

BROKEN = [
    ("records_wait_in_a_buffer", "single", "acknowledged facts are lost"),
    ("flush_does_not_wait", "background", "acknowledged facts are lost"),
    ("restarted_job_goes_on_in_a_torn_line", "single", "a record shares the line of a torn one"),
]


@pytest.mark.parametrize(("mutation", "mode", "words"), BROKEN, ids=[row[0] for row in BROKEN])
def test_aftermath_of_a_broken_build(killer: Any, mutation: str, mode: str, words: str) -> None:
    case = {"mode": mode, "restart": True, "tear": True, "mutation": mutation}
    outcomes = killer.run({**case, "seed": seed} for seed in range(8))
    assert words in " ".join(problem for outcome in outcomes for problem in judge(outcome).problems)
