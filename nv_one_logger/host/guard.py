"""The adapter around one plugin: what pluggy calls, and what keeps the plugin's trouble to the plugin."""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, Deque, Dict, Iterable, NamedTuple, Optional

from nv_one_logger.core.event import TelemetryDataError
from nv_one_logger.core.internal.log_limiter import LogLimiter, is_logged
from nv_one_logger.core.internal.redaction import redacted, redacted_error
from nv_one_logger.core.internal.tally import Tally
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import RecordWriteError
from nv_one_logger.host.backlog import Backlog, MissedCall
from nv_one_logger.host.breaker import CircuitBreaker
from nv_one_logger.host.deadline import BoundedCall, call_within

__all__ = ["Guard", "PluginStatus"]

_log = LogLimiter(logging.getLogger("nv_one_logger.host"))

SLOW_CALL_SEC = 0.1
"""A call that takes longer than this is counted as slow."""
CLOSE_TIMEOUT_SEC = 5.0
FREE_ROUNDS = 3
"""So many rounds of catching up leave the other threads alone; from then on they wait for the next to end, ..."""
MAX_WAIT_SEC = 1.0
"""... at most so long for each call."""


class PluginStatus(NamedTuple):
    """How one plugin fares, for people and programs."""

    name: str
    """The name it is registered under."""
    plugin: str
    """Dotted path of its class or module."""
    state: str
    """``"on"``, ``"paused"`` (the breaker is open), ``"failed"`` (could not be initialized) or ``"blocked"``."""
    calls: int
    """Calls of its export hooks, failed ones included."""
    failures: int
    skipped: int
    """Calls it was spared while paused; what they would have told it is lost, except starts and stops of spans."""
    slow_calls: int
    """Calls that took longer than 0.1 s."""
    lost_stops: int
    """Stops that could not even be kept until the end of a pause."""
    last_error: Optional[str]
    """``<hook>: <error>`` of the latest failure."""
    retry_in_sec: Optional[float]
    """Seconds until a paused plugin is tried again."""

    @property
    def is_clean(self) -> bool:
        """Whether the plugin got everything and raised nothing."""
        return self.state == "on" and not (self.failures or self.skipped or self.lost_stops)


class Guard:
    """Stands between pluggy and one plugin.

    It keeps exceptions from the application and the other plugins, pauses a plugin that keeps failing, counts, and
    sees to it that the plugin gets the start of a span exactly once and before anything else of that span, even if it
    joined late or was paused.

    Args:
        name: The name of the plugin.
        target: An exporter, or the functions of another plugin.
        hooks: Which hooks the target implements.
        clock: Monotonic seconds.
        started: Spans that this plugin was told the start of in an earlier life, while it was registered before.
    """

    def __init__(
        self,
        name: str,
        target: Any,
        hooks: Iterable[str],
        clock: Callable[[], float],
        started: Optional[Dict[Span, int]] = None,
    ) -> None:
        self.name = name
        self.hooks = frozenset(hooks)
        self.target = target
        self.clock = clock
        self.calls = Tally()
        self.failures = Tally()
        self.skipped = Tally()
        self.slow_calls = Tally()
        self.last_error: Optional[str] = None
        self._initialize_error: Optional[Exception] = None
        self.has_exported = False
        self.is_telemetry_error_reported = False
        # How long close() may take, in seconds; the host shares one deadline out among its plugins.
        self.close_timeout_sec: Callable[[], float] = lambda: CLOSE_TIMEOUT_SEC
        self.unfinished_close: Optional[BoundedCall] = None
        # Spans the plugin was told the start of, and not yet the stop: span -> number of the call.
        self.started: Dict[Span, int] = {} if started is None else started
        # While the gate is closed no call goes straight to the plugin: it is paused, catching up, or retired.
        self.is_gate_closed = False
        # Whether the next success has to be looked at: it is the first one, or the trial after a pause.
        self.is_success_news = True
        # Whether the plugin is closed, or about to be: it is called no more.
        self.is_retired = False
        self._breaker = CircuitBreaker(clock)
        self._backlog = Backlog(self.started)
        self._is_trial = False
        self._is_paused = False
        self._is_closing = False
        # The thread that tells the plugin what it missed, if one does, and whether the others should wait for it.
        self._teller: Optional[int] = None
        self._is_waited_for = False
        self._renew_lock()

    def _renew_lock(self) -> None:
        # Guards all that begins with an underscore, and the gate. No plugin and no logging handler is called under it.
        self._lock = threading.Lock()
        self._has_caught_up = threading.Condition(self._lock)

    # -- what the functions in host/adapter.py call ---------------------------------------------------------------

    def admits(self, hook: str, span: Optional[Span]) -> bool:
        """Decide about a call while the gate is closed: make it after all, or note what the plugin misses."""
        if self.is_trial_due:
            self.catch_up()
        with self._lock:
            if self._is_waited_for and self._teller != threading.get_ident():
                self._has_caught_up.wait(MAX_WAIT_SEC)
            if not self.is_gate_closed:
                return True
            if not self.is_retired:
                self._miss(hook, span)
            return False

    def _miss(self, hook: str, span: Optional[Span]) -> None:
        if self._is_paused:  # a plugin that is only joining is not held to what happened before it took part
            self.skipped.tick()
        if span is None or "export_start" not in self.hooks:
            return
        if hook == "export_start":
            self._backlog.add_start(span)
        elif hook == "export_stop":
            self._backlog.add_stop(span)

    def succeeded(self) -> None:
        """A call has succeeded that was news: the first one, or the trial after a pause."""
        self.has_exported = True
        with self._lock:
            self.is_success_news = False
            if self._is_trial:
                self._is_trial = False
                self._breaker.forgive()

    def failed(self, hook: str, error: Exception, call_number: int) -> None:
        """A call has raised: count, log, pause the plugin if it is one too many, tell it that its data is bad."""
        if self.is_retired:
            return  # closed while the call was on its way: not the plugin's fault
        self.note(hook, error)
        if not isinstance(error, RecordWriteError):
            self._judge(call_number)
        self.report_telemetry_error(f"{hook} failed: {_text_of(error)}")

    def took_long(self) -> None:
        """A call has taken longer than ``SLOW_CALL_SEC``."""
        self.slow_calls.tick()

    def report_telemetry_error(self, message: str) -> None:
        """Tell the plugin, once in its life, that its data is incomplete. A failure of that is only logged."""
        error_type = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
        self.deliver_telemetry_error(TelemetryDataError.create(error_type, message))

    def deliver_telemetry_error(self, error: TelemetryDataError) -> None:
        """Pass a telemetry data error on, once in the plugin's life, with the type that is true for this plugin."""
        if "export_telemetry_data_error" not in self.hooks:
            return
        with self._lock:
            if self.is_telemetry_error_reported:
                return
            self.is_telemetry_error_reported = True
        if not self.has_exported:
            error = TelemetryDataError(
                error.timestamp, TelemetryDataError.ErrorType.NO_TELEMETRY_DATA, error.error_message, error.attributes
            )
        try:
            self.target.export_telemetry_data_error(error)
        except Exception as failure:
            self._log("export_telemetry_data_error", failure)

    def call_plain(self, hook: str, *arguments: Any) -> Any:
        """Call a hook that exports nothing, and return its result; ``None`` if it raises."""
        try:
            return getattr(self.target, hook)(*arguments)
        except Exception as error:
            self.note(hook, error)
            return None

    def initialize(self) -> None:
        """Initialize the plugin; what it raises is kept for :meth:`take_initialize_error`."""
        try:
            self.target.initialize()
        except Exception as error:
            self._initialize_error = error
            self.note("initialize", error)

    def flush_within(self, timeout_sec: float) -> bool:
        """Flush the plugin and tell whether it did so in time and without an error."""
        call = call_within(timeout_sec, self.target.flush, timeout_sec)
        error = call.error if call.is_done else TimeoutError(f"not done within {timeout_sec} seconds")
        if error is not None:
            self.note("flush", error)
        return error is None

    def close_within(self) -> None:
        """Close the plugin, once; if it does not come back within its time, leave it in ``unfinished_close``."""
        with self._lock:
            if self._is_closing:
                return
            self._is_closing = True
        call = call_within(self.close_timeout_sec(), self._close, threading.get_ident())
        if not call.is_done:
            self.unfinished_close = call
        elif call.error is not None:
            self.note("close", call.error)

    def _close(self, caller: int) -> None:
        if self.is_trial_due:
            self.catch_up()  # the last chance to tell it of the stops it missed
        self.retire()
        with self._lock:
            # A plugin that is being told what it missed gets to the end of that call first; unless it closes itself.
            self._has_caught_up.wait_for(lambda: self._teller in (None, caller), CLOSE_TIMEOUT_SEC)
        if "close" in self.hooks:
            self.call_plain("close")

    # -- what the host calls --------------------------------------------------------------------------------------

    def join_late(self, open_spans: Callable[[], Iterable[Span]]) -> None:
        """Tell the plugin, which is registered with the gate closed, the starts of all open spans; open the gate."""
        if "export_start" in self.hooks:
            with self._lock:
                self._backlog.set_open(open_spans())
        self.catch_up()

    def take_initialize_error(self) -> Optional[Exception]:
        """Return, and forget, what ``initialize`` raised: a traceback keeps alive all that its frames hold."""
        error, self._initialize_error = self._initialize_error, None
        return error

    def close_gate(self) -> None:
        """Let no call through until the plugin has caught up."""
        self.is_gate_closed = True

    def retire(self) -> None:
        """Let no call through any more, and hold nothing against the plugin that is still on its way."""
        with self._lock:
            self.is_retired = True
            self.is_gate_closed = True

    def status(self, plugin: str, state: str) -> PluginStatus:
        """Return the counters as they are now."""
        paused = self._is_paused and state == "on"
        return PluginStatus(
            name=self.name,
            plugin=plugin,
            state="paused" if paused else state,
            calls=self.calls.value,
            failures=self.failures.value,
            skipped=self.skipped.value,
            slow_calls=self.slow_calls.value,
            lost_stops=self._backlog.lost_stops.value,
            last_error=self.last_error,
            retry_in_sec=self._breaker.seconds_to_trial if paused else None,
        )

    @property
    def is_paused(self) -> bool:
        """Whether the breaker is open."""
        return self._is_paused

    @property
    def is_trial_due(self) -> bool:
        """Whether the plugin is paused and the pause is over."""
        return self._is_paused and self._breaker.is_trial_due()

    def renew_after_fork(self) -> None:
        """Forget what threads of the parent process were about to tell, and the locks they held.

        Spans that were open stay known as started, so that none is started again here; the parent stops them.
        """
        self._renew_lock()
        self._backlog.clear()
        self._teller = None
        self._is_waited_for = False
        # Else nobody would open it here: the thread that let the plugin join exists in the parent only.
        self.is_gate_closed = self._is_paused or self.is_retired

    # -- pausing and catching up ----------------------------------------------------------------------------------

    def _judge(self, call_number: int) -> None:
        with self._lock:
            is_one_too_many = self._breaker.is_tripped_by(call_number)
            if self.is_gate_closed or not (self._is_trial or is_one_too_many):
                return
            self._pause()
        self._log_pause()

    def _pause(self) -> None:
        self._breaker.open()
        self._is_paused = True
        self._is_trial = False
        self.is_gate_closed = True

    def catch_up(self) -> None:
        """Tell the plugin what it missed and open the gate; if that fails, pause it (again).

        While other threads record, there is always more to tell. After a few rounds they wait until the next one is
        over, so that the end of it comes, and each of them does not tell for all the others for long.
        """
        with self._lock:
            if self._teller is not None or not self.is_gate_closed or self.is_retired:
                return
            self._teller = threading.get_ident()
        try:
            round_number = 1
            while self._tell_next(is_waited_for=round_number > FREE_ROUNDS):
                round_number += 1
        finally:
            with self._lock:
                self._teller = None
                self._is_waited_for = False
                self._has_caught_up.notify_all()

    def _tell_next(self, is_waited_for: bool) -> bool:
        """Tell what was missed since the last time, or open the gate if that is nothing; tell whether to go on."""
        with self._lock:
            if self.is_retired:
                return False
            self._is_waited_for = is_waited_for
            calls = self._backlog.take()
            if not calls:
                self._open_gate()
                return False
        try:
            is_trusted = self._tell_all(calls)
        finally:
            if calls:
                with self._lock:
                    self._backlog.put_back(calls)
        if not is_trusted and not self.is_retired:
            with self._lock:
                self._pause()
            self._log_pause()
        return is_trusted

    def _open_gate(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._is_trial = True
            self.is_success_news = True
        self.is_gate_closed = False

    def _tell_all(self, calls: Deque[MissedCall]) -> bool:
        """Make calls and take them out; stop, and tell so, when the plugin has failed once too often."""
        while calls and not self.is_retired:
            if not self._tell(*calls.popleft()):
                return False
        return True

    def _tell(self, hook: str, span: Span) -> bool:
        """Make one call that the plugin missed; tell whether more may follow."""
        if hook == "export_stop":
            self.started.pop(span, None)
        if hook not in self.hooks:
            return True
        call_number = self.calls.tick()
        try:
            getattr(self.target, hook)(span)
        except Exception as error:
            if self.is_retired:  # closed while it was told: it does not know the span, and is told should it come back
                self.started.pop(span, None)
                return False
            self.note(hook, error)
            self.report_telemetry_error(f"{hook} failed: {_text_of(error)}")
            return isinstance(error, RecordWriteError) or not self._is_last_straw(call_number)
        self.has_exported = True
        return True

    def _is_last_straw(self, call_number: int) -> bool:
        with self._lock:
            is_one_too_many = self._breaker.is_tripped_by(call_number)
            return self._is_paused or is_one_too_many

    # -- counting and logging -------------------------------------------------------------------------------------

    def note(self, hook: str, error: BaseException) -> None:
        """Count and log a failure that has no consequences."""
        self.failures.tick()
        self.last_error = f"{hook}: {_text_of(error)}"
        self._log(hook, error)

    def _log(self, hook: str, error: BaseException) -> None:
        if is_logged(error):
            return
        traceback, shown = redacted_error(error)
        _log.error(
            (self.name, type(error)),
            "Plugin %s failed in %s: %s. The application and the other plugins go on.%s",
            self.name,
            hook,
            _text_of(error),
            traceback,
            exc_info=shown,
        )

    def _log_pause(self) -> None:
        _log.error(
            (self.name, "paused"),
            "Plugin %s keeps failing and is left alone for %.0f seconds. Last error: %s",
            self.name,
            self._breaker.seconds_to_trial,
            self.last_error,
        )


def _text_of(error: BaseException) -> str:
    """Return class and text of a plugin's exception without secrets; its text may be one that cannot be had."""
    try:
        return redacted(f"{type(error).__name__}: {error}")
    except Exception:
        return type(error).__name__
