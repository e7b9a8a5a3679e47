"""The host against a model: plugins come, go, are blocked, paused and mended while spans start and stop."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Set

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import Exporter, ExportError
from nv_one_logger.host import ExporterHost, PluginError

NAMES = ("a", "b", "c", "d")
names = st.sampled_from(NAMES)


class Listener(Exporter):
    """Notes what it is told, attempts that it fails included."""

    def __init__(self) -> None:
        self.is_failing = False
        self.life: List[str] = []
        self.told: Dict[Span, List[str]] = {}

    def _note(self, what: str, span: Span) -> None:
        assert self.life[-1:] == ["initialize"], f"{what} after {self.life}"
        self.told.setdefault(span, []).append(what)
        if self.is_failing:
            raise ExportError("down")

    def initialize(self) -> None:
        self.life.append("initialize")

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
        self.life.append("close")


class HostMachine(RuleBasedStateMachine):
    """Each name has one plugin, which may be registered or not; the model knows which are, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.host = ExporterHost(clock=lambda: self.now)
        self.host.open_spans = lambda: list(self.open)
        self.plugins = {name: Listener() for name in NAMES}
        self.registered: List[str] = []
        self.blocked: Set[str] = set()
        self.open: List[Span] = []

    @initialize(early=st.lists(names, unique=True))
    def begin(self, early: List[str]) -> None:
        for name in early:
            self.register(name)
        assert self.host.initialize() == []

    @rule(name=names)
    def register(self, name: str) -> None:
        if name in self.registered:
            with pytest.raises(PluginError):
                self.host.register(self.plugins[name], name=name)
        elif {name, f"alias of {name}"} & self.blocked:
            assert self.host.register(self.plugins[name], name=name, aliases=[f"alias of {name}"]) is None
        else:
            assert self.host.register(self.plugins[name], name=name, aliases=[f"alias of {name}"]) == name
            self.registered.append(name)

    @rule(name=names, by=st.sampled_from(["name", "alias", "plugin"]))
    def unregister(self, name: str, by: str) -> None:
        key: Any = {"name": name, "alias": f"alias of {name}", "plugin": self.plugins[name]}[by]
        if name not in self.registered:
            with pytest.raises(PluginError):
                self.host.unregister(key)
            return
        assert self.host.unregister(key) is self.plugins[name]
        self.registered.remove(name)

    @rule(name=st.sampled_from(NAMES[-1:]), alias=st.booleans())
    def block(self, name: str, alias: bool) -> None:
        key = f"alias of {name}" if alias else name
        self.host.block(key)
        self.blocked.add(key)
        if name in self.registered:
            self.registered.remove(name)

    @rule(name=names, is_failing=st.booleans())
    def fail_or_mend(self, name: str, is_failing: bool) -> None:
        self.plugins[name].is_failing = is_failing

    @rule(seconds=st.sampled_from([1, 60, 4000]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(count=st.integers(1, 6))
    def start(self, count: int) -> None:
        for _ in range(count):
            span = Span.create("s", self.open[-1] if self.open else None)
            self.open.append(span)
            self.host.hook.export_start(span=span)

    @precondition(lambda self: self.open)
    @rule(place=st.integers(0, 50))
    def stop(self, place: int) -> None:
        span = self.open.pop(place % len(self.open))
        span.stop()
        self.host.hook.export_stop(span=span)

    @precondition(lambda self: self.open)
    @rule(place=st.integers(0, 50))
    def event(self, place: int) -> None:
        self.host.hook.export_event(event=Event.create("e"), span=self.open[place % len(self.open)])

    # --- what always holds -------------------------------------------------------------------------------------------

    @invariant()
    def registered_plugins_are_listed_in_order(self) -> None:
        assert self.host.plugins() == [(name, self.plugins[name]) for name in self.registered]
        for name, plugin in self.plugins.items():
            assert self.host.is_registered(plugin) == (name in self.registered)
            assert (self.host.get_plugin(f"alias of {name}") is plugin) == (name in self.registered)

    @invariant()
    def status_lists_every_plugin_and_every_blocked_name(self) -> None:
        status = self.host.status()
        assert [one.name for one in status if one.state != "blocked"] == self.registered
        assert {one.name for one in status if one.state == "blocked"} == self.blocked
        for one in status:
            assert (one.retry_in_sec is not None) == (one.state == "paused")
            assert one.failures <= one.calls + 1
        assert all(self.host.is_blocked(name) for name in self.blocked)

    @invariant()
    def spans_make_sense_to_every_plugin(self) -> None:
        for plugin in self.plugins.values():
            for calls in plugin.told.values():
                assert calls[0] == "start", calls
                assert calls.count("start") == 1, calls
                assert "stop" not in calls[:-1], calls

    @invariant()
    def healthy_plugins_know_every_open_span(self) -> None:
        for status in self.host.status():
            if status.state == "on" and status.failures == 0:
                told: Optional[Dict[Span, List[str]]] = self.plugins[status.name].told
                assert all(span in told for span in self.open)

    def teardown(self) -> None:
        self.host.close()
        for name, plugin in self.plugins.items():
            # Each life begins and ends once; one that began before `initialize` and ended is none.
            assert plugin.life == ["initialize", "close"] * (len(plugin.life) // 2), (name, plugin.life)


HostMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_host_agrees_with_the_model = HostMachine.TestCase
