"""Context managers around the callbacks; called, they are decorators, too.

Each starts with its start callback and gives the span (a null span, which accepts every call, where nothing is
recorded), and ends with its end callback, however the block is left. An ``Exception`` that leaves the block is recorded
as an error of the span and goes on unchanged: it is never replaced by a problem of telemetry.
"""

from __future__ import annotations

import functools
import inspect
import logging
from types import TracebackType
from typing import Any, Callable, Optional, Type, TypeVar, Union, cast

from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.internal.log_limiter import LogLimiter
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span
from nv_one_logger.training_telemetry.api import callbacks
from nv_one_logger.training_telemetry.api._exit_reason import note_exception
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy

__all__ = [
    "application",
    "checkpoint_load",
    "checkpoint_save",
    "dataloader_init",
    "model_init",
    "optimizer_init",
    "testing_iteration",
    "testing_loop",
    "training_iteration",
    "training_loop",
    "validation_iteration",
    "validation_loop",
]

_log = LogLimiter(logging.getLogger(__name__))
F = TypeVar("F", bound=Callable[..., Any])
IntOrFn = Union[int, Callable[[], int]]


class _Phase:
    """A phase of the job between two callbacks: a context manager, and a decorator of functions and coroutines.

    Args:
        start: Starts it and returns its span.
        end: Ends it.
        fail: Told the span and the exception that leaves the block.
        succeed: Called before ``end`` when no exception leaves the block.
        end_failed: Called in place of ``end`` when an exception leaves the block.
    """

    __slots__ = ("_end", "_end_failed", "_fail", "_span", "_start", "_succeed", "_was_enabled")

    def __init__(
        self,
        start: Callable[[], Optional[Span]],
        end: Callable[[], None],
        fail: Optional[Callable[[Optional[Span], BaseException], None]] = None,
        succeed: Optional[Callable[[], None]] = None,
        end_failed: Optional[Callable[[], None]] = None,
    ) -> None:
        self._start = start
        self._end = end
        self._end_failed = end if end_failed is None else end_failed
        self._fail = fail
        self._succeed = succeed
        self._span: Optional[Span] = None
        self._was_enabled = False

    def __enter__(self) -> Span:
        self._was_enabled = OneLoggerProvider.instance().one_logger_enabled
        self._span = self._start()
        return NULL_SPAN if self._span is None else self._span

    def __exit__(
        self,
        exception_type: Optional[Type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if not self._was_enabled:  # what was not started is not ended, even if telemetry is on by now
            return
        if exception is not None:
            self._leave(exception)
        elif self._succeed is None:
            self._end()
        else:
            try:
                self._succeed()
            finally:
                self._end()

    def _leave(self, exception: BaseException) -> None:
        """End the phase that an exception leaves; whatever fails here is only logged."""
        try:
            if self._fail is not None:
                self._fail(self._span, exception)
            if self._span is not None and self._span.active and isinstance(exception, Exception):
                message = f"Error in {self._span.name_str}: "
                OneLoggerProvider.instance().recorder.error(self._span, message, exception)
        except Exception as error:
            _log.warning("error", "The error that left a phase of the job could not be recorded.", exc_info=error)
        try:
            self._end_failed()
        except Exception as error:
            _log.warning("end", "The phase of the job that an error left could not be ended.", exc_info=error)

    def __call__(self, func: F) -> F:
        """Decorate a function: each of its calls is a phase of its own."""
        arguments = (self._start, self._end, self._fail, self._succeed, self._end_failed)

        if inspect.iscoroutinefunction(func):

            @functools.wraps(func)
            async def coroutine_in_phase(*args: Any, **kwargs: Any) -> Any:
                with _Phase(*arguments):
                    return await func(*args, **kwargs)

            return cast(F, coroutine_in_phase)

        @functools.wraps(func)
        def in_phase(*args: Any, **kwargs: Any) -> Any:
            with _Phase(*arguments):
                return func(*args, **kwargs)

        return cast(F, in_phase)


def _no_test(func: F) -> F:
    # pytest takes a function whose name begins with "test" for a test, wherever it is imported.
    func.__test__ = False  # type: ignore[attr-defined]  # any function takes attributes
    return func


def application() -> _Phase:
    """The whole application; the exporters are closed at its end. An exception that ends it is noted on its span."""
    return _Phase(callbacks.on_app_start, callbacks.on_app_end, fail=note_exception)


def model_init() -> _Phase:
    """Building the model."""
    return _Phase(callbacks.on_model_init_start, callbacks.on_model_init_end)


def dataloader_init() -> _Phase:
    """Building the data loader."""
    return _Phase(callbacks.on_dataloader_init_start, callbacks.on_dataloader_init_end)


def optimizer_init() -> _Phase:
    """Building the optimizer."""
    return _Phase(callbacks.on_optimizer_init_start, callbacks.on_optimizer_init_end)


def training_loop(
    train_iterations_start: int,
    train_samples_start: Optional[int] = None,
    train_iterations_target_or_fn: Optional[IntOrFn] = None,
    train_samples_target_or_fn: Optional[IntOrFn] = None,
) -> _Phase:
    """The training loop; for the arguments see ``callbacks.on_train_start``."""

    def start() -> Optional[Span]:
        return callbacks.on_train_start(
            train_iterations_start=train_iterations_start,
            train_samples_start=train_samples_start,
            train_iterations_target_or_fn=train_iterations_target_or_fn,
            train_samples_target_or_fn=train_samples_target_or_fn,
        )

    return _Phase(start, callbacks.on_train_end)


def training_iteration() -> _Phase:
    """One training iteration; scalars of it are logged with ``callbacks.log_metrics``.

    An iteration that an exception leaves does not count as one that was done.
    """
    return _Phase(
        callbacks.on_training_single_iteration_start,
        callbacks.on_training_single_iteration_end,
        end_failed=callbacks.on_training_single_iteration_failed,
    )


def validation_loop() -> _Phase:
    """One pass over validation data."""
    return _Phase(callbacks.on_validation_start, callbacks.on_validation_end)


def validation_iteration() -> _Phase:
    """One validation iteration."""
    return _Phase(callbacks.on_validation_single_iteration_start, callbacks.on_validation_single_iteration_end)


@_no_test
def testing_loop() -> _Phase:
    """One pass over test data."""
    return _Phase(callbacks.on_testing_start, callbacks.on_testing_end)


@_no_test
def testing_iteration() -> _Phase:
    """One testing iteration."""
    return _Phase(callbacks.on_testing_single_iteration_start, callbacks.on_testing_single_iteration_end)


def checkpoint_load() -> _Phase:
    """Loading a checkpoint."""
    return _Phase(callbacks.on_load_checkpoint_start, callbacks.on_load_checkpoint_end)


def checkpoint_save(global_step: int) -> _Phase:
    """Saving a checkpoint; of a synchronous one, success is reported when no exception leaves the block.

    The success of an asynchronous one is reported with ``callbacks.on_save_checkpoint_success``. The attributes
    ``checkpoint_size`` (bytes) and ``checkpoint_directory`` of the span, if set in the block, go into that report.

    Args:
        global_step: The step that the checkpoint is of.
    """

    def start() -> Optional[Span]:
        return callbacks.on_save_checkpoint_start(global_step)

    def succeed() -> None:
        if not _is_saved_asynchronously():
            callbacks.on_save_checkpoint_success(global_step)

    return _Phase(start, callbacks.on_save_checkpoint_end, succeed=succeed)


def _is_saved_asynchronously() -> bool:
    # The live configuration, which may be set during the run; None where another thread has reset the provider.
    config = OneLoggerProvider.instance()._config
    telemetry = None if config is None else config.telemetry_config
    return getattr(telemetry, "save_checkpoint_strategy", CheckPointStrategy.SYNC) == CheckPointStrategy.ASYNC
