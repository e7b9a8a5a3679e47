"""Gives any exporter a bounded queue and a thread, so that a slow backend never slows the application."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, Optional, Tuple

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.fork import after_fork_in_child
from nv_one_logger.core.internal.tally import Tally
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import _READY, BaseExporter, Exporter, ExportError, RecordWriteError
from nv_one_logger.exporter.internal.hookimpl import PROJECT_NAME, hookimpl

__all__ = ["BackgroundExporter"]

_logger = logging.getLogger(__name__)

_WHEN_FULL = ("drop_oldest", "drop_newest", "block")
# How long the thread lets calls gather before it works on them: a wake-up per call would cost the caller more than
# the call itself (switching threads takes the interpreter's lock from it).
_GATHER_SEC = 0.05

_Item = Tuple[str, Optional[Span], Any]  # exporter method, the span (our snapshot), the original span or the event


class BackgroundExporter(BaseExporter):
    """Hands everything to another exporter in a thread of its own.

    The exporter sees snapshots of the spans, in the order of the calls; a span that is dropped is dropped as a whole,
    so that it never sees a stop without its start. What it raises is raised by a later call here, where it is counted
    against this plugin.

    Args:
        exporter: The exporter that does the work.
        max_queue: How many calls may wait. The stops of spans whose starts were accepted are always accepted.
        when_full: What to do with a call that finds the queue full: ``"drop_oldest"`` makes room by dropping the call
            that has waited longest, ``"drop_newest"`` drops this one, ``"block"`` waits for room.
        close_timeout_sec: How long ``close()`` waits for the queue to be worked off, in seconds; the rest is dropped.

    Raises:
        OneLoggerError: ``when_full`` is none of the three, or ``max_queue`` is not positive.
    """

    def __init__(
        self,
        exporter: Exporter,
        max_queue: int = 10_000,
        when_full: str = "drop_oldest",
        close_timeout_sec: float = 5.0,
    ) -> None:
        super().__init__()
        if when_full not in _WHEN_FULL or max_queue < 1:
            raise OneLoggerError(
                f"BackgroundExporter: when_full must be one of {', '.join(_WHEN_FULL)} and max_queue at least 1, "
                f"found {when_full!r} and {max_queue!r}."
            )
        self._exporter = exporter
        self._max_queue = max_queue
        self._when_full = when_full
        self._close_timeout_sec = close_timeout_sec
        self._dropped = Tally()
        should_export = _hookimpl_of(exporter, "should_export")
        if should_export is not None:
            self.should_export = should_export  # has to answer at once, and so is asked without a detour
        self._start_anew()
        after_fork_in_child(self, "_renew_after_fork")

    def _start_anew(self) -> None:
        """Begin with an empty queue and no thread."""
        # Guards the queue and everything below. Taken by itself where nobody is told of a change: entering a condition
        # takes two calls of Python more.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)  # its waiters: a blocked caller, flush()
        self._queue: Deque[_Item] = deque()
        self._owed: Deque[_Item] = deque()  # stops that had to leave the queue; older than everything in it
        self._snapshots: Dict[Span, Span] = {}  # open spans the exporter knows or will know, by the original
        self._is_working = False  # an item is out of the queue and not yet delivered
        self._is_closing = False
        self._last_failure: Optional[BaseException] = None
        self._failure_count = 0
        self._work_waits = threading.Event()
        self._hurry = threading.Event()
        self._finished = threading.Event()
        self._is_idle = True
        self._thread: Optional[threading.Thread] = None

    def _renew_after_fork(self) -> None:
        """Leave what is queued to the parent, and go on with the open spans whose starts have been delivered."""
        undelivered = {snapshot for method, snapshot, _ in [*self._owed, *self._queue] if method == "export_start"}
        known = {span: snapshot for span, snapshot in self._snapshots.items() if snapshot not in undelivered}
        self._dropped = Tally()
        self._start_anew()
        self._snapshots = known

    @property
    def exporter(self) -> Exporter:
        """The exporter that does the work."""
        return self._exporter

    @property
    def dropped(self) -> int:
        """How many calls the exporter never got."""
        return self._dropped.value

    @property
    def waiting(self) -> int:
        """How many calls wait in the queue."""
        return len(self._owed) + len(self._queue)

    @hookimpl
    def configure(self, config: Any) -> None:
        """Pass the configuration on."""
        _call_hookimpl(self._exporter, "configure", config)

    def initialize(self) -> None:
        """Initialize the exporter, here and now, so that its failure is seen.

        Raises:
            ExportError: It was closed, and the exporter has still not come back from a call.
        """
        if self._is_closing:
            if not self._finished.is_set():
                raise ExportError(f"{self._name()} was closed while a call hangs. Use a new one.")
            self._start_anew()
        self._exporter.initialize()
        super().initialize()

    def export_start(self, span: Span) -> None:
        """Queue the start of a span."""
        if self._state is not _READY:
            self._check_ready()
        with self._lock:
            has_room = (len(self._queue) < self._max_queue and not self._is_closing) or self._make_room()
            parent = None if span.parent_span is None else self._snapshots.get(span.parent_span)
            snapshot = self._snapshots[span] = span.snapshot(parent)
            if not has_room:
                # Whatever else comes of this span is dropped too, and its children look past it for their parent.
                snapshot._is_exported = False
                self._dropped.tick()
                return
            self._queue.append(("export_start", snapshot, None))
        self._after_put()

    def export_stop(self, span: Span) -> None:
        """Queue the stop of a span whose start was queued."""
        if self._state is not _READY:
            self._check_ready()
        with self._lock:
            snapshot = self._snapshots.pop(span, None)
            if snapshot is None or not snapshot._is_exported or self._is_closing:
                self._dropped.tick()
                return
            self._queue.append(("export_stop", snapshot, span))
        self._after_put()

    def export_event(self, event: Event, span: Span) -> None:
        """Queue an event."""
        self._put_on_span("export_event", event, span)

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        """Queue an error of the application."""
        self._put_on_span("export_error", event, span)

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        """Queue a telemetry data error."""
        self._check_ready()
        with self._changed:
            if (len(self._queue) >= self._max_queue or self._is_closing) and not self._make_room():
                self._dropped.tick()
                return
            self._queue.append(("export_telemetry_data_error", None, error))
        self._after_put()

    @hookimpl
    def flush(self, timeout_sec: float) -> None:
        """Wait until everything queued so far is delivered, then flush the exporter.

        Raises:
            ExportError: Not done within ``timeout_sec`` seconds, or some of it could not be delivered.
        """
        deadline = time.monotonic() + timeout_sec
        if self._thread is None and self.waiting and not self._start_thread():
            self._work_off()
        self._work_waits.set()
        self._hurry.set()
        with self._changed:
            done = self._changed.wait_for(lambda: self.waiting == 0 and not self._is_working, timeout_sec)
        if not done:
            raise ExportError(f"{self._name()}: {self.waiting} call(s) still wait after {timeout_sec} seconds.")
        _call_hookimpl(self._exporter, "flush", max(0.0, deadline - time.monotonic()))
        if self._failure_count:
            self._raise_failure()

    def close(self) -> None:
        """Deliver what waits and close the exporter, within the deadline; say in the log what had to be dropped.

        Raises:
            ExportError: Some of what was queued could not be delivered, which no call before this one has told, or the
                exporter could not be closed. This one is closed all the same.
        """
        if self.closed:
            return
        super().close()
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is None and not self._start_thread():
            self._work_off_and_close()
        self._work_waits.set()
        self._hurry.set()
        if not self._finished.wait(self._close_timeout_sec):
            self._abandon()
        if self.dropped:
            _logger.warning("%s dropped %d call(s).", self._name(), self.dropped)
        if self._failure_count:  # no later call will tell it
            self._raise_failure()

    def _put_on_span(self, method: str, event: Event, span: Span) -> None:
        if self._state is not _READY:
            self._check_ready()
        with self._lock:
            if (len(self._queue) >= self._max_queue or self._is_closing) and not self._make_room():
                self._dropped.tick()
                return
            snapshot = self._snapshots.get(span)
            if snapshot is None or not snapshot._is_exported:  # its start was dropped
                self._dropped.tick()
                return
            self._queue.append((method, snapshot, event))
        self._after_put()

    def _make_room(self) -> bool:
        """Make room for one call in the full queue, or tell that there is none. Called with the lock held."""
        if self._is_closing or self._when_full == "drop_newest":
            return False
        if self._when_full == "block":
            return self._wait_for_room()
        self._drop_oldest()
        return True

    def _wait_for_room(self) -> bool:
        if threading.current_thread() is self._thread:
            return False  # the exporter records something itself, and would wait for itself
        if self._thread is None and not self._start_thread():
            self._work_off()  # nobody else will
        self._work_waits.set()
        self._hurry.set()
        self._changed.wait_for(lambda: len(self._queue) < self._max_queue or self._is_closing)
        return not self._is_closing

    def _drop_oldest(self) -> None:
        """Take calls out of the queue until there is room: one is not always enough, as stops enter a full queue."""
        while len(self._queue) >= self._max_queue:
            item = self._queue.popleft()
            method, snapshot, _ = item
            if method == "export_stop" and snapshot is not None and snapshot._is_exported:
                self._owed.append(item)
                continue
            self._dropped.tick()
            if method == "export_start" and snapshot is not None:
                # From now on nothing of this span is delivered, and its children look past it for their parent.
                snapshot._is_exported = False

    def _after_put(self) -> None:
        if self._is_idle:
            if self._thread is None:
                self._start_thread()
            self._work_waits.set()
        if self._failure_count:
            self._raise_failure()

    def _raise_failure(self) -> None:
        with self._changed:
            count, failure = self._failure_count, self._last_failure
            self._failure_count, self._last_failure = 0, None
        if failure is None:  # another thread was faster
            return
        kind = RecordWriteError if isinstance(failure, RecordWriteError) else ExportError
        raise kind(f"{self._name()}: {count} call(s) failed in the background, the last with: {failure}") from failure

    def _start_thread(self) -> bool:
        with self._changed:
            if self._thread is not None:
                return True
            thread = threading.Thread(target=self._run, name="one-logger-background", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down; close() works the queue off itself
                return False
            self._thread = thread
            return True

    def _run(self) -> None:
        while not self._is_closing:
            self._is_idle = False
            self._work_off()
            self._is_idle = True
            if self.waiting or self._is_closing:
                continue
            self._work_waits.wait()
            self._work_waits.clear()
            self._hurry.wait(_GATHER_SEC)
            self._hurry.clear()
        self._work_off_and_close()

    def _work_off_and_close(self) -> None:
        try:
            self._work_off()
            self._exporter.close()
        except BaseException as error:
            if not self._is_to_be_told(error):
                raise
            self._keep_failure(error)
        finally:
            self._finished.set()

    def _work_off(self) -> None:
        while True:
            with self._changed:
                waiting = self._owed or self._queue
                if not waiting:
                    self._is_working = False
                    self._changed.notify_all()
                    return
                item = waiting.popleft()
                self._is_working = True
                if self._when_full == "block":
                    self._changed.notify_all()
            self._deliver(item)

    def _deliver(self, item: _Item) -> None:
        method, snapshot, payload = item
        if snapshot is not None and not snapshot._is_exported:
            self._dropped.tick()
            return
        try:
            call: Callable[..., None] = getattr(self._exporter, method)
            if snapshot is None:
                call(payload)
            elif method == "export_start":
                call(snapshot)
            elif method == "export_stop":
                snapshot.catch_up_with(payload)
                call(snapshot)
            else:
                call(payload, snapshot)
        except BaseException as error:
            if not self._is_to_be_told(error):
                raise
            self._keep_failure(error)

    def _keep_failure(self, error: BaseException) -> None:
        with self._changed:
            self._last_failure = error
            self._failure_count += 1

    def _is_to_be_told(self, error: BaseException) -> bool:
        # In our thread everything is: a SystemExit would end it, and with it all recording. Where close() works the
        # queue off itself, a KeyboardInterrupt is the user's.
        return isinstance(error, Exception) or threading.current_thread() is self._thread

    def _abandon(self) -> None:
        """Give up on what still waits; the thread is a daemon and may hang for all we care."""
        with self._changed:
            for _ in range(self.waiting + int(self._is_working)):
                self._dropped.tick()
            self._owed.clear()
            self._queue.clear()
        _logger.warning("%s did not finish within %s seconds.", self._name(), self._close_timeout_sec)

    def _name(self) -> str:
        return f"BackgroundExporter({type(self._exporter).__name__})"


def _hookimpl_of(exporter: Exporter, hook: str) -> Optional[Callable[..., Any]]:
    """Return the function of an exporter that is marked for a hook; others of that name are none of ours to call."""
    function = getattr(exporter, hook, None)
    is_marked = isinstance(getattr(function, f"{PROJECT_NAME}_impl", None), dict)
    return function if is_marked else None


def _call_hookimpl(exporter: Exporter, hook: str, argument: object) -> None:
    function = _hookimpl_of(exporter, hook)
    if function is not None:
        function(*[argument][: len(inspect.signature(function).parameters)])  # an implementation may leave it out
