"""Points in time as tracing needs them: a wall clock to tell when, a monotonic one to tell how long."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple, Type

from nv_one_logger.core.exceptions import OneLoggerError, assert_that

__all__ = ["Timer", "TracingTimestamp"]

# How far a caller's time may lie from now before it is taken for a mistake in units (seconds). The past is wide,
# because launchers and schedulers report starts of hours ago; nothing honest lies ten minutes in the future.
_MAX_AGE_SEC = 10 * 3600.0
_MAX_FUTURE_SEC = 600.0


@dataclass(frozen=True, init=False)
class TracingTimestamp:
    """One moment on two clocks: seconds since the epoch, and a monotonic counter (seconds, arbitrary origin)."""

    __slots__ = ("_perf_counter_seconds", "_seconds_since_epoch")

    _seconds_since_epoch: float
    _perf_counter_seconds: float

    def __init__(self, _seconds_since_epoch: float, _perf_counter_seconds: float) -> None:
        # The slots' own setters: a frozen dataclass forbids assignment, and `object.__setattr__` costs twice as much.
        _set_epoch(self, _seconds_since_epoch)
        _set_perf(self, _perf_counter_seconds)

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self._seconds_since_epoch, self._perf_counter_seconds)

    @property
    def seconds_since_epoch(self) -> float:
        """Wall clock, seconds since the epoch."""
        return self._seconds_since_epoch

    @property
    def milliseconds_since_epoch(self) -> int:
        """Wall clock, whole milliseconds since the epoch, truncated."""
        return int(self._seconds_since_epoch * 1000)

    @property
    def perf_counter_seconds(self) -> float:
        """Monotonic high-resolution counter, seconds from an arbitrary origin."""
        return self._perf_counter_seconds

    @classmethod
    def now(cls) -> TracingTimestamp:
        """Read both clocks, the wall clock first."""
        moment = _new(cls)  # the constructor's work, without the cost of calling it
        _set_epoch(moment, time.time())
        _set_perf(moment, time.perf_counter())
        return moment

    @classmethod
    def for_timestamp(
        cls, timestamp_sec: float, perf_counter: Optional[float] = None, validate_timestamp: bool = True
    ) -> TracingTimestamp:
        """Build the timestamp of a given wall-clock time.

        Args:
            timestamp_sec: Seconds since the epoch.
            perf_counter: The monotonic counter at that time (seconds); estimated from now when not given.
            validate_timestamp: Refuse times more than ten hours in the past or ten minutes in the future.

        Raises:
            OneLoggerError: The time is outside that window, typically because it was given in other units.
        """
        now = time.time()
        if validate_timestamp:
            _check_plausible(timestamp_sec, now)
        if perf_counter is None:
            perf_counter = time.perf_counter() - (now - timestamp_sec)
        return cls(timestamp_sec, perf_counter)

    def to_json(self) -> Dict[str, float]:
        """Return ``{"seconds_since_epoch": ..., "perf_counter_seconds": ...}``, both in seconds."""
        return {
            "seconds_since_epoch": self._seconds_since_epoch,
            "perf_counter_seconds": self._perf_counter_seconds,
        }

    @classmethod
    def from_json(cls: Type[TracingTimestamp], data: Mapping[str, float]) -> TracingTimestamp:
        """Build a timestamp from what :meth:`to_json` returned.

        Raises:
            OneLoggerError: A key is missing.
        """
        for key in ("seconds_since_epoch", "perf_counter_seconds"):
            if not data or data.get(key) is None:
                raise OneLoggerError(f"A timestamp needs {key}, found {data!r}.")
        return cls(data["seconds_since_epoch"], data["perf_counter_seconds"])


_new = object.__new__
_set_epoch = TracingTimestamp.__dict__["_seconds_since_epoch"].__set__
_set_perf = TracingTimestamp.__dict__["_perf_counter_seconds"].__set__


def _check_plausible(timestamp_sec: float, now: float) -> None:
    if now - _MAX_AGE_SEC <= timestamp_sec <= now + _MAX_FUTURE_SEC:
        return
    fault = "is in the future" if timestamp_sec > now else "is too old"
    raise OneLoggerError(
        f"timestamp {fault}. This is meant to be the time in seconds since epoch. "
        f"Found {timestamp_sec}, and now is {now}."
    )


class Timer:
    """A stopwatch over the monotonic counter: windows add up until it is reset. Not safe for several threads."""

    def __init__(self) -> None:
        self._start_time: Optional[TracingTimestamp] = None
        self._elapsed_time_since_last_reset = 0.0
        self._running = False

    @property
    def running(self) -> bool:
        """Whether it was started and not yet stopped."""
        return self._running

    def start(self, start_time: Optional[TracingTimestamp] = None) -> None:
        """Open a window at ``start_time``, by default now.

        Raises:
            OneLoggerError: A window is open already.
        """
        assert_that(not self._running, "Cannot start a timer that is already running.")
        self._start_time = start_time or TracingTimestamp.now()
        self._running = True

    def stop(self, reset: bool = False, stop_time: Optional[TracingTimestamp] = None) -> float:
        """Close the window and return the seconds of all windows since the last reset, this one included.

        Args:
            reset: Forget everything after computing the result.
            stop_time: When the window ended, by default now.

        Raises:
            OneLoggerError: No window is open.
        """
        if not self._running or self._start_time is None:
            raise OneLoggerError("Cannot stop a timer that is not running.")
        end = time.perf_counter() if stop_time is None else stop_time.perf_counter_seconds
        elapsed = self._elapsed_time_since_last_reset + end - self._start_time.perf_counter_seconds
        self._elapsed_time_since_last_reset = elapsed
        self._running = False
        if reset:
            self.reset()
        return elapsed

    def reset(self, start: bool = False) -> None:
        """Forget everything; with ``start``, open a new window now."""
        self._start_time = None
        self._elapsed_time_since_last_reset = 0.0
        self._running = False
        if start:
            self.start()
