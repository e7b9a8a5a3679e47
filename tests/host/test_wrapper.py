"""New-style wrappers of plugins: honoured, and passed over when they fail."""

from __future__ import annotations

import types
from typing import Any, Callable, List

import pytest

from nv_one_logger.core.span import Span
from nv_one_logger.host import ExporterHost, hookimpl


def wrapping(function: Callable[..., Any], hook: str = "export_start", **options: Any) -> types.SimpleNamespace:
    return types.SimpleNamespace(around=hookimpl(wrapper=True, specname=hook, **options)(function))


def test_wrapper_runs_around_all_others(host: ExporterHost, spans: Any, exporter: Any) -> None:
    def around(span: Span) -> Any:
        exporter.calls.append("before")
        result = yield
        exporter.calls.append("after")
        return result

    host.register(exporter)
    host.register(wrapping(around))
    spans.start("a")
    assert exporter.calls == ["before", "start a", "after"]


def test_wrapper_decides_the_result(host: ExporterHost) -> None:
    def refuse(span: Span) -> Any:
        yield
        return False

    host.register(types.SimpleNamespace(should_export=hookimpl(lambda span: True)))
    host.register(wrapping(refuse, "should_export"))
    assert host.hook.should_export(span=Span.create("a")) is False


def fails_before(span: Span) -> Any:
    raise ValueError("before")
    yield


def fails_after(span: Span) -> Any:
    yield
    raise ValueError("after")


def yields_twice(span: Span) -> Any:
    yield
    yield


def never_yields(span: Span) -> Any:
    if span is None:
        yield


def yields_twice_and_fails_to_clean_up(span: Span) -> Any:
    yield
    try:
        yield
    finally:
        raise ValueError("clean-up")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (fails_before, "ValueError: before"),
        (fails_after, "ValueError: after"),
        (yields_twice, "RuntimeError: a wrapper has to yield exactly once"),
        (never_yields, "RuntimeError: a wrapper has to yield exactly once"),
        (yields_twice_and_fails_to_clean_up, "ValueError: clean-up"),
    ],
)
def test_broken_wrapper_is_passed_over(
    host: ExporterHost, spans: Any, exporter: Any, broken: Callable[..., Any], reason: str
) -> None:
    host.register(exporter)
    host.register(wrapping(broken), name=broken.__name__)
    spans.start("a")
    spans.start("b")
    assert exporter.calls == ["start a", "start b"]
    (status,) = [one for one in host.status() if one.name == broken.__name__]
    assert status.last_error == f"export_start: {reason}"
    assert status.calls == 2


@pytest.mark.parametrize("broken", [fails_before, fails_after, yields_twice])
def test_broken_wrapper_leaves_the_result_as_it_was(host: ExporterHost, broken: Callable[..., Any]) -> None:
    host.register(types.SimpleNamespace(should_export=hookimpl(lambda span: False)))
    host.register(wrapping(broken, "should_export"))
    assert host.hook.should_export(span=Span.create("a")) is False


def test_wrapper_that_keeps_failing_is_paused_and_tried_again(host: ExporterHost, spans: Any, clock: Any) -> None:
    calls: List[str] = []
    is_broken = True

    def around(span: Span) -> Any:
        calls.append(span.name_str)
        if is_broken:
            raise ValueError("broken")
        return (yield)

    host.register(wrapping(around), name="sulking wrapper")
    for number in range(8):
        spans.start(str(number))
    assert calls == ["0", "1", "2", "3", "4"]
    assert host.status()[0].state == "paused"

    is_broken = False
    clock.advance(60)
    spans.start("trial")
    spans.start("again")
    assert calls[5:] == ["trial", "again"]
    assert host.status()[0].state == "on"


def test_wrapper_of_a_plugin_that_joins_late_is_not_called_before_it_is_ready(host: ExporterHost, spans: Any) -> None:
    calls: List[str] = []

    class Late:
        @hookimpl
        def initialize(self) -> None:
            spans.start("meanwhile")
            calls.append("initialize")

        @hookimpl(wrapper=True)
        def export_start(self, span: Span) -> Any:
            calls.append(span.name_str)
            return (yield)

    host.initialize()
    host.register(Late())
    spans.start("afterwards")
    assert calls == ["initialize", "afterwards"]


def test_failing_wrapper_of_a_hook_that_exports_nothing_is_only_counted(host: ExporterHost, exporter: Any) -> None:
    def around() -> Any:
        yield
        raise ValueError("after")

    plugin = wrapping(around, "initialize")
    plugin.export_telemetry_data_error = hookimpl(lambda error: exporter.calls.append("told"))
    host.register(plugin)
    host.register(exporter)
    assert host.initialize() == []
    assert exporter.calls == ["initialize"]
    assert (host.status()[0].calls, host.status()[0].failures) == (0, 1)


def test_interrupt_passes_and_the_wrapper_cleans_up(host: ExporterHost, spans: Any, exporter: Any) -> None:
    cleaned: List[str] = []

    def around(span: Span) -> Any:
        try:
            return (yield)
        finally:
            cleaned.append(span.name_str)

    exporter.fail_always(KeyboardInterrupt())
    host.register(exporter)
    host.register(wrapping(around))
    with pytest.raises(KeyboardInterrupt):
        spans.start("a")
    assert cleaned == ["a"]


def test_interrupt_wins_over_a_wrapper_that_fails_to_clean_up(host: ExporterHost, spans: Any, exporter: Any) -> None:
    def around(span: Span) -> Any:
        try:
            return (yield)
        finally:
            raise ValueError("clean-up")

    exporter.fail_always(KeyboardInterrupt())
    host.register(exporter)
    host.register(wrapping(around), name="unclean wrapper")
    with pytest.raises(KeyboardInterrupt):
        spans.start("a")
    assert host.status()[1].last_error == "export_start: ValueError: clean-up"


def test_interrupt_passes_a_wrapper_that_had_failed_before(host: ExporterHost, spans: Any, exporter: Any) -> None:
    exporter.fail_always(KeyboardInterrupt())
    host.register(exporter)
    host.register(wrapping(fails_before), name="failed before the interrupt")
    with pytest.raises(KeyboardInterrupt):
        spans.start("a")


def test_wrapper_may_ask_to_be_outermost_or_innermost(host: ExporterHost, spans: Any) -> None:
    calls: List[str] = []

    def named(name: str) -> Callable[..., Any]:
        def around(span: Span) -> Any:
            calls.append(name)
            return (yield)

        return around

    host.register(wrapping(named("first"), tryfirst=True))
    host.register(wrapping(named("last"), trylast=True))
    host.register(wrapping(named("middle")))
    spans.start("a")
    assert calls == ["first", "middle", "last"]
