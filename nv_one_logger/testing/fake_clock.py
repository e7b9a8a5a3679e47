"""A clock that tests set."""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Callable, Mapping, Optional, Type
from unittest import mock

from nv_one_logger.core.exceptions import OneLoggerError

__all__ = ["FakeClock"]


class FakeClock:
    """Decides what ``time.time`` and ``time.perf_counter`` return, and their ``_ns`` variants, while it is in force.

    ``time.monotonic`` is left alone, as deadlines and threads depend on it. Whoever imported the function itself
    (``from time import time``) goes on with the real one.

    Args:
        time_sec: What ``time.time()`` says at first, seconds since the epoch.
        perf_counter_sec: What ``time.perf_counter()`` says at first, seconds.

    Example:
        >>> with FakeClock(time_sec=1_700_000_000.0) as clock:
        ...     clock.advance(1.5)
        ...     time.time()
        1700000001.5
    """

    def __init__(self, time_sec: float = 1_700_000_000.0, perf_counter_sec: float = 1_000.0) -> None:
        self._time_sec = time_sec
        self._perf_counter_sec = perf_counter_sec
        self._patches: Optional[ExitStack] = None

    def time(self) -> float:
        """Return what ``time.time()`` returns while the clock is in force."""
        return self._time_sec

    def perf_counter(self) -> float:
        """Return what ``time.perf_counter()`` returns while the clock is in force."""
        return self._perf_counter_sec

    def advance(self, seconds: float) -> None:
        """Let time pass, on both clocks.

        Raises:
            OneLoggerError: ``seconds`` is negative; use :meth:`shift_wall_clock` to set the wall clock back.
        """
        if seconds < 0:
            raise OneLoggerError(f"FakeClock.advance: time does not run backwards, found {seconds!r} seconds.")
        self._time_sec += seconds
        self._perf_counter_sec += seconds

    def shift_wall_clock(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a time server does; the performance counter does not notice."""
        self._time_sec += seconds

    def __enter__(self) -> FakeClock:
        """Put the clock in force.

        Raises:
            OneLoggerError: It is in force already.
        """
        if self._patches is not None:
            raise OneLoggerError("This FakeClock is in force already.")
        replacements: Mapping[str, Callable[[], float]] = {
            "time": self.time,
            "time_ns": lambda: round(self._time_sec * 1e9),
            "perf_counter": self.perf_counter,
            "perf_counter_ns": lambda: round(self._perf_counter_sec * 1e9),
        }
        with ExitStack() as patches:
            for name, function in replacements.items():
                patches.enter_context(mock.patch.object(time, name, function))
            self._patches = patches.pop_all()
        return self

    def __exit__(
        self,
        exc_type: Optional[Type[BaseException]],
        exc_value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        patches, self._patches = self._patches, None
        if patches is not None:
            patches.close()
