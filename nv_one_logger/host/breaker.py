"""The circuit breaker: when to stop calling a plugin that keeps failing, and when to try it again."""

from __future__ import annotations

from collections import deque
from typing import Callable, Deque

__all__ = ["CircuitBreaker"]

MAX_FAILURES = 5
"""So many failures ..."""
WINDOW_CALLS = 100
"""... among so many latest calls open the breaker."""
FIRST_PAUSE_SEC = 60.0
MAX_PAUSE_SEC = 3600.0


class CircuitBreaker:
    """Opens after five failures among the last hundred calls, for 60 s, doubling up to an hour while trials fail.

    Not locked: the guard that owns it is.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed_calls: Deque[int] = deque(maxlen=MAX_FAILURES)
        self._pause_sec = FIRST_PAUSE_SEC
        self._retry_at = 0.0

    def is_tripped_by(self, call_number: int) -> bool:
        """Take note that a call failed, and tell whether that is one failure too many.

        Args:
            call_number: How many calls there had been before this one.
        """
        self._failed_calls.append(call_number)
        return len(self._failed_calls) == MAX_FAILURES and call_number - self._failed_calls[0] < WINDOW_CALLS

    def open(self) -> None:
        """Begin a pause; the next one, unless a trial succeeds meanwhile, is twice as long."""
        self._retry_at = self._clock() + self._pause_sec
        self._pause_sec = min(2 * self._pause_sec, MAX_PAUSE_SEC)
        self._failed_calls.clear()

    def is_trial_due(self) -> bool:
        """Whether the pause is over."""
        return self._clock() >= self._retry_at

    @property
    def seconds_to_trial(self) -> float:
        """How long the pause still takes."""
        return max(0.0, self._retry_at - self._clock())

    def forgive(self) -> None:
        """A trial has succeeded: begin anew."""
        self._pause_sec = FIRST_PAUSE_SEC
        self._failed_calls.clear()
