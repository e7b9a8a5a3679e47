"""What every callback does around the recorder's method."""

from __future__ import annotations

import functools
from typing import Any, Callable, Optional, TypeVar, cast

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.safe_execution import handle_failure, report_skipped, safely_execute
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api.training_recorder import TrainingRecorder

__all__ = ["argument", "callback", "handle_in_callback", "time_of", "training_recorder"]

F = TypeVar("F", bound=Callable[..., Any])

_QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR


class _ArgumentError(OneLoggerError):
    """An argument of a callback that cannot be meant. Apart from other errors: those are faults of telemetry."""


def callback(func: F) -> F:
    """Decorate a callback.

    While telemetry is disabled it returns ``None`` without even binding its arguments. Errors are handled as by
    ``exception_guard``, except that an argument that does not fit never switches telemetry off: in the quiet error
    strategy the call is reported and ignored.
    """
    name = func.__name__

    @functools.wraps(func)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        provider = OneLoggerProvider.instance()
        if not provider.one_logger_enabled:
            report_skipped(name)
            return None
        try:
            return func(*args, **kwargs) or None  # a null span says that nothing is recorded
        except Exception as error:
            failure = error
        try:
            handle_in_callback(func, failure)
        finally:
            del failure  # a traceback refers to this frame, which must not refer to it
        return None

    return cast(F, guarded)


def handle_in_callback(func: Callable[..., Any], failure: Exception) -> None:
    """Act on an error that left a callback; raises it again unless it has to be swallowed."""
    if _was_guarded(failure):
        raise failure
    provider = OneLoggerProvider.instance()
    config, recorder = provider._config, provider._recorder  # never raise, also when another thread resets now
    is_quiet = config is not None and config.error_handling_strategy is _QUIET
    if is_quiet and isinstance(recorder, TrainingRecorder) and _is_argument_error(failure):
        recorder._misuse(f"The call of {func.__name__} is ignored: {type(failure).__name__}: {failure}")
    else:
        handle_failure(func, failure)


def _is_argument_error(failure: Exception) -> bool:
    # An error without any frame below the call was raised by the call itself: the arguments do not bind.
    did_not_bind = failure.__traceback__ is not None and failure.__traceback__.tb_next is None
    return isinstance(failure, _ArgumentError) or (isinstance(failure, TypeError) and did_not_bind)


def _was_guarded(failure: Exception) -> bool:
    """Tell whether a guard of the recorder has logged and reported the failure on its way here."""
    traceback = failure.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == safely_execute.__module__:
            return True
        traceback = traceback.tb_next
    return False


def training_recorder() -> TrainingRecorder:
    """Return the recorder of this process.

    Raises:
        OneLoggerError: Telemetry was configured without training telemetry.
    """
    recorder = OneLoggerProvider.instance()._recorder
    if isinstance(recorder, TrainingRecorder):
        return recorder
    raise _ArgumentError(
        f"The recorder is a {type(recorder).__name__}, which records no training. Configure telemetry through "
        "TrainingTelemetryProvider to use the training callbacks."
    )


def argument(func: F) -> F:
    """Decorate what turns arguments of a callback into those of the recorder: what it raises is the caller's doing."""

    @functools.wraps(func)
    def made(*args: Any, **kwargs: Any) -> Any:
        try:
            return func(*args, **kwargs)
        except Exception as error:
            raise _ArgumentError(str(error) or type(error).__name__) from error

    return cast(F, made)


def time_of(time_msec: Optional[float]) -> TracingTimestamp:
    """Return the timestamp of a time in milliseconds since the epoch, of now when there is none (or 0).

    A time that cannot be meant is misuse; where that is repaired, it is replaced by now.

    Raises:
        OneLoggerError: It is no time, or too far from now to be meant.
    """
    try:
        if not time_msec:
            return TracingTimestamp.now()
        return TracingTimestamp.for_timestamp(timestamp_sec=time_msec / 1000.0)
    except Exception as error:
        problem = str(error) or f"A time has to be a number of milliseconds, found a {type(time_msec).__name__}."
    training_recorder()._misuse(problem)
    return TracingTimestamp.now()
