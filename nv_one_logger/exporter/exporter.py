"""What every exporter offers, and the life cycle that most of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum, auto

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span

__all__ = ["BaseExporter", "ExportError", "Exporter", "RecordWriteError"]


class ExportError(OneLoggerError):
    """Something could not be exported, but later calls may succeed."""


class RecordWriteError(ExportError):
    """One record was lost; the exporter itself still works, and the next record is worth trying.

    Counted as a failure, but does not open the circuit breaker of the host: a full disk may have space again with the
    next call, and the gap in the records' ``count`` shows what is missing.
    """


class Exporter(ABC):
    """Delivers spans, events and errors to one place: a file, a log, a tracking server.

    Subclass :class:`BaseExporter`, or :class:`~nv_one_logger.exporter.base_json_exporter.BaseJsonExporter` for records
    as JSON, rather than this class. Methods may be called from several threads at once; what they raise is counted
    against this exporter and never reaches the application. Overriding methods may carry ``overrides.override``.
    """

    @abstractmethod
    def initialize(self) -> None:
        """Prepare resources; called once before anything is exported."""

    @abstractmethod
    def export_start(self, span: Span) -> None:
        """A span has started; it holds its start event."""

    @abstractmethod
    def export_stop(self, span: Span) -> None:
        """A span has finished; it holds its stop event and ``duration_msec``."""

    @abstractmethod
    def export_event(self, event: Event, span: Span) -> None:
        """An event, neither start nor stop, has happened on an active span."""

    @abstractmethod
    def export_error(self, event: ErrorEvent, span: Span) -> None:
        """The application has met an error inside an active span."""

    @abstractmethod
    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        """The telemetry itself is missing or unreliable."""

    @abstractmethod
    def close(self) -> None:
        """Deliver what is held back and release resources. Always called, and legal in every state."""


class BaseExporter(Exporter):
    """An exporter that knows whether it is ready: not initialized, then ready, then closed.

    Each ``export_*`` method raises :class:`ExportError` unless the exporter is ready; subclasses call ``super()``
    first. ``initialize()`` makes it ready from any state.
    """

    class _State(Enum):
        NOT_INITIALIZED = auto()
        READY = auto()
        CLOSED = auto()

    def __init__(self) -> None:
        self._state = BaseExporter._State.NOT_INITIALIZED

    @property
    def ready(self) -> bool:
        """Whether it may export."""
        return self._state is BaseExporter._State.READY

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._state is BaseExporter._State.CLOSED

    def initialize(self) -> None:
        """Make the exporter ready."""
        self._state = BaseExporter._State.READY

    def export_start(self, span: Span) -> None:
        """Check that the exporter is ready."""
        self._check_ready()

    def export_stop(self, span: Span) -> None:
        """Check that the exporter is ready."""
        self._check_ready()

    def export_event(self, event: Event, span: Span) -> None:
        """Check that the exporter is ready."""
        self._check_ready()

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        """Check that the exporter is ready."""
        self._check_ready()

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        """Check that the exporter is ready."""
        self._check_ready()

    def close(self) -> None:
        """Mark the exporter closed."""
        self._state = BaseExporter._State.CLOSED

    def _check_ready(self) -> None:
        if self._state is _READY:
            return
        if self._state is BaseExporter._State.CLOSED:
            raise ExportError(f"Exporter is closed and cannot be used anymore. ({type(self).__name__})")
        raise ExportError(f"Exporter not initialized. Call initialize first. ({type(self).__name__})")


_READY = BaseExporter._State.READY
