from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from nv_one_logger.report import analyze


def test_findings_of_the_session_s_files_are_told(recording: Callable[..., Any], tmp_path: Path) -> None:
    for number, tag in enumerate(("mine", "other")):
        one = recording(number, session_tag=tag, file=tag)
        one.begin(0)
        one.skip(2 + number)
        one.stop("application", 10)
    mine, empty = tmp_path / "records" / "mine.jsonl", tmp_path / "records" / "empty.jsonl"
    rotated = Path(f"{mine}.1")
    rotated.write_bytes(b"nonsense\n")
    empty.write_bytes(b'{"type":')
    report = analyze([tmp_path], session="mine")
    assert {(file.path, file.missing, file.corrupt_lines, file.torn_lines) for file in report.files} == {
        (str(mine), 2, 0, 0),
        (str(rotated), 0, 1, 0),
        (str(empty), 0, 0, 1),
    }
    assert report.processes[0].records_missing == 2
    assert any("missing or damaged" in remark for remark in report.remarks)


def test_rotated_set_is_one_process(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording(0)
    one.session(0)
    one.begin(0)
    one.path.rename(f"{one.path}.1")
    one.session(50)  # each file of a set begins with one
    one.stop("application", 100)
    (process,) = analyze([tmp_path]).processes
    assert (process.path, process.ended - process.started) == (str(one.path), 100_000)


def test_ranks_that_are_behind_are_told(recording: Callable[..., Any], tmp_path: Path) -> None:
    for rank, steps in ((0, 10), (1, 8), (2, 10), (3, 0)):
        one = recording(rank, world_size=4)
        one.begin(0)
        one.start("training_loop", 0, train_iterations_start=0)
        for step in range(steps):
            one.span("training_single_iteration", 10 * step, 10 * step + 10)
        one.stop("training_loop", 200)
        one.stop("application", 200)
    report = analyze([tmp_path])
    assert report.never_reached_last_common == (1, 3)
    assert report.attempts[0].last_common_iteration is None
