"""How many calls a span and an event take: what makes them slow is calls, and those can be counted, on any machine.

The budgets are what was counted when this was written, and a tenth more for other interpreters and pluggy releases. Who
needs more should know that every span of every job pays for it: see docs/performance.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.internal.pending_watch import PendingStartWatch
from nv_one_logger.recorder.default_recorder import DefaultRecorder


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[DefaultRecorder]:
    exporter = FileExporter(tmp_path / "records.jsonl")
    # As it is while spans come in quick succession. Else it depends on the thread of the watch, and so on the tests
    # before, whether a start has to wake it.
    exporter._watch = watch = PendingStartWatch()
    watch.awake = True
    recorder = DefaultRecorder([exporter])
    provider = OneLoggerProvider.instance()
    provider.configure(OneLoggerConfig(application_name="a", world_size_or_fn=1, session_tag_or_fn="s"), recorder)
    yield recorder
    provider._logging_force_disabled = False  # else close() would do nothing
    recorder.close()
    provider._reset()


def calls_of(action: Callable[[], object]) -> int:
    """Return how many functions, of Python and of C, the action calls once it has run warm.

    The least of some attempts: the garbage collector calls finalizers, of other tests too, when it likes.
    """
    for _ in range(20):
        action()
    return min(_count_calls(action) for _ in range(5))


def _count_calls(action: Callable[[], object]) -> int:
    called: List[str] = []

    def note(frame: Any, kind: str, argument: Any) -> None:
        if kind in ("call", "c_call"):
            called.append(kind)

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return len(called) - 2  # the action itself, and setprofile


def test_calls_of_a_span(recorder: DefaultRecorder) -> None:
    def span() -> None:
        with timed_span("x", Attributes({"a": 1, "b": "two"})):
            pass

    assert 60 < calls_of(span) <= 92


def test_calls_of_an_event(recorder: DefaultRecorder) -> None:
    span = recorder.start("outer")
    assert 25 < calls_of(lambda: recorder.event(span, Event.create("e", Attributes({"a": 1, "b": 2, "c": 3.5})))) <= 48


def test_calls_of_a_span_while_telemetry_is_off(recorder: DefaultRecorder) -> None:
    OneLoggerProvider.instance().force_disable_logging()

    def span() -> None:
        with timed_span("x"):
            pass

    assert 3 < calls_of(span) <= 9
