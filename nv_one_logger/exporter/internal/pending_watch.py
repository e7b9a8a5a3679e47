"""Writes starts that are still pending after a while, and heartbeats, so that a file tells what its process is at."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from typing import Callable, Dict, Iterable, Optional, Protocol

from nv_one_logger.core.internal.fork import after_fork_in_child
from nv_one_logger.core.internal.log_limiter import LogLimiter

__all__ = ["HeartbeatWriter", "PendingStartHolder", "PendingStartWatch", "watch"]

_log = LogLimiter(logging.getLogger(__name__))


class PendingStartHolder(Protocol):
    """What the watch needs of an exporter: a way to write a pending start that is due."""

    def write_pending_start_if_due(self, now: float) -> Optional[float]:
        """Write the pending start if it is due at ``now`` (monotonic seconds).

        Returns:
            Seconds until the pending start becomes due, ``None`` when nothing is pending any more.
        """


class HeartbeatWriter(Protocol):
    """What the watch needs of an exporter that writes heartbeats."""

    def write_heartbeat_if_due(self, now: float) -> Optional[float]:
        """Write a heartbeat if one is due at ``now`` (monotonic seconds).

        Returns:
            Seconds until the next becomes due, ``None`` when none is to come.
        """


class PendingStartWatch:
    """One daemon thread per process, started when first needed, asleep while nothing is pending or due.

    A ``threading.Timer`` per span would cost 100 us; here an exporter that holds back a start pays one attribute check
    (:attr:`awake`: whether the thread will look at pending starts by itself, and soon).
    """

    def __init__(self) -> None:
        self.awake = False
        self._holders: weakref.WeakSet[PendingStartHolder] = weakref.WeakSet()
        self._writers: weakref.WeakSet[HeartbeatWriter] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._wake_up = threading.Event()
        self._thread: Optional[threading.Thread] = None
        after_fork_in_child(self, "_renew_after_fork")

    def add(self, holder: PendingStartHolder) -> None:
        """Look after this exporter from now on, as long as it lives."""
        with self._lock:
            self._holders.add(holder)

    def add_heartbeat(self, writer: HeartbeatWriter) -> None:
        """Have this exporter write its heartbeats from now on, as long as it lives."""
        with self._lock:
            self._writers.add(writer)
        self.wake()

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
            until_heartbeat = self._beat()
            delay = self._look()
            if delay is None:
                # Asleep before the last look: whoever adds a start after it sees `awake` false and wakes this thread.
                self.awake = False
                delay = self._look()
            if delay is not None:
                self.awake = True
            # Not time.sleep(): applications patch it in their tests, and would see, or speed up, this thread.
            self._wake_up.wait(_sooner([delay, until_heartbeat]))
            self._wake_up.clear()

    def _look(self) -> Optional[float]:
        """Write the starts that are due; return the seconds until the next is, ``None`` when nothing is pending."""
        with self._lock:
            holders = list(self._holders)
        return _sooner(_guarded(holder.write_pending_start_if_due, "A pending start") for holder in holders)

    def _beat(self) -> Optional[float]:
        """Write the heartbeats that are due; return the seconds until the next is, ``None`` when none is to come."""
        with self._lock:
            writers = list(self._writers)
        return _sooner(_guarded(writer.write_heartbeat_if_due, "A heartbeat") for writer in writers)

    def _renew_after_fork(self) -> None:
        self.awake = False
        self._lock = threading.Lock()
        self._wake_up = threading.Event()
        self._thread = None


def _guarded(write_if_due: Callable[[float], Optional[float]], what: str) -> Optional[float]:
    try:
        return write_if_due(time.monotonic())
    except Exception as error:  # of one exporter; the thread has to live on for the others
        _log.error((what, type(error)), "%s could not be written: %s", what, error, exc_info=error)
        return None


def _sooner(delays: Iterable[Optional[float]]) -> Optional[float]:
    waiting = [delay for delay in delays if delay is not None]
    return min(waiting) if waiting else None


_of_this_process: Dict[str, PendingStartWatch] = {}


def watch() -> PendingStartWatch:
    """Return the watch of this process, made on first use."""
    existing = _of_this_process.get("watch")
    # One indivisible step instead of a lock, which a fork could inherit in a locked state.
    return existing if existing is not None else _of_this_process.setdefault("watch", PendingStartWatch())
