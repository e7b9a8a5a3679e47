"""Workers of a DataLoader record to the file of the job, each under its own process id, and hold nothing up."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import pytest

from nv_one_logger.reader import RecordReader, build_trees

pytest.importorskip("torch", reason="needs PyTorch: nox -s pytorch")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

JOB = Path(__file__).parent / "loader_job.py"
SAMPLES, WORKERS, EPOCHS = 64, 2, 2


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_record_whole_lines_and_end(tmp_path: Path, run_python: Callable[..., Any], method: str) -> None:
    job, *workers = map(int, run_python([str(JOB), method, str(tmp_path)], timeout=300).stdout.split())
    assert len(workers) == WORKERS * EPOCHS
    records = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines()]
    samples = [record for record in records if record.get("name") == "load sample"]
    assert Counter(record["attributes"]["index"] for record in samples) == dict.fromkeys(range(SAMPLES), EPOCHS)
    assert {record["pid"] for record in samples} == set(workers)
    reader = RecordReader([tmp_path / "run.jsonl"])
    trees = build_trees(reader)
    assert reader.accounts[0].is_clean
    assert {tree.process.pid for tree in trees} == {job, *workers}
    assert len({record["id"] for record in records if record["type"] == "complete"}) == sum(
        record["type"] == "complete" for record in records
    )
