"""Records on one exporter, through a host as in production or with direct calls, and keeps account of what fails."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event
from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host import ExporterHost
from nv_one_logger.host.deadline import call_within

__all__ = ["DirectSession", "HostSession", "Session", "fail"]


def fail(expected: str, found: str, why: str, section: str, cause: Optional[BaseException] = None) -> NoReturn:
    """Fail the test with a message for the author of the exporter."""
    __tracebackhide__ = True
    message = (
        f'\nExpected: {expected}\nFound:    {found}\nWhy:      {why}\nSee docs/testing-plugins.md, section "{section}".'
    )
    raise pytest.fail.Exception(message) from cause


class Session(ABC):
    """One recording with one exporter, which it initializes.

    Args:
        exporter: The exporter.
        deadline_sec: How long a flush or a close may take, in seconds.
    """

    way: str
    """How the exporter is reached, in words."""

    def __init__(self, exporter: Exporter, deadline_sec: float) -> None:
        self.exporter = exporter
        self.deadline_sec = deadline_sec
        self.errors: List[BaseException] = []
        self._initialize()

    def start(self, name: str, attributes: Optional[Mapping[str, Any]] = None, parent: Optional[Span] = None) -> Span:
        """Start a span."""
        span = Span.create(name, parent, Attributes(attributes))
        self._export_start(span)
        return span

    def event(self, span: Span, name: str, attributes: Optional[Mapping[str, Any]] = None) -> Event:
        """Record an event on a span."""
        event = span.add_event(Event.create(name, Attributes(attributes)))
        self._export_event(event, span)
        return event

    def error(self, span: Span, message: str) -> ErrorEvent:
        """Record an error of the application on a span."""
        event = ErrorEvent.create(message, ValueError(message))
        span.add_event(event)
        self._export_error(event, span)
        return event

    def stop(self, span: Span) -> None:
        """Stop a span."""
        span.stop()
        self._export_stop(span)

    def span(self, name: str, attributes: Optional[Mapping[str, Any]] = None) -> Span:
        """Start and stop a span."""
        span = self.start(name, attributes)
        self.stop(span)
        return span

    @abstractmethod
    def flush(self) -> bool:
        """Flush and tell whether the exporter said that all is delivered."""

    @abstractmethod
    def close(self) -> None:
        """Close the exporter; one that does not come back in time is left behind."""

    @property
    @abstractmethod
    def problem(self) -> Optional[str]:
        """What has failed so far, in words; ``None`` if nothing has."""

    @property
    def cause(self) -> Optional[BaseException]:
        """The first exception that was seen."""
        return self.errors[0] if self.errors else None

    @abstractmethod
    def _initialize(self) -> None: ...

    @abstractmethod
    def _export_start(self, span: Span) -> None: ...

    @abstractmethod
    def _export_stop(self, span: Span) -> None: ...

    @abstractmethod
    def _export_event(self, event: Event, span: Span) -> None: ...

    @abstractmethod
    def _export_error(self, event: ErrorEvent, span: Span) -> None: ...


class HostSession(Session):
    """As in production: every call takes the way through pluggy and the guard."""

    way = "through the host"

    def _initialize(self) -> None:
        self._open: Dict[Span, None] = {}
        self.host = ExporterHost(open_spans=lambda: tuple(self._open))
        try:
            self.host.register(self.exporter)
        except PluginError as error:
            pytest.skip(f"the host refuses the exporter, see test_host_accepts_it: {error}")
        failures = self.host.initialize()
        if failures:
            fail(
                "initialize() succeeds",
                f"{type(failures[0].error).__name__}: {failures[0].error}",
                "an exporter that cannot be initialized takes no part in the run",
                "Life cycle",
                failures[0].error,
            )

    def flush(self) -> bool:
        """Flush through the host."""
        return self.host.flush(self.deadline_sec)

    def close(self) -> None:
        """Close through the host."""
        self.host.close(self.deadline_sec)

    @property
    def problem(self) -> Optional[str]:
        """What the host counted against the exporter."""
        for status in self.host.status():
            if not status.is_clean:
                return f"{status.failures} of {status.calls} calls failed, the last with {status.last_error}"
        return None

    def _export_start(self, span: Span) -> None:
        self._open[span] = None
        self.host.hook.export_start(span=span)

    def _export_stop(self, span: Span) -> None:
        self._open.pop(span, None)
        self.host.hook.export_stop(span=span)

    def _export_event(self, event: Event, span: Span) -> None:
        self.host.hook.export_event(event=event, span=span)

    def _export_error(self, event: ErrorEvent, span: Span) -> None:
        self.host.hook.export_error(error_event=event, span=span)


class DirectSession(Session):
    """As in programs written before there was a host: the methods are called directly, arguments by position."""

    way = "called directly"

    def _initialize(self) -> None:
        self._is_closed = False
        self.exporter.initialize()

    def flush(self) -> bool:
        """Call ``flush`` if there is one."""
        flush = getattr(self.exporter, "flush", None)
        if not callable(flush):
            return True
        before = len(self.errors)
        self._call(flush, self.deadline_sec)
        return len(self.errors) == before

    def close(self) -> None:
        """Close the exporter, once."""
        if self._is_closed:
            return
        self._is_closed = True
        call = call_within(self.deadline_sec, self.exporter.close)
        if call.error is not None:
            self.errors.append(call.error)
        elif not call.is_done:
            self.errors.append(TimeoutError(f"close() took more than {self.deadline_sec} seconds"))

    @property
    def problem(self) -> Optional[str]:
        """What the exporter raised."""
        if not self.errors:
            return None
        last = self.errors[-1]
        return f"{len(self.errors)} call(s) failed, the last with {type(last).__name__}: {last}"

    def _call(self, method: Callable[..., Any], *arguments: Any) -> None:
        try:
            method(*arguments)
        except Exception as error:
            self.errors.append(error)

    def _export_start(self, span: Span) -> None:
        self._call(self.exporter.export_start, span)

    def _export_stop(self, span: Span) -> None:
        self._call(self.exporter.export_stop, span)

    def _export_event(self, event: Event, span: Span) -> None:
        self._call(self.exporter.export_event, event, span)

    def _export_error(self, event: ErrorEvent, span: Span) -> None:
        self._call(self.exporter.export_error, event, span)
