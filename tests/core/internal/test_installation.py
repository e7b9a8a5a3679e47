from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.core.internal.installation import version_conflict
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Give a distribution metadata that is found before that of an installed one."""

    def install(distribution: str, version_line: str) -> None:
        info = tmp_path / f"{distribution.replace('-', '_')}-0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\n{version_line}\n", encoding="utf-8"
        )

    monkeypatch.syspath_prepend(str(tmp_path))
    return install


def test_older_training_telemetry_is_reported_with_both_versions_and_the_remedy(install: Install) -> None:
    install("nv-one-logger-core", "Version: 2.4.0")
    install("nv-one-logger-training-telemetry", "Version: 2.3.1")

    message = version_conflict()

    assert message is not None
    assert "nv-one-logger-training-telemetry 2.3.1" in message
    assert "nv-one-logger-core 2.4.0" in message
    assert "pip install -U nv-one-logger-core nv-one-logger-training-telemetry" in message


def test_newer_training_telemetry_is_reported_too(install: Install) -> None:
    install("nv-one-logger-core", "Version: 2.4.0")
    install("nv-one-logger-training-telemetry", "Version: 2.5.0")

    assert version_conflict() is not None


def test_equal_versions_are_fine(install: Install) -> None:
    install("nv-one-logger-core", "Version: 2.4.0")
    install("nv-one-logger-training-telemetry", "Version: 2.4.0")

    assert version_conflict() is None


def test_core_alone_is_fine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, install: Install) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    install("nv-one-logger-core", "Version: 2.4.0")

    assert version_conflict() is None


def test_metadata_without_a_version_is_no_conflict(install: Install) -> None:
    install("nv-one-logger-core", "Version: 2.4.0")
    install("nv-one-logger-training-telemetry", "Summary: left half written")

    assert version_conflict() is None


def test_configuring_a_provider_reports_the_conflict(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install("nv-one-logger-core", "Version: 2.4.0")
    install("nv-one-logger-training-telemetry", "Version: 2.3.1")
    config = OneLoggerConfig(application_name="test", session_tag_or_fn="one", world_size_or_fn=1)

    TrainingTelemetryProvider.instance().with_base_config(config).configure_provider()

    assert "pip install -U nv-one-logger-core nv-one-logger-training-telemetry" in caplog.text
