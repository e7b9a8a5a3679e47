"""The machine's limit: one dict, one encode, one write, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict

from measure import Workload, count_lines, main
from pydantic_core import to_json

DEPENDENCIES = "import pydantic, pluggy, yaml"


def writing(make_record: Callable[[], Dict[str, Any]], files: int = 1, records: int = 1) -> Callable[[Path], Workload]:
    def make(directory: Path) -> Workload:
        paths = [directory / f"limit{number}.jsonl" for number in range(files)]
        descriptors = [os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND) for path in paths]

        def operation() -> None:
            for _ in range(records):
                for descriptor in descriptors:
                    os.write(descriptor, to_json(make_record()) + b"\n")

        return Workload(operation, lambda: count_lines(*paths), files * records)

    return make


def complete_record() -> Dict[str, Any]:
    return {
        "type": "complete",
        "id": "b7a2d0f2-51a8-4d3e-8d1b-7f3c9b0e2a55",
        "name": "work",
        "attributes": {"shard": 3, "phase": "train", "duration_msec": 40},
        "start_event": {"name": "span_start", "attributes": {"timestamp_msec": 1750000000300}},
        "stop_event": {"name": "span_stop", "attributes": {"timestamp_msec": 1750000000340}},
        "count": 3,
        "pid": 4242,
    }


def event_record() -> Dict[str, Any]:
    return {
        "type": "event",
        "span_id": "b7a2d0f2-51a8-4d3e-8d1b-7f3c9b0e2a55",
        "event": {
            "name": "batch",
            "attributes": {"rows": 128, "loss": 0.25, "phase": "train", "timestamp_msec": 1750000000340},
        },
        "count": 3,
        "pid": 4242,
    }


def importing(directory: Path) -> Workload:
    return Workload(lambda: subprocess.run([sys.executable, "-c", DEPENDENCIES], check=True), lambda: None)


if __name__ == "__main__":
    main(
        {
            "span": writing(complete_record),
            "start_stop": writing(complete_record),
            "two_exporters": writing(complete_record, files=2),
            "span_with_child": writing(complete_record, records=3),
            "event": writing(event_record),
            "import_quick_start": importing,
            "first_span": importing,
        }
    )
