from __future__ import annotations

from typing import Any

from nv_one_logger.host.breaker import CircuitBreaker


def test_five_failures_among_a_hundred_calls_trip_it(clock: Any) -> None:
    breaker = CircuitBreaker(clock)
    assert [breaker.is_tripped_by(number) for number in (0, 25, 50, 75, 99)] == [False, False, False, False, True]


def test_five_failures_spread_over_more_calls_do_not(clock: Any) -> None:
    breaker = CircuitBreaker(clock)
    assert not any(breaker.is_tripped_by(number) for number in range(0, 10_000, 25))


def test_failure_that_left_the_window_counts_no_more(clock: Any) -> None:
    breaker = CircuitBreaker(clock)
    tripped = [breaker.is_tripped_by(number) for number in (0, 97, 98, 99, 100, 101)]
    assert tripped == [False, False, False, False, False, True]


def test_pause_is_a_minute_and_doubles_up_to_an_hour(clock: Any) -> None:
    breaker = CircuitBreaker(clock)
    pauses = []
    for _ in range(8):
        breaker.open()
        pauses.append(breaker.seconds_to_trial)
        clock.advance(pauses[-1] - 1)
        assert not breaker.is_trial_due()
        clock.advance(1)
        assert breaker.is_trial_due()
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_seconds_to_trial_are_never_negative(clock: Any) -> None:
    breaker = CircuitBreaker(clock)
    breaker.open()
    clock.advance(1000)
    assert breaker.seconds_to_trial == 0


def test_success_of_a_trial_makes_the_next_pause_short_again(clock: Any) -> None:
    breaker = CircuitBreaker(clock)
    breaker.open()
    breaker.open()
    breaker.forgive()
    breaker.open()
    assert breaker.seconds_to_trial == 60


def test_failures_before_a_pause_do_not_count_after_it(clock: Any) -> None:
    breaker = CircuitBreaker(clock)
    assert [breaker.is_tripped_by(number) for number in range(5)][-1]
    breaker.open()
    assert not any(breaker.is_tripped_by(number) for number in range(5, 9))
