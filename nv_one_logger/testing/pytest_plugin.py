"""Fixtures for tests of programs that record. pytest finds them by itself, through the entry point ``one_logger``.

Imports of the library stand inside the fixtures, so that a start of pytest that uses none of them pays for none.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import pytest

if TYPE_CHECKING:
    from nv_one_logger.testing import FakeClock, RecordFile, RecordingExporter
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

__all__ = ["one_logger_clock", "one_logger_exporter", "one_logger_provider", "one_logger_record_file"]


@pytest.fixture
def one_logger_clock() -> Iterator[FakeClock]:
    """Put a :class:`~nv_one_logger.testing.FakeClock` in force."""
    from nv_one_logger.testing import FakeClock

    with FakeClock() as clock:
        yield clock


@pytest.fixture
def one_logger_exporter() -> RecordingExporter:
    """Make a :class:`~nv_one_logger.testing.RecordingExporter`; it is the one of ``one_logger_provider``."""
    from nv_one_logger.testing import RecordingExporter

    return RecordingExporter()


@pytest.fixture
def one_logger_provider(
    one_logger_exporter: RecordingExporter, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TrainingTelemetryProvider]:
    """Configure the provider to record to ``one_logger_exporter``, and reset it afterwards.

    Mistakes raise. ``ONE_LOGGER_...`` variables of the environment have no effect.
    """
    from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

    for variable in [name for name in os.environ if name.startswith("ONE_LOGGER_")]:
        monkeypatch.delenv(variable)
    config = TrainingTelemetryConfig(
        application_name="test", session_tag_or_fn="test", world_size_or_fn=1, enable_for_current_rank=True
    )
    provider = TrainingTelemetryProvider.instance()
    provider.with_base_config(config).with_exporter(one_logger_exporter).configure_provider()
    yield provider
    provider.reset()


@pytest.fixture
def one_logger_record_file(tmp_path: Path) -> RecordFile:
    """Return a :class:`~nv_one_logger.testing.RecordFile` in a folder of the test's own; nothing is in it yet."""
    from nv_one_logger.testing import RecordFile

    return RecordFile(tmp_path / "records.jsonl")
