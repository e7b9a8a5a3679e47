"""The README's four lines of YAML and its programs, letter by letter; and those four lines with the program of core."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, List

import pytest

PLUGIN = Path(__file__).resolve().parents[1]
CORE = PLUGIN.parents[1]


def blocks(folder: Path, language: str) -> List[str]:
    text = (folder / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def patient(text: str) -> str:
    """Let closing take longer than users are told: the machine that runs the tests may be busy."""
    patient_text, count = re.subn(r'save_dir(: |=)("?\./telemetry"?)', r"save_dir\1\2, close_timeout_sec\g<1>30", text)
    assert count == 1
    return patient_text


@pytest.fixture
def yaml(tmp_path: Path) -> Path:
    (block,) = blocks(PLUGIN, "yaml")
    assert block.count("\n") == 4
    path = tmp_path / "one_logger_exporters_config.yaml"
    path.write_text(patient(block), encoding="utf-8")
    return path


def quick_start_of_core(folder: Path) -> str:
    """Return the quick start of core's README, unchanged but for the line that asks for the file of configuration."""
    configure, train = blocks(CORE, "python")[:2]
    assert configure.count("    .configure_provider()") == 1
    configure = configure.replace("    .configure_provider()", "    .with_export_config()\n    .configure_provider()")
    # The path is spelled out as users see it, and moved here, so that nothing is left behind.
    return (configure + train).replace('"/tmp/', f'"{folder.as_posix()}/')


def test_file_and_program(programs: Any, yaml: Path, offline_runs: Any, tmp_path: Path) -> None:
    programs.run(blocks(PLUGIN, "python")[0])
    programs.wait_until_none_is_left(40)
    (run,) = offline_runs(tmp_path / "telemetry")
    assert (run.run.entity, run.run.project) == ("my-team", "telemetry")
    assert [row["one_logger/record"] for row in run.rows if row["one_logger/span"] == "work"] == ["start", "stop"]


def test_program_in_code(programs: Any, offline_runs: Any, tmp_path: Path) -> None:
    _, program = blocks(PLUGIN, "python")
    programs.run(patient(program))
    programs.wait_until_none_is_left(40)
    (run,) = offline_runs(tmp_path / "telemetry")
    assert (run.run.entity, run.run.project) == ("my-team", "telemetry")
    assert [row["one_logger/record"] for row in run.rows if row["one_logger/span"] == "work"] == ["start", "stop"]


def test_file_and_quick_start_of_core(programs: Any, yaml: Path, offline_runs: Any, tmp_path: Path) -> None:
    programs.run(quick_start_of_core(tmp_path))
    programs.wait_until_none_is_left(40)
    (run,) = offline_runs(tmp_path / "telemetry")
    names = [row["one_logger/span"] for row in run.rows if row["one_logger/record"] == "stop"]
    assert names[-2:] == ["training_loop", "application"]
    assert names.count("augment") == 3


@pytest.mark.parametrize("name", blocks(PLUGIN, "console")[-1].split('"')[1:2])
def test_session_exists(name: str) -> None:
    assert name == f"plugins({PLUGIN.name})"
    assert "def plugins(session" in (CORE / "noxfile.py").read_text(encoding="utf-8")
