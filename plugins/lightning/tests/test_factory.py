"""Telemetry from the environment and YAML alone, for programs that cannot be changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from nv_one_logger.testing import RecordFile
from nv_one_logger.training_telemetry.integration import _lightning_factory as factory
from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback

YAML = """
exporters:
  - class_name: file
    config:
      file_path: run.jsonl
"""


def test_off_unless_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert factory.callbacks() == []
    monkeypatch.setenv("ONE_LOGGER_LIGHTNING", "0")
    assert factory.callbacks() == []


def test_provider_is_configured_from_yaml(preferred: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_LOGGER_LIGHTNING", "1")
    (tmp_path / "one_logger_exporters_config.yaml").write_text(YAML, encoding="utf-8")
    (callback,) = factory.callbacks()
    trainer = preferred.trainer(tmp_path, callbacks=[preferred.checkpoints(tmp_path)])
    trainer.callbacks = [callback, *[one for one in trainer.callbacks if not isinstance(one, TimeEventCallback)]]
    trainer.fit(preferred.model())
    callback.on_app_end()
    records = RecordFile(tmp_path / "run.jsonl").records()
    ended = [r["name"] for r in records if r["type"] in ("stop", "complete")]
    assert ended.count("training_loop") == ended.count("application") == 1


def test_provider_of_the_program_is_used(start_job: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_LOGGER_LIGHTNING", "true")
    job = start_job()
    assert job.open_spans() == []
    (callback,) = factory.callbacks()
    assert callback._provider is job.provider
    assert job.open_spans() == ["application"]


def test_mistake_in_the_file_is_logged_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ONE_LOGGER_LIGHTNING", "1")
    monkeypatch.setenv("ONE_LOGGER_STRICT", "1")
    monkeypatch.setenv("ONE_LOGGER_EXPORTER_CONFIG_PATH", str(tmp_path / "missing.yaml"))
    assert factory.callbacks() == []
    assert "missing.yaml" in caplog.text
