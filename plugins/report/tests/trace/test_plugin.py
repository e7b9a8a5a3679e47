from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any, Callable

from click.testing import CliRunner

from nv_one_logger.report.trace.plugin import trace


def test_command_says_what_it_wrote_and_how_certain_the_clocks_are(
    recording: Callable[..., Any], tmp_path: Path
) -> None:
    for rank, ahead in ((0, 0), (1, 25)):
        one = recording(rank, pid=100 + rank)
        one.session(ahead, host=f"node-{rank}")
        one.start("training_loop", ahead)
        for step in range(5):
            one.span("training_single_iteration", ahead + step * 10, ahead + 10 + step * 10)
    output = tmp_path / "trace.json.gz"
    result = CliRunner().invoke(trace, [str(tmp_path / "records"), "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert "2 processes, 10 spans, 2 unfinished, 0 events, 0 errors, 0 numbers." in result.output
    assert "Clock of node-0 (rank 0): the reference." in result.output
    assert re.search(r"node-1 \(rank 1\): 25.0 ms ahead .* error \u00b11.0 ms, from 5 common moments", result.output)
    assert json.loads(gzip.decompress(output.read_bytes()))["otherData"]["clock_error_msec"] == 1.0


def test_command_tells_of_damage_and_still_writes(reference: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes((reference / "attempt1-rank0.jsonl").read_bytes()[:-20])
    result = CliRunner().invoke(trace, [str(torn), "-o", str(tmp_path / "t.json")])
    assert result.exit_code == 0
    assert "torn.jsonl: ends in the middle of a record." in result.output
    assert (tmp_path / "t.json").exists()


def test_command_refuses_a_path_that_names_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(trace, [str(tmp_path / "none.jsonl")])
    assert result.exit_code == 2
    assert "none.jsonl" in result.output


def test_command_fails_where_the_output_cannot_be_written(reference: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(trace, [str(reference), "-o", str(tmp_path / "no" / "t.json")])
    assert result.exit_code == 1
    assert "No such file" in result.output
