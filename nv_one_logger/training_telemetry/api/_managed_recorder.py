"""A recorder that knows the standard spans: one of each at a time, some of them timed, misuse repaired.

The half of ``TrainingRecorder`` that says nothing about training yet.
"""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, Any, Callable, FrozenSet, List, Optional, TypeVar, cast

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.exceptions import assert_that
from nv_one_logger.core.internal.safe_execution import report_skipped, safely_execute
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span, SpanName
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.recorder.default_recorder import DefaultRecorder, ExportCustomizationMode
from nv_one_logger.recorder.misuse import is_a
from nv_one_logger.training_telemetry.api._progress import STEP_SPANS, Progress
from nv_one_logger.training_telemetry.api._standard_spans import (
    MANAGED_SPANS,
    STANDARD_SPANS,
    OpenSpans,
    is_nested_in_its_like,
)
from nv_one_logger.training_telemetry.api._training_state import _TrainingState
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name

if TYPE_CHECKING:
    from nv_one_logger.exporter.exporter import Exporter
    from nv_one_logger.host import ExporterHost

__all__ = ["ManagedSpanRecorder", "not_before", "operation"]

F = TypeVar("F", bound=Callable[..., Any])


def operation(method: F) -> F:
    """Decorate a method that describes the job: guarded, one at a time, nothing after the recorder was closed.

    One lock over the whole of it, exports included, keeps the state of the job and the records in one order: what
    these methods tell is one sequence, usually of one thread. Spans and events of the user's own do not take it.
    """
    otherwise = NULL_SPAN if method.__name__.endswith("_start") else None

    @safely_execute(otherwise=otherwise)
    @functools.wraps(method)
    def guarded(self: ManagedSpanRecorder, *args: Any, **kwargs: Any) -> Any:
        with self._job_lock:
            if self._closed:
                self._after_close(method.__name__)
                return otherwise
            return method(self, *args, **kwargs)

    return cast(F, guarded)


class ManagedSpanRecorder(DefaultRecorder):
    """Keeps the standard spans and their timers in step, and repairs what a caller forgot.

    Args:
        config: The live configuration.
        exporters: See ``DefaultRecorder``, as the following ones.
        export_customization_mode: How ``span_name_filter`` is meant.
        span_name_filter: Names of spans to export, or not to.
        host: The plugins, by default a host of its own.
    """

    def __init__(
        self,
        config: OneLoggerConfig,
        exporters: List[Exporter],
        export_customization_mode: ExportCustomizationMode = ExportCustomizationMode.EXPORT_ALL_SPANS,
        span_name_filter: Optional[List[SpanName]] = None,
        host: Optional[ExporterHost] = None,
    ) -> None:
        self._config = config
        self._left_to_parent: FrozenSet[str] = frozenset()  # after a fork: what the parent has to end
        self._begin_job()
        self._job_lock = threading.RLock()  # re-entrant: an exporter may call back
        super().__init__(
            exporters, export_customization_mode, span_name_filter, host, error_strategy=config.error_handling_strategy
        )

    def _after_close(self, name: str) -> Span:
        """Say, once, that a call comes too late: nothing can be recorded any more, and nothing is the matter."""
        report_skipped(f"{name} after the end of the application", logging.INFO)
        return NULL_SPAN

    def _is_ending(self) -> bool:
        # A thread that found the recorder open may come to stop its span when all of them are stopped and it is closed.
        return self._closed or super()._is_ending()

    def _renew_after_fork(self) -> None:
        # The spans that are open belong to the parent process, as do its counts; its lock may have been held.
        super()._renew_after_fork()
        self._job_lock = threading.RLock()
        self._left_to_parent |= self._names_under_way()
        self._begin_job()

    def _names_under_way(self) -> FrozenSet[str]:
        """Return the names of what was started and not ended, with a span or, where not to be measured, without."""
        timers = self._training_state.multi_iteration_timers
        return frozenset([*map(str, self._open_spans), *(str(name) for name in timers if timers[name].is_active)])

    def _begin_job(self) -> None:
        """Start counting from nothing."""
        self._training_state = _TrainingState()
        self._progress = Progress()
        self._open_spans = OpenSpans()

    # --- spans of any name, by anybody -------------------------------------------------------------------------------

    @safely_execute(otherwise=NULL_SPAN)
    def start(
        self,
        span_name: SpanName,
        span_attributes: Optional[Attributes] = None,
        start_event_attributes: Optional[Attributes] = None,
        start_time: Optional[TracingTimestamp] = None,
        parent_span: Optional[Span] = None,
    ) -> Span:
        """Start a span; see ``Recorder.start``.

        Of a standard name there is one span at a time (of a name that belongs to a training step, one among the
        current span and its ancestors); a timed one is started by its callback. In the quiet error strategy both are
        reported, and the span is started anyway.

        Raises:
            OneLoggerError: A standard span is already active, or its timer is not.
        """
        if type(span_name) is not str:
            span_name = self._name_or_text(span_name)
        if span_name not in STANDARD_SPANS:
            return super().start(span_name, span_attributes, start_event_attributes, start_time, parent_span)
        with self._job_lock:
            if self._closed:
                return self._after_close("start")
            time = start_time or TracingTimestamp.now()
            self._check_start(str(span_name), time)
            return self._begin(span_name, span_attributes, start_event_attributes, time, parent_span)

    def _check_start(self, name: str, time: TracingTimestamp) -> None:
        if name in MANAGED_SPANS:
            is_second = self._open_spans.get(name) is not None
        else:
            is_second = is_nested_in_its_like(name, self._nearest_open(self._current_span.get()))
        timer = self._training_state.multi_iteration_timers.get(name)
        if is_second:
            self._misuse(f"Cannot start span {name}: a span of that name is already active.")
        if timer is not None and not timer.is_active:
            self._misuse(f"Timer for span {name} is not active. Start the span through its callback.")
            timer.start(time)

    def _begin(
        self,
        name: SpanName,
        attributes: Optional[Attributes] = None,
        start_event_attributes: Optional[Attributes] = None,
        start_time: Optional[TracingTimestamp] = None,
        parent_span: Optional[Span] = None,
    ) -> Span:
        """Start a standard span that may be started."""
        span = super().start(name, attributes, start_event_attributes, start_time, parent_span)
        if name in MANAGED_SPANS and span is not NULL_SPAN:
            self._open_spans[name] = span
        return span

    @safely_execute
    def stop(
        self,
        span: Span,
        stop_event_attributes: Optional[Attributes] = None,
        stop_time: Optional[TracingTimestamp] = None,
    ) -> None:
        """Stop a span; see ``Recorder.stop``.

        A timed span whose timer still runs was not ended by its callback: that is recorded as an error on it.
        """
        if self._closed:
            self._after_close("stop")
            return
        if (type(span) is not Span and not is_a(span, Span)) or span.name not in STANDARD_SPANS:  # users pass None, too
            super().stop(span, stop_event_attributes, stop_time)
            return
        with self._job_lock:
            time = stop_time or TracingTimestamp.now()
            if span in self._spans:
                self._before_stop(span, time)
                super().stop(span, stop_event_attributes, time)
                self._after_stop(span)
            else:
                super().stop(span, stop_event_attributes, time)

    def _before_stop(self, span: Span, time: TracingTimestamp) -> None:
        """Bring the state of the job in step with a standard span that is about to stop."""
        name = str(span.name)
        timer = self._training_state.multi_iteration_timers.get(name)
        if timer is not None and timer.is_active and self._open_spans.get(name) is span:
            timer.stop(not_before(time, timer.current_window_start))
            callback = "on_save_checkpoint_end" if name.startswith("checkpoint_save") else f"on_{name}_end"
            self.error(
                span=span,
                error_message=(
                    f"Timer for span {name} was automatically stopped because the span is being stopped. "
                    f"It seems the on_xxx_end method was not called correctly; call {callback}."
                ),
            )
        self._open_spans.remove(span)

    def _after_stop(self, span: Span) -> None:
        kind = STEP_SPANS.get(span.name)
        if kind is not None and span.stop_time is not None and self._is_training_step():
            elapsed = span.stop_time.perf_counter_seconds - span.start_time.perf_counter_seconds
            self._progress.interval.add_step_time(kind, max(0.0, elapsed))

    def _is_training_step(self) -> bool:
        get = self._open_spans.get
        return get(Name.TRAINING_LOOP) is not None and not (get(Name.VALIDATION_LOOP) or get(Name.TESTING_LOOP))

    def _get_active_span(self, span_name: SpanName) -> Span:
        """Return the one active span of that name.

        Raises:
            OneLoggerError: There is none, or there are several.
        """
        spans = self.get_active_spans_by_name(span_name)
        assert_that(
            len(spans) == 1, f"Expected to have one and only one span named {span_name} but found {len(spans)}."
        )
        return spans[0]

    # --- standard spans, by callbacks --------------------------------------------------------------------------------

    def _start_managed(self, name: Name, start_time: TracingTimestamp, attributes: Optional[Attributes] = None) -> Span:
        """Start a standard span; if one of that name is open, its end was forgotten."""
        self._close_forgotten(name, start_time)
        return self._begin(name, attributes, None, start_time)

    def _end_managed(self, name: SpanName, stop_time: TracingTimestamp) -> None:
        """Stop the open span of that name."""
        span = self._expect(name)
        if span is not None:
            self.stop(span, stop_time=stop_time)

    def _expect(self, name: SpanName) -> Optional[Span]:
        """Return the open span of that name; if there is none, that is misuse."""
        span = self._open_spans.get(name)
        if span is None:
            self._never_started(name, f"Expected to have one and only one span named {name} but found 0.")
        return span

    def _never_started(self, name: SpanName, problem: str) -> None:
        """Act on the end of what is not under way: misuse, unless a forked child leaves what its parent will end."""
        if name not in self._left_to_parent:
            self._misuse(problem)

    def _close_forgotten(self, name: Name, now: TracingTimestamp) -> None:
        span = self._open_spans.get(name)
        if span is None:
            return
        self._misuse(f"Cannot start span {name}: a span of that name is already active.")
        self._abandon(span, now)

    def _abandon(self, span: Span, now: TracingTimestamp) -> None:
        """Stop a span whose end was never reported."""
        timer = self._training_state.multi_iteration_timers.get(span.name_str)
        if timer is None or not timer.is_active:  # else stopping says so
            self.error(span, f"The end of span {span.name_str} was not reported; it is stopped by what came after it.")
        self.stop(span, stop_time=not_before(now, span.start_time))

    def _is_measured(self, setting: str) -> bool:
        """Tell whether a switch of the telemetry configuration is on, as they are by default."""
        return bool(getattr(self._config.telemetry_config, setting, True))

    # --- timed spans -------------------------------------------------------------------------------------------------

    def _start_timer(self, name: Name, start_time: TracingTimestamp) -> None:
        """Start the timer of a span that may be started next; an open window was forgotten."""
        timer = self._training_state.multi_iteration_timers[name]
        if timer.is_active:
            self._misuse(f"Cannot start timer since it is already active: span {name} is already active.")
            span = self._open_spans.get(name)
            if span is not None:
                self._abandon(span, start_time)
            if timer.is_active:  # without a span, as where such iterations are not to be measured
                timer.stop(not_before(start_time, timer.current_window_start))
        else:
            self._close_forgotten(name, start_time)
        timer.start(start_time)

    def _stop_timer(self, name: Name, stop_time: TracingTimestamp) -> Optional[float]:
        """Stop the timer and return the seconds of its window; ``None`` if it was not running, which is misuse."""
        timer = self._training_state.multi_iteration_timers[name]
        start = timer.current_window_start
        if start is None:
            self._never_started(name, f"Cannot stop timer since it is not active: span {name} was not started.")
            return None
        timer.stop(self._checked_stop_time(stop_time, start))
        return timer.latest_window_duration_sec

    def _end_timed(self, name: Name, stop_time: TracingTimestamp) -> Optional[float]:
        """Stop the timer and the span, if it has one, and return the seconds; ``None`` if it was not running."""
        seconds = self._stop_timer(name, stop_time)
        span = self._open_spans.get(name)
        if seconds is not None and span is not None:
            self.stop(span, stop_time=not_before(stop_time, span.start_time))
        return seconds

    def _stop_if_open(self, name: Name, time: TracingTimestamp) -> None:
        """Stop a timed span that was left open when what it is a part of ends; it gets an error that says so."""
        span = self._open_spans.get(name)
        timer = self._training_state.multi_iteration_timers[name]
        if span is not None:
            self.stop(span, stop_time=not_before(time, span.start_time))
        elif timer.is_active:
            timer.stop(not_before(time, timer.current_window_start))

    def _checked_stop_time(self, stop_time: TracingTimestamp, start_time: TracingTimestamp) -> TracingTimestamp:
        if not _is_before(stop_time, start_time):
            return stop_time
        self._misuse("Cannot stop timer with a stop time that is before the start time.")
        return start_time


def _is_before(time: TracingTimestamp, start: TracingTimestamp) -> bool:
    # Both clocks: counters of given times are estimated at different moments, and a wall clock may be set back.
    return (
        time.seconds_since_epoch < start.seconds_since_epoch and time.perf_counter_seconds <= start.perf_counter_seconds
    )


def not_before(time: TracingTimestamp, start: Optional[TracingTimestamp]) -> TracingTimestamp:
    """Return ``time``, or ``start`` where that is later: nothing ends before it began."""
    return start if start is not None and _is_before(time, start) else time
