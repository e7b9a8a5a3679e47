from __future__ import annotations

import copy
import dataclasses
import pickle
import time
from typing import Any, Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.time import Timer, TracingTimestamp

seconds = st.floats(min_value=-1e12, max_value=1e12)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Dict[str, float]:
    now = {"time": 1_750_000_000.0, "perf_counter": 100.0}
    monkeypatch.setattr(time, "time", lambda: now["time"])
    monkeypatch.setattr(time, "perf_counter", lambda: now["perf_counter"])
    return now


def test_now_reads_both_clocks(clocks: Dict[str, float]) -> None:
    assert TracingTimestamp.now() == TracingTimestamp(1_750_000_000.0, 100.0)


def test_milliseconds_are_truncated() -> None:
    assert TracingTimestamp(1.9999, 0.0).milliseconds_since_epoch == 1999


def test_timestamp_is_a_frozen_dataclass_with_its_repr() -> None:
    timestamp = TracingTimestamp(200, 100)
    assert str(timestamp) == "TracingTimestamp(_seconds_since_epoch=200, _perf_counter_seconds=100)"
    assert dataclasses.is_dataclass(timestamp)
    with pytest.raises(dataclasses.FrozenInstanceError):
        timestamp._seconds_since_epoch = 1  # type: ignore[misc]


def test_timestamps_compare_and_hash_by_both_clocks() -> None:
    assert TracingTimestamp(1.0, 2.0) == TracingTimestamp(1.0, 2.0)
    assert len({TracingTimestamp(1.0, 2.0), TracingTimestamp(1.0, 2.0), TracingTimestamp(1.0, 3.0)}) == 2
    assert TracingTimestamp(1.0, 2.0) != (1.0, 2.0)


def test_perf_counter_is_estimated_from_now(clocks: Dict[str, float]) -> None:
    assert TracingTimestamp.for_timestamp(1_749_999_970.0).perf_counter_seconds == 70.0


def test_perf_counter_of_zero_is_a_value(clocks: Dict[str, float]) -> None:
    assert TracingTimestamp.for_timestamp(1_750_000_000.0, perf_counter=0.0).perf_counter_seconds == 0.0


@pytest.mark.parametrize("age_sec", [-600, -10, 0, 100, 3600, 36_000])
def test_plausible_time_is_accepted(clocks: Dict[str, float], age_sec: float) -> None:
    assert TracingTimestamp.for_timestamp(1_750_000_000.0 - age_sec).seconds_since_epoch == 1_750_000_000.0 - age_sec


@pytest.mark.parametrize(
    ("moment", "phrase"),
    [
        (1_750_003_000.0, "timestamp is in the future. This is meant to be the time in seconds since epoch."),
        (1_750_000_000_000.0, "timestamp is in the future"),
        (1234.0, "timestamp is too old. This is meant to be the time in seconds since epoch."),
        (1_749_963_999.0, "timestamp is too old"),
    ],
)
def test_implausible_time_is_rejected(clocks: Dict[str, float], moment: float, phrase: str) -> None:
    with pytest.raises(OneLoggerError, match=phrase):
        TracingTimestamp.for_timestamp(moment)
    assert TracingTimestamp.for_timestamp(moment, validate_timestamp=False).seconds_since_epoch == moment


@given(epoch=seconds, counter=seconds)
def test_json_pickle_and_copies_round_trip(epoch: float, counter: float) -> None:
    timestamp = TracingTimestamp(epoch, counter)
    assert TracingTimestamp.from_json(timestamp.to_json()) == timestamp
    assert pickle.loads(pickle.dumps(timestamp)) == timestamp
    assert copy.deepcopy(timestamp) == timestamp


@pytest.mark.parametrize("data", [None, {}, {"seconds_since_epoch": 1.0}, {"perf_counter_seconds": 1.0}])
def test_incomplete_json_is_rejected(data: Any) -> None:
    with pytest.raises(OneLoggerError, match="A timestamp needs"):
        TracingTimestamp.from_json(data)


def test_timer_adds_windows_up(clocks: Dict[str, float]) -> None:
    timer = Timer()
    timer.start()
    clocks["perf_counter"] += 50
    assert timer.stop() == 50
    timer.start()
    assert timer.running
    clocks["perf_counter"] += 70
    assert timer.stop() == 120
    assert not timer.running


def test_timer_honours_given_times(clocks: Dict[str, float]) -> None:
    timer = Timer()
    timer.start(TracingTimestamp(0.0, 10.0))
    assert timer.stop(stop_time=TracingTimestamp(0.0, 25.0)) == 15.0


def test_timer_can_be_reset(clocks: Dict[str, float]) -> None:
    timer = Timer()
    timer.start()
    clocks["perf_counter"] += 5
    assert timer.stop(reset=True) == 5
    assert (timer._elapsed_time_since_last_reset, timer._start_time) == (0.0, None)
    timer.reset(start=True)
    assert timer.running


def test_timer_refuses_to_start_twice_or_to_stop_when_stopped() -> None:
    timer = Timer()
    with pytest.raises(OneLoggerError, match="not running"):
        timer.stop()
    timer.start()
    with pytest.raises(OneLoggerError, match="already running"):
        timer.start()
