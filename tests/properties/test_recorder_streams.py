"""Whatever is called, by however many threads: nothing raises, and what each plugin is told makes sense."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Tuple

from hypothesis import given, settings
from hypothesis import strategies as st

from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import Exporter, ExportError
from nv_one_logger.host import ExporterHost
from nv_one_logger.recorder.default_recorder import DefaultRecorder, ExportCustomizationMode

THREADS = 3


class Listener(Exporter):
    """Keeps what it is told, attempts that it fails included, by span."""

    def __init__(self) -> None:
        self.told: Dict[str, List[str]] = {}
        self.order: List[Span] = []
        self.is_failing = False
        self._lock = threading.Lock()

    def _note(self, what: str, span: Span) -> None:
        with self._lock:
            self.told.setdefault(span.id_str, []).append(what)
            if what == "start":
                self.order.append(span)
        if self.is_failing:
            raise ExportError("down")

    def initialize(self) -> None: ...

    def export_start(self, span: Span) -> None:
        self._note("start", span)

    def export_stop(self, span: Span) -> None:
        self._note("stop", span)

    def export_event(self, event: Event, span: Span) -> None:
        self._note("event", span)

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        self._note("error", span)

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None: ...

    def close(self) -> None: ...

    def check(self, is_complete: bool) -> None:
        for calls in self.told.values():
            assert calls[0] == "start", calls
            assert calls.count("start") == 1, calls
            assert "stop" not in calls[:-1], calls
            if is_complete:
                assert calls[-1] == "stop", calls
        told = {span: number for number, span in enumerate(self.order)}
        for span in self.order:
            parent = span.exported_parent
            if parent in told:
                assert told[parent] < told[span], (parent, span)


class Session:
    """A recorder in the quiet strategy with a healthy exporter and one that fails now and then."""

    def __init__(self) -> None:
        self.now = 0.0
        self.healthy, self.failing = Listener(), Listener()
        self.late: List[Listener] = []
        self.spans: List[Any] = [NULL_SPAN, None, "no span", Span.create("stranger")]
        host = ExporterHost(clock=lambda: self.now)
        host.register(self.healthy, name="healthy")
        host.register(self.failing, name="failing")
        self.recorder = DefaultRecorder([], ExportCustomizationMode.BLACKLIST_SPANS, ["hidden"], host=host)
        config = OneLoggerConfig(
            application_name="app",
            world_size_or_fn=1,
            session_tag_or_fn="s",
            error_handling_strategy=OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR,
        )
        OneLoggerProvider.instance().configure(config, self.recorder)

    def do(self, action: str, place: int, argument: Any) -> None:
        span = self.spans[place % len(self.spans)]
        actions: Dict[str, Callable[[], Any]] = {
            "start": lambda: self.start(argument),
            "start below": lambda: self.start("below", span),
            "start badly": lambda: self.spans.append(self.recorder.start("bad", {"a": 1}, start_time=1.5)),  # type: ignore[arg-type]
            "stop": lambda: self.recorder.stop(span),
            "stop badly": lambda: self.recorder.stop(span, {"a": 1}),  # type: ignore[arg-type]
            "event": lambda: self.recorder.event(span, Event.create("e", Attributes({"a": 1}))),
            "no event": lambda: self.recorder.event(span, "no event"),  # type: ignore[arg-type]
            "error": lambda: self.recorder.error(span, "x", ValueError()),
            "doubt": lambda: self.recorder.telemetry_data_error("doubt"),
            "fail": lambda: setattr(self.failing, "is_failing", True),
            "heal": lambda: setattr(self.failing, "is_failing", False),
            "wait": lambda: setattr(self, "now", self.now + 100),
            "join": self.join,
            "close": self.recorder.close,
        }
        actions[action]()

    def start(self, name: str, parent: Any = None) -> None:
        self.spans.append(self.recorder.start(name, parent_span=parent))

    def join(self) -> None:
        if not self.recorder.host.is_closed:
            listener = Listener()
            self.late.append(listener)
            self.recorder.host.register(listener)

    def finish(self) -> None:
        assert OneLoggerProvider.instance().one_logger_enabled
        self.recorder.close()
        self.healthy.check(is_complete=True)
        self.failing.check(is_complete=False)
        for listener in self.late:
            listener.check(is_complete=True)
        assert len(self.recorder._spans) == 0
        healthy = [status for status in self.recorder.host.status() if status.name != "failing"]
        assert all(status.is_clean for status in healthy), healthy


ACTIONS = st.sampled_from(
    [
        *["start"] * 4,
        *["stop"] * 3,
        "start below",
        "start badly",
        "stop badly",
        "event",
        "no event",
        "error",
        "doubt",
        "fail",
        "fail",
        "heal",
        "wait",
        "join",
    ]
)
STEPS = st.lists(
    st.tuples(st.integers(0, THREADS - 1), ACTIONS, st.integers(0, 30), st.sampled_from(["load", "train", "hidden"])),
    max_size=60,
)


@given(steps=STEPS, closes_at=st.one_of(st.none(), st.integers(0, 60)))
@settings(max_examples=150, deadline=None)
def test_any_sequence_of_calls_in_quiet_mode_makes_a_grammatical_stream(
    steps: List[Tuple[int, str, int, str]], closes_at: Any
) -> None:
    OneLoggerProvider.instance()._reset()
    session = Session()
    pools = [ThreadPoolExecutor(max_workers=1) for _ in range(THREADS)]
    try:
        for number, (thread, action, place, argument) in enumerate(steps):
            if number == closes_at:
                session.recorder.close()
            pools[thread].submit(session.do, action, place, argument).result(30)
    finally:
        for pool in pools:
            pool.shutdown()
    session.finish()


def run_alone(session: Session, program: List[Tuple[str, int]]) -> None:
    """Do what a program says with spans of its own."""
    mine: List[Span] = []
    for action, place in program:
        if action == "start" or not mine:
            mine.append(session.recorder.start("own"))
        elif action == "stop":
            session.recorder.stop(mine.pop(place % len(mine)))
        elif action in ("event", "error"):
            session.recorder.event(mine[place % len(mine)], Event.create("e"))
        elif action in ("fail", "heal", "wait", "join"):
            session.do(action, 0, "")
    for span in mine[::2]:  # close() stops the others
        session.recorder.stop(span)


@given(programs=st.lists(st.lists(st.tuples(ACTIONS, st.integers(0, 30)), max_size=25), min_size=3, max_size=3))
@settings(max_examples=40, deadline=None)
def test_any_programs_of_concurrent_threads_make_grammatical_streams(programs: List[List[Tuple[str, int]]]) -> None:
    """Each thread stops what it started; a late plugin joins and the failing one comes and goes meanwhile."""
    OneLoggerProvider.instance()._reset()
    session = Session()
    errors: List[BaseException] = []

    def run(program: List[Tuple[str, int]]) -> None:
        try:
            run_alone(session, program)
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=run, args=(program,)) for program in programs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []
    session.finish()
