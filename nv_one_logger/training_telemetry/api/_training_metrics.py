"""Computes the attributes of the metrics events from what was counted. Pure: nothing is changed here."""

from __future__ import annotations

from typing import Dict, Mapping, Optional

from nv_one_logger.core.internal.multi_window_timer import MultiWindowTimer
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api._progress import STEP_SPANS, Durations, Interval, Progress
from nv_one_logger.training_telemetry.api._training_state import _TrainingState
from nv_one_logger.training_telemetry.api.attributes import (
    TestingMetricsUpdateAttributes,
    TrainingMetricsUpdateAttributes,
    ValidationMetricsUpdateAttributes,
)
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName

__all__ = ["testing_metrics", "tflops_per_rank", "training_metrics", "validation_metrics"]

_TERA = 10**12
_INTERVAL = "interval_"


def tflops_per_rank(operations: int, seconds: float, world_size: int) -> Optional[float]:
    """Return 10^12 operations per second and rank; ``None`` if no time passed, in which the rate is unknown.

    ``operations / (seconds * 10^12 * world_size)``, as the reference computes ``train_throughput_per_gpu``.
    """
    return operations / (seconds * _TERA * world_size) if seconds > 0 else None


def training_metrics(
    state: _TrainingState,
    progress: Progress,
    *,
    interval: Optional[int],
    world_size: int,
    latest_loss: Optional[float],
    scalars: Mapping[str, float],
) -> TrainingMetricsUpdateAttributes:
    """Return the attributes of ``training_metrics_update``; what is not known is left out.

    Args:
        state: The counters of the loop.
        progress: The interval that the event closes, and what was before it.
        interval: The configured number of iterations between two events.
        world_size: Number of ranks.
        latest_loss: The last loss that was logged.
        scalars: The attributes of the logged scalars.
    """
    values: Dict[str, object] = {
        **_position(state, progress, interval),
        **_loop(state, progress),
        "latest_loss": latest_loss,
        **_operations(state, progress.loop),
        **_finish_times(state),
        **_interval(progress.interval, state.last_logged_train_iterations_finish_time, world_size),
        "iteration_throughput_per_gpu_max": progress.loop.tflops_max,
        "iteration_throughput_per_gpu_min": progress.loop.tflops_min,
        **_job(progress),
    }
    ordered = {name: values[name] for name in _ORDER if name in values}
    return TrainingMetricsUpdateAttributes.from_known({**ordered, **values, **scalars})


# The order of the reference's attributes, in which records carry them; new ones follow in the order of their making.
_ORDER = (
    "train_iterations_start",
    "current_iteration",
    "num_iterations",
    "train_samples_start",
    "num_train_samples",
    "interval",
    "avg_iteration_time_sec",
    "min_iteration_time_sec",
    "max_iteration_time_sec",
    "total_iteration_time_sec",
    "avg_forward_time_sec",
    "avg_backward_time_sec",
    "avg_dataloader_time_sec",
    "avg_tflops",
    "train_tokens",
    "avg_tokens_per_second",
    "latest_loss",
    "avg_batch_size",
    "completed_floating_point_operations_overall",
    "total_flops",
    "train_throughput_per_gpu",
    "train_throughput_per_gpu_max",
    "train_throughput_per_gpu_min",
)


def _position(state: _TrainingState, progress: Progress, interval: Optional[int]) -> Dict[str, object]:
    return {
        "train_iterations_start": state.train_iterations_start,
        "current_iteration": state.completed_training_iterations_overall - 1,
        "num_iterations": progress.loop.iterations.count,
        "train_samples_start": state.train_samples_start if progress.is_samples_start_known else None,
        "num_train_samples": None if progress.loop.samples is None else state.train_samples_processed_current_job,
        "interval": interval,
    }


def _loop(state: _TrainingState, progress: Progress) -> Dict[str, object]:
    loop, durations = progress.loop, progress.loop.iterations
    if not durations.count:
        return {}
    values: Dict[str, object] = {
        "avg_iteration_time_sec": durations.total / durations.count,
        "min_iteration_time_sec": durations.min,
        "max_iteration_time_sec": durations.max,
        "total_iteration_time_sec": durations.total,
        **_step_times("", loop),
        "train_tokens": state.train_tokens_current_job,
    }
    if loop.samples:
        values["avg_batch_size"] = round(loop.samples / durations.count)
    if state.train_tokens_current_job and durations.total > 0:
        values["avg_tokens_per_second"] = state.train_tokens_current_job / durations.total
    return values


def _timer_values(timer: MultiWindowTimer) -> Dict[str, object]:
    """Return the four times over all completed windows, nothing before the first: the truth is unknown then."""
    if not timer.completed_window_count:
        return {}
    return {
        "avg_iteration_time_sec": timer.avg_window_duration_sec,
        "min_iteration_time_sec": timer.min_window_duration_sec,
        "max_iteration_time_sec": timer.max_window_duration_sec,
        "total_iteration_time_sec": timer.total_time_sec,
    }


def _operations(state: _TrainingState, loop: Interval) -> Dict[str, object]:
    values: Dict[str, object] = {
        "completed_floating_point_operations_overall": state.completed_floating_point_operations_overall
    }
    if loop.flops is None:
        return values
    values["total_flops"] = state.total_flops_current_job
    values["train_throughput_per_gpu"] = state.tflops_per_gpu.latest_value
    values["train_throughput_per_gpu_max"] = state.tflops_per_gpu.max_value
    values["train_throughput_per_gpu_min"] = state.tflops_per_gpu.min_value
    values["avg_tflops"] = tflops_per_rank(state.total_flops_current_job, loop.iterations.total, world_size=1)
    return values


def _finish_times(state: _TrainingState) -> Dict[str, object]:
    first = state.first_logged_train_iterations_finish_time
    last = state.last_logged_train_iterations_finish_time
    return {
        "first_logged_train_iterations_finish_timestamp_sec": first and first.seconds_since_epoch,
        "last_logged_train_iterations_finish_timestamp_sec": last and last.seconds_since_epoch,
    }


def _interval(interval: Interval, end: Optional[TracingTimestamp], world_size: int) -> Dict[str, object]:
    durations = interval.iterations
    if not durations.count:
        return {}
    values: Dict[str, object] = {
        **durations.as_attributes(_INTERVAL),
        "interval_num_train_samples": interval.samples,
        "interval_train_tokens": interval.tokens,
        "interval_iteration_throughput_per_gpu_max": interval.tflops_max,
        "interval_iteration_throughput_per_gpu_min": interval.tflops_min,
        **_step_times(_INTERVAL, interval),
    }
    if interval.start is not None and end is not None:
        values["interval_elapsed_time_sec"] = max(0.0, end.perf_counter_seconds - interval.start.perf_counter_seconds)
    if interval.flops is not None:
        values["interval_throughput_per_gpu"] = tflops_per_rank(interval.flops, durations.total, world_size)
    if interval.tokens is not None and durations.total > 0:
        values["interval_tokens_per_second"] = interval.tokens / durations.total
    return values


def _step_times(prefix: str, interval: Interval) -> Dict[str, object]:
    count = interval.iterations.count
    if not count:
        return {}
    kinds = [kind for kind in STEP_SPANS.values() if kind in interval.step_sec]
    return {f"{prefix}avg_{kind}_time_sec": interval.step_sec[kind] / count for kind in kinds}


def _job(progress: Progress) -> Dict[str, object]:
    loop = progress.loop
    samples = None
    if progress.earlier_samples is not None and loop.samples is not None:
        samples = progress.earlier_samples + loop.samples
    return {
        "job_num_iterations": progress.earlier_iterations + loop.iterations.count,
        "job_num_train_samples": samples,
        "job_total_iteration_time_sec": progress.earlier_iterations_sec + loop.iterations.total,
    }


def validation_metrics(state: _TrainingState, this_loop: Optional[Durations]) -> ValidationMetricsUpdateAttributes:
    """Return the attributes of ``validation_metrics_update``: times of all validations of the job, and of this one.

    Without times when ``this_loop`` is ``None``, that is, when validation iterations are not to be measured.
    """
    completed = state.completed_training_iterations_overall
    times: Dict[str, object] = {}
    if this_loop is not None:
        timer = state.multi_iteration_timers[StandardTrainingJobSpanName.VALIDATION_SINGLE_ITERATION]
        times = {**_timer_values(timer), **this_loop.as_attributes(_INTERVAL)}
    return ValidationMetricsUpdateAttributes.from_known(
        {
            "current_iteration": max(0, completed - 1),
            "interval": completed - state.validation_interval_start,
            **times,
        }
    )


def testing_metrics(state: _TrainingState, this_loop: Optional[Durations]) -> TestingMetricsUpdateAttributes:
    """Return the attributes of ``testing_metrics_update``, with the times of this loop unless it is ``None``."""
    completed = state.completed_training_iterations_overall
    return TestingMetricsUpdateAttributes.from_known(
        {
            "current_iteration": max(0, completed - 1),
            "interval": completed - state.testing_interval_start,
            **({} if this_loop is None else this_loop.as_attributes(_INTERVAL)),
        }
    )
