"""The recorder: keeps the open spans and hands what happens to the plugins of its host."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Optional

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider, recorder_if_enabled
from nv_one_logger.api.recorder import Recorder
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.fork import after_fork_in_child
from nv_one_logger.core.internal.held_values import name_text
from nv_one_logger.core.internal.log_limiter import LogLimiter
from nv_one_logger.core.internal.safe_execution import (
    exception_guard,
    handle_failure,
    report_skipped,
    safely_execute,
)
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span, SpanName
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host.breaker import MAX_FAILURES
from nv_one_logger.host.host import ExporterHost, PluginFailure
from nv_one_logger.recorder.child_process import when_child_process_ends, when_forked_child_ends
from nv_one_logger.recorder.current_span import current_span_of
from nv_one_logger.recorder.exporter_state import ExporterState, ExporterStates
from nv_one_logger.recorder.misuse import (
    are_usable,
    is_a,
    is_name,
    usable_or_none,
    why_no_exception,
    why_no_name,
    why_not_addable,
    why_not_stoppable,
    why_unusable,
)
from nv_one_logger.recorder.span_filter import ExportCustomizationMode, make_span_filter

__all__ = ["DefaultRecorder", "ExportCustomizationMode"]

_log = LogLimiter(logging.getLogger(__name__))

# Frozen names: users' tests import them.
_DISABLE_EXPORTER_AFTER_N_FAILURES = MAX_FAILURES
_ExporterState = ExporterState

_QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR


class DefaultRecorder(Recorder):
    """Records spans, events and errors and hands them to the plugins of a host.

    All methods may be called from any thread. While telemetry is off they do nothing, and ``start`` returns the null
    span. Misuse, such as stopping a span twice, raises where errors propagate; in the quiet error strategy, and while
    an exception of the application is on its way, it is logged and reported to the exporters, and recording goes on.

    Args:
        exporters: Exporters to register, in order, beside the plugins the host has already. The list is kept.
        export_customization_mode: How to understand ``span_name_filter``.
        span_name_filter: Names of the spans to export, or not to export.
        host: The host to use, by default one of its own.
        error_strategy: What to do about an exporter that cannot be initialized: raise, or leave it out.

    Raises:
        OneLoggerError: The filter does not go with the mode.
        Exception: What an exporter's ``initialize`` raised, after the other exporters were closed again.
    """

    def __init__(
        self,
        exporters: List[Exporter],
        export_customization_mode: ExportCustomizationMode = ExportCustomizationMode.EXPORT_ALL_SPANS,
        span_name_filter: Optional[List[SpanName]] = None,
        host: Optional[ExporterHost] = None,
        error_strategy: OneLoggerErrorHandlingStrategy = OneLoggerErrorHandlingStrategy.PROPAGATE_EXCEPTIONS,
    ) -> None:
        self._passes_filter: Optional[Callable[[SpanName], bool]] = make_span_filter(
            export_customization_mode, span_name_filter
        )
        self._export_customization_mode = export_customization_mode  # frozen name, as the next three
        self._span_name_filter = span_name_filter
        self._exporters = exporters
        # Open spans in start order; a span is taken out before it is stopped, by exactly one thread.
        self._spans: Dict[Span, None] = {}
        # Spans of the parent process, after a fork: parents of spans here, but not ours to stop.
        self._inherited: FrozenSet[Span] = frozenset()
        self._closed = False
        self._close_lock = threading.Lock()  # held while closing, by whoever came first
        self._current_span = current_span_of(self)
        self._host = ExporterHost() if host is None else host
        self._host.open_spans = self._exported_spans
        for exporter in exporters:
            if not self._host.is_registered(exporter):
                self._host.register(exporter)
        self._exporter_state: Mapping[Exporter, ExporterState] = ExporterStates(exporters, self._host)
        self._hook = self._host.hook
        self._start_plugins(error_strategy)
        after_fork_in_child(self, "_renew_after_fork")
        when_child_process_ends(self, _close_quietly)

    def _start_plugins(self, error_strategy: OneLoggerErrorHandlingStrategy) -> None:
        failures: List[PluginFailure] = self._host.initialize()
        if failures and error_strategy is not _QUIET:
            self._host.close()
            raise failures[0].error

    @property
    def host(self) -> ExporterHost:
        """The host of the plugins that this recorder records to."""
        return self._host

    # `start`, `stop` and `event` are what `safely_execute` would make of them, written out: three calls with packed
    # arguments less per span, a tenth of its cost.

    def start(
        self,
        span_name: SpanName,
        span_attributes: Optional[Attributes] = None,
        start_event_attributes: Optional[Attributes] = None,
        start_time: Optional[TracingTimestamp] = None,
        parent_span: Optional[Span] = None,
    ) -> Span:
        """Start a span and make it the current one of this thread or asyncio task; see :class:`Recorder`."""
        if recorder_if_enabled() is None:
            report_skipped("start")
            return NULL_SPAN
        try:
            if self._closed:
                _log.warning("closed", "Span %s is not recorded: the recorder is closed.", name_text(span_name))
                return NULL_SPAN
            if type(span_name) is not str:
                span_name = self._name_or_text(span_name)
            # Looked at here: exporters would be blamed, and paused, for what they cannot make sense of.
            if (
                (span_attributes is not None and type(span_attributes) is not Attributes)
                or start_time is not None
                or start_event_attributes is not None
                or parent_span is not None
            ) and not are_usable(span_attributes, start_event_attributes, start_time, parent_span):
                self._misuse(why_unusable(span_attributes, start_event_attributes, start_time, parent_span))
                span_attributes = usable_or_none(span_attributes, Attributes)
                start_event_attributes = usable_or_none(start_event_attributes, Attributes)
                start_time = usable_or_none(start_time, TracingTimestamp)
                parent_span = usable_or_none(parent_span, Span)
            parent = parent_span
            if not parent:
                parent = self._current_span.get()
                if parent is not None and parent not in self._spans:
                    parent = self._nearest_open(parent)
            span = Span.create(span_name, parent, span_attributes, start_event_attributes, start_time)
            passes_filter = self._passes_filter
            if (passes_filter is not None and not passes_filter(span_name)) or (
                self._host.filters_spans and self._hook.should_export(span=span) is False
            ):
                span._is_exported = False
            # In the map before the plugins hear of it, so that one that joins just now gets the start in either case.
            self._spans[span] = None
            self._current_span.set(span)
            if span._is_exported:
                self._hook.export_start(span=span)
            return span
        except Exception as error:
            failure = error
        try:
            handle_failure(DefaultRecorder.start, failure)
        finally:
            del failure  # else it and this frame would hold each other
        return NULL_SPAN

    def stop(
        self,
        span: Span,
        stop_event_attributes: Optional[Attributes] = None,
        stop_time: Optional[TracingTimestamp] = None,
    ) -> None:
        """Stop a span, from whichever thread; see :class:`Recorder`."""
        if recorder_if_enabled() is None:
            report_skipped("stop")
            return
        try:
            if (stop_event_attributes is not None or stop_time is not None) and not are_usable(
                stop_event_attributes, None, stop_time, None
            ):
                self._misuse(why_unusable(stop_event_attributes, None, stop_time, None))
                stop_event_attributes = usable_or_none(stop_event_attributes, Attributes)
                stop_time = usable_or_none(stop_time, TracingTimestamp)
            # The type first: what is no span may have no hash.
            if (type(span) is not Span and not is_a(span, Span)) or self._spans.pop(span, self) is self:
                self._refuse_to_stop(span)
                return
            self._finish(span, stop_event_attributes, stop_time)
            return
        except Exception as error:
            failure = error
        try:
            handle_failure(DefaultRecorder.stop, failure)
        finally:
            del failure  # else it and this frame would hold each other

    def event(self, span: Span, event: Event) -> Event:
        """Record an event on a running span, and return it; see :class:`Recorder`."""
        if recorder_if_enabled() is None:
            report_skipped("event")
            return None  # type: ignore[return-value]  # callers know a skipped call by it
        try:
            if self._add_event(span, "event", event) and span._is_exported:
                self._hook.export_event(event=event, span=span)
            return event
        except Exception as error:
            failure = error
        try:
            handle_failure(DefaultRecorder.event, failure)
        finally:
            del failure  # else it and this frame would hold each other
        return None  # type: ignore[return-value]

    @safely_execute
    def error(self, span: Span, error_message: str, exception: Optional[Exception] = None) -> ErrorEvent:
        """Record an error of the application on a running span, and return its event; see :class:`Recorder`."""
        if exception is not None and not is_a(exception, BaseException):
            self._misuse(why_no_exception(exception))
            exception = None
        event = ErrorEvent.create(name_text(error_message), exception)
        if self._add_event(span, "error", event) and span._is_exported:
            self._hook.export_error(error_event=event, span=span)
        return event

    @safely_execute
    def telemetry_data_error(self, error_message: str, attributes: Optional[Attributes] = None) -> None:
        """Tell every plugin, at most once each, that its data is incomplete; see :class:`Recorder`."""
        if attributes is not None and not is_a(attributes, Attributes):
            self._misuse(why_unusable(attributes))
            attributes = None
        if not self._closed:
            self._report_data_error(name_text(error_message), attributes)

    @safely_execute
    def close(self) -> None:
        """Stop every open span, newest first, and close the plugins. The recorder records nothing any more."""
        self._close_now()

    def get_active_spans_by_name(self, span_name: SpanName) -> List[Span]:
        """Return the open spans of a name, in start order."""
        return [span for span in list(self._spans) if span.name == span_name]

    # -- for subclasses and the guards ----------------------------------------------------------------------------

    def _misuse(self, message: str) -> None:
        """Act on a mistake of the caller: raise it, or log and report it and return, so that recording goes on.

        Raises:
            OneLoggerError: Errors propagate, and no exception of the application is on its way.
        """
        if not self._is_quiet() and sys.exc_info()[1] is None:
            raise OneLoggerError(message)
        caller = sys._getframe(1)  # one cause for each kind of misuse, whatever names and objects the message shows
        _log.error(("misuse", caller.f_code, caller.f_lineno), "%s The application and telemetry go on.", message)
        if not self._closed:
            self._report_data_error(message)

    def _is_quiet(self) -> bool:
        try:
            return OneLoggerProvider.instance().config.error_handling_strategy is _QUIET
        except OneLoggerError:
            return False

    def _report_data_error(self, message: str, attributes: Optional[Attributes] = None) -> None:
        error_type = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA  # corrected for each plugin by its guard
        self._hook.export_telemetry_data_error(error=TelemetryDataError.create(error_type, message, attributes))

    def _close_now(self, stop_time: Optional[TracingTimestamp] = None) -> None:
        """Close whether telemetry is enabled or not, at ``stop_time`` (by default now); raises no ``Exception``.

        While this runs, another call, from another thread or from an exporter, returns at once. When it was
        interrupted, as by Ctrl-C, the next call goes on with what is left.
        """
        if not self._close_lock.acquire(blocking=False):
            return
        try:
            if not self._closed:
                self._stop_all(stop_time)
            self._host.close()
        finally:
            self._close_lock.release()

    def _stop_all(self, stop_time: Optional[TracingTimestamp]) -> None:
        is_enabled = OneLoggerProvider.instance().one_logger_enabled
        for span in reversed(list(self._spans)):
            self._stop_at_close(span, stop_time, self.stop if is_enabled else self._take_out_and_finish)
        self._closed = True
        for span in reversed(list(self._spans)):  # what other threads have started meanwhile
            self._take_out_and_finish(span, stop_time)

    def _stop_at_close(self, span: Span, stop_time: Optional[TracingTimestamp], stop: Callable[..., Any]) -> None:
        if span not in self._spans:
            return  # another thread has stopped it meanwhile
        try:
            stop(span, stop_time=stop_time)
        except Exception as error:
            _log.error(("close", type(error)), "Span %s could not be stopped: %s", span.name_str, error, exc_info=error)
        self._take_out_and_finish(span, stop_time)

    def _take_out_and_finish(self, span: Span, stop_time: Optional[TracingTimestamp] = None) -> None:
        if self._spans.pop(span, self) is not self:
            self._finish(span, None, stop_time)

    def _finish(
        self, span: Span, stop_event_attributes: Optional[Attributes], stop_time: Optional[TracingTimestamp]
    ) -> None:
        try:
            span.stop(stop_event_attributes, stop_time)
        finally:
            if span._stop_time is None:  # the attributes or the time were unusable
                span.stop()
            if self._current_span.get() is span:
                self._current_span.set(self._nearest_open(span.parent_span))
            if span._is_exported:
                self._hook.export_stop(span=span)

    # -- details --------------------------------------------------------------------------------------------------

    def _is_ending(self) -> bool:
        """Whether the recorder is being closed just now: that stops what threads still record, which is no misuse."""
        return self._close_lock.locked()

    def _refuse_to_stop(self, span: Optional[Span]) -> None:
        if self._is_ending():
            return
        if span is not NULL_SPAN and not (is_a(span, Span) and span in self._inherited):
            self._misuse(why_not_stoppable(span, self._closed))

    def _name_or_text(self, name: SpanName) -> SpanName:
        """Return a name that can be looked up and written; one that cannot is misuse, and a text takes its place."""
        if is_name(name):
            return name
        self._misuse(why_no_name(name))
        return name_text(name)

    def _nearest_open(self, span: Optional[Span]) -> Optional[Span]:
        """Return the span if it is open here, else its nearest ancestor that is.

        The current span of a thread may have been stopped by another one.
        """
        while span is not None and span not in self._spans and span not in self._inherited:
            span = span.parent_span
        return span

    def _add_event(self, span: Span, kind: str, event: Event) -> bool:
        """Add an event to an open span and tell so; if that is not possible, and it is not the null span, is misuse."""
        is_span = type(span) is Span or is_a(span, Span)
        if is_span and (span in self._spans or (span in self._inherited and span.active)):
            # Exporters are not to be blamed, nor paused, for something else that they are given.
            if is_a(event, Event):
                try:
                    span.add_event(event)
                except OneLoggerError:  # another thread has stopped the span just now
                    pass
                else:
                    return True
        elif span is NULL_SPAN:
            return False
        if self._close_lock.locked():
            return False
        self._misuse(why_not_addable(span, kind, event, self._closed))
        return False

    def _exported_spans(self) -> List[Span]:
        return [span for span in list(self._spans) if span._is_exported]

    def _renew_after_fork(self) -> None:
        self._inherited = self._inherited.union(self._spans)
        self._spans = {}
        self._close_lock = threading.Lock()
        when_forked_child_ends(self, _close_quietly)


@exception_guard
def _close_quietly(recorder: DefaultRecorder) -> None:
    recorder._close_now()
