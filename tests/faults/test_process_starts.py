"""Processes are started in every way inside open spans, beside recording threads: none hangs, and no line is mixed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from record_grammar import Checker, read_stream

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

STARTS = Path(__file__).parent / "rig" / "starts.py"
FORKS = 100  # with threads running; the other ways import everything in every process
OTHERS = 4 if os.environ.get("CI") else 8


def problems_of(folder: Path, out: subprocess.CompletedProcess[str]) -> List[str]:
    """Return what is wrong with the records, and with the ends, of all processes."""
    if out.returncode != 0:
        return [f"exit status {out.returncode}: {out.stderr[-2000:]}"]
    stream = read_stream([folder / "run.jsonl"])
    problems = [f"not a record: {line[:100]}" for line in stream.bad]
    problems += Checker().check(stream.records)
    expected: Dict[int, int] = Counter()
    for line in (folder / "started").read_text().splitlines():
        pid, spans = map(int, line.split())
        expected[pid] += spans
    found = Counter(record["pid"] for record in stream.records if record["type"] in ("start", "complete"))
    if found != expected:
        problems.append(f"spans of each process: found {dict(found)}, recorded {dict(expected)}")
    closings = Counter((folder / "closed").read_text().split())
    problems += [f"process {pid} closed its plugins {times} times" for pid, times in closings.items() if times != 1]
    return problems


@pytest.fixture
def started(tmp_path: Path, run_python: Callable[..., Any]) -> Callable[..., List[str]]:
    """Start processes in some way and return what is wrong with what is left of them."""

    def start(way: str, processes: int, **env: str) -> List[str]:
        try:
            out = run_python([str(STARTS), way, str(tmp_path), str(processes)], timeout=200, check=False, env=env)
        except subprocess.TimeoutExpired:
            return ["it hangs"]
        return problems_of(tmp_path, out)

    return start


@pytest.mark.parametrize("way", ["os.fork", "Process, fork", "pools, fork"])
def test_forked_children_record_on(started: Callable[..., List[str]], way: str) -> None:
    assert started(way, FORKS) == []


@pytest.mark.parametrize(
    "way", ["Process, forkserver", "Process, spawn", "pools, forkserver", "pools, spawn", "subprocess"]
)
def test_fresh_processes_record_to_the_same_file(started: Callable[..., List[str]], way: str) -> None:
    assert started(way, OTHERS) == []
