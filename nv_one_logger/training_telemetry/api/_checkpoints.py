"""Accounts for saved checkpoints: the work each secures, and the attributes of the events about it."""

from __future__ import annotations

from typing import Dict, Optional

from nv_one_logger.core.internal.multi_window_timer import MultiWindowTimer
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api._progress import Progress
from nv_one_logger.training_telemetry.api._training_state import _ProductivityState, _TrainingState
from nv_one_logger.training_telemetry.api.attributes import (
    CheckpointSaveSpanAttributes,
    SaveCheckpointSuccessEventAttributes,
    SyncCheckpointMetricsUpdateAttributes,
)
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName

__all__ = ["Checkpoints", "save_span_name", "sync_metrics"]

_TERA = 10**12

_MAX_PENDING = 64
"""Saves whose success may still be reported; the oldest is forgotten, since failed ones are never heard of again."""


def save_span_name(strategy: object) -> StandardTrainingJobSpanName:
    """Return the span that times a save of this strategy; a strategy that is not known counts as synchronous."""
    if strategy == CheckPointStrategy.ASYNC:
        return StandardTrainingJobSpanName.CHECKPOINT_SAVE_ASYNC
    return StandardTrainingJobSpanName.CHECKPOINT_SAVE_SYNC


def sync_metrics(timer: MultiWindowTimer) -> SyncCheckpointMetricsUpdateAttributes:
    """Return the attributes of ``sync_checkpoint_metrics_update``; nothing before the first save was timed."""
    if not timer.completed_window_count:
        return SyncCheckpointMetricsUpdateAttributes()
    return SyncCheckpointMetricsUpdateAttributes.create(
        save_checkpoint_sync_time_total_sec=timer.total_time_sec,
        save_checkpoint_sync_time_min_sec=timer.min_window_duration_sec,
        save_checkpoint_sync_time_max_sec=timer.max_window_duration_sec,
    )


class Checkpoints:
    """The saves of one job, in terms of its state.

    Args:
        state: Read for the work done; its snapshots and counts of successes are kept here.
        progress: Read for what earlier training loops of the job did.
    """

    def __init__(self, state: _TrainingState, progress: Progress) -> None:
        self._state = state
        self._progress = progress
        self._operations: Dict[int, Optional[int]] = {}  # by step, beside the snapshots
        self._open_step: Optional[int] = None
        self._best: Optional[_ProductivityState] = None  # most work that any reported success secures
        self._best_operations: Optional[int] = None

    def begin_loop(self) -> None:
        """Begin a training loop: it may start over, so what an earlier one secured says nothing about it."""
        self._best = None
        self._best_operations = None

    def begin(self, step: Optional[int], strategy: object) -> CheckpointSaveSpanAttributes:
        """Note the work done as a save begins, and return the attributes of its span. Its timer runs already."""
        pending = self._state.productivity_state
        if strategy != CheckPointStrategy.ASYNC:
            # Training waits for a synchronous save, so an earlier one that was not reported has failed.
            pending.clear()
            self._operations.clear()
        while len(pending) >= _MAX_PENDING:
            self._forget(next(iter(pending)))
        if step is not None:
            pending[step] = self._work_done()
            self._operations[step] = self._state.completed_floating_point_operations_overall
        self._open_step = step
        return CheckpointSaveSpanAttributes.from_known(
            {
                "checkpoint_strategy": strategy,
                "current_iteration": step,
                "save_checkpoint_attempt_count": self._timer(strategy).total_window_count,
            }
        )

    def end(self) -> None:
        """Note that the save is not in progress any more; an asynchronous one may still be reported as successful."""
        self._open_step = None

    def succeed(
        self,
        step: Optional[int],
        strategy: object,
        when: TracingTimestamp,
        size: Optional[int] = None,
        directory: Optional[str] = None,
    ) -> SaveCheckpointSuccessEventAttributes:
        """Count a success and return the attributes of its event.

        The work secured never goes back: where successes come out of order, that of the furthest one stands. It is
        left out where no save of that step is known.
        """
        state = self._state
        state.successful_save_checkpoint_count_current_job += 1
        first = state.first_save_checkpoint_success_time = state.first_save_checkpoint_success_time or when
        latest = state.latest_save_checkpoint_success_time
        if latest is None or when.seconds_since_epoch > latest.seconds_since_epoch:
            latest = state.latest_save_checkpoint_success_time = when
        self._secure(step)
        start = state.training_loop_start_time
        return SaveCheckpointSuccessEventAttributes.from_known(
            {
                "checkpoint_strategy": strategy,
                "current_iteration": step,
                "first_successful_save_checkpoint_timestamp_sec": first.seconds_since_epoch,
                "latest_successful_save_checkpoint_timestamp_sec": latest.seconds_since_epoch,
                "save_checkpoint_success_count": state.successful_save_checkpoint_count_current_job,
                **(vars(self._best) if self._best else {}),
                "checkpoint_size": size,
                "checkpoint_directory": directory,
                "training_start_timestamp_sec": start and start.seconds_since_epoch,
                "productive_train_floating_point_operations": self._best_operations,
            }
        )

    def _secure(self, step: Optional[int]) -> None:
        state = self._state
        if step not in state.productivity_state and self._open_step is not None:
            step = self._open_step  # the success of the save in progress, whatever number the caller gave it
        if step is None or step not in state.productivity_state:
            return
        snapshot = state.productivity_state.pop(step)
        operations = self._operations.pop(step, None)
        if self._best is None or snapshot.productive_train_iterations >= self._best.productive_train_iterations:
            self._best, self._best_operations = snapshot, operations
            state.max_reported_productive_train_iterations = snapshot.productive_train_iterations

    def _work_done(self) -> _ProductivityState:
        state = self._state
        operations = state.completed_floating_point_operations_overall
        progress = self._progress
        samples = progress.loop.samples if progress.is_samples_start_known else None
        validation = state.multi_iteration_timers[StandardTrainingJobSpanName.VALIDATION_SINGLE_ITERATION]
        return _ProductivityState(
            productive_train_iterations=state.completed_training_iterations_overall,
            productive_train_samples=None if samples is None else state.train_samples_start + samples,
            productive_train_iterations_sec=progress.earlier_iterations_sec + progress.loop_sec,
            productive_validation_iterations_sec=validation.total_time_sec,
            productive_train_tflops=None if operations is None else operations / _TERA,
        )

    def _timer(self, strategy: object) -> MultiWindowTimer:
        return self._state.multi_iteration_timers[save_span_name(strategy)]

    def _forget(self, step: int) -> None:
        self._state.productivity_state.pop(step, None)
        self._operations.pop(step, None)
