"""The example of the repository: four ranks, one slow, one killed, one restart under the same session tag."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Tuple

import pytest
from click.testing import CliRunner

from nv_one_logger.report import analyze
from nv_one_logger.report.commands.report import report as report_command
from nv_one_logger.report.commands.verify import verify as verify_command
from nv_one_logger.report.model import Bucket, Report, StopCause

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "train_ranks.py"
SLOW, KILLED, KILLED_AT, SAVED_EVERY, STEPS = 1, 2, 18, 5, 30


@pytest.fixture(scope="module", name="run")
def fixture_run(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, Report]:
    """Run the example once and return the folder of its records with their report."""
    folder = tmp_path_factory.mktemp("example")
    options = {
        "output": folder, "session-tag": "example-1", "slow-rank": SLOW, "kill-rank": KILLED, "kill-at": KILLED_AT,
        "save-every": SAVED_EVERY, "steps": STEPS, "validate-every": 10, "restart-sec": 0.1,
        # Long for a step, so that other work on the machine neither hides the slow rank nor breaks a meeting.
        "step-msec": 30, "peer-timeout-sec": 5,
    }  # fmt: skip
    command = [sys.executable, str(EXAMPLE), *(f"--{name}={value}" for name, value in options.items())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "telemetry", analyze([folder / "telemetry"])


def test_slow_rank_is_named(run: Tuple[Path, Report]) -> None:
    _, report = run
    chronic = [straggler for straggler in report.stragglers if straggler.kind == "chronic"]
    assert [straggler.rank for straggler in chronic] == [SLOW]
    assert chronic[0].slowdown > 1.3
    assert chronic[0].cost > 0


def test_killed_rank_is_named_with_its_open_span(run: Tuple[Path, Report]) -> None:
    _, report = run
    (killed,) = [process for process in report.processes if process.cause is StopCause.VANISHED]
    assert (killed.attempt, killed.rank, killed.last_iteration) == (1, KILLED, KILLED_AT - 1)
    assert "training_single_iteration" in [span.name for span in killed.open_spans]
    assert all(span.age > 0 for span in killed.open_spans)
    first, second = report.attempts
    assert first.cause is StopCause.VANISHED
    assert first.cause_text.startswith(f"Rank {KILLED} vanished in ")
    assert second.cause is StopCause.NORMAL
    others = [process for process in report.processes if process.attempt == 1 and process.rank != KILLED]
    assert {process.cause for process in others} == {StopCause.EXCEPTION}
    assert all("BrokenBarrierError in all_reduce" in process.cause_text for process in others)


def test_lost_iterations_are_counted(run: Tuple[Path, Report]) -> None:
    _, report = run
    first, second = report.attempts
    resumed = KILLED_AT // SAVED_EVERY * SAVED_EVERY
    assert (first.first_iteration, first.last_iteration) == (0, KILLED_AT - 1)
    assert first.lost_iterations == KILLED_AT - resumed
    assert (second.first_iteration, second.last_iteration, second.last_common_iteration) == (
        resumed,
        STEPS - 1,
        STEPS - 1,
    )
    assert report.ledger.productive_iterations_per_hour == pytest.approx(STEPS * 3.6e9 / report.ledger.elapsed)
    assert report.never_reached_last_common == ()


def test_ledger_adds_up_to_the_microsecond(run: Tuple[Path, Report]) -> None:
    _, report = run
    ledger = report.ledger
    assert ledger.ranks == (0, 1, 2, 3)
    assert sum(entry.total for entry in ledger.entries) == ledger.total == 4 * ledger.elapsed
    for index, _ in enumerate(ledger.ranks):
        assert sum(entry.by_rank[index] for entry in ledger.entries) == ledger.elapsed
    found = {entry.bucket for entry in ledger.entries if entry.total}
    expected = {
        Bucket.TRAINING, Bucket.LOST, Bucket.DATA_WAIT, Bucket.VALIDATION, Bucket.CHECKPOINT_SAVE,
        Bucket.CHECKPOINT_LOAD, Bucket.START_UP, Bucket.DATA_LOADER_INIT, Bucket.MODEL_INIT, Bucket.ATTEMPT_GAP,
        Bucket.LOST_RANK,
    }  # fmt: skip
    assert expected <= found


def test_what_it_logged_saved_and_raised_is_there(run: Tuple[Path, Report]) -> None:
    _, report = run
    assert (report.session.application, report.session.tag) == ("train-ranks", "example-1")
    loss = [point.value for point in report.series if point.name == "loss"]
    assert loss[-1] < loss[0]
    saves = [checkpoint for checkpoint in report.checkpoints if checkpoint.kind == "save"]
    assert {checkpoint.iteration for checkpoint in saves} == set(range(SAVED_EVERY, STEPS + 1, SAVED_EVERY))
    (group,) = report.errors
    assert (group.type, group.count, group.ranks) == ("BrokenBarrierError", 3, (0, 1, 3))
    assert report.files == ()


def test_commands_say_the_same(run: Tuple[Path, Report]) -> None:
    folder, report = run
    shown = CliRunner().invoke(report_command, [str(folder)]).output
    assert f"Rank {SLOW} on " in shown
    assert f"Rank {KILLED} vanished in " in shown
    assert f"The buckets add up exactly: 4 ranks x {report.ledger.elapsed:,} us = {report.ledger.total:,} us." in shown
    assert CliRunner().invoke(verify_command, [str(folder)]).exit_code == 0
