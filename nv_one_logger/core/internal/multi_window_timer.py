"""Times repeated windows, for example the iterations of a training loop."""

from __future__ import annotations

import math
from typing import Optional, Tuple

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.time import TracingTimestamp

__all__ = ["MultiWindowTimer"]


class MultiWindowTimer:
    """A stopwatch for windows that follow one another without overlap. All durations are in seconds.

    A window lasts the difference of the monotonic counters of its two timestamps; the wall clock, which may be set
    back in between, decides only where the counters contradict it. Equal when all that was measured is; not safe for
    several threads.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Return to the initial state; an open window is dropped."""
        self._current_window_start: Optional[TracingTimestamp] = None
        self._first_window_start: Optional[TracingTimestamp] = None
        self._latest_window_end: Optional[TracingTimestamp] = None
        self._latest_window_duration_sec = 0.0
        self._total_window_count = 0
        self._completed_window_count = 0
        self._total_time_sec = 0.0
        self._min_window_duration_sec = math.inf
        self._max_window_duration_sec = 0.0
        self._avg_window_duration_sec = 0.0

    @property
    def is_active(self) -> bool:
        """Whether a window is open."""
        return self._current_window_start is not None

    @property
    def current_window_start(self) -> Optional[TracingTimestamp]:
        """When the open window started, ``None`` while none is open."""
        return self._current_window_start

    @property
    def first_window_start(self) -> Optional[TracingTimestamp]:
        """When the first window started."""
        return self._first_window_start

    @property
    def latest_window_end(self) -> Optional[TracingTimestamp]:
        """When the last completed window ended."""
        return self._latest_window_end

    @property
    def total_window_count(self) -> int:
        """Windows started, with the open one and those that a rejected stop discarded."""
        return self._total_window_count

    @property
    def completed_window_count(self) -> int:
        """Windows that were measured."""
        return self._completed_window_count

    @property
    def total_time_sec(self) -> float:
        """Sum of the durations of the completed windows."""
        return self._total_time_sec

    @property
    def min_window_duration_sec(self) -> float:
        """Shortest completed window, infinity before the first."""
        return self._min_window_duration_sec

    @property
    def max_window_duration_sec(self) -> float:
        """Longest completed window."""
        return self._max_window_duration_sec

    @property
    def avg_window_duration_sec(self) -> float:
        """Average over the completed windows, as of the last stop."""
        return self._avg_window_duration_sec

    @property
    def latest_window_duration_sec(self) -> float:
        """Duration of the last completed window."""
        return self._latest_window_duration_sec

    def start(self, start_time: Optional[TracingTimestamp] = None) -> None:
        """Open a window at ``start_time``, by default now.

        Raises:
            OneLoggerError: A window is open already.
        """
        if self._current_window_start is not None:
            raise OneLoggerError("Cannot start timer since it is already active. Stop the open window first.")
        start = start_time or TracingTimestamp.now()
        self._current_window_start = start
        if self._first_window_start is None:
            self._first_window_start = start
        self._total_window_count += 1

    def stop(self, stop_time: Optional[TracingTimestamp] = None) -> None:
        """Close the window at ``stop_time``, by default now, and count it.

        Raises:
            OneLoggerError: No window is open, or it would end before its start; the window is then discarded.
        """
        start = self._current_window_start
        if start is None:
            raise OneLoggerError("Cannot stop timer since it is not active. Start a window first.")
        stop = stop_time or TracingTimestamp.now()
        self._current_window_start = None
        duration = _duration_sec(start, stop)
        self._latest_window_end = stop
        self._latest_window_duration_sec = duration
        self._completed_window_count += 1
        self._total_time_sec += duration
        # Compared by hand: min() and max() take longer than all the rest of this method, which every iteration calls.
        if duration < self._min_window_duration_sec:
            self._min_window_duration_sec = duration
        if duration > self._max_window_duration_sec:
            self._max_window_duration_sec = duration
        self._avg_window_duration_sec = self._total_time_sec / self._completed_window_count

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MultiWindowTimer):
            return NotImplemented
        return self._state() == other._state()

    def __hash__(self) -> int:
        # Equal ones must have equal hashes, and every attribute changes: only the class is left.
        return hash(MultiWindowTimer)

    def __repr__(self) -> str:
        return (
            f"MultiWindowTimer(is_active={self.is_active}, total_window_count={self._total_window_count}, "
            f"total_time_sec={self._total_time_sec})"
        )

    def _state(self) -> Tuple[object, ...]:
        return (
            self._current_window_start,
            self._first_window_start,
            self._latest_window_end,
            self._latest_window_duration_sec,
            self._total_window_count,
            self._total_time_sec,
            self._min_window_duration_sec,
            self._max_window_duration_sec,
            self._avg_window_duration_sec,
        )


def _duration_sec(start: TracingTimestamp, stop: TracingTimestamp) -> float:
    """Return the length of a window, 0 or more.

    Raises:
        OneLoggerError: Both clocks say that the stop comes before the start (the counters may be equal).
    """
    elapsed = stop.perf_counter_seconds - start.perf_counter_seconds
    if elapsed > 0.0:
        return elapsed
    elapsed_wall = stop.seconds_since_epoch - start.seconds_since_epoch
    if elapsed_wall < 0.0:
        raise OneLoggerError(
            f"Cannot stop timer with a stop time that is before the start time. Found start {start} and stop {stop}; "
            "give both in seconds since epoch."
        )
    # The counters of two given times are estimated at different moments, so that they may disagree with the times.
    return elapsed if elapsed == 0.0 else elapsed_wall
