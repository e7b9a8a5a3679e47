"""No file appears that nobody asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

QUICK_START = """
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.training_telemetry.api import callbacks, training_loop, training_iteration
import logging

provider = TrainingTelemetryProvider.instance()
provider.with_base_config(TrainingTelemetryConfig(application_name="demo", session_tag_or_fn="run1"))
{exporters}
provider.configure_provider()
callbacks.on_app_start()
with training_loop(train_iterations_start=0), training_iteration():
    pass
{mistake}
callbacks.on_app_end()
"""
FILE = "provider.with_exporter(FileExporter(file_path='run.jsonl'))"
LOGGER = "provider.with_exporter(LoggerExporter(logging.getLogger('my_app.metrics')))"


@pytest.mark.parametrize(
    ("exporters", "mistake", "env", "expected"),
    [
        (FILE + ";" + LOGGER, "", {}, ["run.jsonl"]),
        (LOGGER, "", {}, []),
        (FILE, "provider.recorder._misuse('a mistake')", {}, ["run.jsonl"]),
        (FILE, "", {"ONE_LOGGER_DISABLED": "1"}, []),
        (FILE, "", {"ONE_LOGGER_DISABLE": "file"}, []),
        (FILE, "", {"ONE_LOGGER_EXPLAIN": "1"}, ["run.jsonl"]),
    ],
    ids=["quick start", "log only", "mistake", "disabled", "file disabled", "explained"],
)
def test_run_in_an_empty_folder_makes_the_files_that_were_asked_for(
    run_python: Callable[..., Any], tmp_path: Path, exporters: str, mistake: str, env: Any, expected: Any
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    home = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    program = QUICK_START.format(exporters=exporters, mistake=mistake)
    run_python(program, cwd=folder, env={**home, **env}, check=not mistake)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == expected
