"""The reference's view of how each exporter fares, page 02, 6.2."""

from __future__ import annotations

from typing import Any, Callable, List
from unittest.mock import MagicMock

import pytest

from nv_one_logger.core.event import TelemetryDataError
from nv_one_logger.exporter.exporter import BaseExporter, Exporter
from nv_one_logger.recorder.default_recorder import (
    _DISABLE_EXPORTER_AFTER_N_FAILURES,
    DefaultRecorder,
    _ExporterState,
)

Configure = Callable[..., DefaultRecorder]


def test_state_begins_with_nothing() -> None:
    assert _ExporterState() == _ExporterState(
        num_errors=0, any_data_exported_successfully=False, force_disabled=False, telemetry_data_error_reported=False
    )
    assert _DISABLE_EXPORTER_AFTER_N_FAILURES == 5


def test_exporter_that_fails_from_the_start_is_tried_five_times(configure: Configure) -> None:
    broken, healthy = MagicMock(spec=Exporter), MagicMock(spec=Exporter)
    for method in ("export_start", "export_stop", "export_event", "export_error"):
        getattr(broken, method).side_effect = ValueError("down")
    recorder = configure([broken, healthy])
    for _ in range(10):
        recorder.stop(recorder.start("work"))
    assert broken.export_start.call_count + broken.export_stop.call_count == _DISABLE_EXPORTER_AFTER_N_FAILURES
    broken.export_telemetry_data_error.assert_called_once()
    (error,) = broken.export_telemetry_data_error.call_args.args
    assert error.error_type is TelemetryDataError.ErrorType.NO_TELEMETRY_DATA
    assert recorder._exporter_state[broken] == _ExporterState(5, False, True, True)
    assert recorder._exporter_state[healthy] == _ExporterState(0, True, False, False)
    assert healthy.export_stop.call_count == 10
    healthy.export_telemetry_data_error.assert_not_called()


def test_exporter_whose_every_third_stop_fails_is_disabled_after_five_failures(configure: Configure) -> None:
    flaky = MagicMock(spec=Exporter)
    flaky.export_stop.side_effect = lambda span: 1 / (flaky.export_stop.call_count % 3)
    recorder = configure([flaky])
    for _ in range(30):
        recorder.stop(recorder.start("work"))
    assert flaky.export_stop.call_count == 15
    assert recorder._exporter_state[flaky] == _ExporterState(5, True, True, True)
    (error,) = flaky.export_telemetry_data_error.call_args.args
    assert error.error_type is TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA


def test_states_are_a_live_mapping_of_the_exporters(configure: Configure) -> None:
    class Unhashable(BaseExporter):
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return True

    exporters: List[Any] = [MagicMock(spec=Exporter), Unhashable()]
    recorder = configure(exporters)
    states = recorder._exporter_state
    assert len(states) == 2
    assert [one is other for one, other in zip(states, exporters)] == [True, True]
    assert not states[exporters[1]].any_data_exported_successfully
    recorder.start("work")
    assert states[exporters[1]].any_data_exported_successfully


def test_stranger_has_no_state(configure: Configure) -> None:
    recorder = configure()
    with pytest.raises(KeyError):
        recorder._exporter_state[MagicMock(spec=Exporter)]


def test_exporter_given_twice_is_used_once(configure: Configure) -> None:
    exporter = MagicMock(spec=Exporter)
    recorder = configure([exporter, exporter])
    recorder.start("work")
    exporter.initialize.assert_called_once_with()
    exporter.export_start.assert_called_once()
    assert recorder._exporters == [exporter, exporter]
