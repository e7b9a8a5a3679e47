"""Counts training iterations: what each adds to the state of the job."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, Callable, Optional, Tuple, TypedDict, cast

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.core.internal.metric_summarizer import MetricSummarizer
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api._progress import Progress
from nv_one_logger.training_telemetry.api._training_metrics import tflops_per_rank
from nv_one_logger.training_telemetry.api._training_state import _TrainingState
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig

__all__ = ["LoopArguments", "LoopStart", "begin_loop", "checked_count", "count_iteration", "loop_arguments"]


@dataclass(frozen=True)
class LoopStart:
    """Where a training loop begins. ``None``: not known."""

    time: TracingTimestamp
    iterations: int
    samples: Optional[int]
    operations: Optional[int]
    """Floating point operations done before the loop; ``None`` if they are not measured."""


class LoopArguments(TypedDict):
    """Keyword arguments of ``TrainingRecorder.on_training_loop_start``. ``None``: not known."""

    train_iterations_start: int
    train_samples_start: Optional[int]
    train_iterations_target: Optional[int]
    train_samples_target: Optional[int]
    train_tokens_target: Optional[int]


def loop_arguments(
    telemetry: object,
    train_iterations_start: Optional[int],
    train_samples_start: Optional[int],
    train_iterations_target: Optional[int],
    train_samples_target: Optional[int],
    misuse: Callable[[str], None],
) -> LoopArguments:
    """Return what the start of a training loop is told, completed from the configuration.

    Args:
        telemetry: The configuration; ``None`` is misuse.
        train_iterations_start: Iterations done before; ``None`` is misuse, and is replaced by 0.
        train_samples_start: Samples processed before, by default of as many iterations.
        train_iterations_target: By default the configuration's; needed for throughput.
        train_samples_target: By default the configuration's; needed for throughput.
        misuse: Called with each problem; raises, or returns for the problem to be repaired.
    """
    if telemetry is None:
        misuse("Training telemetry config must be set before starting the training loop.")
    if train_iterations_start is None:
        misuse("train_iterations_start is required.")
    train_iterations_start = checked_count("train_iterations_start", train_iterations_start, misuse) or 0
    train_samples_start = checked_count("train_samples_start", train_samples_start, misuse)
    batch_size = _positive(telemetry, "global_batch_size")
    if train_samples_start is None and batch_size is not None:
        train_samples_start = train_iterations_start * batch_size
    targets = {"train_iterations_target": train_iterations_target, "train_samples_target": train_samples_target}
    for name, given in targets.items():
        targets[name] = getattr(telemetry, name, None) if given is None else given
        if getattr(telemetry, "is_log_throughput_enabled", False) and (targets[name] or 0) <= 0:
            misuse(f"{name} is required and must be a positive integer.")
    seq_length = _positive(telemetry, "seq_length")
    samples_target = targets["train_samples_target"]
    return LoopArguments(
        train_iterations_start=train_iterations_start,
        train_samples_start=train_samples_start,
        train_iterations_target=targets["train_iterations_target"],
        train_samples_target=samples_target,
        train_tokens_target=seq_length * samples_target if seq_length and samples_target else None,
    )


def checked_count(name: str, value: object, misuse: Callable[[str], None]) -> Optional[int]:
    """Return a count as an int; ``None`` for ``None``, and for what is no count, which is misuse."""
    if value is None:
        return None
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # raises for what does not fit
    except Exception:  # a TypeError, or what an object of the caller's raises
        number = _whole_float(value)
    if number >= 0:
        return number
    misuse(f"{name} must be a whole number of at least 0.")
    return None


def _whole_float(value: object) -> int:
    """Return a float that is a whole number as an int, -1 for anything else."""
    if not issubclass(type(value), float):
        return -1
    number = cast(float, value)
    return float.__int__(number) if float.is_integer(number) else -1


def begin_loop(state: _TrainingState, progress: Progress, start: LoopStart) -> None:
    """Begin a training loop: what is counted per loop starts at 0, whatever ran before in this job."""
    state.training_loop_start_time = start.time
    state.train_iterations_start = start.iterations
    state.train_samples_start = start.samples or 0
    state.completed_training_iterations_overall = start.iterations
    state.validation_interval_start = start.iterations
    state.testing_interval_start = start.iterations
    state.train_samples_processed_current_job = 0
    state.train_tokens_current_job = None
    state.tflops_per_gpu = MetricSummarizer[float]()
    if start.operations is not None:
        state.completed_floating_point_operations_overall = start.operations
        state.total_flops_current_job = 0
    progress.begin_loop(start.time, is_samples_start_known=start.samples is not None)


def count_iteration(
    state: _TrainingState,
    progress: Progress,
    config: OneLoggerConfig,
    *,
    seconds: float,
    stop_time: TracingTimestamp,
) -> None:
    """Count one training iteration. The sizes are read once here, so that dynamic ones may change between iterations.

    Args:
        state: Changed.
        progress: Changed.
        config: The live configuration, with or without that of telemetry.
        seconds: How long the iteration took.
        stop_time: When it ended.
    """
    samples, seq_length, operations_per_sample = _sizes(config.telemetry_config)
    tokens = None if samples is None or seq_length is None else samples * seq_length
    operations = None if samples is None or operations_per_sample is None else samples * operations_per_sample

    state.completed_training_iterations_overall += 1
    state.last_logged_train_iterations_finish_time = stop_time
    if state.first_logged_train_iterations_finish_time is None:
        state.first_logged_train_iterations_finish_time = stop_time
    progress.add_iteration(seconds, samples, tokens, operations)
    if samples is not None:
        state.train_samples_processed_current_job += samples
    if tokens is not None:
        state.train_tokens_current_job = (state.train_tokens_current_job or 0) + tokens
    if operations is not None:
        _count_operations(state, progress, operations, seconds, config.world_size)


def _count_operations(
    state: _TrainingState, progress: Progress, operations: int, seconds: float, world_size: int
) -> None:
    state.total_flops_current_job += operations
    if state.completed_floating_point_operations_overall is not None:
        state.completed_floating_point_operations_overall += operations
    average = tflops_per_rank(state.total_flops_current_job, progress.loop_sec, world_size)
    if average is not None:
        state.tflops_per_gpu.add_value(average)
    of_this_one = tflops_per_rank(operations, seconds, world_size)
    if of_this_one is not None:
        progress.interval.add_throughput(of_this_one)


def _sizes(telemetry: object) -> Tuple[Optional[int], Optional[int], Optional[int]]:
    """Return batch size, sequence length, and operations per sample if throughput is on; ``None``: not known."""
    if type(telemetry) is not TrainingTelemetryConfig:
        is_throughput_on = getattr(telemetry, "is_log_throughput_enabled", False)
        return (
            _positive(telemetry, "global_batch_size"),
            _positive(telemetry, "seq_length"),
            _positive(telemetry, "flops_per_sample") if is_throughput_on else None,
        )
    # The path of every iteration: plain values are taken from the fields, half the time of the properties.
    samples: object = telemetry.global_batch_size_or_fn
    if type(samples) is not int:
        samples = _positive(telemetry, "global_batch_size")
    seq_length: object = telemetry.seq_length_or_fn
    if seq_length is not None and type(seq_length) is not int:
        seq_length = _positive(telemetry, "seq_length")
    operations: object = None
    if telemetry.is_log_throughput_enabled_or_fn is not False and telemetry.is_log_throughput_enabled:
        operations = telemetry.flops_per_sample_or_fn
        if type(operations) is not int:
            operations = _positive(telemetry, "flops_per_sample")
    return samples, seq_length or None, operations  # type: ignore[return-value]  # ints, as just made sure of


def _positive(telemetry: object, name: str) -> Optional[int]:
    """Return a size as an int, also where a callable gives a float or a numpy number; ``None`` for what is no size."""
    value: Any = getattr(telemetry, name, None)
    if type(value) is not int:
        try:
            value = int(value) if hasattr(value, "__float__") else None  # which strings have not
        except Exception:  # infinite, or whatever the value's own class raises
            return None
    return value if value is not None and value > 0 else None
