"""The programs of the contract, each in a fresh process, in an environment made from the wheel.

They stand here as promised, but for ``/tmp/``, which becomes the test's own folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

QUICK_START = """
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from pathlib import Path
import logging

provider = TrainingTelemetryProvider.instance()
(
    provider
    .with_base_config(TrainingTelemetryConfig(application_name="demo", session_tag_or_fn="run1"))
    .with_exporter(FileExporter(file_path=Path("/tmp/one_logger_metrics.jsonl")))
    .with_exporter(LoggerExporter(logger=logging.getLogger("my_app.metrics")))
    .configure_provider()
)
"""

PROVIDER = """
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
provider = TrainingTelemetryProvider.instance()
"""

NOTHING = "provider.with_export_config().configure_provider()"

FROM_FILE = 'provider.with_export_config(config_file_path="one_logger_exporters_config.yaml").configure_provider()'

FROM_CODE = """
provider.with_export_config(exporters_config=[
    {"class_name": "nv_one_logger.exporter.file_exporter.FileExporter", "config": {"file_path": "/tmp/direct.log"}, "enabled": True}
]).configure_provider()
"""  # noqa: E501  # as promised

FROM_BOTH = """
provider.with_export_config(          # both: code beats file, entry by entry
    exporters_config=[{"class_name": "nv_one_logger.exporter.file_exporter.FileExporter", "config": {"file_path": "/tmp/override.log"}}],
    config_file_path="one_logger_exporters_config.yaml",
).configure_provider()
"""  # noqa: E501  # as promised

CONFIG_FILE = """
exporters:
  - class_name: "nv_one_logger.exporter.file_exporter.FileExporter"
    config:
      file_path: "/tmp/app.log"   # a str; becomes a Path
    enabled: true
"""

# What a job then records, to see that the exporters work.
A_SPAN = """
from nv_one_logger.training_telemetry.api.context import application
with application():
    pass
"""

Run = Callable[..., List[str]]


@pytest.fixture
def run(installed: Any, tmp_path: Path) -> Run:
    """Run a program beside the configuration file; return the names of the files that it wrote."""

    def run(program: str, environment: Any = installed) -> List[str]:
        config = tmp_path / "one_logger_exporters_config.yaml"
        config.write_text(CONFIG_FILE.replace("/tmp/", f"{tmp_path.as_posix()}/"), encoding="utf-8")
        environment.run(program.replace("/tmp/", f"{tmp_path.as_posix()}/"), cwd=tmp_path)
        return sorted(path.name for path in tmp_path.iterdir() if path.is_file() and path != config)

    return run


def records(path: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_quick_start_as_written(run: Run) -> None:
    assert run(QUICK_START) == ["one_logger_metrics.jsonl"]


def test_quick_start_then_records(run: Run, tmp_path: Path) -> None:
    run(QUICK_START + A_SPAN)
    names = {record.get("name") for record in records(tmp_path / "one_logger_metrics.jsonl")}
    assert "application" in names


@pytest.mark.parametrize(
    ("program", "written"),
    [
        pytest.param(NOTHING, ["app.log"], id="nothing named, so the file in the working directory"),
        pytest.param(FROM_FILE, ["app.log"], id="from a file"),
        pytest.param(FROM_CODE, ["direct.log"], id="from code, which beats the file that is found"),
        pytest.param(FROM_BOTH, ["override.log"], id="from both"),
    ],
)
def test_export_config_as_written(run: Run, program: str, written: List[str]) -> None:
    assert run(PROVIDER + program) == written


def test_export_config_without_any_source(installed: Any, tmp_path: Path) -> None:
    installed.run(PROVIDER + NOTHING + A_SPAN, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_configuring_with_nothing_before_it_still_raises(installed: Any, tmp_path: Path) -> None:
    raised = installed.run(
        PROVIDER + "from nv_one_logger.core.exceptions import OneLoggerError\n"
        "try:\n    provider.configure_provider()\nexcept OneLoggerError:\n    print('raised')",
        cwd=tmp_path,
    )
    assert raised == "raised"


DEFAULTS_OF_A_TEAM = """
class MyFileExporterConfig:
    @staticmethod
    def get_default_config():
        return {"class_name": "nv_one_logger.exporter.file_exporter.FileExporter",
                "config": {"file_path": "team.log"}, "enabled": True}
"""


def test_defaults_of_a_third_party_package_are_found(
    make_environment: Callable[[], Any], make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "team"
    folder.mkdir()
    points = (
        "[nv_one_logger.exporter_configs]\nmy_file_exporter = my_team_exporter_config.configs:MyFileExporterConfig\n"
    )
    wheel = make_wheel(
        folder,
        "my-team-exporter-config",
        "1.0.0",
        {
            "my_team_exporter_config/__init__.py": "",
            "my_team_exporter_config/configs.py": DEFAULTS_OF_A_TEAM,
            "my_team_exporter_config-1.0.0.dist-info/entry_points.txt": points,
        },
        ["nv-one-logger-core<3.0.0,>=2.1.0"],  # what Poetry writes for "^2.1.0"
    )
    environment = make_environment()
    environment.pip("install", str(wheel))

    environment.run(PROVIDER + NOTHING + A_SPAN, cwd=folder)

    assert "application" in {record.get("name") for record in records(folder / "team.log")}
