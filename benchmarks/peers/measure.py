"""What every peer script shares: run one workload, count what arrived, print one JSON line."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional

BATCHES = 5


class Workload(NamedTuple):
    """One thing to time."""

    operation: Callable[[], Any]
    """What is timed, once per operation."""
    finish: Callable[[], Optional[int]]
    """Flushes and closes; returns how many lines arrived, ``None`` where nothing is to arrive."""
    lines_per_operation: int = 1
    lines_besides: int = 0
    """Lines that are written apart from the operations."""


def count_lines(*paths: Path) -> int:
    """Return how many non-empty lines the files hold together."""
    return sum(1 for path in paths for line in path.open("rb") if line.strip())


def best_batch_ns(operation: Callable[[], Any], operations: int) -> float:
    """Return the nanoseconds per operation of the fastest of five batches, after a warm-up."""
    size = max(1, operations // BATCHES)
    for _ in range(min(size, 500)):
        operation()
    times = []
    for _ in range(BATCHES):
        begin = time.perf_counter_ns()
        for _ in range(size):
            operation()
        times.append((time.perf_counter_ns() - begin) / size)
    return min(times)


def main(workloads: Dict[str, Callable[[Path], Any]]) -> None:
    """Run the workload that the command line names: ``NAME OPERATIONS DIRECTORY``; without, list the names."""
    if len(sys.argv) == 1:
        print(json.dumps(sorted(workloads)))
        return
    name, operations, directory = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    made = workloads[name](directory)
    if not isinstance(made, Workload):
        print(json.dumps(made(operations)))
        return
    warm_up, size = min(max(1, operations // BATCHES), 500), max(1, operations // BATCHES)
    nanoseconds = best_batch_ns(made.operation, operations)
    found = made.finish()
    expected = made.lines_besides + made.lines_per_operation * (warm_up + BATCHES * size)
    print(json.dumps({"ns": nanoseconds, "lost": 0 if found is None else expected - found}))
