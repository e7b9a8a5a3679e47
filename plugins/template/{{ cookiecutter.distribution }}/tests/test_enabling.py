from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.host.catalogue import Catalogue
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider


def test_exporter_is_in_the_catalogue() -> None:
    (entry,) = [entry for entry in Catalogue().exporters() if entry.name == "{{ cookiecutter.name }}"]
    assert entry.value == "{{ cookiecutter.package }}.exporter:{{ cookiecutter.class_name }}"
    assert entry.distribution == "{{ cookiecutter.distribution }}"


def test_exporter_is_enabled_from_yaml(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one_logger_exporters_config.yaml").write_text(
        "exporters:\n  - name: {{ cookiecutter.name }}\n    config:\n      url: ${URL}\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("URL", server.url)

    provider = TrainingTelemetryProvider.instance()
    provider.with_export_config().configure_provider()
    with timed_span("work"):
        pass
    provider.reset()

    assert [record["name"] for record in server.records] == ["work"]
