from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import pytest

from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.testing import RecordingExporter, pytest_plugin
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

# The fixtures under names of this module's own: an installed distribution brings them under their real ones.
FIXTURES: Dict[str, Any] = runpy.run_path(pytest_plugin.__file__)

STARTUP = """
import sys

def test_nothing_was_imported():
    assert "nv_one_logger.testing.pytest_plugin" in sys.modules
    assert "pydantic" not in sys.modules and "yaml" not in sys.modules
    ours = {name for name in sys.modules if name.startswith("nv_one_logger")}
    assert ours == {"nv_one_logger", "nv_one_logger.testing", "nv_one_logger.testing.pytest_plugin"}
"""

PROGRAM = """
import time
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.training_telemetry.api.callbacks import on_app_start

def test_provider_records_to_the_exporter(one_logger_provider, one_logger_exporter):
    with timed_span("load"):
        pass
    assert one_logger_exporter.names() == ["load", "load"]
    assert one_logger_provider.one_logger_enabled

def test_provider_is_new_in_each_test(one_logger_provider, one_logger_exporter):
    assert one_logger_exporter.names() == []
    on_app_start()
    assert one_logger_exporter.names("start") == ["application"]

def test_nothing_is_configured_without_the_fixture(one_logger_exporter):
    with timed_span("load") as span:
        assert not span

def test_clock(one_logger_clock, one_logger_provider, one_logger_exporter):
    with timed_span("load"):
        one_logger_clock.advance(2.5)
    assert one_logger_exporter.span("load").duration_msec() == 2500

def test_clock_is_real_again():
    assert time.time() > 1_700_000_001

def test_record_file(one_logger_record_file):
    assert one_logger_record_file.records() == []
    exporter = FileExporter(one_logger_record_file)
    exporter.initialize()
    exporter.close()
    assert one_logger_record_file.path.exists()
"""


def test_start_of_pytest_imports_neither_pydantic_nor_the_library(run_pytest: Callable[..., str]) -> None:
    assert "1 passed" in run_pytest(STARTUP)


def test_fixtures_in_a_module_of_a_user(run_pytest: Callable[..., str]) -> None:
    assert "6 passed" in run_pytest(PROGRAM, ONE_LOGGER_DISABLED="1", ONE_LOGGER_DISABLE="file")


def test_fixtures_are_listed_with_what_they_do(run_pytest: Callable[..., str]) -> None:
    listed = run_pytest("", "--fixtures")

    for name in pytest_plugin.__all__:
        assert name in listed
    assert "reset it afterwards" in listed


def _run(fixture: str, *arguments: Any) -> Any:
    function = FIXTURES[fixture]
    function = getattr(function, "_get_wrapped_function", lambda: function.__wrapped__)()
    return function(*arguments)


def test_provider_fixture_ignores_the_environment_and_resets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_LOGGER_DISABLED", "1")
    exporter: RecordingExporter = _run("one_logger_exporter")
    fixture: Iterator[TrainingTelemetryProvider] = _run("one_logger_provider", exporter, monkeypatch)

    provider = next(fixture)
    assert provider.one_logger_enabled
    assert [plugin for _, plugin in provider.host.plugins()] == [exporter]
    assert list(fixture) == []
    assert not provider.one_logger_ready
    assert exporter.closed


def test_clock_fixture_ends_with_the_test() -> None:
    import time

    fixture = _run("one_logger_clock")
    clock = next(fixture)
    assert time.time() == clock.time()
    assert list(fixture) == []
    assert time.time() != clock.time()


def test_record_file_fixture_names_a_file_in_the_folder_of_the_test(tmp_path: Path) -> None:
    record_file = _run("one_logger_record_file", tmp_path)

    assert Path(record_file).parent == tmp_path
    assert FileExporter(record_file).path == record_file.path
