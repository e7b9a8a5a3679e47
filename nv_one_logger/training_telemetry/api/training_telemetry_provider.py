"""The provider: where an application configures telemetry, and finds its recorder and its plugin host."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.exceptions import OneLoggerError, PluginError, assert_that
from nv_one_logger.core.internal.installation import version_conflict
from nv_one_logger.core.internal.log_limiter import LogLimiter
from nv_one_logger.core.internal.singleton import SingletonMeta
from nv_one_logger.core.span import SpanName
from nv_one_logger.host import ExporterHost, has_hookimpls
from nv_one_logger.host.inspection import is_exporter
from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
from nv_one_logger.recorder.span_filter import make_span_filter
from nv_one_logger.training_telemetry.api._shutdown import Shutdown
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName
from nv_one_logger.training_telemetry.api.training_recorder import TrainingRecorder

if TYPE_CHECKING:
    from nv_one_logger.api.telemetry_config import TelemetryConfig
    from nv_one_logger.config import Explanation, LoadedSources, Switches
    from nv_one_logger.exporter.exporter import Exporter
    from nv_one_logger.exporter.exporter_config import ExporterConfig
    from nv_one_logger.host import PluginStatus
    from nv_one_logger.training_telemetry.api._base_config import BaseConfig
    from nv_one_logger.training_telemetry.api._overrides import Override
    from nv_one_logger.training_telemetry.api._provider_setup import ManualPlugin, Request

__all__ = ["DEFAULT_SPANS_EXPORT_BLACKLIST", "TrainingTelemetryProvider"]

DEFAULT_SPANS_EXPORT_BLACKLIST: List[SpanName] = [
    StandardTrainingJobSpanName.TRAINING_SINGLE_ITERATION,
    StandardTrainingJobSpanName.VALIDATION_SINGLE_ITERATION,
    StandardTrainingJobSpanName.TESTING_SINGLE_ITERATION,
    StandardTrainingJobSpanName.DATA_LOADING,
    StandardTrainingJobSpanName.MODEL_FORWARD,
    StandardTrainingJobSpanName.ZERO_GRAD,
    StandardTrainingJobSpanName.MODEL_BACKWARD,
    StandardTrainingJobSpanName.OPTIMIZER_UPDATE,
]
"""Spans of every training step, which are not exported unless ``with_export_customization`` says otherwise."""

_log = LogLimiter(logging.getLogger(__name__))

_QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR

_PathLike = Union[str, "os.PathLike[str]"]


class TrainingTelemetryProvider(metaclass=SingletonMeta):
    """Configures telemetry for a training job: one per process, reached through ``instance()``.

    The ``with_...`` methods change the provider and return it, so that calls can be chained; ``configure_provider``
    ends the configuration. Then the callbacks, contexts and ``timed_span`` record, until ``reset`` allows another
    application.

    Example:
        >>> provider = TrainingTelemetryProvider.instance()  # doctest: +SKIP
        >>> provider.with_base_config(  # doctest: +SKIP
        ...     TrainingTelemetryConfig(application_name="demo", session_tag_or_fn="run1")
        ... ).with_exporter(FileExporter(file_path="run.jsonl")).configure_provider()
    """

    def __init__(self) -> None:
        self.__fully_configured = False  # frozen name: users' tests assign it in its mangled form
        self._begin()

    def _begin(self) -> None:
        self._base_config: Optional[BaseConfig] = None
        self._overrides: List[Override] = []
        self._sources: List[LoadedSources] = []
        self._plugins: List[ManualPlugin] = []
        self._blocked: List[str] = []
        self._customization: Optional[Tuple[Optional[ExportCustomizationMode], Optional[List[SpanName]]]] = None
        self._signals: List[int] = []
        self._host: Optional[ExporterHost] = None
        self._shutdown: Optional[Shutdown] = None
        self._explanation: Optional[Explanation] = None

    # --- before configuration ----------------------------------------------------------------------------------------

    def with_base_config(self, one_logger_config: BaseConfig) -> TrainingTelemetryProvider:
        """Give the configuration.

        Args:
            one_logger_config: An ``OneLoggerConfig``; or a ``TrainingTelemetryConfig`` that carries the base fields
                (``application_name``, ``session_tag_or_fn``, ...), too, and becomes the ``telemetry_config``.

        Raises:
            OneLoggerError: Given before, configured already, or none of the two types.
        """
        self._assert_not_configured("with_base_config")
        assert_that(self._base_config is None, "You can only call with_base_config once.")
        assert_that(
            isinstance(one_logger_config, (OneLoggerConfig, TrainingTelemetryConfig)),
            f"with_base_config takes an OneLoggerConfig or a TrainingTelemetryConfig, found {one_logger_config!r}.",
        )
        self._base_config = one_logger_config
        return self

    def with_config_override(self, partial_config: Dict[str, Any]) -> TrainingTelemetryProvider:
        """Override fields of the base configuration; may be repeated, later calls win.

        Args:
            partial_config: Values by field name, for example ``{"world_size_or_fn": 8, "telemetry_config": {...}}``.
                Mappings are merged, anything else is replaced. Copied.

        Raises:
            OneLoggerError: Configured already, or no mapping.
        """
        self._assert_not_configured("with_config_override")
        from nv_one_logger.training_telemetry.api._overrides import from_code

        self._overrides.append(from_code(partial_config))
        return self

    def with_config_override_from_json_file(self, file_path: _PathLike) -> TrainingTelemetryProvider:
        """Override fields of the base configuration from a JSON file; see :meth:`with_config_override`.

        The file is read now. What is wrong with it is raised by :meth:`configure_provider`, with line and column; in
        the quiet error strategy a file that cannot be read is logged as an error and left out.

        Raises:
            OneLoggerError: Configured already, or no path.
        """
        self._assert_not_configured("with_config_override_from_json_file")
        from nv_one_logger.training_telemetry.api._overrides import from_file

        self._overrides.append(from_file(file_path))
        return self

    def with_config_override_from_config_server(
        self, config_server_url: str, timeout_sec: float = 10.0
    ) -> TrainingTelemetryProvider:
        """Override fields of the base configuration from a JSON document behind an HTTP or HTTPS address.

        It is fetched now, at most 1 MiB; problems are treated like those of a file, see
        :meth:`with_config_override_from_json_file`. Every process that calls this asks the server.

        Args:
            config_server_url: The address.
            timeout_sec: Seconds to wait for the connection, for each piece of the answer, and for the whole of it.

        Raises:
            OneLoggerError: Configured already, or no HTTP or HTTPS address.
        """
        self._assert_not_configured("with_config_override_from_config_server")
        from nv_one_logger.training_telemetry.api._overrides import from_server

        self._overrides.append(from_server(config_server_url, timeout_sec))
        return self

    def with_exporter(self, exporter: Exporter) -> TrainingTelemetryProvider:
        """Add an exporter; may be repeated. It is initialized by :meth:`configure_provider`.

        Raises:
            OneLoggerError: Configured already, or it is no exporter.
        """
        self._assert_not_configured("with_exporter")
        if not is_exporter(exporter):
            raise PluginError(f"with_exporter takes an Exporter, found {exporter!r}. Give others to with_plugin.")
        self._add_plugin(exporter, None, _call_site())
        return self

    def with_plugin(self, plugin: object, name: Optional[str] = None) -> TrainingTelemetryProvider:
        """Add a plugin: an exporter, or an object or module with functions marked ``@hookimpl``; may be repeated.

        Args:
            plugin: The plugin.
            name: The name by which it can be looked up and switched off; by default the path of its class or module.

        Raises:
            OneLoggerError: Configured already, or it is no plugin.
        """
        self._assert_not_configured("with_plugin")
        if not is_exporter(plugin) and not has_hookimpls(plugin):
            raise PluginError(
                f"with_plugin takes an exporter or something with functions marked @hookimpl, found {plugin!r}."
            )
        self._add_plugin(plugin, name, _call_site())
        return self

    def without_plugin(self, name: str) -> TrainingTelemetryProvider:
        """Switch a plugin off, wherever it is configured, by any name it answers to; may be repeated.

        Raises:
            OneLoggerError: Configured already.
        """
        self._assert_not_configured("without_plugin")
        self._blocked.append(name)
        return self

    def with_export_customization(
        self,
        export_customization_mode: Optional[ExportCustomizationMode],
        span_name_filter: Optional[List[SpanName]] = None,
    ) -> TrainingTelemetryProvider:
        """Choose which spans are exported. Without this, all but the ones of every training step.

        Args:
            export_customization_mode: All spans, a whitelist or a blacklist; ``None`` means the blacklist.
            span_name_filter: The names; for a blacklist the default is ``DEFAULT_SPANS_EXPORT_BLACKLIST``.

        Raises:
            OneLoggerError: Given before, or configured already.
        """
        self._assert_not_configured("with_export_customization")
        assert_that(self._customization is None, "You can only call with_export_customization once.")
        names = None if span_name_filter is None else list(span_name_filter)
        self._customization = (export_customization_mode, names)
        return self

    def with_export_config(
        self,
        exporters_config: Optional[Sequence[Union[ExporterConfig, Mapping[str, Any]]]] = None,
        config_file_path: Optional[_PathLike] = None,
    ) -> TrainingTelemetryProvider:
        """Add plugins by configuration: from code, a file and installed packages, in this order of priority.

        Everything is read now; decisions, imports and constructors, and all errors but arguments of a wrong type, are
        left to :meth:`configure_provider`. May be repeated.

        Args:
            exporters_config: Entries ``{"class_name": ..., "config": {...}, "enabled": ...}``.
            config_file_path: A YAML or JSON file; by default that of ``ONE_LOGGER_EXPORTER_CONFIG_PATH``, else the
                first of ``one_logger_exporters_config.yaml``, ``.yml`` and ``.json`` in the working directory, if any.

        Raises:
            OneLoggerError: Configured already, or an argument of a wrong type.
        """
        self._assert_not_configured("with_export_config")
        from nv_one_logger.config.sources import load_sources

        self._sources.append(load_sources(exporters_config, config_file_path, call_site=_call_site()))
        return self

    def with_signal_handlers(self, *signals: int) -> TrainingTelemetryProvider:
        """Close telemetry also when the process is ended by a signal, by default ``SIGTERM``, and note which it was.

        Handlers are set by :meth:`configure_provider`, in the main thread only. A handler of the application is called
        as before and decides whether the process ends; without one the process ends by the signal, with the same exit
        status as ever, at most five seconds later.

        Raises:
            OneLoggerError: Configured already.
        """
        self._assert_not_configured("with_signal_handlers")
        self._signals.extend(signals or (signal.SIGTERM,))
        return self

    def configure_provider(self) -> None:
        """Make the configuration, construct and initialize the plugins, and begin to record.

        On a rank that is disabled nothing is constructed. At the exit of the interpreter open spans are stopped and
        exporters closed, within five seconds. When this raises, everything is undone and may be tried again.

        Raises:
            OneLoggerError: Configured already, nothing to configure from, or a mistake in the configuration.
            Exception: What the ``initialize`` of a plugin raised.
        """
        assert_that(
            not self.__fully_configured,
            "You can only call configure_provider once per application. Call reset() first to configure another one.",
        )
        if not (self._base_config or self._overrides or self._sources or self._plugins):
            raise OneLoggerError("No configuration was provided. Please provide a base config and/or config overrides.")
        core = OneLoggerProvider.instance()
        if core.one_logger_ready:
            raise OneLoggerError(
                "OneLoggerProvider already configured! Something else in this process configured telemetry; reset it "
                "before configuring it anew."
            )
        request = self._request()
        make_span_filter(request.mode, request.span_names)  # raises before anything is constructed
        config = self._make_config(request.switches)
        host = self.host
        plugins = host.plugins()
        try:
            from nv_one_logger.training_telemetry.api._provider_setup import set_up

            setup = set_up(request, config, host)
            core.configure(config, setup.recorder)
        except BaseException:
            self._renew_host(host, plugins)
            raise
        self.__fully_configured = True
        if config.enable_for_current_rank:
            _warn_about_installation()
        else:
            core.force_disable_logging()
        self._explanation = setup.explanation
        self._shutdown = Shutdown(setup.recorder, self._signals)
        if request.switches.explain:
            sys.stderr.write(f"{setup.explanation.render()}\n")

    # What reads and decides about configuration is imported where it is used: a quarter of the time that importing this
    # module takes, and many processes that import it, such as loader workers, never configure anything.

    def _add_plugin(self, plugin: object, name: Optional[str], call_site: str) -> None:
        from nv_one_logger.training_telemetry.api._provider_setup import ManualPlugin

        self._plugins.append(ManualPlugin(plugin, name, call_site))

    def _request(self) -> Request:
        mode, names = self._customization or (None, None)
        mode = mode or ExportCustomizationMode.BLACKLIST_SPANS
        if names is None and mode is ExportCustomizationMode.BLACKLIST_SPANS:
            names = list(DEFAULT_SPANS_EXPORT_BLACKLIST)
        from nv_one_logger.config.switches import Switches
        from nv_one_logger.training_telemetry.api._provider_setup import Request

        switches = Switches.from_environ(os.environ)
        return Request(self._sources, self._plugins, self._blocked, mode, names, switches)

    def _make_config(self, switches: Switches) -> OneLoggerConfig:
        from nv_one_logger.training_telemetry.api._base_config import make_config

        readable = [override for override in self._overrides if override.problem is None]
        config = make_config(self._base_config, readable, os.environ)
        problems = [override.problem for override in self._overrides if override.problem is not None]
        for problem in problems:
            if config.error_handling_strategy is not _QUIET or switches.strict:
                raise OneLoggerError(f"Invalid configuration! {problem}") from problem
            _log.error(str(problem), "%s The other sources of configuration are used.", problem)
        if switches.disabled:
            config.enable_for_current_rank = False
            config.error_handling_strategy = _QUIET
        return config

    def _renew_host(self, failed: ExporterHost, plugins: Sequence[Tuple[str, object]]) -> None:
        """Take a fresh host after a failure, with the plugins that the user had registered with the old one."""
        failed.close()
        self._host = None
        for name, plugin in plugins:
            self.host.register(plugin, name)

    def _assert_not_configured(self, method: str) -> None:
        assert_that(not self.__fully_configured, f"{method} can be called only before configure_provider is called.")

    # --- after configuration -----------------------------------------------------------------------------------------

    @property
    def recorder(self) -> TrainingRecorder:
        """The recorder.

        Raises:
            OneLoggerError: Not configured, or configured without training telemetry.
        """
        recorder = OneLoggerProvider.instance().recorder
        if not isinstance(recorder, TrainingRecorder):
            raise OneLoggerError(
                f"The recorder is a {type(recorder).__name__}, not a TrainingRecorder. Configure telemetry through "
                "TrainingTelemetryProvider."
            )
        return recorder

    @property
    def config(self) -> OneLoggerConfig:
        """A copy of the configuration: assigning to it has no effect. Its ``telemetry_config`` is the live one.

        Raises:
            OneLoggerError: Not configured.
        """
        return OneLoggerProvider.instance().config.model_copy()

    @property
    def one_logger_ready(self) -> bool:
        """Whether the provider is configured, on an enabled rank or not."""
        return self.__fully_configured and OneLoggerProvider.instance().one_logger_ready

    @property
    def one_logger_enabled(self) -> bool:
        """Whether calls are recorded: configured, enabled for this rank, and not switched off since."""
        return self.__fully_configured and OneLoggerProvider.instance().one_logger_enabled

    def force_disable_logging(self) -> None:
        """Switch telemetry off. What is open stays open; :meth:`reset` closes it."""
        OneLoggerProvider.instance().force_disable_logging()

    def set_training_telemetry_config(self, training_telemetry_config: TelemetryConfig) -> None:
        """Give the telemetry configuration, where the base configuration had none.

        Best between ``on_app_start`` and ``on_train_start``, on every rank. In the quiet error strategy (that of
        disabled ranks) a second call is logged and ignored.

        Raises:
            OneLoggerError: Not configured; given already; or, though the configuration is stored and ``on_app_start``
                will report it, the application has not started.
        """
        assert_that(
            self.one_logger_ready,
            "You need to call TrainingTelemetryProvider.instance().configure() once in your application before "
            "accessing the recorder.",
        )
        config = OneLoggerProvider.instance().config
        if config.telemetry_config is not None:
            message = "Training telemetry config has already been set."
            if config.error_handling_strategy is not _QUIET:
                raise OneLoggerError(message)
            _log.warning(message, "%s The second one is ignored.", message)
            return
        config.telemetry_config = training_telemetry_config
        self.recorder._update_application_span_with_training_telemetry_config(
            training_telemetry_config=training_telemetry_config
        )

    # --- plugins -----------------------------------------------------------------------------------------------------

    @property
    def host(self) -> ExporterHost:
        """The plugin host, also before configuration; plugins may be registered with it and removed at any time."""
        if self._host is None:
            self._host = ExporterHost()
        return self._host

    def exporter_status(self) -> List[PluginStatus]:
        """Return how each plugin fares: calls, failures, last error, whether it is paused."""
        return self.host.status()

    def flush(self, timeout_sec: float = 5.0) -> bool:
        """Have all plugins deliver what they accepted so far; tell whether all did, within so many seconds each."""
        return self.host.flush(timeout_sec)

    def explain(self) -> Explanation:
        """Tell which plugins are on or off, with which arguments, and where each of them came from.

        Before configuration: what would be decided, without importing any plugin.
        """
        from nv_one_logger.training_telemetry.api._provider_setup import explain

        return self._explanation or explain(self._request(), self.host)

    def reset(self) -> None:
        """Close everything and forget the configuration, so that another application can be configured.

        Open spans are stopped and exporters closed. What this process configured by other means than this provider
        stays. Never raises.
        """
        if self._shutdown is not None:
            self._shutdown.cancel()
            self._shutdown.close()
            OneLoggerProvider.instance()._reset()
        self.__fully_configured = False
        self._begin()


def _call_site() -> str:
    """Return file and line of the caller's caller, by which messages and ``explain()`` name a call."""
    frame = sys._getframe(2)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _warn_about_installation() -> None:
    conflict = version_conflict()
    if conflict is not None:
        _log.warning("installation", "%s", conflict)
