"""The adapter around one plugin: what pluggy calls, and what keeps the plugin's trouble to the plugin."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, Iterable, List, NamedTuple, Optional

from nv_one_logger.core.event import TelemetryDataError
from nv_one_logger.core.internal.log_limiter import LogLimiter
from nv_one_logger.core.internal.tally import Tally
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import RecordWriteError
from nv_one_logger.host.breaker import CircuitBreaker
from nv_one_logger.host.deadline import BoundedCall, call_within

__all__ = ["Guard", "PluginStatus", "Target"]

_log = LogLimiter(logging.getLogger("nv_one_logger.host"))

SLOW_CALL_SEC = 0.1
"""A call that takes longer than this is counted as slow."""
CLOSE_TIMEOUT_SEC = 5.0
MAX_OWED_STOPS = 1000
"""How many stops that ended during a pause are kept for the plugin; more are counted as lost."""


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


class Target:
    """The functions of a plugin by hook, called positionally with the arguments of the hookspec.

    An exporter is its own target: its methods are looked up at each call, so that they may be replaced at any time.
    """

    def __init__(self, functions: Dict[str, Callable[..., Any]]) -> None:
        self.__dict__.update(functions)


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
    """

    def __init__(self, name: str, target: Any, hooks: Iterable[str], clock: Callable[[], float]) -> None:
        self.name = name
        self.hooks = frozenset(hooks)
        self.target = target
        self.clock = clock
        self.calls = Tally()
        self.failures = Tally()
        self.skipped = Tally()
        self.slow_calls = Tally()
        self.lost_stops = Tally()
        self.last_error: Optional[str] = None
        self.has_exported = False
        self.is_telemetry_error_reported = False
        self.errors_by_hook: Dict[str, Exception] = {}
        # How long close() may take, in seconds; the host shares one deadline out among its plugins.
        self.close_timeout_sec: Callable[[], float] = lambda: CLOSE_TIMEOUT_SEC
        self.unfinished_close: Optional[BoundedCall] = None
        # Spans the plugin was told the start of, and not yet the stop: span -> number of the call.
        self.started: Dict[Span, int] = {}
        # While the gate is closed no call goes straight to the plugin: it is paused, or still catching up.
        self.is_gate_closed = False
        # Whether the next success has to be looked at: it is the first one, or the trial after a pause.
        self.is_success_news = True
        self._breaker = CircuitBreaker(clock)
        self._is_trial = False
        self._is_paused = False
        # Guards the gate, the breaker and the two collections of what a paused plugin has to be told later.
        self._lock = threading.Lock()
        self._missed_starts: Dict[Span, None] = {}
        self._owed_stops: Deque[Span] = deque()
        self._is_catching_up = False

    # -- what the functions in host/adapter.py call ---------------------------------------------------------------

    def admits(self, hook: str, span: Optional[Span]) -> bool:
        """Decide about a call while the gate is closed: make it after all, or note what the plugin misses."""
        if self.is_trial_due:
            self.catch_up()
        with self._lock:
            if not self.is_gate_closed:
                return True
            self.skipped.tick()
            if span is None:
                return False
            if hook == "export_start":
                self._missed_starts[span] = None
            elif hook == "export_stop" and self._missed_starts.pop(span, self) is self:
                self._owe_stop(span)
            return False

    def _owe_stop(self, span: Span) -> None:
        if span not in self.started:
            return
        if len(self._owed_stops) < MAX_OWED_STOPS:
            self._owed_stops.append(span)
        else:
            del self.started[span]
            self.lost_stops.tick()

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
        self._note(hook, error)
        if not isinstance(error, RecordWriteError):
            self._judge(call_number)
        self.report_telemetry_error(f"{hook} failed: {type(error).__name__}: {error}")

    def took_long(self) -> None:
        """A call has taken longer than ``SLOW_CALL_SEC``."""
        self.slow_calls.tick()

    def report_telemetry_error(self, message: str) -> None:
        """Tell the plugin, once in its life, that its data is incomplete. A failure of that is only logged."""
        error_type = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
        self.deliver_telemetry_error(TelemetryDataError.create(error_type, message))

    def deliver_telemetry_error(self, error: TelemetryDataError) -> None:
        """Pass a telemetry data error on, once in the plugin's life, with the type that is true for this plugin."""
        if self.is_telemetry_error_reported or "export_telemetry_data_error" not in self.hooks:
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
        """Call a hook that exports nothing, keep its error for the host, and return its result."""
        try:
            return getattr(self.target, hook)(*arguments)
        except Exception as error:
            self.errors_by_hook[hook] = error
            self._note(hook, error)
            return None

    # -- what the host calls --------------------------------------------------------------------------------------

    def join_late(self, open_spans: Callable[[], Iterable[Span]]) -> None:
        """Tell the plugin, which is registered with the gate closed, the starts of all open spans; open the gate."""
        with self._lock:
            self._missed_starts.update((span, None) for span in open_spans())
        self.catch_up()

    def close_gate(self) -> None:
        """Let no call through until the plugin has caught up."""
        self.is_gate_closed = True

    def close_within(self) -> None:
        """Close the plugin; if it does not come back within its time, leave it behind in ``unfinished_close``."""
        if "close" in self.hooks:
            call = call_within(self.close_timeout_sec(), self.call_plain, "close")
            self.unfinished_close = call if not call.wait(0.0) else None

    def flush_within(self, timeout_sec: float) -> bool:
        """Flush the plugin and tell whether it did so in time and without an error."""
        if "flush" not in self.hooks:
            return True
        self.errors_by_hook.pop("flush", None)
        call = call_within(timeout_sec, self.call_plain, "flush", timeout_sec)
        if not call.wait(0.0):
            self._note("flush", TimeoutError(f"not done within {timeout_sec} seconds"))
            return False
        return "flush" not in self.errors_by_hook

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
            lost_stops=self.lost_stops.value,
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
        self._lock = threading.Lock()
        self._missed_starts.clear()
        self._owed_stops.clear()
        self._is_catching_up = False

    # -- pausing and catching up ----------------------------------------------------------------------------------

    def _judge(self, call_number: int) -> None:
        with self._lock:
            is_one_too_many = self._breaker.is_tripped_by(call_number)
            if not self.is_gate_closed and (self._is_trial or is_one_too_many):
                self._pause()

    def _pause(self) -> None:
        self._breaker.open()
        self._is_paused = True
        self._is_trial = False
        self.is_gate_closed = True
        _log.error(
            (self.name, "paused"),
            "Plugin %s keeps failing and is left alone for %.0f seconds. Last error: %s",
            self.name,
            self._breaker.seconds_to_trial,
            self.last_error,
        )

    def catch_up(self) -> None:
        """Tell the plugin what it missed and open the gate; if that fails, pause it (again)."""
        with self._lock:
            if self._is_catching_up or not self.is_gate_closed:
                return
            self._is_catching_up = True
        try:
            while True:
                batch = self._take_missed()
                if batch is None:
                    return
                for hook, span in batch:
                    if not self._tell(hook, span):
                        self._put_back(batch)
                        return
        finally:
            self._is_catching_up = False

    def _take_missed(self) -> Optional[List[Any]]:
        """Return what the plugin has to be told next; if that is nothing, open the gate and return ``None``."""
        with self._lock:
            batch: List[Any] = [("export_stop", span) for span in self._owed_stops]
            batch += [("export_start", span) for span in self._missed_starts]
            self._owed_stops.clear()
            # Known to be started from here on: a stop that comes meanwhile is owed, and told in the next round.
            for span in self._missed_starts:
                self.started.setdefault(span, -1)
            self._missed_starts.clear()
            if batch:
                return batch
            if self._is_paused:
                self._is_paused = False
                self._is_trial = True
                self.is_success_news = True
            self.is_gate_closed = False
            return None

    def _tell(self, hook: str, span: Span) -> bool:
        """Make one call that the plugin missed; tell whether it succeeded."""
        if hook not in self.hooks:
            return True
        self.calls.tick()
        if hook == "export_stop":
            self.started.pop(span, None)
        else:
            self.started[span] = -2  # told; the number tells _put_back
        try:
            getattr(self.target, hook)(span)
        except Exception as error:
            self._note(hook, error)
            return False
        self.has_exported = True
        return True

    def _put_back(self, batch: List[Any]) -> None:
        """Keep for the next trial what the plugin was not told yet, and pause it."""
        with self._lock:
            for hook, span in batch:
                number = self.started.get(span)
                if hook == "export_start" and number == -1:
                    del self.started[span]
                    if span.active:
                        self._missed_starts[span] = None
                elif hook == "export_stop" and number is not None:
                    self._owed_stops.append(span)
            if self._owed_stops:
                self._owed_stops = deque(span for span in self._owed_stops if span in self.started)
            self._pause()

    # -- counting and logging -------------------------------------------------------------------------------------

    def _note(self, hook: str, error: Exception) -> None:
        self.failures.tick()
        self.last_error = f"{hook}: {type(error).__name__}: {error}"
        self._log(hook, error)

    def _log(self, hook: str, error: Exception) -> None:
        _log.error(
            (self.name, hook, type(error)),
            "Plugin %s failed in %s: %s. The application and the other plugins go on.",
            self.name,
            hook,
            error,
            exc_info=error,
        )
