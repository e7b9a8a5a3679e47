"""What the tests of the host share: a clock that stands still, a host that reads it, and an exporter that remembers."""

from __future__ import annotations

from typing import Any, Callable, List, Optional

import pytest

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host import ExporterHost


class FakeClock:
    """Monotonic seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class RememberingExporter(Exporter):
    """Notes every call as a line of text, then does what the test tells it to do."""

    def __init__(self) -> None:
        self.calls: List[str] = []
        self.failing: Optional[Callable[[str], Optional[BaseException]]] = None
        self.acting: Optional[Callable[[str], Any]] = None

    def fail_always(self, error: BaseException) -> None:
        """Raise from every export call from now on."""
        self.failing = lambda call: error if call.startswith(("start", "stop", "event", "error")) else None

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.acting is not None:
            self.acting(call)
        error = None if self.failing is None else self.failing(call)
        if error is not None:
            raise error

    def initialize(self) -> None:
        self._note("initialize")

    def export_start(self, span: Span) -> None:
        self._note(f"start {span.name_str}")

    def export_stop(self, span: Span) -> None:
        self._note(f"stop {span.name_str}")

    def export_event(self, event: Event, span: Span) -> None:
        self._note(f"event {event.name_str} on {span.name_str}")

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        self._note(f"error {event.error_message} on {span.name_str}")

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        self._note(f"telemetry {error.error_type}: {error.error_message}")

    def close(self) -> None:
        self._note("close")


class OpenSpans:
    """The spans that are open, as a recorder would tell; starts and stops them through the host."""

    def __init__(self, host: ExporterHost) -> None:
        self._host = host
        self.spans: List[Span] = []
        host.open_spans = lambda: list(self.spans)

    def start(self, name: str, parent: Optional[Span] = None) -> Span:
        span = Span.create(name, parent)
        self.spans.append(span)
        self._host.hook.export_start(span=span)
        return span

    def stop(self, span: Span) -> None:
        self.spans.remove(span)
        span.stop()
        self._host.hook.export_stop(span=span)

    def run(self, name: str) -> None:
        """Start and stop."""
        self.stop(self.start(name))

    def event(self, span: Span, name: str) -> None:
        self._host.hook.export_event(event=Event.create(name), span=span)

    def error(self, span: Span, message: str) -> None:
        self._host.hook.export_error(error_event=ErrorEvent.create(message), span=span)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def host(clock: FakeClock) -> ExporterHost:
    return ExporterHost(clock=clock)


@pytest.fixture
def spans(host: ExporterHost) -> OpenSpans:
    return OpenSpans(host)


@pytest.fixture
def exporter() -> RememberingExporter:
    return RememberingExporter()


@pytest.fixture
def other() -> RememberingExporter:
    return RememberingExporter()


@pytest.fixture
def make_exporter() -> Callable[[], RememberingExporter]:
    return RememberingExporter
