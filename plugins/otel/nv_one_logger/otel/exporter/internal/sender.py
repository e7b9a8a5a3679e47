"""Hands one batch to an exporter of the OpenTelemetry SDK and tells what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from nv_one_logger.otel.exporter.internal.sdk_log import SdkLog

__all__ = ["Answers", "BatchExporter", "Outcome", "Sender", "run_within"]

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Outcome(NamedTuple):
    """What became of a batch."""

    is_accepted: bool
    rejected: int = 0
    """How many items of an accepted batch the backend refused for good (OTLP: partial success)."""
    reason: str = ""
    """Why the batch, or some of it, was refused."""


class BatchExporter(Protocol[T_contra]):
    """What the exporters of the SDK have in common."""

    def export(self, batch: Sequence[T_contra], /) -> Any:
        """Send a batch."""

    def shutdown(self) -> Any:
        """Release resources."""


class Answers:
    """Keeps what the backend said to one batch; the SDK's exporters only tell whether it was taken.

    Used by one thread at a time.
    """

    def __init__(self) -> None:
        self._rejected = 0
        self._reason = ""

    def refused(self, reason: str) -> None:
        """The batch was not taken."""
        self._reason = reason

    def taken(self, response: Any) -> None:
        """The batch was taken, with the OTLP response of that, of traces or of logs."""
        partial = response.partial_success
        # Both messages have one field for the number, each by a name of its own.
        self._rejected = getattr(partial, "rejected_spans", 0) or getattr(partial, "rejected_log_records", 0)
        self._reason = partial.error_message

    def take(self) -> tuple[int, str]:
        """Return the number of rejected items and the reason, and forget both."""
        answer = (self._rejected, self._reason)
        self._rejected, self._reason = 0, ""
        return answer


class Sender(Generic[T]):
    """Sends batches through one exporter.

    Args:
        exporter: An exporter of the SDK.
        answers: What the exporter's connection notes, if it does.
    """

    def __init__(self, exporter: BatchExporter[T], answers: Answers | None = None) -> None:
        self._exporter = exporter
        self._answers = answers if answers is not None else Answers()
        self._log = SdkLog(exporter)

    def send(self, batch: Sequence[T]) -> Outcome:
        """Send a batch. Never raises an ``Exception``."""
        # In this thread only, so that instrumented HTTP and gRPC clients make no spans of our own requests.
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        self._log.begin()
        try:
            result = self._exporter.export(batch)
        except Exception as error:
            self._answers.take()
            return Outcome(False, reason=f"{type(error).__name__}: {error}")
        finally:
            cause = self._log.end()
            detach(token)
        rejected, reason = self._answers.take()
        # By name: spans and logs have enums of their own. Whatever is no refusal counts as success, as in the SDK.
        if getattr(result, "name", "") == "FAILURE":
            return Outcome(False, reason=reason or cause or "the backend cannot be reached or refuses")
        return Outcome(True, min(rejected, len(batch)), reason)

    @property
    def trouble(self) -> str:
        """What the attempt that is under way has met so far: the SDK tries several times before it gives up."""
        return self._log.cause

    def flush(self, timeout_sec: float) -> None:
        """Have the exporter write what it buffers itself, if it does."""
        force_flush = getattr(self._exporter, "force_flush", None)
        if callable(force_flush):
            force_flush(int(timeout_sec * 1000))

    def shutdown(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()


def run_within(timeout_sec: float, function: Callable[[], object]) -> bool:
    """Call a function in a daemon thread and wait for it; tell whether it ended in time, without an error.

    Where no thread can be started any more, as while the interpreter exits, it is not called: it might hang.
    """
    succeeded = threading.Event()

    def run() -> None:
        function()
        succeeded.set()

    thread = threading.Thread(target=_quietly, args=(run,), name="one-logger-otel-shutdown", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join(timeout_sec)
    return succeeded.is_set()


def _quietly(function: Callable[[], object]) -> None:
    try:
        function()
    except Exception:  # noqa: S110  # the caller is told by the event that is not set
        pass
