"""Exports spans, events and errors as metrics of a run in Weights & Biases.

:class:`WandBExporterAsync` hands them to a process of its own, which owns the run; :class:`WandBExporterSync` owns the
run in this process.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from abc import abstractmethod
from typing import Any, Dict, Iterable, Literal, Optional, Union

from nv_one_logger.core.attributes import Attribute
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError, assert_that
from nv_one_logger.core.span import Span
from nv_one_logger.exporter import BaseExporter, ExportError
from nv_one_logger.host import hookimpl
from nv_one_logger.wandb.exporter.child import (
    _WandBExportAsyncErrorInfo as _WandBExportAsyncErrorInfo,  # frozen: clients' tests make one
)
from nv_one_logger.wandb.exporter.child import serve
from nv_one_logger.wandb.exporter.config import Application, Config, resolved
from nv_one_logger.wandb.exporter.ending import RunEnd
from nv_one_logger.wandb.exporter.link import ChildLink
from nv_one_logger.wandb.exporter.naming import (
    FlatMetricNamingStrategy,
    HierarchicalMetricNamingStrategy,
    MetricNamingStrategy,
)
from nv_one_logger.wandb.exporter.records import STEP_KEY, details, iteration_of, plain_metrics
from nv_one_logger.wandb.exporter.run import log, start_run

__all__ = [
    "Config",
    "FlatMetricNamingStrategy",
    "HierarchicalMetricNamingStrategy",
    "MetricNamingStrategy",
    "WandBExporterAsync",
    "WandBExporterBase",
    "WandBExporterSync",
    "get_current_time_msec",
]

_logger = logging.getLogger(__name__)

_NamingStrategy = Union[MetricNamingStrategy, Literal["hierarchical", "flat"]]

_DEFAULT_NAMING = HierarchicalMetricNamingStrategy()
_NAMINGS: Dict[str, MetricNamingStrategy] = {"hierarchical": _DEFAULT_NAMING, "flat": FlatMetricNamingStrategy()}

_LAST_LOG_TIME_KEY = "app_last_log_time"
_DATA_ERROR_KEY = "telemetry_data_error"
_DATA_ERROR_MESSAGE_KEY = "telemetry_data_error_message"

# Frozen: the function by which a run is started, under the name that it always had.
_initialize_wandb = start_run

_exporters: weakref.WeakSet[WandBExporterBase] = weakref.WeakSet()


def __getattr__(name: str) -> Any:
    """Give ``wandb`` as an attribute of this module without importing it before somebody asks."""
    if name == "wandb":
        import wandb

        return wandb
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_current_time_msec() -> int:
    """Return the time, in milliseconds since the epoch."""
    return round(time.time() * 1000.0)


class WandBExporterBase(BaseExporter):
    """Makes metrics of what happens, one dict for each call, and hands each to :meth:`_log_metrics`.

    Args:
        config: Where, and as which run.
        metric_naming_strategy: How attributes are named: a strategy, or ``"hierarchical"`` or ``"flat"``.

    Raises:
        OneLoggerError: One of them is missing.
    """

    def __init__(self, config: Config, metric_naming_strategy: _NamingStrategy) -> None:
        super().__init__()
        assert_that(config, "config is required.")
        assert_that(metric_naming_strategy, "metric_naming_strategy is required.")
        self._config = config
        self._metric_naming_strategy = (
            _NAMINGS[metric_naming_strategy] if isinstance(metric_naming_strategy, str) else metric_naming_strategy
        )
        self._exit_code = 0
        self._run: Optional[Any] = None
        self._application: Optional[Application] = None
        self._resolved = config  # with our own choices made, from initialize() on
        self._has_details = False
        self._last_step = 0
        self._order = threading.Lock()  # steps rise in the order in which records are handed over
        _exporters.add(self)

    @hookimpl
    def configure(self, config: Any) -> None:
        """Learn the application: its session and rank make the run's identity."""
        self._application = Application.of(config, os.environ)

    def _resolve(self, fork_of: Optional[int] = None) -> None:
        self._resolved = resolved(self._config, self._application, fork_of)
        self._has_details = bool(self._resolved.span_details)

    def _run_config(self) -> Dict[str, Any]:
        return {} if self._application is None else self._application.as_run_config()

    @abstractmethod
    def _log_metrics(self, metrics: Dict[str, Any]) -> None:
        """Log one record, with the time of logging added; an empty one is not logged."""

    def export_start(self, span: Span) -> None:
        """Log the attributes of the span and of its start event."""
        super().export_start(span)
        attributes = span.attributes
        metrics = self._of_span(span, attributes.values())
        metrics.update(self._of_event(span, span.start_event))
        self._log_record("start", metrics, attributes.values(), span)

    def export_stop(self, span: Span) -> None:
        """Log what was added to the span since its start, such as ``duration_msec``, and its stop event.

        Raises:
            OneLoggerError: The span has no stop event.
        """
        super().export_stop(span)
        stop_event = span.stop_event
        if stop_event is None:
            raise OneLoggerError(f"Span has no stop event. ({span.name_str}) Stop it before it is exported as stopped.")
        attributes = span.updated_attributes
        metrics = self._of_span(span, attributes.values())
        metrics.update(self._of_event(span, stop_event))
        self._log_record("stop", metrics, attributes.values(), span)

    def export_event(self, event: Event, span: Span) -> None:
        """Log the attributes of the event."""
        super().export_event(event, span)
        self._log_record("event", self._of_event(span, event), event.attributes.values(), span, event)

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        """Log the error, with type, message and traceback; without span details, nothing."""
        super().export_error(event, span)
        if self._has_details:
            self._log_record("error", self._of_event(span, event), event.attributes.values(), span, event)

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        """Log that the telemetry is not to be trusted, and with span details also why."""
        super().export_telemetry_data_error(error)
        metrics: Dict[str, Any] = {_DATA_ERROR_KEY: error.error_type.name}
        if self._has_details and error.error_message:
            metrics[_DATA_ERROR_MESSAGE_KEY] = error.error_message
        self._log_metrics(metrics)

    def _of_span(self, span: Span, attributes: Iterable[Attribute]) -> Dict[str, Any]:
        name = self._metric_naming_strategy.from_span_attribute
        return {name(span, attribute): attribute.value for attribute in attributes}

    def _of_event(self, span: Span, event: Event) -> Dict[str, Any]:
        name = self._metric_naming_strategy.from_event_attribute
        return {name(span, event, attribute): attribute.value for attribute in event.attributes.values()}

    def _log_record(
        self,
        kind: str,
        metrics: Dict[str, Any],
        attributes: Iterable[Attribute],
        span: Span,
        event: Optional[Event] = None,
    ) -> None:
        if self._has_details:
            metrics = {**metrics, **details(kind, span, event), **iteration_of(attributes)}
        self._log_metrics(metrics)

    def _stamped(self, metrics: Dict[str, Any]) -> Dict[str, Any]:
        """Return a copy that other processes can read, with the time and possibly a step. Called with the order lock.

        The step is the time in milliseconds, and always greater than the last one: so it rises over restarts of the
        job, also where wandb is offline and cannot ask for the last step, and the ranks of a group align.
        """
        stamped = plain_metrics(metrics)
        if self._has_details:
            self._last_step = max(self._last_step + 1, round(time.time() * 1000.0))
            stamped[STEP_KEY] = self._last_step
        stamped[_LAST_LOG_TIME_KEY] = get_current_time_msec()
        return stamped

    def _is_forked(self) -> None:
        """Begin anew in a forked process: what was begun is the parent's."""
        self._order = threading.Lock()


class WandBExporterSync(WandBExporterBase):
    """Logs to a run of its own in this process.

    Each call waits for wandb to take the record. Runs of the application are left alone; its wandb session is shared
    (see the README on credentials), so prefer :class:`WandBExporterAsync`.

    Args:
        config: Where, and as which run.
        metric_naming_strategy: How attributes are named: a strategy, or ``"hierarchical"`` or ``"flat"``.

    Raises:
        OneLoggerError: One of them is missing.
    """

    def __init__(self, config: Config, metric_naming_strategy: _NamingStrategy = _DEFAULT_NAMING) -> None:
        super().__init__(config, metric_naming_strategy)
        self._needs_run = False  # in a forked process, from the first record on
        self._end: Optional[RunEnd] = None

    def initialize(self) -> None:
        """Start the run; a second call does nothing.

        Raises:
            Exception: What wandb raises; the exporter is then not ready.
        """
        if self.ready:
            return
        self._resolve()
        self._start_run()
        super().initialize()

    def _start_run(self) -> None:
        self._end = RunEnd(self.close)
        try:
            self._run = _initialize_wandb(self._resolved, self._run_config())
        finally:
            self._end.watch()

    def _log_metrics(self, metrics: Dict[str, Any]) -> None:
        if not metrics:
            return
        with self._order:
            if self._needs_run:
                self._resolve(fork_of=os.getpid())
                self._start_run()
                self._needs_run = False
            if self._run is None:
                raise ExportError("There is no wandb run. Call initialize first.")
            try:
                log(self._run, self._stamped(metrics))
            except Exception as error:
                raise ExportError(f"wandb did not take a record: {error}") from error

    def close(self) -> None:
        """Finish the run, within the configured time; it is finished in the background if that does not suffice."""
        run, self._run = self._run, None
        end, self._end = self._end, None
        self._needs_run = False
        super().close()
        if run is None or end is None:
            return
        if not end.finish(run, self._exit_code, self._config.close_timeout_sec):
            _logger.warning("wandb did not finish its run within %s seconds.", self._config.close_timeout_sec)

    def _is_forked(self) -> None:
        super()._is_forked()
        self._needs_run, self._run, self._end = self._run is not None, None, None


class WandBExporterAsync(WandBExporterBase):
    """Logs to a run that belongs to a process of its own, and never waits for it.

    Nothing of wandb is imported here, and nothing of the application's wandb is touched. The process is started again
    when it fails, and ends by itself when this one is gone.

    Args:
        config: Where, and as which run.
        metric_naming_strategy: How attributes are named: a strategy, or ``"hierarchical"`` or ``"flat"``.

    Raises:
        OneLoggerError: One of them is missing.
    """

    def __init__(self, config: Config, metric_naming_strategy: _NamingStrategy = _DEFAULT_NAMING) -> None:
        super().__init__(config, metric_naming_strategy)
        self._link = ChildLink(WandBExporterAsync._child_process_fn, config)
        self._has_forked = False
        # Also at the exit of the interpreter: by then the provider has usually closed us.
        self._finalizer = weakref.finalize(self, self._link.close, config.close_timeout_sec)

    @property
    def dropped(self) -> int:
        """How many records were lost."""
        return self._link.dropped

    @property
    def child_failures(self) -> int:
        """How often the process failed."""
        return self._link.failures

    def initialize(self) -> None:
        """Start the process; a second call does nothing.

        Raises:
            ExportError: It cannot be started; the exporter is then not ready.
        """
        if self.ready:
            return
        self._resolve()
        self._link.start(self._resolved, self._run_config())
        super().initialize()

    def _log_metrics(self, metrics: Dict[str, Any]) -> None:
        if not metrics:
            return
        self._check_ready()
        with self._order:
            if self._has_forked:
                self._resolve(fork_of=os.getpid())
                self._link.start(self._resolved, self._run_config())
                self._has_forked = False
            self._link.send(self._stamped(metrics))

    @hookimpl
    def flush(self, timeout_sec: float) -> None:
        """Wait until wandb was handed everything.

        Raises:
            ExportError: It was not within ``timeout_sec`` seconds, or the process has failed since the last call.
        """
        if not self._has_forked:
            self._link.flush(timeout_sec)

    def close(self) -> None:
        """Finish the run, within the configured time; what was lost is told in the log."""
        super().close()
        self._link.close(self._config.close_timeout_sec)

    def _is_forked(self) -> None:
        super()._is_forked()
        self._link.forget()
        self._has_forked = self.ready

    @staticmethod
    def _child_process_fn(conn_to_parent: Any, config: Config) -> None:
        """Serve the parent, see :func:`nv_one_logger.wandb.exporter.child.serve`."""
        serve(conn_to_parent, config)


def _renew_after_fork() -> None:
    for exporter in list(_exporters):
        exporter._is_forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)
