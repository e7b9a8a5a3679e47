"""The phases of a job around training: initialisation, loading a checkpoint, validation and testing.

The third of ``TrainingRecorder`` that is about neither training nor saving.
"""

from __future__ import annotations

from typing import FrozenSet, Optional

from nv_one_logger.core.event import Event
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api import _training_metrics
from nv_one_logger.training_telemetry.api._managed_recorder import ManagedSpanRecorder, operation
from nv_one_logger.training_telemetry.api._progress import Durations
from nv_one_logger.training_telemetry.api.events import StandardTrainingJobEventName as EventName
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name

__all__ = ["PhaseRecorder"]


class PhaseRecorder(ManagedSpanRecorder):
    """Records the phases of a job around training."""

    def _begin_job(self) -> None:
        super()._begin_job()
        # Testing iterations are not among the timed spans: users start theirs with ``timed_span``, too.
        self._testing_iteration_start: Optional[TracingTimestamp] = None
        self._testing_iteration: Optional[Span] = None

    def _names_under_way(self) -> FrozenSet[str]:
        names = super()._names_under_way()
        return names if self._testing_iteration_start is None else names | {str(Name.TESTING_SINGLE_ITERATION)}

    # --- initialisation ----------------------------------------------------------------------------------------------

    @operation
    def on_distributed_init_start(self, start_time: TracingTimestamp) -> Span:
        """Start the span of initialising distributed code."""
        return self._start_managed(Name.DIST_INIT, start_time)

    @operation
    def on_distributed_init_end(self, stop_time: TracingTimestamp) -> None:
        """Stop the span of initialising distributed code."""
        self._end_managed(Name.DIST_INIT, stop_time)

    @operation
    def on_model_init_start(self, start_time: TracingTimestamp) -> Span:
        """Start the span of building the model."""
        return self._start_managed(Name.MODEL_INIT, start_time)

    @operation
    def on_model_init_end(self, stop_time: TracingTimestamp) -> None:
        """Stop the span of building the model."""
        self._end_managed(Name.MODEL_INIT, stop_time)

    @operation
    def on_dataloader_init_start(self, start_time: TracingTimestamp) -> Span:
        """Start the span of building the data loader."""
        return self._start_managed(Name.DATA_LOADER_INIT, start_time)

    @operation
    def on_dataloader_init_end(self, stop_time: TracingTimestamp) -> None:
        """Stop the span of building the data loader."""
        self._end_managed(Name.DATA_LOADER_INIT, stop_time)

    @operation
    def on_optimizer_init_start(self, start_time: TracingTimestamp) -> Span:
        """Start the span of building the optimizer."""
        return self._start_managed(Name.OPTIMIZER_INIT, start_time)

    @operation
    def on_optimizer_init_end(self, stop_time: TracingTimestamp) -> None:
        """Stop the span of building the optimizer."""
        self._end_managed(Name.OPTIMIZER_INIT, stop_time)

    @operation
    def on_load_checkpoint_start(self, start_time: TracingTimestamp) -> Span:
        """Start the span of loading a checkpoint."""
        self._start_timer(Name.CHECKPOINT_LOAD, start_time)
        return self._begin(Name.CHECKPOINT_LOAD, start_time=start_time)

    @operation
    def on_load_checkpoint_end(self, stop_time: TracingTimestamp) -> None:
        """Stop the span of loading a checkpoint."""
        self._end_timed(Name.CHECKPOINT_LOAD, stop_time)

    # --- validation and testing --------------------------------------------------------------------------------------

    @operation
    def on_validation_start(self, start_time: TracingTimestamp) -> Span:
        """Start a validation loop."""
        span = self._start_managed(Name.VALIDATION_LOOP, start_time)
        self._progress.validation = Durations()
        return span

    @operation
    def on_validation_single_iteration_start(self, start_time: TracingTimestamp) -> Span:
        """Start a validation iteration; without a span where validation iterations are not to be measured."""
        self._start_timer(Name.VALIDATION_SINGLE_ITERATION, start_time)
        if not self._is_measured("is_validation_iterations_enabled"):
            return NULL_SPAN
        return self._begin(Name.VALIDATION_SINGLE_ITERATION, start_time=start_time)

    @operation
    def on_validation_single_iteration_end(self, stop_time: TracingTimestamp) -> None:
        """Stop a validation iteration."""
        seconds = self._end_timed(Name.VALIDATION_SINGLE_ITERATION, stop_time)
        if seconds is not None:
            self._progress.validation.add(seconds)

    @operation
    def on_validation_end(self, stop_time: TracingTimestamp) -> None:
        """Stop the validation loop, after an event with its metrics."""
        span = self._expect(Name.VALIDATION_LOOP)
        if span is None:
            return
        state = self._training_state
        self._stop_if_open(Name.VALIDATION_SINGLE_ITERATION, stop_time)
        is_measured = self._is_measured("is_validation_iterations_enabled")
        attributes = _training_metrics.validation_metrics(state, self._progress.validation if is_measured else None)
        self.event(span, Event.create(EventName.VALIDATION_METRICS_UPDATE, attributes, stop_time))
        state.validation_interval_start = state.completed_training_iterations_overall
        self.stop(span, stop_time=stop_time)

    @operation
    def on_testing_start(self, start_time: TracingTimestamp) -> Span:
        """Start a testing loop."""
        span = self._start_managed(Name.TESTING_LOOP, start_time)
        self._progress.testing = Durations()
        return span

    @operation
    def on_testing_single_iteration_start(self, start_time: TracingTimestamp) -> Span:
        """Start a testing iteration; without a span where testing iterations are not to be measured."""
        if self._testing_iteration_start is not None:
            self._misuse(f"Cannot start span {Name.TESTING_SINGLE_ITERATION}: a testing iteration is already active.")
            self._abandon_testing_iteration(start_time)
        self._testing_iteration_start = start_time
        if not self._is_measured("is_test_iterations_enabled"):
            return NULL_SPAN
        self._testing_iteration = self._begin(Name.TESTING_SINGLE_ITERATION, start_time=start_time)
        return self._testing_iteration

    @operation
    def on_testing_single_iteration_end(self, stop_time: TracingTimestamp) -> None:
        """Stop a testing iteration."""
        start = self._testing_iteration_start
        if start is None:
            name = Name.TESTING_SINGLE_ITERATION
            self._never_started(name, f"Cannot stop span {name}: no testing iteration was started.")
            return
        time = self._checked_stop_time(stop_time, start)
        self._progress.testing.add(max(0.0, time.perf_counter_seconds - start.perf_counter_seconds))
        span = self._forget_testing_iteration()
        if span is not None:
            self.stop(span, stop_time=time)

    def _forget_testing_iteration(self) -> Optional[Span]:
        """Return the span of the testing iteration if it has one that is running, and forget the iteration."""
        span, self._testing_iteration = self._testing_iteration, None
        self._testing_iteration_start = None
        return span if span is not None and span.active else None

    def _abandon_testing_iteration(self, time: TracingTimestamp) -> None:
        span = self._forget_testing_iteration()
        if span is not None:
            self._abandon(span, time)

    @operation
    def on_testing_end(self, stop_time: TracingTimestamp) -> None:
        """Stop the testing loop, after an event with its metrics."""
        span = self._expect(Name.TESTING_LOOP)
        if span is None:
            return
        state = self._training_state
        if self._testing_iteration_start is not None:
            self._abandon_testing_iteration(stop_time)
        is_measured = self._is_measured("is_test_iterations_enabled")
        attributes = _training_metrics.testing_metrics(state, self._progress.testing if is_measured else None)
        self.event(span, Event.create(EventName.TESTING_METRICS_UPDATE, attributes, stop_time))
        state.testing_interval_start = state.completed_training_iterations_overall
        self.stop(span, stop_time=stop_time)
