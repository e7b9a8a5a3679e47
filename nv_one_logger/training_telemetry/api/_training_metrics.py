"""Computes the attributes of the metrics events from what was counted. Pure: nothing is changed here."""

from __future__ import annotations

from typing import Dict, Mapping, Optional

from nv_one_logger.core.internal.multi_window_timer import MultiWindowTimer
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api._progress import Durations, Progress
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


def tflops_per_rank(operations: Optional[int], seconds: float, world_size: int) -> Optional[float]:
    """Return 10^12 operations per second and rank; ``None`` if they are unknown or no time passed.

    ``operations / (seconds * 10^12 * world_size)``, as the reference computes ``train_throughput_per_gpu``.
    """
    return None if operations is None or seconds <= 0 else operations / (seconds * _TERA * world_size)


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
    loop, now = progress.loop, progress.interval
    all_times, new_times = loop.iterations, now.iterations
    count, total = all_times.count, all_times.total
    first = state.first_logged_train_iterations_finish_time
    last = state.last_logged_train_iterations_finish_time
    is_throughput_known = loop.flops is not None and count > 0
    # One literal in the order of the attributes class, which is that of the record; None is left out.
    values: Dict[str, object] = {
        "train_iterations_start": state.train_iterations_start,
        "current_iteration": state.completed_training_iterations_overall - 1,
        "num_iterations": count,
        "train_samples_start": state.train_samples_start if progress.is_samples_start_known else None,
        "num_train_samples": loop.samples,
        "interval": interval,
        "avg_iteration_time_sec": total / count if count else None,
        "min_iteration_time_sec": all_times.min if count else None,
        "max_iteration_time_sec": all_times.max if count else None,
        "total_iteration_time_sec": total if count else None,
        "avg_forward_time_sec": loop.step_time("forward"),
        "avg_backward_time_sec": loop.step_time("backward"),
        "avg_dataloader_time_sec": loop.step_time("dataloader"),
        "avg_tflops": tflops_per_rank(loop.flops, total, world_size=1),
        "train_tokens": loop.tokens if count else None,
        "avg_tokens_per_second": _rate(loop.tokens, total),
        "latest_loss": latest_loss,
        "avg_batch_size": round(loop.samples / count) if loop.samples and count else None,
        "completed_floating_point_operations_overall": state.completed_floating_point_operations_overall,
        "total_flops": state.total_flops_current_job if is_throughput_known else None,
        "train_throughput_per_gpu": state.tflops_per_gpu.latest_value,
        "train_throughput_per_gpu_max": state.tflops_per_gpu.max_value,
        "train_throughput_per_gpu_min": state.tflops_per_gpu.min_value,
        "first_logged_train_iterations_finish_timestamp_sec": None if first is None else first.seconds_since_epoch,
        "last_logged_train_iterations_finish_timestamp_sec": None if last is None else last.seconds_since_epoch,
        "interval_num_iterations": new_times.count,
        "interval_num_train_samples": now.samples,
        "interval_train_tokens": now.tokens if new_times.count else None,
        "interval_avg_iteration_time_sec": new_times.total / new_times.count if new_times.count else None,
        "interval_min_iteration_time_sec": new_times.min if new_times.count else None,
        "interval_max_iteration_time_sec": new_times.max if new_times.count else None,
        "interval_total_iteration_time_sec": new_times.total,
        "interval_elapsed_time_sec": _elapsed(now.start, last) if new_times.count else None,
        "interval_avg_forward_time_sec": now.step_time("forward"),
        "interval_avg_backward_time_sec": now.step_time("backward"),
        "interval_avg_dataloader_time_sec": now.step_time("dataloader"),
        "interval_tokens_per_second": _rate(now.tokens, new_times.total),
        "interval_throughput_per_gpu": tflops_per_rank(now.flops, new_times.total, world_size),
        "interval_iteration_throughput_per_gpu_max": now.tflops_max,
        "interval_iteration_throughput_per_gpu_min": now.tflops_min,
        "iteration_throughput_per_gpu_max": loop.tflops_max,
        "iteration_throughput_per_gpu_min": loop.tflops_min,
        "job_num_iterations": progress.earlier_iterations + count,
        "job_num_train_samples": _sum(progress.earlier_samples, loop.samples),
        "job_total_iteration_time_sec": progress.earlier_iterations_sec + total,
    }
    values.update(scalars)
    return TrainingMetricsUpdateAttributes.from_known(values)


def _rate(amount: Optional[int], seconds: float) -> Optional[float]:
    return None if amount is None or seconds <= 0 else amount / seconds


def _elapsed(start: Optional[TracingTimestamp], end: Optional[TracingTimestamp]) -> Optional[float]:
    if start is None or end is None:
        return None
    return max(0.0, end.perf_counter_seconds - start.perf_counter_seconds)


def _sum(one: Optional[int], other: Optional[int]) -> Optional[int]:
    return None if one is None or other is None else one + other


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
