"""A bounded queue and a thread that delivers what is in it, tries again, and counts what is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from nv_one_logger.otel.exporter.internal.sender import Outcome, Sender, run_within

__all__ = ["Delivery", "DeliveryStatus", "Limits"]

_logger = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_PAUSE_SEC = 0.5
_LONGEST_PAUSE_SEC = 30.0
_HURRIED_PAUSE_SEC = 0.25  # while somebody waits for a flush or the end
_ATTEMPTS_AT_END = 2  # the second one is for a connection that the backend had closed
_ATTEMPTS_ALONE = 3
_LOG_INTERVAL_SEC = 60.0
_SHUTDOWN_SEC = 0.5


class Limits(NamedTuple):
    """How much waits, and for how long. Each has the variable of the SDK's batch processors."""

    max_queue: int = 16_384
    max_batch: int = 512
    delay_sec: float = 1.0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], prefix: str) -> Limits:
        """Read ``<prefix>_MAX_QUEUE_SIZE``, ``_MAX_EXPORT_BATCH_SIZE`` and ``_SCHEDULE_DELAY`` (milliseconds)."""

        def number(name: str, default: float) -> float:
            text = environ.get(f"{prefix}_{name}", "").strip()
            if not text:
                return default
            if text.isdecimal() and int(text) > 0:
                return int(text)
            _logger.warning("%s_%s = %r is ignored: no positive integer. Correct or unset it.", prefix, name, text)
            return default

        max_queue = int(number("MAX_QUEUE_SIZE", cls._field_defaults["max_queue"]))
        max_batch = int(number("MAX_EXPORT_BATCH_SIZE", cls._field_defaults["max_batch"]))
        delay_msec = number("SCHEDULE_DELAY", 1000 * cls._field_defaults["delay_sec"])
        return cls(max_queue, min(max_batch, max_queue), delay_msec / 1000)


class DeliveryStatus(NamedTuple):
    """How the delivery of one signal fares. ``accepted == delivered + lost + waiting``, at any time."""

    signal: str
    """``"spans"`` or ``"log records"``."""
    accepted: int
    delivered: int
    """The backend has said that it has them."""
    lost: int
    """The queue was full, the backend refused them for good, or the end came first. A batch whose answer never came
    counts here, though the backend may have it."""
    waiting: int
    last_error: str | None


class Delivery(Generic[T]):
    """Delivers items in order, in batches, from a daemon thread; each at least once, unless it is counted as lost.

    A batch that fails stays at the head of the queue. It is tried again after a pause, at half its size, down to a
    single item (a receiver may refuse a batch for its size, or for one item in it); an item that fails alone while
    others are accepted is given up.

    Args:
        signal: What the items are, in the plural, for messages.
        sender: Sends one batch.
        limits: Sizes and delay.
        tick: Called by the thread before it looks for work.
        wants_tick: Tells whether to call ``tick`` after the delay although the queue is empty.
    """

    def __init__(
        self,
        signal: str,
        sender: Sender[T],
        limits: Limits,
        tick: Callable[[], None] = lambda: None,
        wants_tick: Callable[[], bool] = lambda: False,
    ) -> None:
        self.signal = signal
        self._sender = sender
        self._limits = limits
        self._tick = tick
        self._wants_tick = wants_tick
        # Guards everything below. Never held while something is sent, ticked or logged.
        self._changed = threading.Condition()
        self._queue: deque[T] = deque()
        self._in_flight = 0
        self._accepted = self._delivered = self._lost = self._reported = 0
        self._last_error: str | None = None
        self._loss_reason = ""
        self._failure = ""  # of the last attempt
        self._batch_size = limits.max_batch
        self._failures = 0  # in a row
        self._retry_at = 0.0
        self._last_failure_at = 0.0
        self._failures_alone = 0  # in a row, of the single item at the head
        self._strikes: dict[int, tuple[int, int]] = {}  # id of an item that failed alone -> (delivered then, how often)
        self._flushers = 0
        self._is_closing = False
        self._is_abandoned = False
        self._is_idle = True
        self._logged_at = float("-inf")
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is no thread yet, or it waits without a limit; then it has to be :meth:`poked <poke>`."""
        return self._is_idle

    def poke(self) -> None:
        """Have the thread look whether a tick is wanted."""
        self._start()
        with self._changed:
            self._changed.notify_all()

    def put(self, item: T) -> None:
        """Accept an item; where there is no room for it, the oldest one is lost."""
        with self._changed:
            self._accepted += 1
            if self._is_closing:
                self._lose(1, "it came after the end")
                return
            self._make_room(1)
            self._queue.append(item)
            if self._is_idle or len(self._queue) == self._limits.max_batch:
                self._changed.notify_all()
        if self._thread is None:
            self._start()

    def flush(self, timeout_sec: float) -> bool:
        """Deliver what was accepted so far; tell whether that was done in time. Some of it may be lost."""
        deadline = time.monotonic() + timeout_sec
        if self._accepted and not self._start():
            self._work_inline(deadline)
        with self._changed:
            target = self._accepted
            self._flushers += 1
            self._changed.notify_all()
            is_done = self._changed.wait_for(lambda: self._delivered + self._lost >= target, timeout_sec)
            self._flushers -= 1
        if is_done:
            run_within(max(0.0, deadline - time.monotonic()), lambda: self._sender.flush(timeout_sec))
        return is_done

    def begin_close(self) -> None:
        """Accept nothing more, and deliver what waits now."""
        with self._changed:
            if not self._is_closing:
                self._is_closing = True
                self._failures = 0
            self._changed.notify_all()

    def close(self, timeout_sec: float) -> None:
        """Deliver what waits, shut the exporter down, and count as lost what is left when the time is over."""
        deadline = time.monotonic() + timeout_sec
        self.begin_close()
        if not self._start() and not self._finished.is_set():
            self._work_inline(deadline)
            self._end()
        if self._finished.wait(max(0.0, deadline - time.monotonic())):
            return
        with self._changed:
            if self._finished.is_set():  # just now
                return
            self._is_abandoned = True
            waiting = self._in_flight + len(self._queue)
            self._queue.clear()
            self._in_flight = 0
            self._lose(waiting, self._with_cause("the end came before the backend took them"))
            self._changed.notify_all()
        run_within(_SHUTDOWN_SEC, self._sender.shutdown)

    def take_losses(self) -> tuple[int, str]:
        """Return how many items were lost since the last call, and why the latest of them."""
        if self._lost == self._reported:  # on the path of every span: without the lock
            return 0, ""
        with self._changed:
            count = self._lost - self._reported
            self._reported = self._lost
            return count, self._loss_reason

    @property
    def loss_reason(self) -> str:
        """Why the latest of what is lost was lost."""
        return self._loss_reason

    def status(self) -> DeliveryStatus:
        """Return the counters."""
        with self._changed:
            waiting = self._in_flight + len(self._queue)
            error = self._last_error or self._sender.trouble or None
            return DeliveryStatus(self.signal, self._accepted, self._delivered, self._lost, waiting, error)

    # --- the thread --------------------------------------------------------------------------------------------------

    def _start(self) -> bool:
        """Start the thread if there is none; tell whether there is one now."""
        with self._changed:
            if self._thread is not None:
                return True
            name = f"one-logger-otel-{self.signal.replace(' ', '-')}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down; close() works inline
                return False
            self._thread = thread
            return True

    def _run(self) -> None:
        while self._work_once():
            pass
        self._end()

    def _end(self) -> None:
        with self._changed:
            self._lose(len(self._queue), self._with_cause("the end came before the backend took them"))
            self._queue.clear()
            is_abandoned = self._is_abandoned
            self._changed.notify_all()
        try:
            if not is_abandoned:
                self._sender.shutdown()
        except Exception as error:
            _logger.warning("The exporter of %s could not be shut down: %s", self.signal, error)
        self._finished.set()

    def _work_once(self) -> bool:
        with self._changed:
            self._wait_for_work()
        try:
            self._tick()
        except Exception as error:  # this thread has to go on
            _logger.warning("What is to be sent of open spans could not be made: %s", error)
        return self._send_one_batch()

    def _work_inline(self, deadline: float) -> None:
        while time.monotonic() < deadline and self._queue and self._failures < _ATTEMPTS_AT_END:
            self._send_one_batch()

    def _send_one_batch(self) -> bool:
        """Send what is at the head; tell whether there is, or may be, more to do."""
        with self._changed:
            batch = [self._queue.popleft() for _ in range(min(self._batch_size, len(self._queue)))]
            self._in_flight = len(batch)
            if not batch:
                return not self._is_closing
        outcome = self._sender.send(batch)
        with self._changed:
            if self._is_abandoned:
                return False
            self._in_flight = 0
            if outcome.is_accepted:
                self._succeeded(batch, outcome)
            else:
                self._failed(batch, outcome)
            self._changed.notify_all()
            is_log_due = bool(self._failures or outcome.rejected) and self._is_log_due()
            is_over = self._is_closing and (not self._queue or self._failures >= _ATTEMPTS_AT_END)
        if is_log_due:
            self._log(outcome)
        return not is_over

    def _wait_for_work(self) -> None:
        """Wait until there is something to do. Called with the lock held, which is released while waiting."""
        due: float | None = None
        while not self._is_closing:
            now = time.monotonic()
            if self._failures:
                due = self._retry_at
                if self._flushers:
                    due = min(due, self._last_failure_at + _HURRIED_PAUSE_SEC)
            elif len(self._queue) >= self._limits.max_batch or (self._flushers and self._queue):
                return
            elif self._queue or self._wants_tick():
                due = now + self._limits.delay_sec if due is None else due
            else:
                due = None
                self._is_idle = True
                if not self._wants_tick():  # asked again: who saw no idle thread did not poke it
                    self._changed.wait()
                self._is_idle = False
                continue
            if now >= due:
                return
            self._changed.wait(due - now)
        if self._failures:
            self._changed.wait(_HURRIED_PAUSE_SEC)

    # --- accounts, all with the lock held ----------------------------------------------------------------------------

    def _succeeded(self, batch: list[T], outcome: Outcome) -> None:
        self._delivered += len(batch) - outcome.rejected
        self._lose(outcome.rejected, outcome.reason or "the backend rejected them")
        self._failures = self._failures_alone = 0
        self._failure = ""
        self._batch_size = min(self._limits.max_batch, 2 * self._batch_size)
        if self._strikes:
            for item in batch:
                self._strikes.pop(id(item), None)

    def _failed(self, batch: list[T], outcome: Outcome) -> None:
        self._failures += 1
        self._last_error = self._failure = outcome.reason
        self._last_failure_at = time.monotonic()
        pause = min(_FIRST_PAUSE_SEC * 2 ** min(self._failures - 1, 10), _LONGEST_PAUSE_SEC)
        self._retry_at = self._last_failure_at + pause
        self._batch_size = max(1, len(batch) // 2)
        if len(batch) == 1:
            self._failed_alone(batch[0])
        else:
            self._queue.extendleft(reversed(batch))
        self._make_room(0)  # more may have come while the batch was on its way

    def _failed_alone(self, item: T) -> None:
        """Decide about an item that failed without company: next again, last, or never."""
        self._failures_alone += 1
        if self._failures_alone < _ATTEMPTS_ALONE or not self._queue:
            self._queue.appendleft(item)
            return
        self._failures_alone = 0
        delivered_then, strikes = self._strikes.get(id(item), (-1, 0))
        if self._delivered != delivered_then:  # others were accepted meanwhile: it is not the connection
            strikes += 1
        if strikes >= _ATTEMPTS_ALONE:
            self._strikes.pop(id(item), None)
            self._lose(1, self._last_error or "the backend refuses it")
            return
        self._strikes[id(item)] = (self._delivered, strikes)
        self._queue.append(item)

    def _make_room(self, needed: int) -> None:
        while len(self._queue) + needed > self._limits.max_queue:
            self._strikes.pop(id(self._queue.popleft()), None)
            self._lose(1, self._with_cause(f"the queue of {self._limits.max_queue} was full"))

    def _lose(self, count: int, reason: str) -> None:
        if count:
            self._lost += count
            self._last_error = self._loss_reason = reason

    def _with_cause(self, reason: str) -> str:
        cause = self._failure or self._sender.trouble
        return f"{reason} ({cause})" if cause else reason

    def _is_log_due(self) -> bool:
        now = time.monotonic()
        if now - self._logged_at < _LOG_INTERVAL_SEC:
            return False
        self._logged_at = now
        return True

    def _log(self, outcome: Outcome) -> None:
        status = self.status()
        if outcome.is_accepted:
            _logger.warning("The backend rejected %d %s: %s", outcome.rejected, self.signal, outcome.reason)
        else:
            _logger.warning(
                "%d %s wait, as they cannot be delivered (%s). It will be tried again; so far %d are lost.",
                status.waiting,
                self.signal,
                outcome.reason,
                status.lost,
            )
