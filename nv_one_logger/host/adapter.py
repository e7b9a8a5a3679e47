"""Makes the functions that pluggy calls for one plugin. The export hooks are written out: this is the hot path."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable, Collection, Dict, Sequence

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.internal.hookimpl import hookimpl
from nv_one_logger.host.guard import SLOW_CALL_SEC, Guard
from nv_one_logger.host.inspection import HookImpl
from nv_one_logger.host.wrapper import wrapped

__all__ = ["make_adapter"]


def make_adapter(guard: Guard, tryfirst: Collection[str] = (), wrappers: Sequence[HookImpl] = ()) -> object:
    """Return the object to register with pluggy: one guarded function per hook that the plugin implements.

    pluggy calls the implementation that was registered last first; ``trylast`` on all of them reverses that.

    Args:
        guard: The guard of the plugin.
        tryfirst: Hooks that the plugin wants to be called first for.
        wrappers: Its hookimpls that wrap those of the others.
    """
    adapter = SimpleNamespace()
    for hook in guard.hooks:
        first = hook in tryfirst
        setattr(adapter, hook, hookimpl(_MAKERS[hook](guard), tryfirst=first, trylast=not first))
    if "export_start" in guard.hooks and "export_stop" not in guard.hooks:
        adapter.export_stop = hookimpl(_forget(guard), trylast=True)
    for number, wrapper in enumerate(wrappers):
        function = hookimpl(
            wrapped(guard, wrapper),
            wrapper=True,
            specname=wrapper.hook,
            tryfirst=wrapper.tryfirst,
            trylast=wrapper.trylast,
        )
        setattr(adapter, f"wrapper_{number}", function)
    return adapter


def _start(guard: Guard) -> Callable[..., None]:
    target, clock, tick, started = guard.target, guard.clock, guard.calls.tick, guard.started

    def export_start(span: Span) -> None:
        if guard.is_gate_closed and not guard.admits("export_start", span):
            return
        call_number = tick()
        # One indivisible step: the same start may come from a thread that catches up.
        if started.setdefault(span, call_number) != call_number:
            return
        begin = clock()
        try:
            target.export_start(span)
        except Exception as error:
            guard.failed("export_start", error, call_number)
            if guard.is_retired:
                started.pop(span, None)  # so that it is told anew, should the plugin come back
        else:
            if guard.is_success_news:
                guard.succeeded()
        if clock() - begin > SLOW_CALL_SEC:
            guard.took_long()

    return export_start


def _stop(guard: Guard) -> Callable[..., None]:
    target, clock, tick, started = guard.target, guard.clock, guard.calls.tick, guard.started
    knows_starts = "export_start" in guard.hooks

    def export_stop(span: Span) -> None:
        if guard.is_gate_closed and not guard.admits("export_stop", span):
            return
        if knows_starts and started.pop(span, None) is None:
            return
        call_number = tick()
        begin = clock()
        try:
            target.export_stop(span)
        except Exception as error:
            guard.failed("export_stop", error, call_number)
        else:
            if guard.is_success_news:
                guard.succeeded()
        if clock() - begin > SLOW_CALL_SEC:
            guard.took_long()

    return export_stop


def _forget(guard: Guard) -> Callable[..., None]:
    """Return what takes the place of ``export_stop`` in a plugin that is told starts only."""
    started = guard.started

    def export_stop(span: Span) -> None:
        if not guard.is_gate_closed or guard.admits("export_stop", span):
            started.pop(span, None)

    return export_stop


def _event(guard: Guard) -> Callable[..., None]:
    target, clock, tick, started = guard.target, guard.clock, guard.calls.tick, guard.started
    knows_starts = "export_start" in guard.hooks
    export_start = _start(guard)

    def export_event(event: Event, span: Span) -> None:
        if guard.is_gate_closed and not guard.admits("export_event", span):
            return
        if knows_starts and span not in started:
            if not span.active:
                return  # stopped by another thread, and told so: too late
            export_start(span)  # its start is on its way in another thread, which will find it done
        call_number = tick()
        begin = clock()
        try:
            target.export_event(event, span)
        except Exception as error:
            guard.failed("export_event", error, call_number)
        else:
            if guard.is_success_news:
                guard.succeeded()
        if clock() - begin > SLOW_CALL_SEC:
            guard.took_long()

    return export_event


def _error(guard: Guard) -> Callable[..., None]:
    target, clock, tick, started = guard.target, guard.clock, guard.calls.tick, guard.started
    knows_starts = "export_start" in guard.hooks
    export_start = _start(guard)

    def export_error(error_event: ErrorEvent, span: Span) -> None:
        if guard.is_gate_closed and not guard.admits("export_error", span):
            return
        if knows_starts and span not in started:
            if not span.active:
                return
            export_start(span)
        call_number = tick()
        begin = clock()
        try:
            target.export_error(error_event, span)
        except Exception as error:
            guard.failed("export_error", error, call_number)
        else:
            if guard.is_success_news:
                guard.succeeded()
        if clock() - begin > SLOW_CALL_SEC:
            guard.took_long()

    return export_error


def _telemetry_data_error(guard: Guard) -> Callable[..., None]:
    def export_telemetry_data_error(error: TelemetryDataError) -> None:
        if not guard.is_gate_closed:
            guard.deliver_telemetry_error(error)

    return export_telemetry_data_error


def _initialize(guard: Guard) -> Callable[..., Any]:
    def initialize() -> None:
        guard.initialize()

    return initialize


def _configure(guard: Guard) -> Callable[..., Any]:
    def configure(config: Any) -> Any:
        return guard.call_plain("configure", config)

    return configure


def _should_export(guard: Guard) -> Callable[..., Any]:
    def should_export(span: Span) -> Any:
        return None if guard.is_gate_closed else guard.call_plain("should_export", span)

    return should_export


def _flush(guard: Guard) -> Callable[..., Any]:
    def flush(timeout_sec: float) -> Any:
        return guard.flush_within(timeout_sec)

    return flush


def _close(guard: Guard) -> Callable[..., Any]:
    def close() -> Any:
        return guard.close_within()

    return close


def _one_logger_commands(guard: Guard) -> Callable[..., Any]:
    def one_logger_commands(group: Any) -> Any:
        return guard.call_plain("one_logger_commands", group)

    return one_logger_commands


_MAKERS: Dict[str, Callable[[Guard], Callable[..., Any]]] = {
    "configure": _configure,
    "initialize": _initialize,
    "export_start": _start,
    "export_stop": _stop,
    "export_event": _event,
    "export_error": _error,
    "export_telemetry_data_error": _telemetry_data_error,
    "should_export": _should_export,
    "flush": _flush,
    "close": _close,
    "one_logger_commands": _one_logger_commands,
}
