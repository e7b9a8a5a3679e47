from __future__ import annotations

import math
import time
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.multi_window_timer import MultiWindowTimer
from nv_one_logger.core.time import TracingTimestamp


def at(wall: float, counter: float) -> TracingTimestamp:
    return TracingTimestamp(wall, counter)


def timed(*windows: Tuple[float, float]) -> MultiWindowTimer:
    timer = MultiWindowTimer()
    for start, stop in windows:
        timer.start(at(start, start))
        timer.stop(at(stop, stop))
    return timer


def test_new_timer_has_measured_nothing() -> None:
    timer = MultiWindowTimer()
    assert not timer.is_active
    assert (timer.current_window_start, timer.first_window_start, timer.latest_window_end) == (None, None, None)
    assert (timer.total_window_count, timer.completed_window_count, timer.total_time_sec) == (0, 0, 0.0)
    assert (timer.min_window_duration_sec, timer.max_window_duration_sec) == (math.inf, 0.0)
    assert (timer.avg_window_duration_sec, timer.latest_window_duration_sec) == (0.0, 0.0)


def test_open_window_counts_as_started_only() -> None:
    timer = timed((1.0, 3.0))
    timer.start(at(10.0, 10.0))
    assert timer.is_active
    assert timer.current_window_start == at(10.0, 10.0)
    assert timer.first_window_start == at(1.0, 1.0)
    assert (timer.total_window_count, timer.completed_window_count) == (2, 1)
    assert timer.avg_window_duration_sec == 2.0


def test_times_default_to_now(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 103.5])
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    timer = MultiWindowTimer()
    timer.start()
    timer.stop()
    assert timer.latest_window_duration_sec == 3.5


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1))
def test_totals_equal_the_sum_of_all_windows(windows: List[Tuple[int, int]]) -> None:
    timer = MultiWindowTimer()
    now = 0.0
    durations = []
    for pause, duration in windows:
        now += pause
        timer.start(at(now, now))
        now += duration
        timer.stop(at(now, now))
        durations.append(float(duration))
    assert timer.total_window_count == timer.completed_window_count == len(durations)
    assert timer.total_time_sec == sum(durations)
    assert timer.min_window_duration_sec == min(durations)
    assert timer.max_window_duration_sec == max(durations)
    assert timer.avg_window_duration_sec == sum(durations) / len(durations)
    assert timer.latest_window_duration_sec == durations[-1]
    assert timer.latest_window_end == at(now, now)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.booleans())))
def test_no_sequence_of_stops_measures_a_negative_time(stops: List[Tuple[float, float, bool]]) -> None:
    timer = MultiWindowTimer()
    for wall, counter, _ in stops:
        timer.start(at(0.0, 0.0))
        try:
            timer.stop(at(wall, counter))
        except OneLoggerError:
            assert wall < 0
        assert not timer.is_active
    assert timer.total_time_sec >= 0.0
    assert timer.latest_window_duration_sec >= 0.0
    if timer.completed_window_count:
        assert timer.avg_window_duration_sec == timer.total_time_sec / timer.completed_window_count


def test_second_start_is_refused_and_leaves_the_window_open() -> None:
    timer = MultiWindowTimer()
    timer.start(at(1.0, 1.0))
    with pytest.raises(OneLoggerError, match="Cannot start timer since it is already active"):
        timer.start(at(2.0, 2.0))
    timer.stop(at(4.0, 4.0))
    assert timer.total_time_sec == 3.0


def test_stop_without_start_is_refused() -> None:
    with pytest.raises(OneLoggerError, match="Cannot stop timer since it is not active"):
        MultiWindowTimer().stop()


def test_stop_before_start_is_refused_and_discards_the_window() -> None:
    timer = MultiWindowTimer()
    timer.start(at(100.0, 100.0))
    message = "Cannot stop timer with a stop time that is before the start time."
    with pytest.raises(OneLoggerError, match=message):
        timer.stop(at(90.0, 90.0))
    assert not timer.is_active
    assert timer.total_window_count == 1
    assert timer.latest_window_end is None


def test_discarded_window_does_not_lower_the_average() -> None:
    timer = MultiWindowTimer()
    timer.start(at(100.0, 100.0))
    with pytest.raises(OneLoggerError):
        timer.stop(at(90.0, 90.0))
    timer.start(at(200.0, 200.0))
    timer.stop(at(210.0, 210.0))
    assert timer.avg_window_duration_sec == 10.0
    assert timer.completed_window_count == 1


def test_wall_clock_set_back_during_a_window_does_not_matter() -> None:
    timer = MultiWindowTimer()
    timer.start(at(1000.0, 50.0))
    timer.stop(at(998.0, 53.0))
    assert timer.total_time_sec == 3.0


def test_counter_that_contradicts_the_given_times_yields_to_the_wall_clock() -> None:
    timer = MultiWindowTimer()
    timer.start(at(1000.0, 50.0))
    timer.stop(at(1004.0, 49.9))
    assert timer.total_time_sec == 4.0


def test_stop_on_the_wall_clock_alone_before_the_start_is_refused() -> None:
    timer = MultiWindowTimer()
    timer.start(at(1000.0, 50.0))
    with pytest.raises(OneLoggerError, match="before the start time"):
        timer.stop(at(999.0, 50.0))


def test_reset_drops_everything_and_the_open_window() -> None:
    timer = timed((1.0, 3.0))
    timer.start(at(10.0, 10.0))
    timer.reset()
    assert timer == MultiWindowTimer()


def test_timers_with_equal_content_are_equal() -> None:
    assert timed((1.0, 3.0)) == timed((1.0, 3.0))
    assert timed((1.0, 3.0)) != timed((1.0, 4.0))
    assert timed() != object()
    assert "total_time_sec=2.0" in repr(timed((1.0, 3.0)))


def test_hash_agrees_with_equality_and_survives_new_windows() -> None:
    changing = timed((1.0, 3.0))
    keys = {changing: "found"}
    assert hash(changing) == hash(timed((1.0, 3.0)))
    changing.start(at(5.0, 5.0))
    assert keys[changing] == "found"
