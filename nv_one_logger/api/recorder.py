"""The interface of a recorder: what an application or a telemetry domain calls to record spans."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from nv_one_logger.core.attributes import Attributes
    from nv_one_logger.core.event import ErrorEvent, Event
    from nv_one_logger.core.span import Span, SpanName
    from nv_one_logger.core.time import TracingTimestamp

__all__ = ["Recorder"]


class Recorder(ABC):
    """Keeps the open spans of an application and hands what happens to the exporters.

    Subclasses need no ``override`` decorator, and may carry one.
    """

    @abstractmethod
    def start(
        self,
        span_name: SpanName,
        span_attributes: Optional[Attributes] = None,
        start_event_attributes: Optional[Attributes] = None,
        start_time: Optional[TracingTimestamp] = None,
        parent_span: Optional[Span] = None,
    ) -> Span:
        """Start a span and make it the current one of this thread or asyncio task.

        Args:
            span_name: A string or a member of an enum of strings.
            span_attributes: Attributes of the span as a whole.
            start_event_attributes: Attributes of its start event.
            start_time: When it started, by default now.
            parent_span: Its parent, by default the current span. A new thread has no current span: give the parent
                here, or see ``nv_one_logger.api.context``.

        Returns:
            The span, to be given to the other methods; a null span, which accepts every call, when telemetry is off.
        """

    @abstractmethod
    def stop(
        self,
        span: Span,
        stop_event_attributes: Optional[Attributes] = None,
        stop_time: Optional[TracingTimestamp] = None,
    ) -> None:
        """Stop a span, from whichever thread.

        Args:
            span: What :meth:`start` returned.
            stop_event_attributes: Attributes of its stop event.
            stop_time: When it stopped, by default now.

        Raises:
            OneLoggerError: The span was never started here, or is stopped already.
        """

    @abstractmethod
    def event(self, span: Span, event: Event) -> Event:
        """Record an event on a running span, and return it.

        Raises:
            OneLoggerError: The span is not running.
        """

    @abstractmethod
    def error(self, span: Span, error_message: str, exception: Optional[Exception] = None) -> ErrorEvent:
        """Record an error of the application on a running span, and return its event.

        Args:
            span: The span in which the error happened.
            error_message: What went wrong, for people.
            exception: The exception behind it; its type, message and traceback are recorded.

        Raises:
            OneLoggerError: The span is not running.
        """

    @abstractmethod
    def telemetry_data_error(self, error_message: str, attributes: Optional[Attributes] = None) -> None:
        """Tell the exporters that what was recorded is missing or incomplete, at most once each.

        Args:
            error_message: What went wrong, for people.
            attributes: Further attributes of the event.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop every open span now and close the exporters; the recorder is unusable afterwards."""
