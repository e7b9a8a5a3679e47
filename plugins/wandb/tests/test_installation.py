"""The wheel, installed by pip into a fresh environment, works from a few lines of YAML."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parents[1]
CORE = PLUGIN.parents[1]
YAML = "exporters:\n  - name: wandb\n    config: {config: {entity: team, save_dir: telemetry}}\n"
PROGRAM = """
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.api.timed_span import timed_span
TrainingTelemetryProvider.instance().with_export_config().configure_provider()
with timed_span("installed"):
    pass
"""


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if result.returncode and "pip" in command and ("No matching distribution" in result.stderr):
        pytest.skip("no package index here")
    assert result.returncode == 0, result.stderr
    return result


def test_installed_wheel_records_offline(tmp_path: Path, offline_runs: Any) -> None:
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    wheels = tmp_path / "wheels"
    for source in (CORE, PLUGIN):
        if not (source / "pyproject.toml").exists():
            pytest.skip("not in the repository")
        _run(sys.executable, "-m", "build", "-w", "-n", "-o", str(wheels), str(source), cwd=tmp_path)
    venv.create(tmp_path / "fresh", with_pip=True)
    python = str(tmp_path / "fresh" / ("Scripts" if os.name == "nt" else "bin") / "python")
    installed = ["-m", "pip", "install", "-q", "--find-links", str(wheels), "nv-one-logger-wandb"]
    _run(python, *installed, cwd=tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    (work / "one_logger_exporters_config.yaml").write_text(YAML, encoding="utf-8")
    _run(python, "-c", PROGRAM, cwd=work)
    (run,) = offline_runs(work / "telemetry")
    assert [row["one_logger/record"] for row in run.rows] == ["start", "stop"]
    files = _run(python, "-m", "pip", "show", "-f", "nv-one-logger-wandb", cwd=work).stdout
    assert "nv_one_logger/wandb/exporter/py.typed" in files
    assert "nv_one_logger/wandb/__init__.py" not in files
    assert "nv_one_logger/__init__.py" not in files
