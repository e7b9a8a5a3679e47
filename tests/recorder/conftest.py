"""What the tests of the recorder share: telemetry that is configured around one recorder and one exporter."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.recorder.default_recorder import DefaultRecorder
from nv_one_logger.testing import RecordingExporter

Configure = Callable[..., DefaultRecorder]


@pytest.fixture
def exporter() -> RecordingExporter:
    return RecordingExporter()


@pytest.fixture
def configure(exporter: RecordingExporter) -> Configure:
    """Return a function that configures telemetry: ``configure(quiet=True)``, ``configure([exporter], mode, list)``."""

    def configure_with(
        exporters: Any = None, *arguments: Any, quiet: bool = False, rank: bool = True, **options: Any
    ) -> DefaultRecorder:
        recorder = DefaultRecorder([exporter] if exporters is None else exporters, *arguments, **options)
        strategy = OneLoggerErrorHandlingStrategy.PROPAGATE_EXCEPTIONS
        if quiet:
            strategy = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR
        config = OneLoggerConfig(
            application_name="app",
            world_size_or_fn=1,
            session_tag_or_fn="s",
            error_handling_strategy=strategy,
            enable_for_current_rank=rank,
        )
        OneLoggerProvider.instance().configure(config, recorder)
        return recorder

    return configure_with


@pytest.fixture
def recorder(configure: Configure) -> DefaultRecorder:
    """A recorder in the error strategy that propagates."""
    return configure()


@pytest.fixture
def quiet_recorder(configure: Configure) -> DefaultRecorder:
    return configure(quiet=True)


@pytest.fixture
def lines(exporter: RecordingExporter) -> Callable[[], List[str]]:
    """Return a function that tells what the exporter got, a line of text for each call."""
    return lambda: [f"{call.method} {call.name}" for call in exporter.calls]
