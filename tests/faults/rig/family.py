"""Judges what the processes of a job left behind: whole lines, their own ids, and plugins that were closed once."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Dict, List

from record_grammar import Checker, read_stream


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
    found = Counter(record.get("pid") for record in stream.records if record.get("type") in ("start", "complete"))
    if found != expected:
        problems.append(f"spans of each process: found {dict(found)}, recorded {dict(expected)}")
    closings = Counter((folder / "closed").read_text().split())
    problems += [f"process {pid} closed its plugins {times} times" for pid, times in closings.items() if times != 1]
    return problems
