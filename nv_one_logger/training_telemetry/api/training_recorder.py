"""The recorder of training jobs: turns what the callbacks tell into spans, events and metrics."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, List, Mapping, Optional

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.core.event import Event
from nv_one_logger.core.internal.log_limiter import LogLimiter
from nv_one_logger.core.internal.safe_execution import safely_execute
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span, SpanName, StandardSpanName
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.recorder.default_recorder import DefaultRecorder, ExportCustomizationMode
from nv_one_logger.training_telemetry.api import _training_metrics
from nv_one_logger.training_telemetry.api._checkpoints import Checkpoints, save_span_name, sync_metrics
from nv_one_logger.training_telemetry.api._configuration_events import initialization_attributes, telemetry_attributes
from nv_one_logger.training_telemetry.api._iterations import LoopStart, begin_loop, checked_count, count_iteration
from nv_one_logger.training_telemetry.api._managed_recorder import not_before, operation
from nv_one_logger.training_telemetry.api._phase_recorder import PhaseRecorder
from nv_one_logger.training_telemetry.api._scalars import unusable_metrics
from nv_one_logger.training_telemetry.api._training_state import _ProductivityState, _TrainingState
from nv_one_logger.training_telemetry.api.attributes import TrainingLoopAttributes
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.events import StandardTrainingJobEventName as EventName
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name

if TYPE_CHECKING:
    from nv_one_logger.api.telemetry_config import TelemetryConfig
    from nv_one_logger.exporter.exporter import Exporter
    from nv_one_logger.host import ExporterHost

__all__ = ["TrainingRecorder", "_ProductivityState", "_TrainingState"]


_log = LogLimiter(logging.getLogger(__name__))

# Looking a member up in its class takes longer than all else that is done with it, on Python before 3.11.
_ITERATION = Name.TRAINING_SINGLE_ITERATION
_LOOP = Name.TRAINING_LOOP


class TrainingRecorder(PhaseRecorder):
    """Records a training job. Applications use the callbacks and contexts, which call this.

    Every ``on_..._start`` returns the span it started (a null span where nothing is recorded); the others return
    nothing. What does not fit what was called before is raised as ``OneLoggerError`` or, in the quiet error strategy,
    reported and repaired. Times are when the thing described happened.

    Args:
        config: The live configuration; its ``telemetry_config`` may be set later.
        exporters: Where spans and events go.
        export_customization_mode: How ``span_name_filter`` is meant.
        span_name_filter: Names of the spans to export, or not to.
        host: The plugins, by default a host of its own that holds the exporters.
    """

    def __init__(
        self,
        config: OneLoggerConfig,
        exporters: List[Exporter],
        export_customization_mode: ExportCustomizationMode = ExportCustomizationMode.EXPORT_ALL_SPANS,
        span_name_filter: Optional[List[SpanName]] = None,
        host: Optional[ExporterHost] = None,
    ) -> None:
        super().__init__(config, exporters, export_customization_mode, span_name_filter, host)

    def _begin_job(self) -> None:
        super()._begin_job()
        self._checkpoints = Checkpoints(self._training_state, self._progress)
        self._has_ended = False  # by on_app_end, as opposed to the end of the process

    # --- application -------------------------------------------------------------------------------------------------

    @operation
    def on_app_start(self, start_time: TracingTimestamp) -> Span:
        """Start the application span and say who runs."""
        running = self._open_spans.get(StandardSpanName.APPLICATION)
        if running is not None:
            # Not replaced like other spans: an application that begins twice is still one application.
            self._misuse("Cannot start span application: a span of that name is already active.")
            return running
        span = self._begin(StandardSpanName.APPLICATION, start_time=start_time)
        attributes = initialization_attributes(self._config)
        self.event(span, Event.create(EventName.ONE_LOGGER_INITIALIZATION, attributes, start_time))
        telemetry = self._config.telemetry_config
        if telemetry is not None:
            self._update_application_span_with_training_telemetry_config(training_telemetry_config=telemetry)
        return span

    @safely_execute
    def _update_application_span_with_training_telemetry_config(
        self, training_telemetry_config: Optional[TelemetryConfig]
    ) -> None:
        with self._job_lock:
            if training_telemetry_config is None:
                self._misuse("Please set the training telemetry config before calling this method.")
                return
            span = self._open_spans.get(StandardSpanName.APPLICATION)
            if span is None:
                if not self._is_quiet():  # else nothing is lost: on_app_start() reports the configuration
                    self._misuse(
                        "Cannot update training metrics: Please call on_app_start() before calling this method."
                    )
                return
            state = self._training_state
            if _is_throughput_on(training_telemetry_config):
                state.completed_floating_point_operations_overall = (
                    state.completed_floating_point_operations_overall or 0
                )
            attributes = telemetry_attributes(training_telemetry_config)
            self.event(span, Event.create(EventName.UPDATE_TRAINING_TELEMETRY_CONFIG, attributes))

    @operation
    def on_app_end(self, stop_time: TracingTimestamp) -> None:
        """Stop the application span, everything open inside it first, and close the exporters.

        Nothing can be recorded afterwards; ``TrainingTelemetryProvider.reset()`` allows another application.
        """
        application = self._expect(StandardSpanName.APPLICATION)
        if application is None:
            return
        for span in reversed([span for span in self._spans if span is not application]):
            if span in self._spans:  # a loop takes an iteration left open in it along
                self.stop(span, stop_time=not_before(stop_time, span.start_time))
        self.stop(application, stop_time=not_before(stop_time, application.start_time))
        self._has_ended = True
        self.close()

    def _after_close(self, name: str) -> Span:
        if name == "on_app_start":
            self._misuse(
                "The application has ended, and nothing is recorded any more. For another one call "
                "TrainingTelemetryProvider.instance().reset() and configure it again."
            )
        elif name == "on_app_end" and self._has_ended:
            self._misuse("Expected to have one and only one span named application but found 0: it has ended.")
        return super()._after_close(name)

    # --- training ----------------------------------------------------------------------------------------------------

    @operation
    def on_training_loop_start(
        self,
        train_iterations_start: int,
        train_samples_start: Optional[int],
        train_iterations_target: Optional[int] = None,
        train_samples_target: Optional[int] = None,
        train_tokens_target: Optional[int] = None,
        start_time: Optional[TracingTimestamp] = None,
    ) -> Span:
        """Start the training loop.

        Args:
            train_iterations_start: Iterations already done, in this job and in earlier ones.
            train_samples_start: Samples already processed; ``None`` if not known.
            train_iterations_target: Iterations to reach.
            train_samples_target: Samples to reach.
            train_tokens_target: Tokens to reach.
            start_time: By default now.
        """
        time = start_time or TracingTimestamp.now()
        telemetry = self._config.telemetry_config
        if telemetry is None:
            self._misuse("Training telemetry config must be set before starting the training loop.")
        iterations = checked_count("train_iterations_start", train_iterations_start, self._misuse) or 0
        samples = checked_count("train_samples_start", train_samples_start, self._misuse)
        self._close_forgotten(_LOOP, time)
        operations = _operations_before(telemetry, iterations)
        start = LoopStart(time, iterations, samples, operations)
        begin_loop(self._training_state, self._progress, start)
        self._checkpoints.begin_loop()
        attributes = TrainingLoopAttributes.from_known(
            {
                "train_iterations_start": start.iterations,
                "train_samples_start": start.samples,
                "train_tokens_target": train_tokens_target,
                "completed_floating_point_operations_overall": (
                    self._training_state.completed_floating_point_operations_overall
                ),
                "train_iterations_target": train_iterations_target,
                "train_samples_target": train_samples_target,
            }
        )
        return self._begin(Name.TRAINING_LOOP, attributes, None, time)

    @operation
    def on_training_loop_end(self, stop_time: TracingTimestamp) -> None:
        """Stop the training loop, after a last event with the metrics that no event has covered yet."""
        self._end_managed(Name.TRAINING_LOOP, stop_time)

    @operation
    def on_training_single_iteration_start(self, start_time: TracingTimestamp) -> Span:
        """Start a training iteration; without a span where training iterations are not to be measured."""
        return self._start_iteration(start_time)

    @operation
    def on_training_single_iteration_end(
        self, stop_time: TracingTimestamp, metrics: Optional[Mapping[str, object]] = None
    ) -> None:
        """Count a training iteration, and send a metrics event where ``log_every_n_train_iterations`` says so.

        Args:
            stop_time: When the iteration ended.
            metrics: See :meth:`log_metrics`.
        """
        self._end_iteration(stop_time, metrics)

    # The path of every training iteration. The callbacks call these two directly, as their own guard is enough, and the
    # two pass by `start` and `stop`, whose checks they make themselves: together half the time of an iteration.

    def _start_iteration(self, start_time: TracingTimestamp) -> Span:
        with self._job_lock:
            if self._closed:
                return self._after_close("on_training_single_iteration_start")
            timer = self._training_state.multi_iteration_timers[_ITERATION]
            if timer.is_active or _ITERATION in self._open_spans:
                self._start_timer(_ITERATION, start_time)
            else:
                timer.start(start_time)
            if not self._are_iterations_measured():
                return NULL_SPAN
            span = DefaultRecorder.start(self, _ITERATION, None, None, start_time)
            if span is not NULL_SPAN:
                self._open_spans[_ITERATION] = span
            return span

    def _end_iteration(self, stop_time: TracingTimestamp, metrics: Optional[Mapping[str, object]]) -> None:
        with self._job_lock:
            if self._closed:
                self._after_close("on_training_single_iteration_end")
                return
            telemetry = self._config.telemetry_config
            if telemetry is None:
                self._misuse("Training telemetry config must be set before the end of a training iteration.")
            if metrics is not None:
                self._log_metrics(metrics)
            state = self._training_state
            timer = state.multi_iteration_timers[_ITERATION]
            start_time = timer.current_window_start
            if start_time is None or stop_time.perf_counter_seconds < start_time.perf_counter_seconds:
                if self._stop_timer(_ITERATION, stop_time) is None:
                    return
                stop_time = timer.latest_window_end or stop_time
            else:
                timer.stop(stop_time)
            loop, is_due = self._open_spans.get(_LOOP), False
            try:
                count_iteration(
                    state, self._progress, self._config, seconds=timer.latest_window_duration_sec, stop_time=stop_time
                )
                every = getattr(telemetry, "log_every_n_train_iterations", None)
                is_due = every is not None and state.completed_training_iterations_overall % every == 0
                if is_due:
                    self._report_training(loop or self._open_spans.get(StandardSpanName.APPLICATION), stop_time)
            finally:  # also where a callable of the user's configuration raises: the next start has to work
                span = self._open_spans.pop(_ITERATION, None)
                if span is not None and self._spans.pop(span, self) is not self:
                    self._finish(span, None, stop_time)
            if is_due and loop is None:
                # Only now, when the iteration is over: the next one has to work. The application has the metrics.
                self._never_started(_LOOP, "Expected to have one and only one span named training_loop but found 0.")

    @operation
    def _fail_iteration(self, stop_time: TracingTimestamp) -> None:
        """Stop the training iteration that an exception has left, without counting it as done."""
        timer = self._training_state.multi_iteration_timers[_ITERATION]
        if timer.is_active:
            timer.stop(not_before(stop_time, timer.current_window_start))
        span = self._open_spans.get(_ITERATION)
        if span is not None:
            self.stop(span, stop_time=not_before(stop_time, span.start_time))

    def _are_iterations_measured(self) -> bool:
        telemetry = self._config.telemetry_config
        if type(telemetry) is TrainingTelemetryConfig and telemetry.is_train_iterations_enabled_or_fn is True:
            return True  # as nearly always; a third of the time of the question below
        return self._is_measured("is_train_iterations_enabled")

    @operation
    def log_metrics(self, metrics: Mapping[str, object]) -> None:
        """Add scalars of the current training step, such as the loss, to the next metrics event.

        Args:
            metrics: Numbers by name. A scalar tensor is kept as it is, detached, until the event is due, so that no
                step waits for a device; ``None`` is left out. ``loss`` becomes ``latest_loss``, too.
        """
        self._log_metrics(metrics)

    def _log_metrics(self, metrics: Optional[Mapping[str, object]]) -> None:
        if metrics is None:
            return
        problem = unusable_metrics(metrics)
        if problem is None:
            self._progress.scalars.add(metrics)
        else:
            self._misuse(problem)

    def _report_training(self, span: Optional[Span], time: TracingTimestamp) -> None:
        """Send the metrics of the interval that ends now, if there is anything to say and where to say it."""
        progress, telemetry = self._progress, self._config.telemetry_config
        is_empty = not progress.interval.iterations.count and not progress.scalars
        if span is None or is_empty or not self._are_iterations_measured():
            return
        attributes = _training_metrics.training_metrics(
            self._training_state,
            progress,
            interval=getattr(telemetry, "log_every_n_train_iterations", None),
            world_size=self._config.world_size,
            latest_loss=progress.scalars.latest_loss(),
            scalars=progress.scalars.take(),
        )
        progress.begin_interval(time)
        dropped = progress.scalars.take_dropped()
        if dropped:
            _log.warning(
                ("scalars", id(self)),
                "Values given to log_metrics that were left out: %d. Give single numbers, under at most a few hundred "
                "names.",
                dropped,
            )
        self.event(span, Event.create(EventName.TRAINING_METRICS_UPDATE, attributes, time))

    # --- checkpoints -------------------------------------------------------------------------------------------------

    @operation
    def on_save_checkpoint_start(self, current_iteration: int, start_time: TracingTimestamp) -> Span:
        """Start saving a checkpoint; a bare span where checkpoints are not to be measured.

        Args:
            current_iteration: The global step that the checkpoint is of.
            start_time: When saving started.
        """
        strategy = self._save_strategy()
        name = save_span_name(strategy)
        if not self._is_measured("is_save_checkpoint_enabled"):
            return self._start_managed(name, start_time)
        step = checked_count("current_iteration", current_iteration, self._misuse)
        self._start_timer(name, start_time)
        attributes = self._checkpoints.begin(step, strategy)
        return self._begin(name, attributes, None, start_time)

    def _save_strategy(self) -> CheckPointStrategy:
        telemetry = self._config.telemetry_config
        if telemetry is None:
            self._misuse("Training telemetry config must be set before saving a checkpoint.")
        return getattr(telemetry, "save_checkpoint_strategy", CheckPointStrategy.SYNC)

    @operation
    def on_save_checkpoint_success(
        self,
        current_iteration: int,
        timestamp: TracingTimestamp,
        checkpoint_size: Optional[int] = None,
        checkpoint_directory: Optional[str] = None,
    ) -> None:
        """Report that a checkpoint is complete; an asynchronous one may be reported at any time, in any order.

        Args:
            current_iteration: The global step given at the start of the save.
            timestamp: When it was complete.
            checkpoint_size: Its size, bytes; by default the attribute of that name on the save span.
            checkpoint_directory: Where it lies; by default the attribute of that name on the save span.
        """
        strategy = self._save_strategy()
        if not self._is_measured("is_save_checkpoint_enabled"):
            return
        step = checked_count("current_iteration", current_iteration, self._misuse)
        save = self._open_spans.get(save_span_name(strategy))
        span = self._expect(StandardSpanName.APPLICATION) if strategy == CheckPointStrategy.ASYNC else save
        if span is None and strategy != CheckPointStrategy.ASYNC:
            self._expect(save_span_name(strategy))
            span = self._open_spans.get(StandardSpanName.APPLICATION)
        if span is None:
            return
        details = {} if save is None else save.updated_attributes.to_json()
        attributes = self._checkpoints.succeed(
            step,
            strategy,
            timestamp,
            size=details.get("checkpoint_size") if checkpoint_size is None else checkpoint_size,
            directory=details.get("checkpoint_directory") if checkpoint_directory is None else checkpoint_directory,
        )
        if "productive_train_iterations" not in attributes:
            _log.warning(
                ("step", id(self)),
                "The success of step %s was reported, but no save of that step was started: the work it secures is "
                "unknown. Give on_save_checkpoint_start and on_save_checkpoint_success the same step.",
                step,
            )
        self.event(span, Event.create(EventName.SAVE_CHECKPOINT_SUCCESS, attributes, timestamp))

    @operation
    def on_save_checkpoint_end(self, stop_time: TracingTimestamp) -> None:
        """Stop saving a checkpoint, successful or not; of an asynchronous one, the part that training waited for."""
        name = save_span_name(self._save_strategy())
        span = self._open_spans.get(name)
        if not self._is_measured("is_save_checkpoint_enabled"):
            self._end_managed(name, stop_time)
            return
        if self._stop_timer(name, stop_time) is None:
            return
        self._checkpoints.end()
        if span is not None:
            stop_time = not_before(stop_time, span.start_time)
            self.event(span, self.create_sync_checkpoint_metrics_event(name, stop_time))
            self.stop(span, stop_time=stop_time)

    def create_sync_checkpoint_metrics_event(
        self, span_name: SpanName, timestamp: Optional[TracingTimestamp] = None
    ) -> Event:
        """Return the event with the times that saves have kept the main thread.

        Args:
            span_name: The span that times the saves of one strategy.
            timestamp: Of the event, by default now.
        """
        timer = self._training_state.multi_iteration_timers[span_name]  # type: ignore[index]  # equals a string
        return Event.create(EventName.SYNC_CHECKPOINT_METRICS_UPDATE, sync_metrics(timer), timestamp)

    # --- details -----------------------------------------------------------------------------------------------------

    def _before_stop(self, span: Span, time: TracingTimestamp) -> None:
        super()._before_stop(span, time)
        if span.name == Name.TRAINING_LOOP:
            # However the loop ends: what no event has covered yet must not be lost.
            self._stop_if_open(Name.TRAINING_SINGLE_ITERATION, time)
            self._report_training(span, time)


def _is_throughput_on(telemetry: object) -> bool:
    return bool(getattr(telemetry, "is_log_throughput_enabled", False))


def _operations_before(telemetry: object, iterations: int) -> Optional[int]:
    """Return the operations of the iterations done so far, as if they were all of today's size; ``None`` if unknown."""
    if not _is_throughput_on(telemetry):
        return None
    batch_size = getattr(telemetry, "global_batch_size", None)
    per_sample = getattr(telemetry, "flops_per_sample", None)
    if batch_size is None or per_sample is None:
        return None
    return max(0, iterations) * int(batch_size) * int(per_sample)
