"""A real training with PyTorch: it fails, is restarted under the same session tag, and its records tell it all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: nox -s pytorch")
pytest.importorskip("sklearn", reason="needs scikit-learn: nox -s pytorch")

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "train_digits.py"

STEPS = 8 * (1200 // 64)
FAILS_AT = 100
SAVED_AT = 80


def train(output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ONE_LOGGER_")}
    return subprocess.run(
        [sys.executable, str(EXAMPLE), "--output", str(output), *options],
        capture_output=True,
        text=True,
        env=environ,
        timeout=600,
        check=False,
    )


Jobs = Tuple[List[Dict[str, Any]], List[Dict[str, Any]]]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """The records of the job that fails, and of the one that goes on."""
    output = tmp_path_factory.mktemp("digits")
    failed = train(output, "--fail-at", str(FAILS_AT))
    assert failed.returncode == 1, failed.stderr
    assert "RuntimeError: injected failure" in failed.stderr
    again = train(output)
    assert again.returncode == 0, again.stderr
    assert f"training steps {SAVED_AT} to {STEPS}" in again.stdout
    lines = (output / "telemetry.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    pids = list(dict.fromkeys(record["pid"] for record in records))
    assert len(pids) == 2
    return (
        [record for record in records if record["pid"] == pids[0]],
        [record for record in records if record["pid"] == pids[1]],
    )


def events(records: List[Dict[str, Any]], name: str) -> List[Dict[str, Any]]:
    return [r["event"]["attributes"] for r in records if r.get("event", {}).get("name") == name]


def ended(records: List[Dict[str, Any]], name: str) -> List[Dict[str, Any]]:
    return [r["attributes"] for r in records if r["type"] in ("stop", "complete") and r["name"] == name]


def test_both_jobs_belong_to_one_session(jobs: Jobs) -> None:
    tags = [events(job, "one_logger_initialization")[0]["session_tag"] for job in jobs]
    assert tags == ["digits-run-1", "digits-run-1"]


def test_failure_is_recorded_where_it_happened_and_as_the_end(jobs: Jobs) -> None:
    failed = jobs[0]
    (application,) = ended(failed, "application")
    assert application["exit_reason"] == "exception"
    assert application["exit_detail"] == f"RuntimeError: injected failure in step {FAILS_AT}"
    messages = [r["event"]["attributes"]["error_message"] for r in failed if r["type"] == "application_error"]
    assert messages == ["Error in training_loop: ", "Error in application: "]
    assert "exit_reason" not in ended(jobs[1], "application")[0]


def test_all_iterations_up_to_the_failure_are_reported(jobs: Jobs) -> None:
    metrics = events(jobs[0], "training_metrics_update")
    assert sum(one["interval_num_iterations"] for one in metrics) == FAILS_AT
    assert [one["current_iteration"] for one in metrics] == [19, 39, 59, 79, 99]


def test_restarted_job_goes_on_from_the_checkpoint(jobs: Jobs) -> None:
    (load,) = ended(jobs[1], "checkpoint_load")
    assert load["duration_msec"] >= 0
    (loop,) = ended(jobs[1], "training_loop")
    assert (loop["train_iterations_start"], loop["train_samples_start"]) == (SAVED_AT, SAVED_AT * 64)
    last = events(jobs[1], "training_metrics_update")[-1]
    assert last["current_iteration"] == STEPS - 1
    assert last["num_iterations"] == STEPS - SAVED_AT


def test_checkpoints_secure_the_work_done(jobs: Jobs) -> None:
    secured = [one["productive_train_iterations"] for job in jobs for one in events(job, "save_checkpoint_success")]
    assert secured == [40, 80, 120, STEPS]
    success = events(jobs[1], "save_checkpoint_success")[-1]
    assert success["checkpoint_size"] > 10_000
    assert success["checkpoint_directory"]


def test_loss_and_learning_rate_reach_the_exporter(jobs: Jobs) -> None:
    first, *_, last = events(jobs[0], "training_metrics_update") + events(jobs[1], "training_metrics_update")
    assert first["metric_loss_count"] == 20
    assert last["metric_loss_mean"] < first["metric_loss_mean"]
    assert last["latest_loss"] == last["metric_loss_last"]
    assert last["metric_learning_rate_mean"] == pytest.approx(0.01)


def test_training_really_learns(jobs: Jobs) -> None:
    accuracies = [one["accuracy"] for one in ended(jobs[1], "validation_loop")]
    assert accuracies[-1] > 0.9
    assert ended(jobs[1], "testing_loop")[0]["accuracy"] > 0.9
    assert events(jobs[1], "testing_metrics_update")[0]["interval_num_iterations"] == 3


def test_time_of_each_part_of_a_step_is_known(jobs: Jobs) -> None:
    metrics = events(jobs[1], "training_metrics_update")[0]
    parts = [metrics[f"interval_avg_{part}_time_sec"] for part in ("forward", "backward", "dataloader")]
    assert all(0 < part < 1 for part in parts)
    assert metrics["interval_throughput_per_gpu"] > 0


def test_gradients_are_not_kept_alive_by_logged_losses() -> None:
    from nv_one_logger.training_telemetry.api._scalars import ScalarWindow

    window = ScalarWindow()
    weight = torch.ones(1, requires_grad=True)
    running = torch.zeros(())
    for step in range(3):
        loss = (weight * (step + 1)).sum()
        window.add({"loss": loss, "running": running, "one": torch.ones(1)})
        running += 1
    kept = [value for aggregate in window._aggregates.values() for value in aggregate.pending]
    assert not any(value.requires_grad for value in kept)
    values = window.take()
    assert (values["metric_loss_mean"], values["metric_running_max"], values["metric_one_last"]) == (2.0, 2.0, 1.0)


def test_shipped_example_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nv_one_logger.training_telemetry.docs.example"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in (tmp_path / "training_telemetry.json").read_text("utf-8").splitlines()]
    assert events(records, "training_metrics_update")[-1]["current_iteration"] == 79
    assert (tmp_path / "example_checkpoint.pt").exists()
