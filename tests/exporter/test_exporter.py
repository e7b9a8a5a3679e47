from __future__ import annotations

from typing import Any, Callable, List
from unittest.mock import MagicMock

import pytest
from overrides import override

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import BaseExporter, Exporter, ExportError, RecordWriteError

METHODS = {
    "initialize",
    "export_start",
    "export_stop",
    "export_event",
    "export_error",
    "export_telemetry_data_error",
    "close",
}


class Decorated(BaseExporter):
    """Written as for the reference, with decorators and its parameter names."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: List[str] = []

    @override
    def initialize(self) -> None:
        super().initialize()

    @override
    def export_error(self, event: ErrorEvent, span: Span) -> None:
        super().export_error(event, span)
        self.calls.append(event.error_message)


def exports() -> List[Callable[[Exporter], None]]:
    span, event, error = Span.create("s"), Event.create("e"), ErrorEvent.create("failed")
    data_error = TelemetryDataError.create(TelemetryDataError.ErrorType.NO_TELEMETRY_DATA, "m")
    return [
        lambda exporter: exporter.export_start(span),
        lambda exporter: exporter.export_stop(span),
        lambda exporter: exporter.export_event(event, span),
        lambda exporter: exporter.export_error(error, span),
        lambda exporter: exporter.export_telemetry_data_error(data_error),
    ]


def test_exporter_has_seven_abstract_methods() -> None:
    assert Exporter.__abstractmethods__ == METHODS
    with pytest.raises(TypeError):
        Exporter()  # type: ignore[abstract]


def test_mock_of_an_exporter_shows_exactly_its_methods() -> None:
    assert {name for name in dir(MagicMock(spec=Exporter)) if not name.startswith(("_", "assert_"))} >= METHODS
    assert not hasattr(MagicMock(spec=Exporter), "flush")


@pytest.mark.parametrize("export", exports())
def test_life_cycle_is_guarded_in_every_method(export: Callable[[Any], None]) -> None:
    exporter = BaseExporter()
    assert (exporter.ready, exporter.closed) == (False, False)
    with pytest.raises(ExportError, match=r"Exporter not initialized. Call initialize first."):
        export(exporter)
    exporter.initialize()
    assert (exporter.ready, exporter.closed) == (True, False)
    export(exporter)
    exporter.close()
    assert (exporter.ready, exporter.closed) == (False, True)
    with pytest.raises(ExportError, match=r"Exporter is closed and cannot be used anymore."):
        export(exporter)


def test_closed_exporter_may_be_initialized_again_and_closed_in_any_state() -> None:
    exporter = BaseExporter()
    exporter.close()
    exporter.close()
    exporter.initialize()
    assert exporter.ready


def test_exporter_written_for_the_reference_works_unchanged() -> None:
    exporter = Decorated()
    exporter.initialize()
    exporter.export_error(event=ErrorEvent.create("failed"), span=Span.create("s"))
    assert exporter.calls == ["failed"]


def test_errors_form_one_hierarchy() -> None:
    assert issubclass(RecordWriteError, ExportError)
    assert issubclass(ExportError, OneLoggerError)
