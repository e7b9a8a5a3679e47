"""What pluggy calls for each plugin: every kind of plugin, in order, each kept from the others' trouble."""

from __future__ import annotations

import sys
import threading
import types
from typing import Any, Callable, Dict, List
from unittest.mock import MagicMock, call

import pytest
from overrides import override

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import BaseExporter, Exporter
from nv_one_logger.host import ExporterHost, hookimpl


class ReferenceExporter(BaseExporter):
    """Written as for the reference: overrides everywhere, and a parameter named ``event`` in ``export_error``."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: List[Any] = []

    @override
    def initialize(self) -> None:
        super().initialize()
        self.seen.append("initialize")

    @override
    def export_start(self, span: Span) -> None:
        super().export_start(span)
        self.seen.append(("start", span))

    @override
    def export_stop(self, span: Span) -> None:
        self.seen.append(("stop", span))

    @override
    def export_event(self, event: Event, span: Span) -> None:
        self.seen.append(("event", event, span))

    @override
    def export_error(self, event: ErrorEvent, span: Span) -> None:
        self.seen.append(("error", event, span))

    @override
    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        self.seen.append(("telemetry", error.error_message))

    @override
    def close(self) -> None:
        super().close()
        self.seen.append("close")


def module_of_three(seen: List[Any]) -> types.ModuleType:
    module = types.ModuleType("module_of_three")

    @hookimpl
    def export_start(span: Span) -> None:
        seen.append(("start", span))

    @hookimpl
    def export_error(error_event: ErrorEvent) -> None:
        seen.append(("error", error_event))

    @hookimpl
    def export_stop(span: Span) -> None:
        seen.append(("stop", span))

    vars(module).update(export_start=export_start, export_error=export_error, export_stop=export_stop)
    return module


def test_module_exporter_and_mock_side_by_side_get_everything_in_order(host: ExporterHost) -> None:
    seen: List[Any] = []
    exporter, mock = ReferenceExporter(), MagicMock(spec=Exporter)
    for plugin in (module_of_three(seen), exporter, mock):
        host.register(plugin)
    assert host.initialize() == []

    span, event, error = Span.create("a"), Event.create("e"), ErrorEvent.create("oops")
    doubt = TelemetryDataError.create(TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA, "doubt")
    host.hook.export_start(span=span)
    host.hook.export_event(event=event, span=span)
    host.hook.export_error(error_event=error, span=span)
    host.hook.export_telemetry_data_error(error=doubt)
    span.stop()
    host.hook.export_stop(span=span)
    host.close()

    assert seen == [("start", span), ("error", error), ("stop", span)]
    assert exporter.seen == [
        "initialize",
        ("start", span),
        ("event", event, span),
        ("error", error, span),
        ("telemetry", "doubt"),
        ("stop", span),
        "close",
    ]
    assert mock.method_calls == [
        call.initialize(),
        call.export_start(span),
        call.export_event(event, span),
        call.export_error(error, span),
        call.export_telemetry_data_error(doubt),
        call.export_stop(span),
        call.close(),
    ]
    assert all(status.is_clean for status in host.status())


# --- order -----------------------------------------------------------------------------------------------------------


def caller(name: str, calls: List[str], **options: bool) -> types.SimpleNamespace:
    return types.SimpleNamespace(export_start=hookimpl(lambda span: calls.append(name), **options))


def test_plugins_are_called_in_the_order_of_registration(host: ExporterHost, spans: Any) -> None:
    calls: List[str] = []
    for name in "abcd":
        host.register(caller(name, calls), name=name)
    spans.start("s")
    assert calls == ["a", "b", "c", "d"]
    assert [name for name, _ in host.plugins()] == ["a", "b", "c", "d"]


def test_tryfirst_is_called_first_and_trylast_changes_nothing(host: ExporterHost, spans: Any) -> None:
    calls: List[str] = []
    host.register(caller("last", calls, trylast=True))
    host.register(caller("plain", calls))
    host.register(caller("first", calls, tryfirst=True))
    spans.start("s")
    assert calls == ["first", "last", "plain"]


def test_exporter_that_asks_for_it_is_called_first(host: ExporterHost, spans: Any) -> None:
    calls: List[str] = []

    class Eager(BaseExporter):
        @hookimpl(tryfirst=True)
        def export_start(self, span: Span) -> None:
            calls.append("eager")

    host.register(caller("plain", calls))
    host.register(Eager())
    spans.start("s")
    assert calls == ["eager", "plain"]


# --- isolation -------------------------------------------------------------------------------------------------------


def test_others_get_everything_when_one_raises_on_every_call(
    host: ExporterHost, spans: Any, make_exporter: Callable[[], Any]
) -> None:
    first, broken, third = make_exporter(), make_exporter(), make_exporter()
    broken.fail_always(ValueError("always"))
    for name, plugin in (("first", first), ("raises on every call", broken), ("third", third)):
        host.register(plugin, name=name)
    host.initialize()
    for number in range(10):
        span = spans.start(f"{number}")
        spans.event(span, "e")
        spans.error(span, "x")
        spans.stop(span)
    host.close()

    expected = [
        line.format(number)
        for number in range(10)
        for line in ("start {}", "event e on {}", "error x on {}", "stop {}")
    ]
    assert first.calls == third.calls == ["initialize", *expected, "close"]
    assert len(broken.calls) == len(["initialize", "telemetry", "close"]) + 5
    status = host.status()[1]
    assert (status.state, status.calls, status.failures, status.skipped) == ("paused", 5, 5, 35)
    assert status.last_error == "start 1: ValueError: always".replace("start 1", "export_start")
    assert status.plugin.endswith("RememberingExporter")
    assert status.retry_in_sec == 60
    assert not status.is_clean
    assert host.status()[0].is_clean


@pytest.mark.parametrize("hook", ["export_start", "export_stop", "export_event", "export_error"])
def test_interrupt_is_the_users_and_passes(host: ExporterHost, spans: Any, exporter: Any, hook: str) -> None:
    host.register(exporter)
    span = spans.start("a")
    exporter.fail_always(KeyboardInterrupt())
    act = {
        "export_start": lambda: spans.start("b"),
        "export_stop": lambda: spans.stop(span),
        "export_event": lambda: spans.event(span, "e"),
        "export_error": lambda: spans.error(span, "x"),
    }[hook]
    with pytest.raises(KeyboardInterrupt):
        act()
    assert host.status()[0].failures == 0


def test_exception_without_a_text_is_kept_away_too(host: ExporterHost, spans: Any, exporter: Any) -> None:
    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    exporter.fail_always(UnspeakableError())
    host.register(exporter, name="unspeakable")
    spans.start("a")
    assert host.status()[0].last_error == "export_start: UnspeakableError"


def test_slow_calls_are_counted(host: ExporterHost, spans: Any, exporter: Any, clock: Any) -> None:
    host.register(exporter)
    span = spans.start("quick")
    exporter.acting = lambda call: clock.advance(0.2)
    spans.start("slow")
    spans.event(span, "slow")
    spans.error(span, "slow")
    spans.stop(span)
    assert host.status()[0].slow_calls == 4
    assert host.status()[0].is_clean


# --- a start exactly once, and before anything else of its span -------------------------------------------------------


def test_span_is_started_for_a_plugin_before_its_event(host: ExporterHost, exporter: Any) -> None:
    host.register(exporter)
    span = Span.create("a")  # its start is on its way in another thread
    host.hook.export_event(event=Event.create("e"), span=span)
    host.hook.export_error(error_event=ErrorEvent.create("x"), span=span)
    host.hook.export_start(span=span)
    assert exporter.calls == ["start a", "event e on a", "error x on a"]


def test_first_thing_that_succeeds_may_be_an_error(host: ExporterHost, exporter: Any) -> None:
    exporter.failing = lambda call: ValueError("no") if call.startswith("start") else None
    host.register(exporter, name="succeeds with an error")
    host.hook.export_error(error_event=ErrorEvent.create("x"), span=Span.create("a"))
    guard = host.guard_of(exporter)
    assert guard is not None
    assert guard.has_exported


def test_error_starts_a_span_too(host: ExporterHost, exporter: Any) -> None:
    host.register(exporter)
    host.hook.export_error(error_event=ErrorEvent.create("x"), span=Span.create("a"))
    assert exporter.calls == ["start a", "error x on a"]


def test_event_that_loses_the_race_against_the_stop_starts_nothing_anew(
    host: ExporterHost, spans: Any, exporter: Any
) -> None:
    host.register(exporter)
    span = spans.start("a")
    spans.stop(span)
    spans.event(span, "late")
    spans.error(span, "late")
    assert exporter.calls == ["start a", "stop a"]


def test_stop_without_a_start_is_not_told(host: ExporterHost, exporter: Any) -> None:
    host.register(exporter)
    host.hook.export_stop(span=Span.create("a"))
    assert exporter.calls == []


def test_plugin_that_asks_for_stops_only_gets_them(host: ExporterHost, spans: Any) -> None:
    stopped: List[Span] = []
    host.register(types.SimpleNamespace(export_stop=hookimpl(lambda span: stopped.append(span))))
    spans.run("a")
    assert [span.name for span in stopped] == ["a"]


def test_plugin_that_asks_for_events_only_gets_them(host: ExporterHost, spans: Any) -> None:
    seen: List[str] = []
    host.register(
        types.SimpleNamespace(
            export_event=hookimpl(lambda event: seen.append(event.name_str)),
            export_error=hookimpl(lambda error_event: seen.append(error_event.error_message)),
        )
    )
    span = spans.start("a")
    spans.event(span, "e")
    spans.error(span, "x")
    assert seen == ["e", "x"]


def test_plugin_that_asks_for_starts_only_keeps_no_span(host: ExporterHost, spans: Any) -> None:
    plugin = types.SimpleNamespace(export_start=hookimpl(lambda span: None))
    host.register(plugin)
    for _ in range(100):
        spans.run("a")
    guard = host.guard_of(plugin)
    assert guard is not None
    assert guard.started == {}


def test_plugin_that_asks_for_starts_only_is_told_open_spans_only_after_a_pause(
    host: ExporterHost, spans: Any, clock: Any
) -> None:
    seen: List[str] = []
    broken = True

    def export_start(span: Span) -> None:
        seen.append(span.name_str)
        if broken:
            raise ValueError("broken")

    host.register(types.SimpleNamespace(export_start=hookimpl(export_start)), name="starts only")
    known = [spans.start(str(number)) for number in range(5)]
    spans.run("came and went")
    spans.start("still open")
    spans.stop(known[0])
    broken = False
    clock.advance(60)
    spans.start("after")
    assert seen == ["0", "1", "2", "3", "4", "still open", "after"]


# --- many threads ----------------------------------------------------------------------------------------------------


class Grammar:
    """An exporter's view of each span: started once, then stopped at most once, nothing before, nothing after."""

    def __init__(self) -> None:
        self.lines: Dict[str, List[str]] = {}
        self.mistakes: List[str] = []
        self.lock = threading.Lock()

    def note(self, what: str, span: Span) -> None:
        with self.lock:
            lines = self.lines.setdefault(span.id_str, [])
            lines.append(what)
            if lines.count("start") != 1 or lines[0] != "start" or lines.count("stop") > 1:
                self.mistakes.append(f"{span.name_str}: {lines}")


class GrammarExporter(Exporter):
    """Refuses calls outside its life, as real exporters do."""

    def __init__(self) -> None:
        self.grammar = Grammar()
        self.is_open = False

    def _note(self, what: str, span: Span) -> None:
        if not self.is_open:
            raise RuntimeError("closed")
        self.grammar.note(what, span)

    def initialize(self) -> None:
        self.is_open = True

    def export_start(self, span: Span) -> None:
        self._note("start", span)

    def export_stop(self, span: Span) -> None:
        self._note("stop", span)

    def export_event(self, event: Event, span: Span) -> None:
        self._note("event", span)

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        self._note("error", span)

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None: ...

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def frequent_switches() -> Any:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("frequent_switches")
def test_plugin_removed_and_added_while_eight_threads_record_sees_no_broken_span(host: ExporterHost) -> None:
    open_spans: Dict[Span, None] = {}
    host.open_spans = lambda: list(open_spans)
    steady, coming_and_going = GrammarExporter(), GrammarExporter()
    host.register(steady, name="steady")
    host.initialize()
    stop = threading.Event()
    recorded: List[int] = []

    def record() -> None:
        count = 0
        while not stop.is_set() or count < 50:
            outer = start("outer")
            inner = start("inner", outer)
            host.hook.export_event(event=Event.create("e"), span=inner)
            finish(inner)
            finish(outer)
            count += 2
        recorded.append(count)

    def start(name: str, parent: Any = None) -> Span:
        span = Span.create(name, parent)
        open_spans[span] = None
        host.hook.export_start(span=span)
        return span

    def finish(span: Span) -> None:
        del open_spans[span]
        span.stop()
        host.hook.export_stop(span=span)

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        host.register(coming_and_going, name="coming and going")
        host.unregister(coming_and_going)
    host.register(coming_and_going, name="coming and going")
    stop.set()
    for thread in threads:
        thread.join()

    assert steady.grammar.mistakes == []
    assert coming_and_going.grammar.mistakes == []
    assert sorted(set(map(tuple, steady.grammar.lines.values()))) == [("start", "event", "stop"), ("start", "stop")]
    assert len(steady.grammar.lines) == sum(recorded)
    assert all(status.is_clean or status.failures == 0 for status in host.status())
