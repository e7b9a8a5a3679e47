from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Callable, Dict, List
from unittest.mock import MagicMock, Mock, patch

import pytest

from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.exceptions import OneLoggerError, PluginError
from nv_one_logger.core.internal.singleton import SingletonMeta
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host import ExporterHost, hookimpl
from nv_one_logger.recorder.default_recorder import DefaultRecorder, ExportCustomizationMode
from nv_one_logger.testing import RecordingExporter
from nv_one_logger.training_telemetry.api import callbacks
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import application
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name
from nv_one_logger.training_telemetry.api.training_recorder import TrainingRecorder
from nv_one_logger.training_telemetry.api.training_telemetry_provider import (
    DEFAULT_SPANS_EXPORT_BLACKLIST,
    TrainingTelemetryProvider,
)

StartJob = Callable[..., Any]

QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR


def base(**fields: Any) -> OneLoggerConfig:
    return OneLoggerConfig(**{"application_name": "app", "session_tag_or_fn": "run1", "world_size_or_fn": 4, **fields})


@pytest.fixture
def provider() -> TrainingTelemetryProvider:
    return TrainingTelemetryProvider.instance()


class Plugin:
    """Hears of every start."""

    def __init__(self) -> None:
        self.started: List[str] = []

    @hookimpl
    def export_start(self, span: Any) -> None:
        self.started.append(span.name_str)


class Broken(RecordingExporter):
    def initialize(self) -> None:
        raise RuntimeError("no disk")


# --- the builder -----------------------------------------------------------------------------------------------------


def test_it_is_a_singleton_that_changes_itself(provider: TrainingTelemetryProvider) -> None:
    assert provider is TrainingTelemetryProvider.instance()
    assert provider.with_base_config(base()) is provider
    assert provider.with_exporter(RecordingExporter()) is provider
    with pytest.raises(TypeError, match="cannot be instantiated directly"):
        TrainingTelemetryProvider()


def test_it_says_whether_it_is_ready_and_enabled(provider: TrainingTelemetryProvider) -> None:
    assert (provider.one_logger_ready, provider.one_logger_enabled) == (False, False)
    provider.with_base_config(base()).configure_provider()
    assert (provider.one_logger_ready, provider.one_logger_enabled) == (True, True)
    provider.force_disable_logging()
    assert (provider.one_logger_ready, provider.one_logger_enabled) == (True, False)


def test_core_provider_that_others_configured_does_not_make_it_ready(provider: TrainingTelemetryProvider) -> None:
    OneLoggerProvider.instance().configure(base(), DefaultRecorder([]))
    assert (provider.one_logger_ready, provider.one_logger_enabled) == (False, False)
    with pytest.raises(OneLoggerError, match="DefaultRecorder"):
        _ = provider.recorder
    with pytest.raises(OneLoggerError, match="OneLoggerProvider already configured!"):
        provider.with_base_config(base()).configure_provider()


def test_nothing_is_known_before_configuration(provider: TrainingTelemetryProvider) -> None:
    for read in (lambda: provider.recorder, lambda: provider.config):
        with pytest.raises(OneLoggerError):
            read()


BUILDER_CALLS: Dict[str, Callable[[TrainingTelemetryProvider], object]] = {
    "with_base_config": lambda provider: provider.with_base_config(base()),
    "with_config_override": lambda provider: provider.with_config_override({}),
    "with_config_override_from_json_file": lambda provider: provider.with_config_override_from_json_file("x"),
    "with_config_override_from_config_server": lambda provider: provider.with_config_override_from_config_server(
        "http://localhost:1/"
    ),
    "with_exporter": lambda provider: provider.with_exporter(RecordingExporter()),
    "with_plugin": lambda provider: provider.with_plugin(Plugin()),
    "without_plugin": lambda provider: provider.without_plugin("wandb"),
    "with_export_customization": lambda provider: provider.with_export_customization(
        ExportCustomizationMode.EXPORT_ALL_SPANS, None
    ),
    "with_export_config": lambda provider: provider.with_export_config(),
    "with_signal_handlers": lambda provider: provider.with_signal_handlers(),
}


@pytest.mark.parametrize("name", BUILDER_CALLS)
def test_builder_methods_come_before_configuration(provider: TrainingTelemetryProvider, name: str) -> None:
    provider.with_base_config(base()).configure_provider()
    with pytest.raises(OneLoggerError, match=rf"^{name} can be called only before configure_provider is called\.$"):
        BUILDER_CALLS[name](provider)


def test_some_builder_methods_may_be_called_once(provider: TrainingTelemetryProvider) -> None:
    provider.with_base_config(base())
    with pytest.raises(OneLoggerError, match="You can only call with_base_config once"):
        provider.with_base_config(base())
    provider.with_export_customization(ExportCustomizationMode.WHITELIST_SPANS, ["a"])
    with pytest.raises(OneLoggerError, match="You can only call with_export_customization once"):
        provider.with_export_customization(ExportCustomizationMode.WHITELIST_SPANS, ["a"])
    provider.configure_provider()
    with pytest.raises(OneLoggerError, match="You can only call configure_provider once per application"):
        provider.configure_provider()


def test_nothing_at_all_is_no_configuration(provider: TrainingTelemetryProvider) -> None:
    with pytest.raises(
        OneLoggerError,
        match=r"^No configuration was provided\. Please provide a base config and/or config overrides\.$",
    ):
        provider.configure_provider()


@pytest.mark.parametrize("argument", [None, {"application_name": "a"}, "app"])
def test_base_config_of_another_type_is_refused_at_once(provider: TrainingTelemetryProvider, argument: Any) -> None:
    with pytest.raises(OneLoggerError, match="OneLoggerConfig or a TrainingTelemetryConfig"):
        provider.with_base_config(argument)


def test_what_is_no_plugin_is_refused_at_once(provider: TrainingTelemetryProvider) -> None:
    with pytest.raises(PluginError, match="with_exporter takes an Exporter"):
        provider.with_exporter(Plugin())  # type: ignore[arg-type]  # what the test is about
    with pytest.raises(PluginError, match="hookimpl"):
        provider.with_plugin(object())


# --- exporters and plugins -------------------------------------------------------------------------------------------


def test_exporters_are_initialized_in_order_and_kept(provider: TrainingTelemetryProvider) -> None:
    first, second = MagicMock(spec=Exporter), MagicMock(spec=Exporter)
    provider.with_base_config(base()).with_exporter(first).with_exporter(second).with_exporter(first)
    first.initialize.assert_not_called()
    provider.configure_provider()
    first.initialize.assert_called_once_with()
    assert provider.recorder._exporters == [first, second]
    assert isinstance(provider.recorder, TrainingRecorder)
    with application():
        pass
    assert [call[0] for call in second.method_calls] == [
        "initialize",
        "export_start",
        "export_event",
        "export_stop",
        "close",
    ]


def test_no_exporter_at_all_is_one_warning(
    provider: TrainingTelemetryProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.with_base_config(base()).with_export_config().configure_provider()
    assert [message for message in caplog.messages if "No exporters were provided" in message] != []
    with application():
        pass


def test_disabled_rank_constructs_and_initializes_nothing(
    provider: TrainingTelemetryProvider, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exporter, plugin = MagicMock(spec=Exporter), Plugin()
    provider.host.register(plugin)
    path = tmp_path / "x.jsonl"
    (
        provider.with_base_config(base(enable_for_current_rank=False))
        .with_exporter(exporter)
        .with_export_config([{"class_name": "no.such.Exporter"}, {"class_name": "file", "config": {"file_path": path}}])
        .configure_provider()
    )
    with application():
        callbacks.on_train_start(0)
    assert exporter.method_calls == []
    assert plugin.started == []
    assert not path.exists()
    assert provider.recorder._exporters == []
    assert not [message for message in caplog.messages if "No exporters" in message]
    provider.set_training_telemetry_config(TrainingTelemetryConfig())
    provider.set_training_telemetry_config(TrainingTelemetryConfig())


def test_disabled_by_the_environment_everything_is_a_no_op(
    provider: TrainingTelemetryProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_LOGGER_DISABLED", "1")
    exporter = RecordingExporter()
    config = base()
    provider.with_base_config(config).with_exporter(exporter).configure_provider()
    with application():
        pass
    assert (provider.one_logger_ready, provider.one_logger_enabled) == (True, False)
    assert exporter.calls == []
    assert config.enable_for_current_rank


def test_plugins_of_any_kind_run_side_by_side(provider: TrainingTelemetryProvider) -> None:
    plugin, exporter = Plugin(), RecordingExporter()
    provider.with_base_config(base()).with_plugin(plugin, name="hears").with_exporter(exporter).configure_provider()
    assert provider.host.get_plugin("hears") is plugin
    assert provider.recorder._exporters == [exporter]
    with application():
        pass
    assert plugin.started == ["application"]
    assert provider.exporter_status()[0].name == "hears"


def test_plugin_can_be_switched_off_by_name(
    provider: TrainingTelemetryProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_LOGGER_DISABLE", "second")
    first, second, third = Plugin(), Plugin(), Plugin()
    provider.with_base_config(base()).without_plugin("first")
    for name, plugin in (("first", first), ("second", second), ("third", third)):
        provider.with_plugin(plugin, name=name)
    provider.configure_provider()
    callbacks.on_app_start()
    assert (first.started, second.started, third.started) == ([], [], ["application"])
    states = {decision.name: str(decision.state) for decision in provider.explain().decisions}
    assert states == {"first": "blocked", "second": "blocked", "third": "on"}


def test_misspelt_name_of_a_plugin_to_disable_is_told_also_without_any_configuration_of_exporters(
    provider: TrainingTelemetryProvider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ONE_LOGGER_DISABLE", "fil,registerd,nothing-like-it,second")
    provider.with_base_config(base()).with_plugin(Plugin(), "second")
    provider.host.register(Plugin(), "registered")
    provider.configure_provider()
    assert [message for message in caplog.messages if "ONE_LOGGER_DISABLE" in message] == [
        "environment: ONE_LOGGER_DISABLE = 'fil' names no plugin. Did you mean 'file'?",
        "environment: ONE_LOGGER_DISABLE = 'registerd' names no plugin. Did you mean 'registered'?",
    ]
    assert any("ONE_LOGGER_DISABLE = 'fil'" in problem for problem in provider.explain().problems)


def test_safe_mode_runs_built_in_exporters_only(
    provider: TrainingTelemetryProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONE_LOGGER_SAFE_MODE", "1")
    plugin = Plugin()
    file_exporter = FileExporter(file_path=tmp_path / "x.jsonl")
    provider.with_base_config(base()).with_plugin(plugin).with_exporter(file_exporter).configure_provider()
    callbacks.on_app_start()
    assert plugin.started == []
    assert provider.recorder._exporters == [file_exporter]


@pytest.mark.parametrize(
    ("switch", "value"), [("ONE_LOGGER_SAFE_MODE", "1"), ("ONE_LOGGER_DISABLE", "mine"), ("without_plugin", "mine")]
)
def test_switches_hold_for_plugins_registered_with_the_host_before_and_after_configuration(
    provider: TrainingTelemetryProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, switch: str, value: str
) -> None:
    if switch == "without_plugin":
        provider.without_plugin(value)
    else:
        monkeypatch.setenv(switch, value)
    early, late, file_exporter = Plugin(), Plugin(), FileExporter(file_path=tmp_path / "x.jsonl")
    provider.host.register(early, "mine")
    assert [str(one.state) for one in provider.explain().decisions] == ["blocked"]
    provider.with_base_config(base()).configure_provider()
    assert [(one.name, str(one.state)) for one in provider.explain().decisions] == [("mine", "blocked")]
    assert provider.host.register(late, "mine") is None
    assert provider.host.register(file_exporter) is not None
    callbacks.on_app_start()
    assert early.started == late.started == []
    assert provider.host.plugins() == [(provider.host.get_name(file_exporter), file_exporter)]
    provider.reset()
    assert provider.host.register(late, "mine") == "mine", "the switches of one application are not those of the next"


def test_plugins_may_join_and_leave_later(provider: TrainingTelemetryProvider) -> None:
    provider.with_base_config(base()).configure_provider()
    callbacks.on_app_start()
    late = Plugin()
    provider.host.register(late)
    assert late.started == ["application"]
    provider.host.unregister(late)
    callbacks.on_model_init_start()
    assert late.started == ["application"]


def test_plugin_registered_with_the_host_before_configuration_runs(provider: TrainingTelemetryProvider) -> None:
    plugin = Plugin()
    provider.host.register(plugin, "early")
    provider.with_base_config(base()).configure_provider()
    assert isinstance(provider.host, ExporterHost)
    assert provider.host is provider.recorder.host
    callbacks.on_app_start()
    assert plugin.started == ["application"]


def test_flush_reaches_the_plugins(provider: TrainingTelemetryProvider) -> None:
    class Flushes(Plugin):
        is_flushed = False

        @hookimpl
        def flush(self, timeout_sec: float) -> None:
            self.is_flushed = True

    plugin = Flushes()
    provider.with_base_config(base()).with_plugin(plugin).configure_provider()
    assert provider.flush(timeout_sec=1.0) is True
    assert plugin.is_flushed


# --- which spans are exported ----------------------------------------------------------------------------------------


def test_spans_of_every_step_are_not_exported_by_default(provider: TrainingTelemetryProvider) -> None:
    assert [str(name) for name in DEFAULT_SPANS_EXPORT_BLACKLIST] == [
        "training_single_iteration",
        "validation_single_iteration",
        "TESTING_SINGLE_ITERATION",
        "data_loading",
        "model_forward",
        "zero_grad",
        "model_backward",
        "optimizer_update",
    ]
    provider.with_base_config(base()).configure_provider()
    recorder = provider.recorder
    assert recorder._export_customization_mode is ExportCustomizationMode.BLACKLIST_SPANS
    assert recorder._span_name_filter == DEFAULT_SPANS_EXPORT_BLACKLIST
    assert recorder._span_name_filter is not DEFAULT_SPANS_EXPORT_BLACKLIST


@pytest.mark.parametrize(
    ("mode", "names", "exported"),
    [
        (ExportCustomizationMode.EXPORT_ALL_SPANS, None, ["model_forward", "own"]),
        (ExportCustomizationMode.BLACKLIST_SPANS, None, ["own"]),
        (None, None, ["own"]),
        (None, ["own"], ["model_forward"]),
        (ExportCustomizationMode.WHITELIST_SPANS, [Name.MODEL_FORWARD], ["model_forward"]),
    ],
)
def test_spans_to_export_can_be_chosen(
    provider: TrainingTelemetryProvider, mode: Any, names: Any, exported: List[str]
) -> None:
    exporter = RecordingExporter()
    provider.with_base_config(base()).with_exporter(exporter)
    provider.with_export_customization(mode, names).configure_provider()
    for name in (Name.MODEL_FORWARD, "own"):
        provider.recorder.stop(provider.recorder.start(name))
    assert exporter.names("start") == exported


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (ExportCustomizationMode.WHITELIST_SPANS, None),
        (ExportCustomizationMode.WHITELIST_SPANS, []),
        (ExportCustomizationMode.EXPORT_ALL_SPANS, []),
    ],
)
def test_filter_that_does_not_go_with_the_mode_constructs_nothing(
    provider: TrainingTelemetryProvider, tmp_path: Path, mode: Any, names: Any
) -> None:
    path = tmp_path / "x.jsonl"
    provider.with_base_config(base()).with_export_config(
        [{"class_name": "file", "config": {"file_path": path}}]
    ).with_export_customization(mode, names)
    with pytest.raises(OneLoggerError):
        provider.configure_provider()
    assert not provider.one_logger_ready
    assert not path.exists()


# --- telemetry config ------------------------------------------------------------------------------------------------


def test_telemetry_config_can_be_given_later_once(start_job: StartJob) -> None:
    job = start_job(telemetry=False)
    callbacks.on_app_start()
    assert job.provider.config.telemetry_config is None
    config = TrainingTelemetryConfig(perf_tag_or_fn="p", global_batch_size_or_fn=8)
    job.provider.set_training_telemetry_config(config)
    assert job.provider.config.telemetry_config is config
    with pytest.raises(OneLoggerError, match=r"^Training telemetry config has already been set\.$"):
        job.provider.set_training_telemetry_config(config)
    assert len(job.attributes("update_training_telemetry_config")) == 1


def test_telemetry_config_needs_a_configured_provider(provider: TrainingTelemetryProvider) -> None:
    with pytest.raises(
        OneLoggerError,
        match=r"You need to call TrainingTelemetryProvider\.instance\(\)\.configure\(\) once in your application "
        r"before accessing the recorder\.",
    ):
        provider.set_training_telemetry_config(TrainingTelemetryConfig())


def test_second_telemetry_config_is_ignored_in_quiet_mode(start_job: StartJob) -> None:
    job = start_job(quiet=True)
    first = job.provider.config.telemetry_config
    job.provider.set_training_telemetry_config(TrainingTelemetryConfig())
    assert job.provider.config.telemetry_config is first
    assert job.provider.one_logger_enabled


@pytest.mark.parametrize("quiet", [True, False])
def test_telemetry_config_before_the_application_is_reported_with_it(start_job: StartJob, quiet: bool) -> None:
    job = start_job(telemetry=False, quiet=quiet)
    config = TrainingTelemetryConfig(global_batch_size_or_fn=3)
    if quiet:
        job.provider.set_training_telemetry_config(config)
    else:
        with pytest.raises(OneLoggerError, match="Cannot update training metrics"):
            job.provider.set_training_telemetry_config(config)
    assert job.provider.one_logger_enabled
    assert job.provider.config.telemetry_config is config
    callbacks.on_app_start()
    assert job.last("update_training_telemetry_config")["global_batch_size"] == 3


def test_telemetry_config_reaches_the_recorder_by_keyword_and_stays_when_that_fails() -> None:
    config = Mock(spec=OneLoggerConfig, telemetry_config=None)
    recorder = Mock(spec=TrainingRecorder)
    recorder.__class__ = TrainingRecorder
    update = recorder._update_application_span_with_training_telemetry_config
    update.side_effect = OneLoggerError("failed")
    telemetry = TrainingTelemetryConfig()
    provider = TrainingTelemetryProvider.instance()
    module = "nv_one_logger.training_telemetry.api.training_telemetry_provider.OneLoggerProvider"
    with patch(module) as core:
        core.instance.return_value.config = config
        core.instance.return_value.recorder = recorder
        provider._TrainingTelemetryProvider__fully_configured = True  # type: ignore[attr-defined]  # frozen name
        with pytest.raises(OneLoggerError, match="failed"):
            provider.set_training_telemetry_config(telemetry)
        assert provider.recorder is recorder
        assert provider.config is config.model_copy.return_value
        provider._TrainingTelemetryProvider__fully_configured = False  # type: ignore[attr-defined]  # frozen name
    update.assert_called_once_with(training_telemetry_config=telemetry)
    assert config.telemetry_config is telemetry


def test_config_is_a_copy_but_for_the_live_telemetry_config(start_job: StartJob) -> None:
    job = start_job()
    job.provider.config.enable_for_current_rank = False
    assert job.provider.one_logger_enabled
    assert job.provider.config.telemetry_config is job.recorder._config.telemetry_config


# --- failures and new beginnings -------------------------------------------------------------------------------------


def test_failed_configuration_leaves_nothing_open_and_can_be_repeated(provider: TrainingTelemetryProvider) -> None:
    good, early = RecordingExporter(), Plugin()
    provider.host.register(early, "early")
    provider.with_base_config(base()).with_exporter(good).with_exporter(Broken())
    with pytest.raises(RuntimeError, match="no disk"):
        provider.configure_provider()
    assert good.closed
    assert not provider.one_logger_ready
    assert not OneLoggerProvider.instance().one_logger_ready
    with pytest.raises(RuntimeError, match="no disk"):
        provider.configure_provider()
    provider.without_plugin(f"{Broken.__module__}.{Broken.__qualname__}").configure_provider()
    with application():
        pass
    assert good.names("start") == ["application"]
    assert early.started == ["application"]


def test_exporter_that_cannot_start_is_left_out_in_quiet_mode(provider: TrainingTelemetryProvider) -> None:
    good = RecordingExporter()
    config = base(error_handling_strategy=QUIET)
    provider.with_base_config(config).with_exporter(Broken()).with_exporter(good).configure_provider()
    with application():
        pass
    assert good.names("start") == ["application"]


def test_plugin_that_fits_no_hookspec_fails_the_configuration(provider: TrainingTelemetryProvider) -> None:
    class Misspelt:
        @hookimpl
        def export_strat(self, span: Any) -> None:
            """Never called."""

    exporter = RecordingExporter()
    provider.with_base_config(base()).with_exporter(exporter).with_plugin(Misspelt())
    with pytest.raises(PluginError, match="export_start"):
        provider.configure_provider()
    assert exporter.closed


def test_plugin_that_fits_no_hookspec_is_left_out_in_quiet_mode(
    provider: TrainingTelemetryProvider, caplog: pytest.LogCaptureFixture
) -> None:
    class Misspelt:
        @hookimpl
        def export_strat(self, span: Any) -> None:
            """Never called."""

        def close(self) -> None:
            raise RuntimeError("cannot even close")

    config = base(error_handling_strategy=QUIET)
    exporter = RecordingExporter()
    provider.with_base_config(config).with_plugin(Misspelt()).with_exporter(exporter).configure_provider()
    with application():
        pass
    assert exporter.names("start") == ["application"]
    assert "export_start" in caplog.text


def test_applications_follow_one_another_after_reset(provider: TrainingTelemetryProvider) -> None:
    exporters = []
    for name in ("first", "second", "third"):
        exporter = RecordingExporter()
        provider.with_base_config(base(application_name=name)).with_exporter(exporter).configure_provider()
        if name != "third":
            with application():
                callbacks.on_model_init_start()
        else:
            callbacks.on_app_start()  # left open: reset closes it
        exporters.append(exporter)
        provider.reset()
        assert not provider.one_logger_ready
    assert all(exporter.closed for exporter in exporters)
    assert all(not span.active for exporter in exporters for span in exporter.spans())


def test_second_application_without_reset_says_what_to_do(start_job: StartJob) -> None:
    start_job()
    with application():
        pass
    with pytest.raises(OneLoggerError, match=r"reset\(\)"):
        callbacks.on_app_start()


def test_second_application_without_reset_is_a_no_op_in_quiet_mode(
    start_job: StartJob, caplog: pytest.LogCaptureFixture
) -> None:
    job = start_job(quiet=True)
    with application():
        pass
    recorded = job.calls()
    with application() as span:
        assert not span
    assert job.calls() == recorded
    assert "reset()" in caplog.text


def test_reset_undoes_a_quiet_failure_and_a_forced_end(start_job: StartJob) -> None:
    job = start_job(quiet=True)
    callbacks.on_app_start()
    job.provider.force_disable_logging()
    job.provider.reset()
    assert job.exporter.closed
    job = start_job()
    assert job.provider.one_logger_enabled


def test_reset_before_configuration_forgets_what_was_given(provider: TrainingTelemetryProvider) -> None:
    provider.with_base_config(base()).with_exporter(RecordingExporter())
    provider.reset()
    with pytest.raises(OneLoggerError, match="No configuration was provided"):
        provider.configure_provider()


def test_reset_leaves_alone_what_others_configured(provider: TrainingTelemetryProvider) -> None:
    recorder = DefaultRecorder([])
    OneLoggerProvider.instance().configure(base(), recorder)
    provider.reset()
    assert OneLoggerProvider.instance().recorder is recorder


def test_reset_through_the_singletons_starts_unconfigured(start_job: StartJob) -> None:
    job = start_job()
    recorder = job.recorder
    with SingletonMeta._lock:
        SingletonMeta._instances.pop(TrainingTelemetryProvider, None)
        SingletonMeta._instances.pop(OneLoggerProvider, None)
    fresh = TrainingTelemetryProvider.instance()
    assert fresh is not job.provider
    assert not fresh.one_logger_ready
    recorder._close_now()


def test_own_loggers_stay_silent_in_a_normal_run(start_job: StartJob, caplog: pytest.LogCaptureFixture) -> None:
    start_job(log_every_n_train_iterations=1)
    with caplog.at_level(logging.INFO), application():
        callbacks.on_train_start(0)
        callbacks.on_training_single_iteration_start()
        callbacks.on_training_single_iteration_end(metrics={"loss": 1.0})
        callbacks.on_train_end()
    assert caplog.messages == []
