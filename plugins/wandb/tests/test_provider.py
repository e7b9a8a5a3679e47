"""From a provider: configuration files, and the identity of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nv_one_logger.host.catalogue import Catalogue

YAML = "exporters:\n  - name: {name}\n    config:\n      config:\n        entity: team\n        save_dir: ./telemetry\n"
YAML += "        close_timeout_sec: 30\n"  # the machine may be busy

PROGRAM = """
import sys
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

provider = TrainingTelemetryProvider.instance()
tag = sys.stdin.read() or "job 1"
provider.with_base_config(TrainingTelemetryConfig(application_name="demo", session_tag_or_fn=tag))
provider.with_export_config().configure_provider()
with timed_span("outer"):
    with timed_span("work") as span:
        provider.recorder.event(span, Event.create("metrics", Attributes({"current_iteration": 7, "loss": 0.5})))
try:
    with timed_span("failing"):
        raise ValueError("bad batch")
except ValueError:
    pass
"""


def _run(programs: Any, tmp_path: Path, tag: str = "", name: str = "wandb", **environ: str) -> None:
    (tmp_path / "one_logger_exporters_config.yaml").write_text(YAML.format(name=name), encoding="utf-8")
    program = programs.start(PROGRAM, **environ)
    _, err = program.communicate(tag, timeout=60)
    assert program.returncode == 0, err
    programs.wait_until_none_is_left(40)


def test_exporters_are_in_the_catalogue() -> None:
    module = "nv_one_logger.wandb.exporter.wandb_exporter"
    found = {entry.name: entry.value for entry in Catalogue().exporters() if entry.name.startswith("wandb")}
    assert found == {"wandb": f"{module}:WandBExporterAsync", "wandb_sync": f"{module}:WandBExporterSync"}


@pytest.mark.parametrize("name", ["wandb", "wandb_sync"])
def test_yaml_is_enough(programs: Any, offline_runs: Any, tmp_path: Path, name: str) -> None:
    _run(programs, tmp_path, name=name)
    (run,) = offline_runs(tmp_path / "telemetry")
    rows = {(row["one_logger/record"], row.get("one_logger/event", row["one_logger/span"])): row for row in run.rows}
    assert rows["start", "work"]["one_logger/parent_id"] == rows["start", "outer"]["one_logger/span_id"]
    assert rows["stop", "work"]["one_logger/span_id"] == rows["start", "work"]["one_logger/span_id"]
    assert "work.duration_msec" in rows["stop", "work"]
    assert rows["event", "metrics"]["work.metrics.loss"] == 0.5
    assert rows["event", "metrics"]["one_logger/iteration"] == 7
    assert rows["error", "error"]["failing.error.exception_type"] == "ValueError"
    assert "bad batch" in rows["error", "error"]["failing.error.exception_message"]
    steps = [row["_step"] for row in run.rows]
    assert steps == sorted(set(steps)) == [row["one_logger/step"] for row in run.rows]
    assert run.config["application_name"] == "demo"
    assert run.exit_code == 0


def test_restart_with_the_same_session_tag_continues_the_run(programs: Any, offline_runs: Any, tmp_path: Path) -> None:
    for tag in ("job 1", "job 1", "job 2"):
        _run(programs, tmp_path, tag)
    first, second, other = offline_runs(tmp_path / "telemetry")
    assert first.run.run_id == second.run.run_id != other.run.run_id
    assert first.run.display_name == "job 1-rank0"
    assert first.rows[-1]["_step"] < second.rows[0]["_step"]


def test_ranks_are_one_group_of_different_runs(programs: Any, offline_runs: Any, tmp_path: Path) -> None:
    for rank in ("0", "1"):
        _run(programs, tmp_path, RANK=rank, WORLD_SIZE="2")
    runs = offline_runs(tmp_path / "telemetry")
    assert {run.run.run_group for run in runs} == {"job 1"}
    assert len({run.run.run_id for run in runs}) == 2
    assert [run.config["rank"] for run in runs] == [0, 1]


def test_flat_names_by_word(programs: Any, offline_runs: Any, tmp_path: Path) -> None:
    text = YAML.format(name="wandb") + "      metric_naming_strategy: flat\n"
    (tmp_path / "one_logger_exporters_config.yaml").write_text(text, encoding="utf-8")
    programs.start(PROGRAM).communicate("", timeout=60)
    programs.wait_until_none_is_left(40)
    (run,) = offline_runs(tmp_path / "telemetry")
    assert any("duration_msec" in row for row in run.rows)


def test_wrong_field_is_named(programs: Any, tmp_path: Path) -> None:
    text = YAML.format(name="wandb").replace("entity: team", "entity: team\n        max_waiting: many")
    (tmp_path / "one_logger_exporters_config.yaml").write_text(text, encoding="utf-8")
    program = programs.start(PROGRAM)
    _, err = program.communicate("", timeout=60)
    assert "exporters[0].config.config.max_waiting = 'many' does not fit Config" in err
