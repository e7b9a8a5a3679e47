"""Guards around telemetry code: an error in it follows the user's error strategy, and nothing runs while it is off."""

from __future__ import annotations

import functools
import logging
import sys
import threading
from typing import Any, Callable, Dict, Optional, Tuple, TypeVar, Union, cast, overload

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.exceptions import OneLoggerError

__all__ = ["exception_guard", "handle_failure", "report_skipped", "safely_execute"]

_logger = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])

_QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR
_reporting = threading.local()  # .active while an error is being reported in this thread


def exception_guard(func: F) -> F:
    """Decorate a function of telemetry so that its errors follow the error strategy of the configuration.

    An ``Exception`` is reported to the exporters as telemetry data error (while telemetry is enabled), and then

    * with ``PROPAGATE_EXCEPTIONS``, and before telemetry is configured, logged and raised: the same object, whatever
      its type. Where the caller is itself handling an exception (an ``except`` or ``finally`` block, the exit of a
      ``with``), it is only logged and ``None`` returned, because raising would replace the application's exception;
    * with ``DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR``, logged once, and telemetry is switched off for good: what is
      open is stopped and closed, and ``None`` returned.

    ``BaseException``s such as ``KeyboardInterrupt`` are never touched. Guards may be nested; each handles the error.
    A coroutine function is guarded while it makes its coroutine, not while that runs.
    """

    @functools.wraps(func)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return func(*args, **kwargs)
        except Exception as error:
            failure = error
        try:
            handle_failure(func, failure)  # after the except block, see there
        finally:
            del failure  # a traceback refers to this frame, which must not refer to it
        return None

    return cast(F, guarded)


@overload
def safely_execute(func: F) -> F: ...


@overload
def safely_execute(*, otherwise: object) -> Callable[[F], F]: ...


def safely_execute(func: Optional[F] = None, *, otherwise: object = None) -> Union[F, Callable[[F], F]]:
    """Decorate a function of telemetry so that it runs only while telemetry is enabled, and then in a guard.

    A skipped call does not even bind its arguments. The first one, of whichever function, logs a warning; the ones
    after it are silent until the provider is configured or reset. Errors: see :func:`exception_guard`.

    Args:
        func: The function.
        otherwise: What a call returns that was skipped, or failed without raising.
    """
    if func is None:
        return lambda decorated: _safe(decorated, otherwise)
    return _safe(func, otherwise)


def _safe(func: F, otherwise: object) -> F:
    name = getattr(func, "__name__", repr(func))

    @functools.wraps(func)
    def safe(*args: Any, **kwargs: Any) -> Any:
        if not OneLoggerProvider.instance().one_logger_enabled:
            report_skipped(name)
            return otherwise
        # The guard is written out, since every call of the hot path passes here.
        try:
            return func(*args, **kwargs)
        except Exception as error:
            failure = error
        try:
            handle_failure(func, failure)
        finally:
            del failure
        return otherwise

    return cast(F, safe)


class _Once:
    """What was said since the provider was last configured or reset."""

    def __init__(self) -> None:
        self._said: Tuple[object, Dict[object, object]] = (None, {})  # state of the provider, names

    def is_first(self, name: object) -> bool:
        """Tell whether this is the first call with ``name``; exactly one of several threads gets ``True``."""
        provider = OneLoggerProvider.instance()
        state = getattr(provider, "_state_token", provider)  # a test double of the provider has no token
        said = self._said
        if said[0] is not state:
            said = self._said = (state, {})
        if name in said[1]:
            return False
        mine = object()
        return said[1].setdefault(name, mine) is mine


_once = _Once()
_QUIET_DISABLING = object()
_SKIPPED = object()


def report_skipped(name: str, level: int = logging.WARNING) -> None:
    """Log that calls are skipped: one line of each level for all functions, until the state of the provider changes."""
    if _once.is_first((_SKIPPED, level)):
        _logger.log(
            level,
            "Skipping execution of %s, and of every other telemetry call from now on: %s.",
            name,
            _why_skipped(),
        )


def _why_skipped() -> str:
    provider = OneLoggerProvider.instance()
    try:
        if not provider.one_logger_ready:
            return "telemetry is not configured"
        if not provider.config.enable_for_current_rank:
            return "telemetry is disabled for this rank"
    except OneLoggerError:  # reset by another thread in between
        return "telemetry is not configured"
    return "telemetry was switched off"


def handle_failure(func: Callable[..., Any], failure: Exception) -> None:
    """Report a failure of ``func`` and act on it; raises it again unless it has to be swallowed.

    To be called after the ``except`` block that caught it: only then is an exception that is being handled now the
    application's, which must not be replaced.
    """
    is_application_failing = sys.exc_info()[1] is not None
    if getattr(_reporting, "active", False):
        raise failure  # of the reporting itself: its caller ignores it, and reporting it would go round in circles
    provider = OneLoggerProvider.instance()
    is_enabled = bool(provider.one_logger_enabled)
    name = getattr(func, "__name__", repr(func))
    if is_enabled:
        _report_to_exporters(provider, f"Error in {name}: {type(failure).__name__}: {failure}")
    if _strategy(provider) is _QUIET:
        if is_enabled:
            _disable_quietly(provider, name, failure)
        return
    _logger.error("Error in %s: %s", name, failure, exc_info=failure)
    try:
        if not is_application_failing:
            raise failure
    finally:
        del failure  # its traceback refers to this frame; a cycle would keep alive what the application's frames hold


def _strategy(provider: OneLoggerProvider) -> Optional[OneLoggerErrorHandlingStrategy]:
    try:
        return provider.config.error_handling_strategy
    except Exception:  # not configured: the failure of the function is what the caller has to see
        return None


def _report_to_exporters(provider: OneLoggerProvider, message: str) -> None:
    _reporting.active = True
    try:
        provider.recorder.telemetry_data_error(message)
    except Exception:
        _logger.debug("The error could not be reported to the exporters.", exc_info=True)
    finally:
        _reporting.active = False


def _disable_quietly(provider: OneLoggerProvider, name: str, failure: Exception) -> None:
    if _once.is_first(_QUIET_DISABLING):
        _logger.error(
            "Error in %s: %s. Telemetry is switched off for the rest of this run; the application goes on.",
            name,
            failure,
            exc_info=failure,
        )
    provider.force_disable_logging()
    _close(provider)


def _close(provider: OneLoggerProvider) -> None:
    """Stop what is open and close the exporters, so that nothing recorded so far is lost.

    ``Recorder.close()`` is skipped once telemetry is off; a recorder of this library has a way around. Looked up on
    the class, because a test double has every attribute.
    """
    try:
        recorder = provider.recorder
        close_now = getattr(type(recorder), "_close_now", None)
        if close_now is not None:
            close_now(recorder)
    except Exception:
        _logger.debug("The recorder could not be closed.", exc_info=True)
