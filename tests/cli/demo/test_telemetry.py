from __future__ import annotations

import logging
from pathlib import Path

import pytest

from nv_one_logger.cli.demo.telemetry import configure_telemetry, log_lines_into
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.training_telemetry.api.context import application


def test_records_go_to_the_file_and_as_lines_to_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with log_lines_into(tmp_path / "r.log"):
        configure_telemetry(tmp_path / "r.jsonl", None)
        with application():
            pass
    lines = (tmp_path / "r.log").read_text().splitlines()
    first, *written = (tmp_path / "r.jsonl").read_text().splitlines()
    assert '"session":{"schema_version":1,"application_name":"one-logger-demo"' in first  # of the file only
    assert len(lines) == sum('"type":"heartbeat"' not in line for line in written)
    assert 'type="start"' in lines[0]
    assert caplog.records == []


def test_logger_is_left_as_it_was(tmp_path: Path) -> None:
    logger = logging.getLogger("one_logger.demo")
    before = logger.level, logger.propagate, list(logger.handlers)
    with log_lines_into(tmp_path / "r.log"):
        assert logger.isEnabledFor(logging.INFO)
    assert (logger.level, logger.propagate, logger.handlers) == before
    assert not (tmp_path / "r.log").exists()


def test_launcher_around_the_demo_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "64")
    configure_telemetry(tmp_path / "r.jsonl", None)
    with application():
        pass
    assert '"world_size":1,' in (tmp_path / "r.jsonl").read_text()


def test_wrong_configuration_file_is_an_error(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("exporters: nothing\n")
    with pytest.raises(OneLoggerError, match=r"c\.yaml"):
        configure_telemetry(tmp_path / "r.jsonl", config)
