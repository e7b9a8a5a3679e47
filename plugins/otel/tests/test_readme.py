"""The README's four lines of YAML and its program, letter by letter."""

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


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (PLUGIN / "README.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


def run_readme(python: str, receiver: Any, folder: Path, **settings: str) -> None:
    assert block("yaml").count("\n") == 4
    (folder / "one_logger_exporters_config.yaml").write_text(block("yaml"), "utf-8")
    (folder / "program.py").write_text(block("python"), "utf-8")
    environ = {**os.environ, **settings, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
    environ.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, "-I", "program.py"], cwd=folder, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(span.name for span in receiver.spans) == ["step", "step", "step", "train"]
    train = receiver.span("train")
    assert {span.parent_span_id for span in receiver.spans if span.name == "step"} == {train.span_id}
    assert {resource["service.name"] for resource in receiver.resources} == {"program"}


def test_yaml_and_program_of_the_readme(http_receiver: Any, tmp_path: Path) -> None:
    run_readme(sys.executable, http_receiver, tmp_path)


def test_yaml_and_program_of_the_readme_over_grpc(grpc_receiver: Any, tmp_path: Path) -> None:
    run_readme(sys.executable, grpc_receiver, tmp_path, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")


def test_program_in_code_of_the_readme() -> None:
    text = (PLUGIN / "README.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[1:]
    names: dict[str, Any] = {}
    exec(program, names)
    assert not names["exporter"].ready


@pytest.mark.slow
def test_readme_with_wheels_installed_into_a_new_environment(http_receiver: Any, tmp_path: Path) -> None:
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
    over_grpc = "from nv_one_logger.otel.exporter.otel_exporter import OTelExporter; OTelExporter(protocol='grpc')"
    refused = subprocess.run([str(python), "-I", "-c", over_grpc], capture_output=True, text=True, check=False)
    assert "Run: pip install 'nv-one-logger-otel[grpc]'" in refused.stderr
    core_only = "import sys, nv_one_logger.host, nv_one_logger.exporter; print('opentelemetry' in sys.modules)"
    done = subprocess.run([str(python), "-I", "-c", core_only], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
