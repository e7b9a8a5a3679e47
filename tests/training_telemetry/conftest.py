"""What the tests of training telemetry share: a configured provider that records to memory, and a clock."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
from nv_one_logger.testing import FakeClock, RecordingExporter
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_recorder import TrainingRecorder
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR


class Job:
    """A configured application, and what it recorded."""

    def __init__(self, provider: TrainingTelemetryProvider, exporter: RecordingExporter) -> None:
        self.provider = provider
        self.exporter = exporter

    @property
    def recorder(self) -> TrainingRecorder:
        return self.provider.recorder

    @property
    def state(self) -> Any:
        return self.provider.recorder._training_state

    def attributes(self, event_name: str) -> List[Dict[str, Any]]:
        """The attributes of every event of a name, oldest first."""
        return [event.attributes.to_json() for event in self.exporter.events(event_name)]

    def last(self, event_name: str) -> Dict[str, Any]:
        return self.attributes(event_name)[-1]

    def calls(self) -> List[str]:
        """``method name`` of everything exported, in order."""
        return [f"{call.method} {call.name}" for call in self.exporter.calls]

    def errors(self) -> List[str]:
        return [error.error_message for error in self.exporter.errors]

    def problems(self) -> List[str]:
        return [error.error_message for error in self.exporter.telemetry_data_errors]


def telemetry_config(**fields: Any) -> TrainingTelemetryConfig:
    return TrainingTelemetryConfig(**{"perf_tag_or_fn": "perf", "global_batch_size_or_fn": 8, **fields})


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    with FakeClock(time_sec=1_750_000_000.0, perf_counter_sec=1_000.0) as clock:
        yield clock


@pytest.fixture
def start_job() -> Callable[..., Job]:
    """Configure the provider; keywords are fields of ``TrainingTelemetryConfig``, but for the ones named here."""

    def start(
        *,
        quiet: bool = False,
        enabled: bool = True,
        telemetry: bool = True,
        all_spans: bool = False,
        world_size: int = 1,
        base: Optional[Dict[str, Any]] = None,
        **fields: Any,
    ) -> Job:
        arguments: Dict[str, Any] = {
            "application_name": "app",
            "session_tag_or_fn": "run1",
            "world_size_or_fn": world_size,
            "enable_for_current_rank": enabled,
            **({"error_handling_strategy": QUIET} if quiet else {}),
            **({"telemetry_config": telemetry_config(**fields)} if telemetry else {}),
            **(base or {}),
        }
        exporter = RecordingExporter()
        provider = TrainingTelemetryProvider.instance()
        provider.with_base_config(OneLoggerConfig(**arguments)).with_exporter(exporter)
        if all_spans:
            provider.with_export_customization(ExportCustomizationMode.EXPORT_ALL_SPANS)
        provider.configure_provider()
        return Job(provider, exporter)

    return start
