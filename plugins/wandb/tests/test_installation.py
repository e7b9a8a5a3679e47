"""The wheels of core and plugin, installed by pip into a fresh environment; and what core does not import."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import venv
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).resolve().parents[1]
CORE = PLUGIN.parents[1]
YAML = """
exporters:
  - name: wandb
    config:
      config: {entity: team, save_dir: telemetry, close_timeout_sec: 30}
"""
PROGRAM = """
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.api.timed_span import timed_span
TrainingTelemetryProvider.instance().with_export_config().configure_provider()
with timed_span("installed"):
    pass
"""
IMPORTS_OF_CORE = """
    import importlib, sys
    from pathlib import Path
    import nv_one_logger.core

    root = Path(nv_one_logger.core.__file__).parents[2]
    needs_an_extra = ("nv_one_logger.cli", "nv_one_logger.wandb", "nv_one_logger.testing")
    for path in sorted((root / "nv_one_logger").rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        if not name.startswith(needs_an_extra):
            importlib.import_module(name)
            imported = name
"""
SWITCHED_OFF = """
    import sys
    from nv_one_logger.host.catalogue import Catalogue
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

    assert "wandb" in [entry.name for entry in Catalogue().exporters()]
    off = [{"class_name": "wandb", "enabled": False}]
    TrainingTelemetryProvider.instance().with_export_config(exporters_config=off).configure_provider()
    imported = "provider"
"""


def _run(*command: str, cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if result.returncode and "pip" in command and "No matching distribution" in result.stderr:
        pytest.skip("no package index here")
    assert result.returncode == 0, result.stderr
    return result.stdout


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
    _run(python, "-I", "-c", PROGRAM, cwd=work)
    (run,) = offline_runs(work / "telemetry")
    assert [row["one_logger/record"] for row in run.rows] == ["start", "stop"]
    files = _run(python, "-m", "pip", "show", "-f", "nv-one-logger-wandb", cwd=work)
    assert "nv_one_logger/wandb/exporter/py.typed" in files
    assert "nv_one_logger/wandb/__init__.py" not in files
    assert "nv_one_logger/__init__.py" not in files


@pytest.mark.parametrize("program", [IMPORTS_OF_CORE, SWITCHED_OFF], ids=["all of core", "switched off"])
def test_core_imports_nothing_that_the_plugin_needs(program: str, tmp_path: Path) -> None:
    foreign = 'print(imported, {"wandb", "nv_one_logger.wandb", "google", "requests"} & set(sys.modules))'
    printed = _run(sys.executable, "-I", "-c", f"{textwrap.dedent(program)}\n{foreign}", cwd=tmp_path)
    assert printed.split()[1:] == ["set()"]
    assert printed.split()[0] != "nv_one_logger.core"
