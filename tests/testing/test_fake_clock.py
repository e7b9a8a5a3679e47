from __future__ import annotations

import time

import pytest

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.testing import FakeClock


def test_time_stands_still_until_it_is_advanced() -> None:
    with FakeClock(time_sec=1000.0, perf_counter_sec=5.0) as clock:
        assert (time.time(), time.perf_counter()) == (1000.0, 5.0)
        clock.advance(0.25)
        assert (time.time(), time.perf_counter()) == (1000.25, 5.25)
        assert (time.time_ns(), time.perf_counter_ns()) == (1_000_250_000_000, 5_250_000_000)


def test_spans_get_their_times_from_it() -> None:
    with FakeClock() as clock:
        span = Span.create("load")
        clock.advance(1.5)
        span.stop()
    assert span.duration_msec() == 1500
    assert span.start_time == TracingTimestamp(1_700_000_000.0, 1_000.0)


def test_wall_clock_can_be_set_back_while_durations_stay_right() -> None:
    with FakeClock(time_sec=1000.0) as clock:
        span = Span.create("load")
        clock.shift_wall_clock(-30.0)
        clock.advance(2.0)
        span.stop()
    assert span.duration_msec() == 2000
    assert span.stop_time is not None
    assert span.stop_time.seconds_since_epoch == 972.0


def test_monotonic_clock_stays_the_real_one() -> None:
    before = time.monotonic
    with FakeClock():
        assert time.monotonic is before


def test_real_clocks_come_back_also_after_an_error() -> None:
    before = (time.time, time.time_ns, time.perf_counter, time.perf_counter_ns)
    with pytest.raises(KeyError), FakeClock():
        raise KeyError
    assert (time.time, time.time_ns, time.perf_counter, time.perf_counter_ns) == before


def test_clock_can_be_in_force_again_and_keeps_its_time() -> None:
    clock = FakeClock(time_sec=1000.0)
    with clock:
        clock.advance(1.0)
    clock.advance(1.0)
    with clock:
        assert time.time() == 1002.0


def test_clock_that_is_in_force_cannot_be_entered_again() -> None:
    with FakeClock() as clock:
        with pytest.raises(OneLoggerError, match="in force already"):
            clock.__enter__()
        assert time.time() == clock.time()


def test_leaving_a_clock_that_is_not_in_force_does_nothing() -> None:
    before = time.time
    FakeClock().__exit__(None, None, None)
    assert time.time is before


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(OneLoggerError, match="-1"):
        FakeClock().advance(-1)
