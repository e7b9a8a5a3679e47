"""Registering, blocking and listing plugins, and their life cycle."""

from __future__ import annotations

import logging
import os
import threading
import types
from typing import Any, Callable, List
from unittest.mock import MagicMock

import pytest

from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import BaseExporter, Exporter, ExportError
from nv_one_logger.host import ExporterHost, PluginError, PluginFailure, hookimpl

TIMEOUT = 30.0


@pytest.fixture
def path(exporter: Any) -> str:
    """The dotted path of the exporter's class, its name by default."""
    return f"{type(exporter).__module__}.{type(exporter).__qualname__}"


def plugin(**functions: Callable[..., Any]) -> types.SimpleNamespace:
    return types.SimpleNamespace(**{name: hookimpl(function) for name, function in functions.items()})


# --- registering -----------------------------------------------------------------------------------------------------


def test_name_is_the_path_of_the_class_by_default_and_numbered_when_taken(
    host: ExporterHost, make_exporter: Callable[[], Any], path: str
) -> None:
    names = [host.register(make_exporter()) for _ in range(3)]
    assert names == [path, f"{path}#2", f"{path}#3"]


def test_plugins_are_looked_up_by_name_alias_and_path(host: ExporterHost, exporter: Any, path: str) -> None:
    assert host.register(exporter, name="mine", aliases=["file"]) == "mine"
    assert host.get_plugin("mine") is host.get_plugin("file") is host.get_plugin(path) is exporter
    assert host.get_plugin("other") is None
    assert host.get_name(exporter) == "mine"
    assert host.get_name(object()) is None
    assert host.plugins() == [("mine", exporter)]


def test_name_wins_over_the_alias_of_another(host: ExporterHost, exporter: Any, other: Any) -> None:
    host.register(exporter, name="first", aliases=["second"])
    host.register(other, name="second")
    assert host.get_plugin("second") is other


def test_taken_name_is_refused_and_nothing_registered(host: ExporterHost, exporter: Any, other: Any, path: str) -> None:
    host.register(exporter, name="mine")
    with pytest.raises(PluginError, match=f"'mine' is taken by plugin {path}"):
        host.register(other, name="mine")
    assert host.plugins() == [("mine", exporter)]


def test_same_plugin_twice_is_refused(host: ExporterHost, exporter: Any) -> None:
    host.register(exporter, name="mine")
    with pytest.raises(PluginError, match="registered already, as 'mine'"):
        host.register(exporter, name="again")


def test_equal_and_unhashable_plugins_are_told_apart(host: ExporterHost, spans: Any) -> None:
    class Equal(BaseExporter):
        def __init__(self) -> None:
            super().__init__()
            self.seen: List[str] = []

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

        def export_start(self, span: Span) -> None:
            self.seen.append(span.name_str)

    first, second = Equal(), Equal()
    host.register(first)
    host.register(second)
    assert host.is_registered(second)
    assert not host.is_registered(Equal())
    host.unregister(first)
    spans.start("a")
    assert (first.seen, second.seen) == ([], ["a"])
    assert host.plugins()[0][1] is second


@pytest.mark.parametrize(
    "broken",
    [
        plugin(export_strat=lambda span: None),
        plugin(export_stop=lambda span, duration: None),
        object(),
        BaseExporter,
    ],
    ids=["unknown hook", "unknown argument", "no plugin", "class"],
)
def test_rejected_plugin_leaves_nothing_behind(host: ExporterHost, spans: Any, broken: object) -> None:
    with pytest.raises(PluginError):
        host.register(broken, name="rejected")
    assert host.plugins() == []
    assert host.status() == []
    assert not host.is_registered(broken)
    spans.run("a")
    host.register(plugin(export_stop=lambda span: None), name="rejected")


def test_registering_runs_no_property(host: ExporterHost) -> None:
    ran: List[str] = []

    class Plugin:
        @property
        def weights(self) -> None:
            ran.append("weights")

        @hookimpl
        def export_stop(self, span: Span) -> None: ...

    host.register(Plugin())
    assert ran == []


def test_optional_hook_of_the_future_is_accepted(host: ExporterHost) -> None:
    host.register(types.SimpleNamespace(later=hookimpl(optionalhook=True)(lambda: None)))
    assert len(host.plugins()) == 1


def test_unknown_plugin_cannot_be_unregistered(host: ExporterHost, exporter: Any) -> None:
    with pytest.raises(PluginError, match=r"no plugin 'ghost' to unregister. Registered: none."):
        host.unregister("ghost")
    host.register(exporter, name="mine")
    with pytest.raises(PluginError, match=r"Registered: mine."):
        host.unregister(object())


def test_plugin_is_returned_by_unregister_and_called_no_more(host: ExporterHost, spans: Any, exporter: Any) -> None:
    host.register(exporter, name="mine", aliases=["file"])
    assert host.unregister("file") is exporter
    spans.run("a")
    assert exporter.calls == []
    assert host.plugins() == []


def test_unregistered_plugin_is_closed_once_it_was_initialized(host: ExporterHost, exporter: Any, other: Any) -> None:
    host.register(exporter)
    host.unregister(exporter)
    assert exporter.calls == []
    host.register(other)
    host.initialize()
    host.unregister(other)
    host.close()
    assert other.calls == ["initialize", "close"]


def test_plugin_that_hangs_when_unregistered_is_left_behind_with_a_warning(
    host: ExporterHost, exporter: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    host.register(exporter, name="hangs when unregistered")
    host.initialize()
    guard = host.guard_of(exporter)
    assert guard is not None
    guard.close_timeout_sec = lambda: 0.0
    exporter.acting = lambda call: release.wait(TIMEOUT)
    host.unregister(exporter)
    assert "hangs when unregistered did not close within 5.0 seconds and is left behind" in caplog.text
    release.set()


# --- blocking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mine", "file", "path"])
def test_blocked_name_of_any_kind_keeps_a_plugin_out(host: ExporterHost, exporter: Any, path: str, name: str) -> None:
    name = path if name == "path" else name
    host.block(name)
    assert host.is_blocked(name)
    assert host.register(exporter, name="mine", aliases=["file"]) is None
    assert not host.is_registered(exporter)
    (status,) = host.status()
    assert (status.name, status.state, status.plugin) == (name, "blocked", path)


def test_plugin_that_is_not_admitted_is_not_registered(host: ExporterHost, make_exporter: Callable[[], Any]) -> None:
    kept, refused = make_exporter(), make_exporter()
    host.admits = lambda plugin, name: plugin is kept and name == "kept"
    assert (host.register(kept, name="kept"), host.register(refused)) == ("kept", None)
    assert host.plugins() == [("kept", kept)]


def test_block_unregisters_and_closes_all_that_answer_to_the_name(
    host: ExporterHost, spans: Any, make_exporter: Callable[[], Any]
) -> None:
    kept, first, second = make_exporter(), make_exporter(), make_exporter()
    host.register(kept, name="kept")
    host.register(first, name="first", aliases=["file"])
    host.register(second, name="second", aliases=["file"])
    host.initialize()
    host.block("file")
    spans.start("a")
    assert first.calls == second.calls == ["initialize", "close"]
    assert kept.calls == ["initialize", "start a"]
    assert [(one.name, one.state) for one in host.status()] == [("kept", "on"), ("file", "blocked")]


def test_block_of_a_name_that_nobody_has_is_listed(host: ExporterHost) -> None:
    host.block("ghost")
    assert not host.is_blocked("other")
    (status,) = host.status()
    assert (status.name, status.state, status.plugin, status.calls) == ("ghost", "blocked", "", 0)


def test_blocking_twice_remembers_what_was_kept_out(host: ExporterHost, exporter: Any, path: str) -> None:
    host.register(exporter, name="mine")
    host.block("mine")
    host.block("mine")
    assert host.status()[0].plugin == path


# --- configure and initialize ----------------------------------------------------------------------------------------


def test_configure_comes_before_initialize_and_reaches_late_plugins(host: ExporterHost) -> None:
    calls: List[Any] = []

    def make(name: str) -> object:
        return plugin(
            configure=lambda config: calls.append((name, config)), initialize=lambda: calls.append((name, "initialize"))
        )

    host.register(make("early"))
    host.configure("config")
    host.register(make("between"))
    host.initialize()
    host.register(make("late"))
    assert calls == [
        ("early", "config"),
        ("between", "config"),
        ("early", "initialize"),
        ("between", "initialize"),
        ("late", "config"),
        ("late", "initialize"),
    ]


def test_configure_that_fails_is_counted_only(host: ExporterHost) -> None:
    def configure(config: object) -> None:
        raise ValueError("no")

    host.register(plugin(configure=configure), name="cannot be configured")
    host.configure("config")
    assert host.initialize() == []
    assert host.status()[0].last_error == "configure: ValueError: no"


def test_plugin_that_fails_to_initialize_takes_part_no_longer(host: ExporterHost, spans: Any, other: Any) -> None:
    error = ExportError("no connection")
    broken = MagicMock(spec=Exporter)
    broken.initialize.side_effect = error
    host.register(broken, name="cannot be initialized")
    host.register(other, name="other")
    assert host.initialize() == [PluginFailure("cannot be initialized", broken, error)]
    spans.run("a")
    host.close()
    assert other.calls == ["initialize", "start a", "stop a", "close"]
    assert [name for name, _, _ in broken.method_calls] == ["initialize"]
    status = {one.name: one for one in host.status()}
    assert status["cannot be initialized"].state == "failed"
    assert status["cannot be initialized"].last_error == "initialize: ExportError: no connection"
    assert host.guard_of(broken) is not None


def test_host_is_initialized_once(host: ExporterHost, exporter: Any, other: Any) -> None:
    host.register(exporter)
    host.initialize()
    host.register(other)
    assert host.initialize() == []
    assert exporter.calls == other.calls == ["initialize"]


def test_plugin_that_another_one_registers_is_initialized(host: ExporterHost, spans: Any, exporter: Any) -> None:
    host.register(plugin(initialize=lambda: host.register(exporter)))
    host.initialize()
    spans.start("a")
    assert exporter.calls == ["initialize", "start a"]


def test_plugin_that_registers_while_others_are_initialized_is_initialized_once(
    host: ExporterHost, exporter: Any, other: Any
) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold(call: str) -> None:
        begun.set()
        release.wait(TIMEOUT)

    exporter.acting = hold
    host.register(exporter)
    initializing = threading.Thread(target=host.initialize)
    registering = threading.Thread(target=host.register, args=(other,))
    initializing.start()
    assert begun.wait(TIMEOUT)
    registering.start()
    release.set()
    initializing.join()
    registering.join()
    assert other.calls == ["initialize"]


# --- joining late ----------------------------------------------------------------------------------------------------


def test_late_plugin_gets_the_starts_of_open_spans_oldest_first(host: ExporterHost, spans: Any, exporter: Any) -> None:
    host.initialize()
    outer = spans.start("outer")
    spans.run("over")
    inner = spans.start("inner", outer)
    host.register(exporter)
    spans.event(inner, "e")
    spans.stop(inner)
    spans.stop(outer)
    assert exporter.calls == [
        "initialize",
        "start outer",
        "start inner",
        "event e on inner",
        "stop inner",
        "stop outer",
    ]
    assert host.status()[0].is_clean


def test_parent_is_told_before_a_child_that_started_while_the_plugin_was_initialized(
    host: ExporterHost, spans: Any, exporter: Any
) -> None:
    host.initialize()
    parent = spans.start("parent")

    def meanwhile(call: str) -> None:
        if call == "initialize":
            spans.start("child", parent)
            spans.run("came and went")

    exporter.acting = meanwhile
    host.register(exporter)
    assert exporter.calls == ["initialize", "start parent", "start child"]


def test_span_whose_stop_was_missed_while_the_plugin_was_registered_is_not_told(
    host: ExporterHost, exporter: Any
) -> None:
    """Pluggy registers hook by hook: a thread may find the plugin for the start, and not yet for the stop."""
    host.initialize()
    exporter.acting = lambda call: host.hook.export_start(span=Span.create("over")) if call == "initialize" else None
    host.register(exporter)
    assert exporter.calls == ["initialize"]


def test_late_plugin_is_clean_whatever_happened_before_it_took_part(
    host: ExporterHost, spans: Any, exporter: Any
) -> None:
    host.initialize()
    open_span = spans.start("open")

    def meanwhile(call: str) -> None:
        if call == "initialize":
            spans.event(open_span, "before it took part")
            spans.run("came and went")

    exporter.acting = meanwhile
    host.register(exporter)
    assert exporter.calls == ["initialize", "start open"]
    assert host.status()[0].is_clean


def test_late_plugin_without_starts_gets_stops_only_of_what_is_recorded_from_now_on(
    host: ExporterHost, spans: Any
) -> None:
    stopped: List[str] = []
    host.initialize()
    span = spans.start("a")
    late = plugin(export_stop=lambda span: stopped.append(span.name_str))
    host.register(late)
    spans.stop(span)
    guard = host.guard_of(late)
    assert guard is not None
    assert (stopped, guard.started) == (["a"], {})


def test_late_plugin_that_fails_once_is_not_paused(host: ExporterHost, spans: Any, exporter: Any) -> None:
    host.initialize()
    for name in ("a", "b", "c"):
        spans.start(name)
    exporter.failing = lambda call: ExportError("hiccup") if call == "start a" else None
    host.register(exporter, name="late and failing once")
    spans.start("d")
    assert [call for call in exporter.calls if call.startswith("start")] == ["start a", "start b", "start c", "start d"]
    assert exporter.calls[2].startswith("telemetry no_telemetry_data: export_start failed")
    assert host.status()[0].state == "on"


def test_late_plugin_that_keeps_failing_is_paused_and_told_the_rest_later(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any
) -> None:
    host.initialize()
    for number in range(7):
        spans.start(f"{number}")
    exporter.fail_always(ExportError("down"))
    host.register(exporter, name="late and failing")
    assert [call for call in exporter.calls if call.startswith("start")] == [f"start {n}" for n in range(5)]
    assert host.status()[0].state == "paused"
    exporter.failing = None
    exporter.calls.clear()
    clock.advance(60)
    spans.start("now")
    assert exporter.calls == ["start 5", "start 6", "start now"]


def test_late_plugin_that_fails_to_initialize_is_refused_and_closed_to_calls(
    host: ExporterHost, spans: Any, exporter: Any
) -> None:
    host.initialize()
    exporter.failing = lambda call: ExportError("no connection")
    with pytest.raises(PluginError, match="late and broken could not be initialized: no connection") as caught:
        host.register(exporter, name="late and broken")
    assert isinstance(caught.value.__cause__, ExportError)
    spans.start("a")
    assert exporter.calls == ["initialize"]
    assert not host.is_registered(exporter)
    assert [one.state for one in host.status()] == ["failed"]

    exporter.failing = None
    host.register(exporter, name="late and broken")
    assert [(one.name, one.state) for one in host.status()] == [("late and broken", "on")]
    assert exporter.calls == ["initialize", "initialize", "start a"]


def test_plugin_whose_joining_is_interrupted_is_not_registered(host: ExporterHost, spans: Any, exporter: Any) -> None:
    host.initialize()
    spans.start("a")
    exporter.failing = lambda call: KeyboardInterrupt() if call == "start a" else None
    with pytest.raises(KeyboardInterrupt):
        host.register(exporter)
    assert not host.is_registered(exporter)


def test_plugin_that_is_unregistered_while_it_joins_is_told_nothing(
    host: ExporterHost, spans: Any, exporter: Any
) -> None:
    host.initialize()
    spans.start("a")
    exporter.acting = lambda call: host.unregister(exporter) if call == "initialize" else None
    host.register(exporter)
    assert exporter.calls == ["initialize", "close"]


def test_plugin_that_is_unregistered_while_it_catches_up_is_told_no_more(
    host: ExporterHost, spans: Any, exporter: Any
) -> None:
    host.initialize()
    spans.start("a")
    spans.start("b")
    exporter.acting = lambda call: host.unregister(exporter) if call == "start a" else None
    host.register(exporter)
    assert exporter.calls == ["initialize", "start a", "close"]


def test_failure_of_the_removal_of_a_plugin_that_is_gone_hides_nothing(host: ExporterHost, exporter: Any) -> None:
    host.initialize()

    def leave_and_fail(call: str) -> Any:
        if call == "initialize":
            host.unregister(exporter)
            return ExportError("no connection")
        return None

    exporter.failing = leave_and_fail
    with pytest.raises(PluginError, match="no connection"):
        host.register(exporter, name="gone before it failed")
    assert host.status() == []


# --- coming back -----------------------------------------------------------------------------------------------------


def test_plugin_that_comes_back_gets_no_start_twice(host: ExporterHost, spans: Any, exporter: Any) -> None:
    host.register(exporter)
    host.initialize()
    stays = spans.start("stays")
    ends = spans.start("ends meanwhile")
    host.unregister(exporter)
    spans.stop(ends)
    new = spans.start("new")
    host.register(exporter)
    spans.stop(new)
    spans.stop(stays)
    assert exporter.calls == [
        "initialize",
        "start stays",
        "start ends meanwhile",
        "close",
        "initialize",
        "start new",
        "stop new",
        "stop stays",
    ]


def test_plugin_is_closed_after_the_call_by_which_it_catches_up(host: ExporterHost, spans: Any, exporter: Any) -> None:
    host.initialize()
    spans.start("a")
    spans.start("b")
    told, release = threading.Event(), threading.Event()

    def hold(call: str) -> None:
        if call == "start a":
            told.set()
            release.wait(TIMEOUT)
            exporter.calls.append("start a is over")

    exporter.acting = hold
    registering = threading.Thread(target=host.register, args=(exporter,))
    registering.start()
    assert told.wait(TIMEOUT)
    guard = host.guard_of(exporter)
    assert guard is not None
    retired, retire = threading.Event(), guard.retire
    guard.retire = lambda: (retire(), retired.set())  # type: ignore[method-assign, assignment]
    unregistering = threading.Thread(target=host.unregister, args=(exporter,))
    unregistering.start()
    assert retired.wait(TIMEOUT)
    release.set()
    unregistering.join()
    registering.join()
    assert exporter.calls == ["initialize", "start a", "start a is over", "close"]


def test_plugin_cannot_come_back_before_it_is_closed(host: ExporterHost, exporter: Any) -> None:
    refused: List[str] = []

    def come_back(call: str) -> None:
        if call == "close":
            with pytest.raises(PluginError, match="is being closed") as caught:
                host.register(exporter)
            refused.append(str(caught.value))

    exporter.acting = come_back
    host.register(exporter)
    host.initialize()
    host.unregister(exporter)
    assert len(refused) == 1
    exporter.acting = None
    host.register(exporter)
    assert exporter.calls == ["initialize", "close", "initialize"]


def test_start_that_a_closed_plugin_refused_while_it_caught_up_is_told_when_it_comes_back(
    host: ExporterHost, spans: Any, exporter: Any
) -> None:
    host.initialize()
    first, second = spans.start("first"), spans.start("second")

    def be_removed(call: str) -> Any:
        if call == "start first":
            host.unregister(exporter)
            return ExportError("closed")
        return None

    exporter.failing = be_removed
    host.register(exporter, name="closed while it caught up")
    exporter.failing = None
    exporter.calls.clear()
    host.register(exporter, name="closed while it caught up")
    spans.stop(second)
    spans.stop(first)
    assert exporter.calls == ["initialize", "start first", "start second", "stop second", "stop first"]
    assert host.status()[0].failures == 0


def test_call_that_is_on_its_way_when_the_plugin_is_removed_is_nobodys_fault(
    host: ExporterHost, spans: Any, exporter: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The exporter refuses calls while closed; the start that was refused is told when it comes back."""
    host.register(exporter, name="removed under a call")
    host.initialize()

    def be_removed(call: str) -> Any:
        if call == "start a":
            host.unregister(exporter)
            return ExportError("closed")
        return None

    exporter.failing = be_removed
    span = spans.start("a")
    assert caplog.text == ""
    exporter.failing = None
    host.register(exporter, name="removed under a call")
    spans.stop(span)
    assert exporter.calls == ["initialize", "start a", "close", "initialize", "start a", "stop a"]
    assert host.status()[0].failures == 0


# --- should_export ---------------------------------------------------------------------------------------------------


def test_first_answer_counts(host: ExporterHost) -> None:
    asked: List[str] = []

    def answer(name: str, value: Any) -> object:
        return plugin(should_export=lambda span: asked.append(name) or value)  # type: ignore[func-returns-value]

    assert not host.filters_spans
    host.register(answer("undecided", None))
    host.register(answer("no", False))
    host.register(answer("yes", True))
    assert host.filters_spans
    assert host.hook.should_export(span=Span.create("a")) is False
    assert asked == ["undecided", "no"]


def test_answer_that_raises_is_none(host: ExporterHost) -> None:
    def should_export(span: Span) -> bool:
        raise ValueError("undecided")

    host.register(plugin(should_export=should_export), name="raises when asked")
    host.register(plugin(should_export=lambda span: False))
    assert host.hook.should_export(span=Span.create("a")) is False


def test_host_without_filters_asks_nobody_any_more(host: ExporterHost) -> None:
    name = host.register(plugin(should_export=lambda span: False))
    assert name is not None
    host.unregister(name)
    assert not host.filters_spans


def test_paused_plugin_is_not_asked(host: ExporterHost, spans: Any) -> None:
    def export_start(span: Span) -> None:
        raise ValueError("down")

    host.register(plugin(export_start=export_start, should_export=lambda span: False), name="paused filter")
    for number in range(5):
        spans.start(f"{number}")
    assert host.hook.should_export(span=Span.create("a")) is None


# --- flush -----------------------------------------------------------------------------------------------------------


def test_flush_tells_whether_all_have_delivered(host: ExporterHost, exporter: Any) -> None:
    seen: List[float] = []
    host.register(exporter)  # has no such hook: delivers at once
    assert host.flush()
    host.register(plugin(flush=lambda timeout_sec: seen.append(timeout_sec)))
    assert host.flush(2.5)
    assert seen == [2.5]


@pytest.mark.parametrize("error", [ExportError("no"), SystemExit(1)])
def test_flush_that_fails_is_told_and_counted_and_the_others_are_flushed(
    host: ExporterHost, error: BaseException
) -> None:
    flushed: List[str] = []

    def flush() -> None:
        raise error

    host.register(plugin(flush=flush), name=f"cannot flush: {error!r}")
    host.register(plugin(flush=lambda: flushed.append("other")))
    assert not host.flush()
    assert flushed == ["other"]
    assert host.status()[0].failures == 1


def test_flush_that_hangs_is_left_behind(host: ExporterHost) -> None:
    release, flushed = threading.Event(), []
    host.register(plugin(flush=lambda: release.wait(TIMEOUT)), name="hangs in flush")
    host.register(plugin(flush=lambda: flushed.append("other")))
    assert not host.flush(0.01)
    assert flushed == ["other"]
    assert host.status()[0].last_error == "flush: TimeoutError: not done within 0.01 seconds"
    release.set()


@pytest.mark.parametrize(("result", "expected"), [(None, False), (True, True), ([], True)])
def test_flush_survives_a_wrapper_that_returns_anything(host: ExporterHost, result: Any, expected: bool) -> None:
    def flush(timeout_sec: float) -> Any:
        yield
        return result

    host.register(types.SimpleNamespace(flush=hookimpl(wrapper=True)(flush)))
    assert host.flush() is expected


# --- close -----------------------------------------------------------------------------------------------------------


def test_close_closes_once_in_order_and_nothing_is_called_any_more(
    host: ExporterHost, spans: Any, make_exporter: Callable[[], Any]
) -> None:
    closed: List[str] = []
    for name in ("a", "b"):
        exporter = make_exporter()
        exporter.acting = lambda call, name=name: closed.append(name) if call == "close" else None
        host.register(exporter, name=name)
    starts: List[str] = []
    host.register(plugin(export_start=lambda span: starts.append(span.name_str)), name="cannot be closed")
    host.initialize()
    assert not host.is_closed
    host.close()
    host.close()
    spans.start("too late")
    assert host.is_closed
    assert closed == ["a", "b"]
    assert starts == []
    assert [status.skipped for status in host.status()] == [0, 0, 0]


def test_closed_host_takes_no_plugin(host: ExporterHost, exporter: Any) -> None:
    host.close()
    with pytest.raises(PluginError, match="the host is closed"):
        host.register(exporter)


def test_failure_to_close_is_counted_and_logged_and_the_others_are_closed(
    host: ExporterHost, exporter: Any, other: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exporter.failing = lambda call: ExportError("no") if call == "close" else None
    host.register(exporter, name="cannot close")
    host.register(other)
    host.close()
    assert other.calls == ["close"]
    assert (
        "Plugin cannot close ends as on: 0 calls, 1 failures, 0 skipped, 0 stops lost. "
        "Last error: close: ExportError: no"
    ) in caplog.text


def test_exit_of_a_plugin_in_close_does_not_reach_the_application(
    host: ExporterHost, exporter: Any, other: Any
) -> None:
    exporter.failing = lambda call: SystemExit(3)
    host.register(exporter, name="exits in close")
    host.register(other)
    host.close()
    assert other.calls == ["close"]
    assert host.status()[0].last_error == "close: SystemExit: 3"


def test_clean_plugins_are_not_logged(
    host: ExporterHost, spans: Any, exporter: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    host.register(exporter)
    host.block("other")
    host.initialize()
    spans.run("a")
    host.close()
    assert caplog.text == ""


def test_close_that_hangs_costs_one_deadline_and_the_others_are_closed(
    host: ExporterHost, clock: Any, make_exporter: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    release, closed = threading.Event(), []
    for number in range(3):
        hanging = make_exporter()
        hanging.acting = lambda call: release.wait(TIMEOUT)
        host.register(hanging, name=f"hangs{number} in close")
        good = make_exporter()
        good.acting = closed.append
        host.register(good, name=f"good{number}")
    before = threading.active_count()
    host.close(timeout_sec=0.06)
    assert closed == ["close"] * 3
    assert [f"hangs{number} in close did not close within 0.06 seconds" in caplog.text for number in range(3)] == [
        True,
        True,
        True,
    ]
    assert threading.active_count() == before + 3
    release.set()


def test_plugin_that_comes_back_within_the_deadline_of_all_is_not_left_behind(
    host: ExporterHost, exporter: Any, other: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """One that needs more than its share of the time may use what the others leave."""
    release = threading.Event()
    exporter.acting = lambda call: release.wait(TIMEOUT)
    other.acting = lambda call: release.set()
    host.register(exporter, name="slow")
    host.register(other, name="quick")
    guard = host.guard_of(exporter)
    assert guard is not None
    closing = threading.Thread(target=host.close, kwargs={"timeout_sec": 0.2})
    closing.start()
    closing.join(TIMEOUT)
    assert guard.unfinished_close is not None
    assert "left behind" not in caplog.text


def test_time_that_has_run_out_closes_the_rest_without_waiting(host: ExporterHost, clock: Any, other: Any) -> None:
    host.register(plugin(close=lambda: clock.advance(60)))
    host.register(other)
    other.calls.append("registered")
    release = threading.Event()
    other.acting = lambda call: release.wait(TIMEOUT)
    host.close(timeout_sec=5)
    assert other.calls == ["registered", "close"]
    release.set()


def test_recovered_plugin_gets_its_owed_stops_before_it_is_closed(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any
) -> None:
    host.register(exporter, name="recovers at the end")
    span = spans.start("known")
    exporter.fail_always(ExportError("down"))
    for number in range(5):
        spans.start(f"{number}")
    exporter.failing = None
    exporter.calls.clear()
    spans.stop(span)
    clock.advance(60)
    host.close()
    assert exporter.calls == ["stop known", "close"]


def test_interrupted_close_is_finished_by_the_next(host: ExporterHost, exporter: Any, other: Any) -> None:
    """As when Ctrl-C comes while a plugin hangs, and the exit of the interpreter closes once more."""
    interrupts = [KeyboardInterrupt()]

    def interrupt() -> Any:
        if interrupts:
            raise interrupts.pop()
        return (yield)

    host.register(exporter)
    host.register(plugin(export_stop=lambda span: None), name="without the hook")
    host.register(types.SimpleNamespace(close=hookimpl(wrapper=True)(interrupt)))
    host.register(other)
    with pytest.raises(KeyboardInterrupt):
        host.close()
    assert not host.is_closed
    host.close()
    assert host.is_closed
    assert exporter.calls == other.calls == ["close"]


# --- commands --------------------------------------------------------------------------------------------------------


def test_commands_are_added_by_the_hook(host: ExporterHost) -> None:
    group: List[str] = []
    host.register(plugin(one_logger_commands=lambda group: group.append("hello")))
    host.hook.one_logger_commands(group=group)
    assert group == ["hello"]


# --- fork ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_lock_that_another_thread_holds_while_this_one_forks_is_renewed(host: ExporterHost, exporter: Any) -> None:
    host.register(exporter, name="mine")
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with host._lock:
            held.set()
            release.wait(TIMEOUT)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(TIMEOUT)
    child = os.fork()
    if child == 0:
        os._exit(0 if host.unregister("mine") is exporter else 1)
    _, status = os.waitpid(child, 0)
    release.set()
    thread.join()
    assert status == 0
    assert host.is_registered(exporter)


def test_forked_child_keeps_the_plugins(host: ExporterHost, spans: Any, exporter: Any) -> None:
    host.register(exporter)
    span = spans.start("of the parent")
    host._renew_after_fork()
    host.hook.export_start(span=span)
    spans.start("of the child")
    assert exporter.calls == ["start of the parent", "start of the child"]
