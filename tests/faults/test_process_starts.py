"""Processes are started in every way inside open spans, beside recording threads: none hangs, and no line is mixed."""

from __future__ import annotations

import os
import sys
from typing import Callable, List

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

IS_BOUNDED = bool(os.environ.get("CI"))
FORKS = 30 if IS_BOUNDED else 100  # with threads running
OTHERS = 2 if IS_BOUNDED else 8  # each of these processes imports everything


@pytest.mark.parametrize("way", ["os.fork", "Process, fork", "pools, fork"])
def test_forked_children_record_on(started: Callable[..., List[str]], way: str) -> None:
    assert started(way, FORKS) == []


@pytest.mark.parametrize(
    "way", ["Process, forkserver", "Process, spawn", "pools, forkserver", "pools, spawn", "subprocess"]
)
def test_fresh_processes_record_to_the_same_file(started: Callable[..., List[str]], way: str) -> None:
    assert started(way, OTHERS) == []
