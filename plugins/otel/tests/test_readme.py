"""The README's four lines of YAML and its program, letter by letter; and those four lines with the program of core."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).resolve().parents[1]
ROOT = PLUGIN.parents[1]


def blocks(readme: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}[^\n]*\n(.*?)^```", readme.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def yaml() -> str:
    (block,) = blocks(PLUGIN / "README.md", "yaml")
    assert block.count("\n") == 4
    return block


def quick_start_of_core(folder: Path) -> str:
    """Return the quick start of core's README, unchanged but for the line that asks for the file of configuration."""
    configure, train = blocks(ROOT / "README.md", "python")[:2]
    assert configure.count("    .configure_provider()") == 1
    configure = configure.replace("    .configure_provider()", "    .with_export_config()\n    .configure_provider()")
    # The path is spelled out as users see it, and moved here, so that nothing is left behind.
    return (configure + train).replace('"/tmp/', f'"{folder.as_posix()}/')


def run_program(python: str, program: str, receiver: Any, folder: Path, **settings: str) -> str:
    """Run a program beside the four lines of YAML, and return what it complains of."""
    (folder / "one_logger_exporters_config.yaml").write_text(yaml(), "utf-8")
    (folder / "program.py").write_text(program, "utf-8")
    environ = {**os.environ, **settings, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
    environ.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, "-I", "program.py"], cwd=folder, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def run_readme(python: str, receiver: Any, folder: Path, **settings: str) -> None:
    program = blocks(PLUGIN / "README.md", "python")[0]
    assert run_program(python, program, receiver, folder, **settings) == ""
    assert sorted(span.name for span in receiver.spans) == ["step", "step", "step", "train"]
    train = receiver.span("train")
    assert {span.parent_span_id for span in receiver.spans if span.name == "step"} == {train.span_id}
    assert {resource["service.name"] for resource in receiver.resources} == {"program"}


def run_quick_start_of_core(python: str, receiver: Any, folder: Path) -> None:
    assert "otel" not in run_program(python, quick_start_of_core(folder), receiver, folder).lower()
    assert sorted(span.name for span in receiver.spans) == ["application", *["augment"] * 3, "training_loop"]
    loop = receiver.span("training_loop")
    assert {span.parent_span_id for span in receiver.spans if span.name == "augment"} == {loop.span_id}
    assert loop.parent_span_id == receiver.span("application").span_id


def test_yaml_and_program_of_the_readme(http_receiver: Any, tmp_path: Path) -> None:
    run_readme(sys.executable, http_receiver, tmp_path)


def test_yaml_and_program_of_the_readme_over_grpc(grpc_receiver: Any, tmp_path: Path) -> None:
    run_readme(sys.executable, grpc_receiver, tmp_path, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")


def test_yaml_and_quick_start_of_core(http_receiver: Any, tmp_path: Path) -> None:
    run_quick_start_of_core(sys.executable, http_receiver, tmp_path)


def test_program_in_code_of_the_readme() -> None:
    (_, program) = blocks(PLUGIN / "README.md", "python")
    names: dict[str, Any] = {}
    exec(program, names)
    assert not names["exporter"].ready


@pytest.mark.slow
def test_wheels_installed_into_a_new_environment(http_receiver: Any, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    for source in (ROOT, PLUGIN):
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(source)]
        subprocess.run(command, check=True, capture_output=True)
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [str(python), "-m", "pip", "install", "-q", "--find-links", str(wheels), "nv-one-logger-otel==2.4.0"]
    subprocess.run(install, check=True, capture_output=True)
    run_readme(str(python), http_receiver, tmp_path)
    http_receiver.spans.clear()
    run_quick_start_of_core(str(python), http_receiver, tmp_path)
    over_grpc = "from nv_one_logger.otel.exporter.otel_exporter import OTelExporter; OTelExporter(protocol='grpc')"
    refused = subprocess.run([str(python), "-I", "-c", over_grpc], capture_output=True, text=True, check=False)
    assert "Run: pip install 'nv-one-logger-otel[grpc]'" in refused.stderr
