from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.cli.selftest.telemetry import APPLICATION, Remarks, running_telemetry
from nv_one_logger.core.exceptions import ConfigError

FILE = "{class_name: file, config: {file_path: y.jsonl}}"


def test_configuration_in_force_is_used_as_by_an_application(running: Any) -> None:
    provider = running(FILE)
    assert [name for name, _ in provider.host.plugins()] == ["file"]
    assert provider.config.application_name == APPLICATION
    assert running.remarks.texts == []


def test_everything_is_closed_and_forgotten_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with running_telemetry(None, Remarks()) as provider:
        assert provider.one_logger_ready
    assert not provider.one_logger_ready
    assert not OneLoggerProvider.instance().one_logger_ready
    assert logging.getLogger("nv_one_logger").propagate


def test_mistakes_become_remarks_and_the_rest_runs(running: Any) -> None:
    provider = running(FILE, "{class_name: file, name: other, config: {file_pth: z}}")
    assert provider.one_logger_enabled
    (remark,) = [text for text in running.remarks.texts if "file_pth" in text]
    assert remark.endswith("Did you mean 'file_path'?")


def test_strict_makes_them_errors(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_LOGGER_STRICT", "1")
    with pytest.raises(ConfigError, match="file_pth"):
        running("{class_name: file, config: {file_pth: z}}")


def test_remarks_are_kept_once_and_those_told_elsewhere_are_forgotten() -> None:
    remarks = Remarks()
    logger = logging.getLogger("of.this.test")
    logger.addHandler(remarks)
    logger.propagate = False
    for _ in range(2):
        logger.warning("Plugin %s failed in flush: ExportError: gone.", "acme")
        logger.warning("Something else")
    remarks.forget(["flush: ExportError: gone", ""])
    assert remarks.texts == ["Something else"]
