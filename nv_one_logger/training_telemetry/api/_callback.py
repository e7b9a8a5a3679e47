"""What every callback does around the recorder's method."""

from __future__ import annotations

import functools
import logging
import sys
from typing import Any, Callable, Optional, TypeVar, cast

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.log_limiter import LogLimiter
from nv_one_logger.core.internal.safe_execution import report_skipped, safely_execute
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api.training_recorder import TrainingRecorder

__all__ = ["callback", "time_of", "training_recorder"]

_log = LogLimiter(logging.getLogger(__name__))
F = TypeVar("F", bound=Callable[..., Any])

_QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR


def callback(func: F) -> F:
    """Decorate a callback.

    While telemetry is disabled it returns ``None`` without even binding its arguments. An argument that does not fit
    is misuse: raised where errors propagate (unless an exception of the application is on its way), else logged and
    reported, and telemetry goes on. What the recorder's methods raise was handled by their own guard.
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
            _handle(name, failure, provider)
        finally:
            del failure  # a traceback refers to this frame, which must not refer to it
        return None

    return cast(F, guarded)


def _handle(name: str, failure: Exception, provider: OneLoggerProvider) -> None:
    config = provider._config  # never raises, also when another thread resets the provider now
    is_quiet = config is not None and config.error_handling_strategy is _QUIET
    if not _was_guarded(failure):
        message = f"{name} could not be carried out: {type(failure).__name__}: {failure}"
        _log.error(("callback", name), "%s", message)
        if provider._recorder is not None:
            provider._recorder.telemetry_data_error(message)
    if not is_quiet and sys.exc_info()[1] is None:
        raise failure


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
    recorder = OneLoggerProvider.instance().recorder
    if isinstance(recorder, TrainingRecorder):
        return recorder
    raise OneLoggerError(
        f"The recorder is a {type(recorder).__name__}, which records no training. Configure telemetry through "
        "TrainingTelemetryProvider to use the training callbacks."
    )


def time_of(time_msec: Optional[float]) -> TracingTimestamp:
    """Return the timestamp of a time in milliseconds since the epoch, of now when there is none (or 0).

    Raises:
        OneLoggerError: The time is too far from now to be meant.
    """
    if not time_msec:
        return TracingTimestamp.now()
    return TracingTimestamp.for_timestamp(timestamp_sec=time_msec / 1000.0)
