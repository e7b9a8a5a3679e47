"""Sends spans, events and errors to OpenTelemetry backends."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Dict, List, Literal, Mapping, Optional, Union

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.environment_variables import (
    OTEL_ATTRIBUTE_COUNT_LIMIT,
    OTEL_SDK_DISABLED,
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT,
    OTEL_SPAN_EVENT_COUNT_LIMIT,
)
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.trace import SpanContext

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import ConfigError, OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.exporter.exporter import BaseExporter, ExportError, RecordWriteError
from nv_one_logger.host import hookimpl
from nv_one_logger.otel.exporter.internal.attributes import converted
from nv_one_logger.otel.exporter.internal.connection import Connection
from nv_one_logger.otel.exporter.internal.delivery import Delivery, DeliveryStatus, Limits
from nv_one_logger.otel.exporter.internal.ids import SpanIds
from nv_one_logger.otel.exporter.internal.log_records import LogRecords
from nv_one_logger.otel.exporter.internal.processor import DeliveryProcessor
from nv_one_logger.otel.exporter.internal.recording import LogOutput, Recording, nanoseconds
from nv_one_logger.otel.exporter.internal.resource import application_attributes, make_resource
from nv_one_logger.otel.exporter.internal.sender import Sender

__all__ = ["OTelExporter"]

_logger = logging.getLogger(__name__)

_SCOPE = "one_logger"
# Spans that live for weeks must not grow for ever; OTLP tells how many were dropped.
_MOST_EVENTS = 10_000
_MOST_NAMED_SPANS = 10

_alive: weakref.WeakSet[OTelExporter] = weakref.WeakSet()
_is_watching = False


class OTelExporter(BaseExporter):
    """Exports spans to OpenTelemetry, through an exporter of the SDK or over OTLP to an address.

    Built from plain configuration it uses the official OTLP exporters. A span is sent when it ends. That it started,
    and the events and errors on it, are sent at once as OTLP log records that belong to it (the start once the span
    has been open for a second), so that a job that is killed shows what it was doing. Errors are ``exception`` events
    with status ERROR on the span as well.

    Given an exporter of the SDK it sends *markers* instead: everything that happens is a zero-length child span, too,
    such as ``span_start_event_for_<span>``.

    Nothing waits for the backend: a queue takes up to 16,384 spans (``OTEL_BSP_MAX_QUEUE_SIZE``), and as many log
    records, and keeps them while the backend is away. What is lost is counted (:meth:`status`), raised by the next call
    as :class:`RecordWriteError`, and logged at the end. Safe for many threads. The ambient context of OpenTelemetry,
    which is the application's own, is neither read nor changed, and no global provider is set.

    Args:
        otel_span_exporter: The exporter of the SDK to use. It is shut down with this one.
        endpoint: Instead: where to send. Over HTTP the base of the address, as in ``OTEL_EXPORTER_OTLP_ENDPOINT``.
        protocol: How to send; ``"grpc"`` needs the extra ``nv-one-logger-otel[grpc]``.
        headers: Sent with every request, for example for authentication.
        timeout: Seconds that one delivery may take.
        resource: More attributes of the resource; these win over ``OTEL_RESOURCE_ATTRIBUTES``.
        insecure: Over gRPC: do without TLS, also where the endpoint has no ``http://``.
        markers: Send markers; by default only with ``otel_span_exporter``.
        logs: Send log records; by default unless there are markers. Needs a backend that takes OTLP logs.
        close_timeout: Seconds that :meth:`close` may take.

    What is left out of ``endpoint`` to ``insecure`` is read from the ``OTEL_EXPORTER_OTLP_*`` variables.

    Raises:
        ConfigError: Arguments contradict each other or make no sense, or an extra is missing.
    """

    def __init__(
        self,
        otel_span_exporter: Optional[SpanExporter] = None,
        *,
        endpoint: Optional[str] = None,
        protocol: Optional[Literal["http/protobuf", "grpc"]] = None,
        headers: Optional[Dict[str, str]] = None,
        timeout: Optional[float] = None,
        resource: Optional[Dict[str, Union[bool, int, float, str, List[str]]]] = None,
        insecure: Optional[bool] = None,
        markers: Optional[bool] = None,
        logs: Optional[bool] = None,
        close_timeout: float = 4.0,
    ) -> None:
        super().__init__()
        self._given_exporter = otel_span_exporter
        self._connection: Optional[Connection] = None
        if otel_span_exporter is None:
            self._connection = Connection(endpoint, protocol, headers, timeout, insecure)
        else:
            given = {"endpoint": endpoint, "protocol": protocol, "headers": headers, "timeout": timeout}
            _refuse_beside_exporter({**given, "insecure": insecure, "logs": logs or None})
        self._has_markers = otel_span_exporter is not None if markers is None else markers
        self._has_logs = (self._connection is not None and not self._has_markers) if logs is None else logs
        self._configured_resource = dict(resource or {})
        self._close_timeout = close_timeout
        self._application: Dict[str, Any] = {}
        self._known: OrderedDict[int, SpanContext] = OrderedDict()
        self._deadline = 0.0
        self._exit_hook: Optional[Callable[[], None]] = None
        # Guards the recording. Never held while anything is sent or waited for.
        self._lock = threading.RLock()
        self._recording: Optional[Recording] = None
        self._delivery: Optional[Delivery[ReadableSpan]] = None
        self._log_delivery: Optional[Delivery[ReadableLogRecord]] = None
        self._inherited: List[object] = []
        _watch_forks(self)

    def _renew_after_fork(self) -> None:
        self._lock = threading.RLock()
        # Kept, as gRPC must not be taken down in a process that does not have its threads.
        self._inherited.append((self._recording, self._delivery, self._log_delivery))
        self._recording = self._delivery = self._log_delivery = None

    # --- life cycle --------------------------------------------------------------------------------------------------

    @hookimpl
    def configure(self, config: Any) -> None:
        """Learn who the application is, for the resource of what is sent from the next ``initialize()`` on."""
        self._application = application_attributes(config, os.environ)

    def initialize(self) -> None:
        """Connect and become ready; one that is ready already stays as it is.

        Raises:
            ExportError: The SDK refuses, or this was made around an exporter that :meth:`close` has shut down.
        """
        with self._lock:
            if self._recording is not None and self.ready:
                return
            if self.closed and self._given_exporter is not None:
                raise ExportError(
                    "OTelExporter was closed, and with it the exporter it was given. Make a new one of both."
                )
            try:
                self._set_up()
            except Exception as error:
                raise ExportError(f"OTelExporter could not be initialized: {error}") from error
            super().initialize()
            if self._exit_hook is None:
                self._exit_hook = _close_at_exit(weakref.ref(self))

    def close(self) -> None:
        """End spans that are still open, deliver what waits, within ``close_timeout`` seconds; tell what was lost.

        Raises:
            ExportError: The SDK failed; it is closed all the same.
        """
        with self._lock:
            was_ready, recording = self.ready, self._recording
            super().close()
            self._recording = None
        if self._exit_hook is not None:
            atexit.unregister(self._exit_hook)
            self._exit_hook = None
        if not was_ready or recording is None:
            return
        self._deadline = time.monotonic() + self._close_timeout
        try:
            self._end(recording)
        except Exception as error:
            raise ExportError(f"OTelExporter could not be shut down: {error}") from error
        finally:
            self._tell_losses()

    def _end(self, recording: Recording) -> None:
        with self._lock:
            left = recording.end_open_spans()
        if left:
            names = ", ".join(span.name_str for span in left[:_MOST_NAMED_SPANS])
            _logger.warning("OTelExporter was closed while %d span(s) were open: %s.", len(left), names)
        if self._log_delivery is not None:
            self._log_delivery.begin_close()  # both at the same time
        try:
            self._provider.shutdown()
        finally:
            if self._log_delivery is not None:
                self._log_delivery.close(self._remaining_sec())

    @hookimpl
    def flush(self, timeout_sec: float) -> None:
        """Deliver everything so far, starts of open spans included.

        Raises:
            ExportError: Not done within ``timeout_sec`` seconds, or some of it is lost.
        """
        deadline = time.monotonic() + timeout_sec
        with self._lock:
            if not self.ready or self._recording is None:
                return
            self._recording.log_starts(is_everything=True)
        is_done = self._processor.force_flush(max(0, int(timeout_sec * 1000)))
        if self._log_delivery is not None:
            is_done = self._log_delivery.flush(max(0.0, deadline - time.monotonic())) and is_done
        if not is_done:
            waiting = ", ".join(f"{status.waiting} {status.signal}" for status in self.status())
            reason = next((status.last_error for status in self.status() if status.last_error), "no answer")
            raise ExportError(f"OTelExporter: still waiting after {timeout_sec} seconds: {waiting} ({reason}).")
        self._raise_losses(ExportError)

    def status(self) -> List[DeliveryStatus]:
        """Return how many spans, and log records if there are any, were accepted, delivered, lost, and wait."""
        return [delivery.status() for delivery in self._deliveries()]

    # --- what is exported --------------------------------------------------------------------------------------------

    def export_start(self, span: Span) -> None:
        """Start a span, as child of the nearest ancestor that was exported. One that is open already goes on.

        Raises:
            ExportError: Not ready, or the SDK failed; :class:`RecordWriteError` if something was lost since the last
                call.
        """
        self._export(Recording.start, span)
        logs = self._log_delivery
        if logs is not None and logs.is_idle:
            logs.poke()

    def export_stop(self, span: Span) -> None:
        """End a span.

        Raises:
            ExportError: As :meth:`export_start`, or the span is unknown, or it has not been stopped.
        """
        self._export(Recording.stop, span)

    def export_event(self, event: Event, span: Span) -> None:
        """Export an event.

        Raises:
            ExportError: As :meth:`export_start`, or the span is unknown.
        """
        self._export(Recording.event, event, span)

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        """Export an error of the application, and give the span the status ERROR.

        Raises:
            ExportError: As :meth:`export_start`, or the span is unknown.
        """
        self._export(Recording.error, event, span)

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        """Export a problem of the telemetry itself.

        Raises:
            ExportError: As :meth:`export_start`.
        """
        self._export(Recording.telemetry_data_error, error)

    def _export(self, action: Callable[..., None], *arguments: Any) -> None:
        with self._lock:
            self._check_ready()
            try:
                if self._recording is None:  # in a forked process
                    self._set_up()
                action(self._recording, *arguments)
            except OneLoggerError:
                raise
            except Exception as error:
                name = action.__name__.replace("_", " ")
                raise ExportError(f"OTelExporter could not export a {name}: {error}") from error
        self._raise_losses(RecordWriteError)

    # --- depended on by tests of the reference; frozen ---------------------------------------------------------------

    @staticmethod
    def _convert_timestamp(timestamp: TracingTimestamp) -> int:
        return nanoseconds(timestamp)

    @staticmethod
    def _convert_attributes(attributes: Optional[Attributes]) -> Optional[Dict[str, Any]]:
        if not attributes:
            return None
        values = attributes.to_json()
        return {str(getattr(name, "value", name)): converted(value) for name, value in values.items()}

    # --- details -----------------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        """Make everything that belongs to one life of this exporter in one process."""
        environ = os.environ
        if environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true":
            _logger.warning("%s is true: OpenTelemetry exports nothing. Unset it to get spans.", OTEL_SDK_DISABLED)
        ids = SpanIds()
        limits = _span_limits()
        resource = make_resource(self._application, self._configured_resource, environ)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=ids, span_limits=limits)
        self._delivery = Delivery("spans", self._span_sender(), Limits.from_environ(environ, "OTEL_BSP"))
        self._processor = DeliveryProcessor(self._delivery, self._remaining_sec)
        self._provider.add_span_processor(self._processor)
        self._recording = Recording(
            self._provider.get_tracer(_SCOPE),
            ids,
            is_sent=not _is_in_process(self._given_exporter),
            has_markers=self._has_markers,
            logs=self._log_output(LogRecords(resource, _SCOPE, limits.max_attribute_length)),
            known=self._known,
        )

    def _span_sender(self) -> Sender[ReadableSpan]:
        if self._connection is not None:
            return self._connection.span_sender()
        return Sender(self._given_exporter)  # type: ignore[arg-type]  # the constructor saw to it that there is one

    def _log_output(self, records: LogRecords) -> Optional[LogOutput]:
        if not self._has_logs or self._connection is None:
            return None
        limits = Limits.from_environ(os.environ, "OTEL_BLRP")
        sender = self._connection.log_sender()
        self._log_delivery = Delivery("log records", sender, limits, self._log_due_starts, self._has_unlogged_starts)
        return LogOutput(records, self._log_delivery.put)

    def _log_due_starts(self) -> None:
        with self._lock:
            recording = self._recording
            if recording is not None:
                recording.log_starts(is_everything=False)

    def _has_unlogged_starts(self) -> bool:
        recording = self._recording
        return recording is not None and recording.has_unlogged_starts

    def _remaining_sec(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _deliveries(self) -> Sequence[Union[Delivery[ReadableSpan], Delivery[ReadableLogRecord]]]:
        return [delivery for delivery in (self._delivery, self._log_delivery) if delivery is not None]

    def _raise_losses(self, error: Callable[[str], ExportError]) -> None:
        for delivery in self._deliveries():
            count, reason = delivery.take_losses()
            if count:
                raise error(f"OTelExporter: {count} {delivery.signal} lost: {reason}.")

    def _tell_losses(self) -> None:
        for delivery in self._deliveries():
            status = delivery.status()
            if status.lost:
                message = "OTelExporter lost %d of %d %s, the last because: %s."
                _logger.warning(message, status.lost, status.accepted, status.signal, delivery.loss_reason)


def _refuse_beside_exporter(arguments: Mapping[str, object]) -> None:
    for name, value in arguments.items():
        if value is not None:
            remedy = "Configure the exporter itself, or leave otel_span_exporter out"
            raise ConfigError("has no effect beside otel_span_exporter", key=name, value=value, remedy=remedy)


def _span_limits() -> SpanLimits:
    """Return limits that let everything through, except those that the environment sets."""

    def unless_set(value: int, *variables: str) -> Optional[int]:
        return None if any(variable in os.environ for variable in variables) else value

    return SpanLimits(
        max_events=unless_set(_MOST_EVENTS, OTEL_SPAN_EVENT_COUNT_LIMIT),
        max_span_attributes=unless_set(SpanLimits.UNSET, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, OTEL_ATTRIBUTE_COUNT_LIMIT),
        max_event_attributes=unless_set(SpanLimits.UNSET, OTEL_ATTRIBUTE_COUNT_LIMIT),
    )


def _is_in_process(exporter: Optional[SpanExporter]) -> bool:
    """Whether an exporter is one of the SDK's own, which keep or print what they get; all others may send it."""
    return any(
        base.__module__.startswith("opentelemetry.sdk.") and base is not SpanExporter for base in type(exporter).__mro__
    )


def _close_at_exit(reference: weakref.ReferenceType[OTelExporter]) -> Callable[[], None]:
    """Close an exporter that nobody closes, at exit, without keeping it alive until then."""

    def close() -> None:
        exporter = reference()
        if exporter is not None:
            exporter.close()

    atexit.register(close)
    return close


def _watch_forks(exporter: OTelExporter) -> None:
    global _is_watching
    if not _is_watching and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_renew_all)
        _is_watching = True
    _alive.add(exporter)


def _renew_all() -> None:
    """In a forked process: leave queues, connections and open spans to the parent; connect anew when needed."""
    for exporter in list(_alive):
        exporter._renew_after_fork()
