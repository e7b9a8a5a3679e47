"""What the recorder knows about a training job, as users' tests read it and compare it.

``_TrainingState`` and ``_ProductivityState``, all their fields, and their comparison are frozen: the tests of the
reference build them by keyword. What this project measures beyond them is kept apart, in ``_progress``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional

from nv_one_logger.core.internal.metric_summarizer import MetricSummarizer
from nv_one_logger.core.internal.multi_window_timer import MultiWindowTimer
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName

__all__ = ["TIMED_SPANS", "_ProductivityState", "_TrainingState"]

TIMED_SPANS = (
    StandardTrainingJobSpanName.TRAINING_SINGLE_ITERATION,
    StandardTrainingJobSpanName.VALIDATION_SINGLE_ITERATION,
    StandardTrainingJobSpanName.CHECKPOINT_SAVE_SYNC,
    StandardTrainingJobSpanName.CHECKPOINT_SAVE_ASYNC,
    StandardTrainingJobSpanName.CHECKPOINT_LOAD,
)
"""Spans whose durations are summed up over the job."""


@dataclass
class _ProductivityState:
    """The work that a checkpoint secures: all that was done when its save began."""

    productive_train_iterations: int
    """Iterations, those before this job included."""
    productive_train_samples: Optional[int]
    """Samples, those before this job included; ``None`` if not known."""
    productive_train_iterations_sec: float
    """Seconds in training iterations of this job."""
    productive_validation_iterations_sec: float
    """Seconds in validation iterations of this job."""
    productive_train_tflops: Optional[float] = None
    """10^12 floating point operations, those before this job included; ``None`` if not measured."""


@dataclass
class _TrainingState:
    """Counters and timers of the job. "This job" is this process; earlier ones may have trained before it."""

    multi_iteration_timers: Dict[str, MultiWindowTimer] = field(
        default_factory=lambda: {name: MultiWindowTimer() for name in TIMED_SPANS}
    )
    """By span name; each counts over the whole job."""
    train_iterations_start: int = 0
    """Iterations done before the training loop."""
    train_samples_start: int = 0
    """Samples processed before the training loop."""
    completed_training_iterations_overall: int = 0
    """Iterations done, those before this job included."""
    train_samples_processed_current_job: int = 0
    """Samples processed since the training loop started."""
    total_flops_current_job: int = 0
    """Floating point operations since the training loop started; 0 if not measured."""
    train_tokens_current_job: Optional[int] = None
    """Tokens processed since the training loop started; ``None`` if not known."""
    completed_floating_point_operations_overall: Optional[int] = None
    """Operations done, those before this job included; ``None`` if not measured."""
    training_loop_start_time: Optional[TracingTimestamp] = None
    first_logged_train_iterations_finish_time: Optional[TracingTimestamp] = None
    """End of the first iteration of the job, whether logged or not."""
    last_logged_train_iterations_finish_time: Optional[TracingTimestamp] = None
    """End of the latest iteration of the job, whether logged or not."""
    first_save_checkpoint_success_time: Optional[TracingTimestamp] = None
    latest_save_checkpoint_success_time: Optional[TracingTimestamp] = None
    validation_interval_start: int = 0
    """Iterations done at the previous validation, or at the start of the training loop."""
    testing_interval_start: int = 0
    """Iterations done at the previous testing, or at the start of the training loop."""
    tflops_per_gpu: MetricSummarizer[float] = field(default_factory=lambda: MetricSummarizer[float]())
    """Of the running averages since the training loop started, 10^12 operations per second and rank."""
    successful_save_checkpoint_count_current_job: int = 0
    productivity_state: Dict[int, _ProductivityState] = field(default_factory=dict)
    """By global step, for saves whose success has not been reported."""
    max_reported_productive_train_iterations: int = field(default=-1, compare=False)
    """Largest number of secured iterations reported so far."""
