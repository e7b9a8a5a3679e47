"""Writes starts that are still pending after a while, so that a file names the span its process hangs in."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from typing import Dict, Optional, Protocol

from nv_one_logger.core.internal.fork import after_fork_in_child
from nv_one_logger.core.internal.log_limiter import LogLimiter

__all__ = ["PendingStartHolder", "PendingStartWatch", "watch"]

_log = LogLimiter(logging.getLogger(__name__))


class PendingStartHolder(Protocol):
    """What the watch needs of an exporter: a way to write a pending start that is due."""

    def write_pending_start_if_due(self, now: float) -> Optional[float]:
        """Write the pending start if it is due at ``now`` (monotonic seconds).

        Returns:
            Seconds until the pending start becomes due, ``None`` when nothing is pending any more.
        """


class PendingStartWatch:
    """One daemon thread per process, started when first needed, asleep while nothing is pending.

    A ``threading.Timer`` per span would cost 100 us; here an exporter that holds back a start pays one attribute check
    (:attr:`awake`).
    """

    def __init__(self) -> None:
        self.awake = False
        self._holders: weakref.WeakSet[PendingStartHolder] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._wake_up = threading.Event()
        self._thread: Optional[threading.Thread] = None
        after_fork_in_child(self, "_renew_after_fork")

    def add(self, holder: PendingStartHolder) -> None:
        """Look after this exporter from now on, as long as it lives."""
        with self._lock:
            self._holders.add(holder)

    def wake(self) -> None:
        """Have the thread look at its exporters; called when a start became pending while it was not awake."""
        with self._lock:
            self.awake = True
            if self._thread is None or not self._thread.is_alive():
                self._start_thread()
            self._wake_up.set()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._run, name="one-logger-pending-start", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is shutting down, and close() writes what is pending; or there are too many threads just
            # now, and the next start tries again.
            self.awake = False
            return
        self._thread = thread

    def _run(self) -> None:
        while True:
            delay = self._look()
            if delay is None:
                # Asleep before the last look: whoever adds a start after it sees `awake` false and wakes this thread.
                self.awake = False
                delay = self._look()
            if delay is not None:
                self.awake = True
            # Not time.sleep(): applications patch it in their tests, and would see, or speed up, this thread.
            self._wake_up.wait(delay)
            self._wake_up.clear()

    def _look(self) -> Optional[float]:
        """Write what is due; return the seconds until the next becomes due, ``None`` when nothing is pending."""
        with self._lock:
            holders = list(self._holders)
        delays = [_look_at(holder) for holder in holders]
        waiting = [delay for delay in delays if delay is not None]
        return min(waiting) if waiting else None

    def _renew_after_fork(self) -> None:
        self.awake = False
        self._lock = threading.Lock()
        self._wake_up = threading.Event()
        self._thread = None


def _look_at(holder: PendingStartHolder) -> Optional[float]:
    try:
        return holder.write_pending_start_if_due(time.monotonic())
    except Exception as error:  # of one exporter; the thread has to live on for the others
        _log.error(type(holder), "A pending start could not be written: %s", error, exc_info=error)
        return None


_of_this_process: Dict[str, PendingStartWatch] = {}


def watch() -> PendingStartWatch:
    """Return the watch of this process, made on first use."""
    existing = _of_this_process.get("watch")
    # One indivisible step instead of a lock, which a fork could inherit in a locked state.
    return existing if existing is not None else _of_this_process.setdefault("watch", PendingStartWatch())
