"""The soak suite fails on builds that leak, or grow slower."""

from __future__ import annotations

import sys
from typing import Any, Callable

import pytest
from slopes import problems_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BROKEN = [
    ("span_keeps_every_event", "events", 20_000, "blocks"),
    ("recorder_keeps_every_span", "spans", 4_000, "blocks"),
    ("closing_leaves_the_file_open", "cycles", 40, "files"),
    ("closing_leaves_a_thread", "cycles", 40, "threads"),
    ("each_call_takes_longer", "events", 20_000, "slowdown"),
]


@pytest.mark.parametrize(("mutation", "workload", "size", "words"), BROKEN, ids=[row[0] for row in BROKEN])
def test_slopes_of_a_broken_build(
    soak: Callable[..., Any], mutation: str, workload: str, size: int, words: str
) -> None:
    assert words in " ".join(problems_of(soak(workload, size, MUTATION=mutation)))
