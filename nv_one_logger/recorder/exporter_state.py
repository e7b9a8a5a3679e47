"""The state of each exporter as the recorder has always shown it, computed from the host's counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, List, Mapping

from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host.host import ExporterHost

__all__ = ["ExporterState", "ExporterStates"]


@dataclass
class ExporterState:
    """How one exporter fares."""

    num_errors: int = 0
    any_data_exported_successfully: bool = False
    force_disabled: bool = False
    telemetry_data_error_reported: bool = False


class ExporterStates(Mapping[Exporter, ExporterState]):
    """A live view: exporter -> its state now. Exporters need not be hashable."""

    def __init__(self, exporters: List[Exporter], host: ExporterHost) -> None:
        self._exporters = exporters
        self._host = host

    def __getitem__(self, exporter: Exporter) -> ExporterState:
        guard = self._host.guard_of(exporter)
        if guard is None:
            raise KeyError(exporter)
        return ExporterState(
            num_errors=guard.failures.value,
            any_data_exported_successfully=guard.has_exported,
            force_disabled=guard.is_paused,
            telemetry_data_error_reported=guard.is_telemetry_error_reported,
        )

    def __iter__(self) -> Iterator[Exporter]:
        return iter(self._exporters)

    def __len__(self) -> int:
        return len(self._exporters)
