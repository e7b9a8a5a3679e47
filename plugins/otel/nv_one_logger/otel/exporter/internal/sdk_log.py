"""Listens to what the exporters of the SDK log about a delivery of ours; nowhere else do they say why it failed."""

from __future__ import annotations

import logging
import threading

__all__ = ["SdkLog"]

_PACKAGE = "opentelemetry.exporter."


class _Listener(logging.Filter):
    """Keeps back the warnings and errors that a thread logs, while it is given a list for them."""

    def __init__(self) -> None:
        super().__init__()
        self._of_thread = threading.local()

    def listen(self, lines: list[str] | None) -> None:
        self._of_thread.lines = lines

    def filter(self, record: logging.LogRecord) -> bool:
        lines: list[str] | None = getattr(self._of_thread, "lines", None)
        if lines is None or record.levelno < logging.WARNING:
            return True
        lines.append(record.getMessage())
        return False


# One for the process, as loggers are: an exporter that the application uses for itself has the same ones.
_listener = _Listener()


class SdkLog:
    """The log of one exporter, during deliveries in the current thread.

    With a backend that is away, the SDK logs several lines for each attempt, for as long as the job runs.
    :class:`~nv_one_logger.otel.exporter.internal.delivery.Delivery` says the same once a minute, with the numbers.

    Args:
        exporter: If it is of the SDK's distributions, its lines are kept back; those of others appear as ever.
    """

    def __init__(self, exporter: object) -> None:
        self._lines: list[str] = []
        for base in type(exporter).__mro__:
            if base.__module__.startswith(_PACKAGE):  # they name their loggers after the module
                filters = logging.getLogger(base.__module__).filters
                if _listener not in filters:
                    filters.insert(0, _listener)  # before the SDK's own, which drops what is said twice

    def begin(self) -> None:
        """Begin to listen to this thread."""
        self._lines = []
        _listener.listen(self._lines)

    def end(self) -> str:
        """Listen no more, and return the :attr:`cause`."""
        _listener.listen(None)
        cause, self._lines = self.cause, []
        return cause

    @property
    def cause(self) -> str:
        """The first line since the beginning, which is the one with the cause; empty if nothing was said."""
        return next(iter(self._lines), "")
