"""Exporters written for the reference, with and without decorators, and the names they may use."""

from __future__ import annotations

from typing import Any, Dict, List

from overrides import override

from nv_one_logger.core.event import ErrorEvent, Event
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter
from nv_one_logger.exporter.exporter import BaseExporter, Exporter, ExportError


class Silent(Exporter):
    """Implements the seven methods."""

    def initialize(self) -> None:
        """Prepare nothing."""

    def export_start(self, span: Span) -> None:
        """Ignore the start."""

    def export_stop(self, span: Span) -> None:
        """Ignore the stop."""

    def export_event(self, event: Event, span: Span) -> None:
        """Ignore the event."""

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        """Ignore the error; the parameter keeps the reference's name."""

    def export_telemetry_data_error(self, error: Any) -> None:
        """Ignore the problem."""

    def close(self) -> None:
        """Release nothing."""


class Remembering(BaseJsonExporter):
    """Keeps records in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.records: List[Dict[str, Any]] = []

    @override
    def _write(self, json_dict: Dict[str, Any]) -> None:
        if len(self.records) > 1000:
            raise ExportError("full")
        self.records.append(json_dict)


def is_ready(exporter: BaseExporter) -> bool:
    """Read a property of the base class."""
    ready: bool = exporter.ready
    return ready


exporter = Remembering()
exporter.initialize()
assert is_ready(exporter)
exporter.close()
Silent().close()
