"""The callbacks: what an application calls at the points of a training job.

Every callback may be called from any thread, before telemetry is configured and on ranks where it is disabled: it does
nothing there and returns ``None``. A start callback returns the span it started. Times are milliseconds since the epoch
and may be left out, which means now.

A call that does not fit the calls before it (an end without a start, a second start) raises ``OneLoggerError``; with
the quiet error strategy, and while an exception of the application is on its way, it is logged, reported to the
exporters and repaired, and telemetry goes on.
"""

from __future__ import annotations

from typing import Callable, Mapping, Optional, Union

from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.internal.safe_execution import report_skipped
from nv_one_logger.core.internal.utils import evaluate_value
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api._callback import (
    argument,
    callback,
    handle_in_callback,
    time_of,
    training_recorder,
)
from nv_one_logger.training_telemetry.api._iterations import LoopArguments, loop_arguments
from nv_one_logger.training_telemetry.api.training_recorder import TrainingRecorder

__all__ = [
    "log_metrics",
    "on_app_end",
    "on_app_start",
    "on_dataloader_init_end",
    "on_dataloader_init_start",
    "on_distributed_init_end",
    "on_distributed_init_start",
    "on_load_checkpoint_end",
    "on_load_checkpoint_start",
    "on_model_init_end",
    "on_model_init_start",
    "on_optimizer_init_end",
    "on_optimizer_init_start",
    "on_save_checkpoint_end",
    "on_save_checkpoint_start",
    "on_save_checkpoint_success",
    "on_testing_end",
    "on_testing_single_iteration_end",
    "on_testing_single_iteration_start",
    "on_testing_start",
    "on_train_end",
    "on_train_start",
    "on_training_single_iteration_end",
    "on_training_single_iteration_failed",
    "on_training_single_iteration_start",
    "on_validation_end",
    "on_validation_single_iteration_end",
    "on_validation_single_iteration_start",
    "on_validation_start",
]


@callback
def on_app_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that the application starts.

    It is recorded as the span ``application``, with events that say who runs and, once known, what is trained.
    """
    return training_recorder().on_app_start(start_time=time_of(start_time_msec))


@callback
def on_app_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that the application ends: what is still open is stopped, and the exporters are closed.

    Nothing is recorded afterwards. For another application in this process call
    ``TrainingTelemetryProvider.instance().reset()`` and configure it anew.
    """
    training_recorder().on_app_end(stop_time=time_of(finish_time_msec))


@callback
def on_distributed_init_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that the initialisation of distributed code starts."""
    return training_recorder().on_distributed_init_start(start_time=time_of(start_time_msec))


@callback
def on_distributed_init_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that the initialisation of distributed code ends."""
    training_recorder().on_distributed_init_end(stop_time=time_of(finish_time_msec))


@callback
def on_model_init_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that the construction of the model starts."""
    return training_recorder().on_model_init_start(start_time=time_of(start_time_msec))


@callback
def on_model_init_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that the construction of the model ends."""
    training_recorder().on_model_init_end(stop_time=time_of(finish_time_msec))


@callback
def on_dataloader_init_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that the construction of the data loader starts."""
    return training_recorder().on_dataloader_init_start(start_time=time_of(start_time_msec))


@callback
def on_dataloader_init_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that the construction of the data loader ends."""
    training_recorder().on_dataloader_init_end(stop_time=time_of(finish_time_msec))


@callback
def on_optimizer_init_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that the construction of the optimizer starts."""
    return training_recorder().on_optimizer_init_start(start_time=time_of(start_time_msec))


@callback
def on_optimizer_init_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that the construction of the optimizer ends."""
    training_recorder().on_optimizer_init_end(stop_time=time_of(finish_time_msec))


@callback
def on_load_checkpoint_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that loading a checkpoint starts."""
    return training_recorder().on_load_checkpoint_start(start_time=time_of(start_time_msec))


@callback
def on_load_checkpoint_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that loading a checkpoint ends."""
    training_recorder().on_load_checkpoint_end(stop_time=time_of(finish_time_msec))


@callback
def on_train_start(
    train_iterations_start: int,
    train_samples_start: Optional[int] = None,
    train_iterations_target_or_fn: Optional[Union[int, Callable[[], int]]] = None,
    train_samples_target_or_fn: Optional[Union[int, Callable[[], int]]] = None,
    start_time_msec: Optional[float] = None,
) -> Optional[Span]:
    """Tell that a training loop starts.

    Args:
        train_iterations_start: Iterations done before, in this job and in those it continues; the index of the first
            one to come.
        train_samples_start: Samples processed before; by default those iterations times the batch size.
        train_iterations_target_or_fn: Iterations to reach; by default the configuration's.
        train_samples_target_or_fn: Samples to reach; by default the configuration's.
        start_time_msec: When it starts.
    """
    recorder = training_recorder()
    arguments = _loop_arguments(
        recorder,
        train_iterations_start,
        train_samples_start,
        train_iterations_target_or_fn,
        train_samples_target_or_fn,
    )
    return recorder.on_training_loop_start(**arguments, start_time=time_of(start_time_msec))


@argument
def _loop_arguments(
    recorder: TrainingRecorder,
    train_iterations_start: int,
    train_samples_start: Optional[int],
    train_iterations_target_or_fn: Optional[Union[int, Callable[[], int]]],
    train_samples_target_or_fn: Optional[Union[int, Callable[[], int]]],
) -> LoopArguments:
    return loop_arguments(
        recorder._config.telemetry_config,
        train_iterations_start,
        train_samples_start,
        _target(recorder, "train_iterations_target_or_fn", train_iterations_target_or_fn),
        _target(recorder, "train_samples_target_or_fn", train_samples_target_or_fn),
        misuse=recorder._misuse,
    )


def _target(
    recorder: TrainingRecorder, name: str, value_or_fn: Optional[Union[int, Callable[[], int]]]
) -> Optional[int]:
    try:
        return evaluate_value(value_or_fn)
    except Exception as error:  # of the user's callable
        problem = f"{name} raised {type(error).__name__}: {error}. What needs it is left out."
    recorder._misuse(problem)
    return None


@callback
def on_train_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that the training loop ends; the iterations that no metrics event has covered yet are reported."""
    training_recorder().on_training_loop_end(stop_time=time_of(finish_time_msec))


# What `callback` does is written out in the next two, the callbacks of every step: a call with packed arguments less is
# a tenth of their time.


def on_training_single_iteration_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that a training iteration starts."""
    provider = OneLoggerProvider.instance()
    if not provider.one_logger_enabled:
        report_skipped("on_training_single_iteration_start")
        return None
    try:
        recorder = provider._recorder
        if recorder.__class__ is not TrainingRecorder:
            recorder = training_recorder()
        time = TracingTimestamp.now() if start_time_msec is None else time_of(start_time_msec)
        span = recorder._start_iteration(time)
        return None if span is NULL_SPAN else span
    except Exception as error:
        failure = error
    handle_in_callback(on_training_single_iteration_start, failure)
    return None


def on_training_single_iteration_end(
    finish_time_msec: Optional[float] = None, metrics: Optional[Mapping[str, object]] = None
) -> None:
    """Tell that a training iteration ends; every ``log_every_n_train_iterations`` metrics are reported.

    Args:
        finish_time_msec: When it ended.
        metrics: Scalars of this step, see :func:`log_metrics`.
    """
    provider = OneLoggerProvider.instance()
    if not provider.one_logger_enabled:
        report_skipped("on_training_single_iteration_end")
        return
    try:
        recorder = provider._recorder
        if recorder.__class__ is not TrainingRecorder:
            recorder = training_recorder()
        time = TracingTimestamp.now() if finish_time_msec is None else time_of(finish_time_msec)
        recorder._end_iteration(time, metrics)
        return
    except Exception as error:
        failure = error
    handle_in_callback(on_training_single_iteration_end, failure)


@callback
def on_training_single_iteration_failed() -> None:
    """Tell that an exception has left a training iteration, or that it was skipped: it does not count as done."""
    training_recorder()._fail_iteration(TracingTimestamp.now())


@callback
def log_metrics(metrics: Mapping[str, object]) -> None:
    """Log scalars of the current training step: loss, learning rate, gradient norm, or any other.

    They reach the exporters with the next training metrics event, as ``metric_<name>_last``, ``_mean``, ``_min``,
    ``_max`` and ``_count`` over the steps since the previous one.

    Args:
        metrics: Numbers by name; ``None`` values are left out. A tensor with one element is taken as it is, detached
            from its graph, and read when the event is due, so that no step waits for a device.
    """
    training_recorder().log_metrics(metrics)


@callback
def on_validation_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that a validation loop starts."""
    return training_recorder().on_validation_start(start_time=time_of(start_time_msec))


@callback
def on_validation_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that a validation loop ends; its metrics are reported."""
    training_recorder().on_validation_end(stop_time=time_of(finish_time_msec))


@callback
def on_validation_single_iteration_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that a validation iteration starts."""
    return training_recorder().on_validation_single_iteration_start(start_time=time_of(start_time_msec))


@callback
def on_validation_single_iteration_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that a validation iteration ends."""
    training_recorder().on_validation_single_iteration_end(stop_time=time_of(finish_time_msec))


@callback
def on_testing_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that a testing loop starts."""
    return training_recorder().on_testing_start(start_time=time_of(start_time_msec))


@callback
def on_testing_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that a testing loop ends; its metrics are reported."""
    training_recorder().on_testing_end(stop_time=time_of(finish_time_msec))


@callback
def on_testing_single_iteration_start(start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that a testing iteration starts."""
    return training_recorder().on_testing_single_iteration_start(start_time=time_of(start_time_msec))


@callback
def on_testing_single_iteration_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that a testing iteration ends."""
    training_recorder().on_testing_single_iteration_end(stop_time=time_of(finish_time_msec))


@callback
def on_save_checkpoint_start(global_step: int, start_time_msec: Optional[float] = None) -> Optional[Span]:
    """Tell that saving a checkpoint starts.

    Args:
        global_step: The step it is of; the success is reported under the same.
        start_time_msec: When it starts.
    """
    return training_recorder().on_save_checkpoint_start(
        current_iteration=global_step, start_time=time_of(start_time_msec)
    )


@callback
def on_save_checkpoint_success(
    global_step: int,
    time_msec: Optional[float] = None,
    checkpoint_size: Optional[int] = None,
    checkpoint_directory: Optional[str] = None,
) -> None:
    """Tell that a checkpoint is complete: a synchronous one before its end callback, an asynchronous one at any time.

    Args:
        global_step: The step given when the save started.
        time_msec: When it was complete.
        checkpoint_size: Its size in bytes.
        checkpoint_directory: Where it lies.
    """
    recorder, time = training_recorder(), time_of(time_msec)
    if checkpoint_size is None and checkpoint_directory is None:
        recorder.on_save_checkpoint_success(current_iteration=global_step, timestamp=time)
    else:
        recorder.on_save_checkpoint_success(global_step, time, checkpoint_size, checkpoint_directory)


@callback
def on_save_checkpoint_end(finish_time_msec: Optional[float] = None) -> None:
    """Tell that saving a checkpoint ends, successful or not (asynchronously: that training goes on)."""
    training_recorder().on_save_checkpoint_end(stop_time=time_of(finish_time_msec))
