"""Times a block of code, or a function, as a span."""

from __future__ import annotations

import functools
import inspect
import logging
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Optional, Type, TypeVar, cast

from nv_one_logger.api.one_logger_provider import OneLoggerProvider, recorder_if_enabled
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.held_values import name_text
from nv_one_logger.core.internal.safe_execution import report_skipped
from nv_one_logger.core.null_span import NULL_SPAN

if TYPE_CHECKING:
    from nv_one_logger.api.recorder import Recorder
    from nv_one_logger.core.attributes import Attributes
    from nv_one_logger.core.span import Span, SpanName

__all__ = ["get_recorder", "timed_span"]

_logger = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])


def get_recorder() -> Recorder:
    """Return the recorder of this process.

    Raises:
        OneLoggerError: Telemetry is not configured.
    """
    return OneLoggerProvider.instance().recorder


class timed_span:  # noqa: N801  # the name is the contract's; a class costs a third of a generator function
    """Time a ``with`` block as a span, or, as a decorator, every call of a function.

    An ``Exception`` that leaves the block is recorded as an error of the span and goes on unchanged; it always wins:
    what goes wrong in telemetry meanwhile is only logged. While telemetry is not configured, switched off or closed,
    the block gets a null span, which accepts every call, so library code can be instrumented unconditionally.

    As a decorator each call, also a recursive one, has a span of its own. Of a coroutine function the span lasts until
    the coroutine is finished. Of a generator function it covers only the making of the generator: put a ``with``
    inside. An object may be used again, but not entered twice at a time.

    Args:
        name: Name of the span: a string or a member of an enum of strings.
        span_attributes: Attributes of the span as a whole.
        start_event_attributes: Attributes of its start event.

    Raises:
        OneLoggerError: Starting or stopping the span is misuse, in the error strategy that propagates, and no exception
            of the application is on its way.

    Example:
        >>> with timed_span("load_batch") as span:
        ...     _ = span.add_attribute("rows", 128)
        >>> @timed_span("evaluate")
        ... def evaluate() -> float:
        ...     return 0.5
    """

    __slots__ = ("_name", "_recorder", "_span", "_span_attributes", "_start_event_attributes")

    def __init__(
        self,
        name: SpanName,
        span_attributes: Optional[Attributes] = None,
        start_event_attributes: Optional[Attributes] = None,
    ) -> None:
        self._name = name
        self._span_attributes = span_attributes
        self._start_event_attributes = start_event_attributes
        self._span: Optional[Span] = None  # set while entered
        self._recorder: Optional[Recorder] = None  # set while entered, unless telemetry is off

    def __enter__(self) -> Span:
        if self._span is not None:
            raise OneLoggerError(f"This timed_span({self._name!r}) is entered already. Make a new one for each block.")
        recorder = recorder_if_enabled()
        if recorder is None:
            recorder = _recorder_while_disabled()
            if recorder is None:
                self._span = NULL_SPAN
                return NULL_SPAN
        elif get_recorder is not _own_get_recorder:  # users' tests put one in its place
            recorder = get_recorder()
        span = recorder.start(
            span_name=self._name,
            span_attributes=self._span_attributes,
            start_event_attributes=self._start_event_attributes,
        )
        # Closed, quietly failed, or switched off by another thread; a recorder of the user's own may say so with None.
        if span is None or span is NULL_SPAN:  # type: ignore[redundant-expr]
            self._span = NULL_SPAN
            return NULL_SPAN
        self._recorder = recorder
        self._span = span
        return span

    def __exit__(
        self,
        exception_type: Optional[Type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        recorder, span = self._recorder, self._span
        self._recorder = self._span = None
        if recorder is None or span is None:
            return
        if exception is None:
            recorder.stop(span)
        else:
            _stop_failed(recorder, span, self._name, exception)

    def __call__(self, func: F) -> F:
        """Decorate a function: each of its calls is timed as a span of its own."""
        name, span_attributes, start_event_attributes = self._name, self._span_attributes, self._start_event_attributes

        if inspect.iscoroutinefunction(func):

            @functools.wraps(func)
            async def timed_coroutine(*args: Any, **kwargs: Any) -> Any:
                with timed_span(name, span_attributes, start_event_attributes):
                    return await func(*args, **kwargs)

            return cast(F, timed_coroutine)

        @functools.wraps(func)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with timed_span(name, span_attributes, start_event_attributes):
                return func(*args, **kwargs)

        return cast(F, timed)


def _recorder_while_disabled() -> Optional[Recorder]:
    """Return ``None``, or the recorder of users' tests, which put one in place without configuring anything."""
    provider = OneLoggerProvider.instance()
    if (provider._config is None or provider._recorder is None) and (
        provider._recorder is not None or get_recorder is not _own_get_recorder
    ):
        return get_recorder()
    global _told_for
    state = provider._state_token
    if _told_for is not state:  # one comparison: a disabled span has to cost next to nothing
        _told_for = state
        report_skipped("timed_span", logging.INFO)
    return None


_told_for: object = None  # the state of the provider in which it was said that spans are skipped
_own_get_recorder = get_recorder


def _stop_failed(recorder: Recorder, span: Span, name: SpanName, exception: BaseException) -> None:
    """Record the application's exception and stop the span; whatever fails here is only logged."""
    try:
        if isinstance(exception, Exception):
            recorder.error(span, f"Error in {name_text(name)}: ", exception)
    except Exception:
        _logger.warning("The error that left span %s could not be recorded.", name, exc_info=True)
    try:
        recorder.stop(span)
    except Exception:
        _logger.warning("Span %s, which an error left, could not be stopped.", name, exc_info=True)
