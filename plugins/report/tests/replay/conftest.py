from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.testing import FakeClock


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return a file with records of each kind, parents, and attributes on everything: 17 of them."""
    path = tmp_path / "recorded.jsonl"
    exporter = FileExporter(path)
    exporter.initialize()
    with FakeClock() as clock:
        root = Span.create("root", span_attributes=Attributes({"shard": 3, "names": ["a", "b"]}))
        exporter.export_start(root)
        clock.advance(0.7)
        exporter.export_event(Event.create("loaded", Attributes({"rows": 128, "share": 0.1})), root)
        for number in range(7):
            child = Span.create(f"child {number}", root, start_event_attributes=Attributes({"why": "test"}))
            exporter.export_start(child)
            clock.advance(0.1)
            if number % 2:
                exporter.export_error(ErrorEvent.create("bad row", ValueError(f"row {number}")), child)
            child.add_attribute("result", number / 3)
            child.stop(Attributes({"how": "well"}))
            exporter.export_stop(child)
        incomplete = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
        exporter.export_telemetry_data_error(TelemetryDataError.create(incomplete, "a stop came twice"))
        clock.advance(0.3)
        root.stop()
        exporter.export_stop(root)
    exporter.close()
    return path


class Noting(Exporter):
    """An exporter that notes what it is told, and refuses what it is asked to."""

    def __init__(self) -> None:
        self.told: List[str] = []
        self.refuses: Callable[[str], bool] = lambda what: False

    def _take(self, what: str) -> None:
        if self.refuses(what):
            raise ConnectionError("refused")
        self.told.append(what)

    def initialize(self) -> None:
        pass

    def export_start(self, span: Span) -> None:
        self._take(f"start {span.name_str}")

    def export_stop(self, span: Span) -> None:
        self._take(f"stop {span.name_str}")

    def export_event(self, event: Event, span: Span) -> None:
        self._take(f"event {event.name_str}")

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        self._take(f"error {event.error_message}")

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        self._take("telemetry error")

    def close(self) -> None:
        pass


@pytest.fixture
def noting() -> Noting:
    return Noting()


@pytest.fixture
def without_numbers() -> Callable[[Path], List[Dict[str, Any]]]:
    """Return a function that reads records without what a copy has of its own: ``count`` and ``pid``."""

    def read(path: Path) -> List[Dict[str, Any]]:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        return [{key: value for key, value in each.items() if key not in ("count", "pid")} for each in records]

    return read
