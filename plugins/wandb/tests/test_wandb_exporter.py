"""What is logged, with wandb and the process replaced, as clients' tests do; and the clients' own ways of use."""

from __future__ import annotations

import os
import pickle
import threading
from dataclasses import fields
from multiprocessing import Process
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple
from unittest.mock import MagicMock, patch

import pytest
from overrides import override

from nv_one_logger.api.config import LoggerConfig, OneLoggerConfig
from nv_one_logger.core.attributes import Attribute, Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span, StandardSpanName
from nv_one_logger.exporter.exporter import ExportError
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.wandb.exporter import wandb_exporter
from nv_one_logger.wandb.exporter.wandb_exporter import (
    Config,
    FlatMetricNamingStrategy,
    HierarchicalMetricNamingStrategy,
    MetricNamingStrategy,
    WandBExporterAsync,
    WandBExporterBase,
    WandBExporterSync,
    _WandBExportAsyncErrorInfo,
)

KEY = "not a key of forty characters"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wandb_exporter, "get_current_time_msec", lambda: 1000)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(entity="team", api_key=KEY, save_dir=str(tmp_path / "telemetry"))


@pytest.fixture
def run(config: Config) -> Iterator[MagicMock]:
    with patch("wandb.login") as login, patch("wandb.init") as init:
        yield init.return_value
        login.assert_not_called()


class Child:
    """Stands in for pipe and process."""

    def __init__(self) -> None:
        self.child_end, self.parent_end, self.process = MagicMock(), MagicMock(), MagicMock(spec=Process)
        self.parent_end.poll.return_value = False

    @property
    def sent(self) -> List[Any]:
        return [call[1]["obj"] for call in self.parent_end.send.call_args_list]


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child()
    pipe = patch("multiprocessing.Pipe", return_value=(child.child_end, child.parent_end))
    with pipe, patch("multiprocessing.Process", return_value=child.process):
        yield child


def _span() -> Span:
    return Span.create("work", None, Attributes({"k": "v"}))


def _record(exporter: WandBExporterBase) -> List[Dict[str, Any]]:
    """Record everything once and return what must be logged without span details."""
    span = Span.create("work", None, Attributes({"k": "v"}))
    exporter.export_start(span)
    event = Event.create("ev", Attributes({"loss": 0.5}))
    exporter.export_event(event, span)
    exporter.export_error(ErrorEvent.create("bad"), span)
    span.stop()
    exporter.export_stop(span)
    kind = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
    exporter.export_telemetry_data_error(TelemetryDataError.create(kind, "why"))
    stop_event = span.stop_event
    assert stop_event is not None
    stamp = {"app_last_log_time": 1000}
    return [
        {"work.k": "v", "work.span_start.timestamp_msec": span.start_event.attributes["timestamp_msec"].value, **stamp},
        {"work.ev.loss": 0.5, "work.ev.timestamp_msec": event.attributes["timestamp_msec"].value, **stamp},
        {
            "work.duration_msec": span.duration_msec(),
            "work.span_stop.timestamp_msec": stop_event.attributes["timestamp_msec"].value,
            **stamp,
        },
        {"telemetry_data_error": "INCOMPLETE_TELEMETRY_DATA", **stamp},
    ]


# --- configuration and names -----------------------------------------------------------------------------------------


def test_config_keeps_the_order_and_defaults_of_its_first_fields() -> None:
    config = Config("team")
    names = [field.name for field in fields(config)][:7]
    assert names == ["entity", "host", "api_key", "project", "run_name", "save_dir", "tags"]
    assert (config.host, config.api_key, config.project) == ("https://api.wandb.ai", "", "one-logger-tracking")
    assert (config.save_dir, config.tags) == ("./wandb", ["e2e_metrics_enabled"])
    assert config.run_name.startswith("one-logger-tracking-run-")
    assert config.run_name != Config("team").run_name
    assert config.tags is not Config("team").tags


def test_config_survives_pickling_and_hides_its_key(config: Config) -> None:
    assert pickle.loads(pickle.dumps(config)) == config
    assert KEY not in repr(config)
    assert "api_key=''" in repr(Config("team"))


def test_names() -> None:
    span, event, attribute = Span.create("work"), Event.create("ev"), Attribute("k", 1)
    hierarchical, flat = HierarchicalMetricNamingStrategy("/"), FlatMetricNamingStrategy()
    assert hierarchical.from_span_attribute(span, attribute) == "work/k"
    assert hierarchical.from_event_attribute(span, event, attribute) == "work/ev/k"
    assert flat.from_span_attribute(span, attribute) == flat.from_event_attribute(span, event, attribute) == "k"


def test_strategy_without_override_is_refused() -> None:
    with pytest.raises(TypeError):

        class Mine(MetricNamingStrategy):
            def from_span_attribute(self, span: Span, attribute: Attribute) -> str:
                return ""


@pytest.mark.parametrize("kind", [WandBExporterAsync, WandBExporterSync])
@pytest.mark.parametrize(("arguments", "phrase"), [((None,), "config is"), ((Config("e"), None), "metric_naming_str")])
def test_missing_argument_is_refused(kind: Any, arguments: Tuple[Any, ...], phrase: str) -> None:
    with pytest.raises(OneLoggerError, match=phrase):
        kind(*arguments)


# --- in this process -------------------------------------------------------------------------------------------------


def test_sync_logs_the_rows_of_its_predecessor(run: MagicMock, config: Config) -> None:
    exporter = WandBExporterSync(config)
    exporter.initialize()
    expected = _record(exporter)
    assert [call[1] for call in run.log.call_args_list] == [{"data": row, "commit": True} for row in expected]
    exporter.close()
    exporter.close()
    run.finish.assert_called_once_with(exit_code=0)


def test_sync_takes_a_run_of_its_own(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_RUN_ID", "of-application")
    monkeypatch.setenv("WANDB_SERVICE", "service")
    seen: List[str] = []

    def init(**arguments: Any) -> MagicMock:
        seen.extend(name for name in ("WANDB_RUN_ID", "WANDB_SERVICE") if name in os.environ)
        assert (arguments["reinit"], arguments["resume"]) == ("create_new", "allow")
        assert (arguments["project"], arguments["entity"]) == (config.project, "team")
        assert arguments["settings"]["api_key"] == KEY
        return MagicMock()

    with patch("wandb.init", init):
        WandBExporterSync(config).initialize()
    assert seen == []
    assert (os.environ["WANDB_RUN_ID"], os.environ["WANDB_SERVICE"]) == ("of-application", "service")


def test_sync_that_cannot_start_its_run_is_not_ready(config: Config) -> None:
    exporter = WandBExporterSync(config)
    with patch("wandb.init", side_effect=ValueError("no key")), pytest.raises(ValueError, match="no key"):
        exporter.initialize()
    assert not exporter.ready
    with pytest.raises(ExportError):
        exporter.export_start(_span())
    exporter.close()


def test_sync_puts_back_server_and_key_of_the_session(config: Config) -> None:
    import wandb
    from wandb.sdk import wandb_setup

    settings = wandb.Settings()

    def init(**arguments: Any) -> MagicMock:
        settings.base_url = "http://telemetry.example"
        settings.api_key = "0123456789" * 4
        return MagicMock()

    before = settings.base_url
    with patch.object(wandb_setup, "singleton", return_value=MagicMock(settings=settings)), patch("wandb.init", init):
        WandBExporterSync(config).initialize()
    assert (settings.base_url, settings.api_key) == (before, None)


def test_close_of_sync_does_not_wait_for_ever(run: MagicMock, config: Config) -> None:
    released = threading.Event()
    run.finish.side_effect = lambda exit_code: released.wait(30)
    config.close_timeout_sec = 0.05
    exporter = WandBExporterSync(config)
    exporter.initialize()
    exporter.close()
    assert not released.is_set()
    released.set()


def test_refused_record_is_an_export_error(run: MagicMock, config: Config) -> None:
    exporter = WandBExporterSync(config)
    exporter.initialize()
    run.log.side_effect = RuntimeError("full")
    with pytest.raises(ExportError, match="full"):
        exporter.export_start(_span())


def test_flat_names_by_word(run: MagicMock, config: Config) -> None:
    exporter = WandBExporterSync(config, "flat")
    exporter.initialize()
    exporter.export_start(Span.create("work", None, Attributes({"k": "v"})))
    assert run.log.call_args[1]["data"]["k"] == "v"


def test_span_without_stop_event_is_refused(run: MagicMock, config: Config) -> None:
    exporter = WandBExporterSync(config)
    exporter.initialize()
    with pytest.raises(OneLoggerError, match="Span has no stop event"):
        exporter.export_stop(_span())


# --- in a process of its own -----------------------------------------------------------------------------------------


def test_async_sends_the_rows_of_its_predecessor(child: Child, config: Config) -> None:
    exporter = WandBExporterAsync(config)
    child.process.start.assert_not_called()
    exporter.initialize()
    exporter.initialize()
    child.process.start.assert_called_once_with()
    expected = _record(exporter)
    assert child.sent == expected
    exporter.close()
    exporter.close()
    assert child.sent == [*expected, None]
    child.process.join.assert_called_once()
    assert exporter.dropped == 0


@pytest.mark.parametrize(
    ("trouble", "kind", "phrase"),
    [
        (
            {"poll.return_value": True, "recv.return_value": _WandBExportAsyncErrorInfo("no key", "line 7")},
            ExportError,
            "7",
        ),
        ({"send.side_effect": BrokenPipeError()}, OneLoggerError, "lost"),
        ({"poll.return_value": True, "recv.side_effect": EOFError()}, OneLoggerError, "lost"),
    ],
)
def test_trouble_of_the_child_is_raised_once(
    child: Child, config: Config, trouble: Dict[str, Any], kind: Any, phrase: str
) -> None:
    exporter = WandBExporterAsync(config)
    exporter.initialize()
    child.parent_end.configure_mock(**trouble)
    with pytest.raises(OneLoggerError, match=phrase) as raised:
        exporter.export_start(_span())
    assert raised.type is kind
    exporter.export_start(_span())
    assert exporter.child_failures == 1
    exporter.close()
    assert exporter.dropped == 2


def test_exit_code_of_the_child_is_an_export_error(child: Child, config: Config) -> None:
    exporter = WandBExporterAsync(config)
    exporter.initialize()
    child.process.exitcode = 1
    with pytest.raises(ExportError, match="exit code 1"):
        exporter.export_start(_span())
    exporter.close()


def test_close_before_initialize_does_nothing(child: Child, config: Config) -> None:
    exporter = WandBExporterAsync(config)
    exporter.close()
    assert exporter.closed
    child.process.join.assert_not_called()


def test_process_that_cannot_be_started_leaves_the_exporter_not_ready(child: Child, config: Config) -> None:
    exporter = WandBExporterAsync(config)
    child.process.start.side_effect = OSError("no memory")
    with pytest.raises(ExportError, match="no memory"):
        exporter.initialize()
    assert not exporter.ready


def test_child_logs_until_it_is_told_to_end(run: MagicMock, config: Config) -> None:
    conn = MagicMock()
    conn.recv.side_effect = [{"a": 1}, {"b": 2}, None]
    WandBExporterAsync._child_process_fn(conn, config)
    assert [call[1] for call in run.log.call_args_list] == [
        {"data": row, "commit": True} for row in ({"a": 1}, {"b": 2})
    ]
    run.finish.assert_called_once_with(exit_code=0)
    conn.send.assert_not_called()
    conn.close.assert_called_once_with()


def test_child_tells_its_error_and_ends_with_it(run: MagicMock, config: Config) -> None:
    conn = MagicMock()
    conn.recv.side_effect = [{"a": 1}, None]
    run.log.side_effect = ValueError("full")
    with pytest.raises(SystemExit) as raised:
        WandBExporterAsync._child_process_fn(conn, config)
    assert raised.value.code == 1
    ((info,), _) = conn.send.call_args
    assert info.message == "Unexpected error in child process: full"
    assert "ValueError: full" in info.traceback
    run.finish.assert_called_once_with(exit_code=1)


# --- clients ---------------------------------------------------------------------------------------------------------


class V1Exporter(WandBExporterSync):
    """As the adapter for the first generation does it."""

    def __init__(self, config: Config) -> None:
        super().__init__(config=config, metric_naming_strategy=HierarchicalMetricNamingStrategy())

    @override
    def export_start(self, span: Span) -> None:
        self._log_metrics({"app_start_time": 1} if span.name_str == "application" else {})

    @override
    def export_stop(self, span: Span) -> None:
        self._log_metrics({"app_finish_time": 2})

    @override
    def export_event(self, event: Event, span: Span) -> None:
        self._log_metrics({})

    @override
    def export_error(self, event: ErrorEvent, span: Span) -> None:
        self._log_metrics({"error": event.error_message})


def test_v1_adapter_calls_log_metrics_itself(run: MagicMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nothing: Any = None
    config = Config(entity=nothing, host=nothing, api_key="", project="p", run_name="r", save_dir=nothing, tags=nothing)
    exporter = V1Exporter(config)
    exporter.initialize()
    span = Span.create(StandardSpanName.APPLICATION)
    exporter.export_start(span)
    exporter.export_event(Event.create("ev"), span)
    exporter.export_error(ErrorEvent.create("bad"), span)
    span.stop()
    exporter.export_stop(span)
    rows = [call[1]["data"] for call in run.log.call_args_list]
    assert rows == [
        {"app_start_time": 1, "app_last_log_time": 1000},
        {"error": "bad", "app_last_log_time": 1000},
        {"app_finish_time": 2, "app_last_log_time": 1000},
    ]
    exporter.close()


class V1AsyncExporter(WandBExporterAsync):
    """The same for the other exporter."""

    def __init__(self, config: Config) -> None:
        super().__init__(config=config, metric_naming_strategy=HierarchicalMetricNamingStrategy())

    @override
    def export_start(self, span: Span) -> None:
        self._log_metrics({"app_start_time": 1} if span.name_str == "application" else {})


def test_v1_adapter_does_so_in_the_asynchronous_exporter_too(child: Child, config: Config) -> None:
    exporter = V1AsyncExporter(config)
    exporter.initialize()
    exporter.export_start(Span.create("other"))
    exporter.export_start(Span.create(StandardSpanName.APPLICATION))
    assert child.sent == [{"app_start_time": 1, "app_last_log_time": 1000}]
    exporter.close()


def test_resiliency_extension_records_through_the_provider(child: Child, config: Config) -> None:
    from nv_one_logger.wandb.exporter.wandb_exporter import Config as WandBConfig

    provider = TrainingTelemetryProvider.instance()
    assert not provider.one_logger_ready
    base = OneLoggerConfig(
        application_name="nvrx",
        world_size_or_fn=1,
        session_tag_or_fn=lambda: "job",
        custom_metadata={"cluster": None},
        logger_config=LoggerConfig(log_file_path_for_info="/dev/null", log_file_path_for_err="/dev/null"),
    )
    provider.with_base_config(base)
    wandb_config = WandBConfig(entity="e", project="p", run_name="r", api_key="k", tags=["nvrx"])
    provider.with_exporter(WandBExporterAsync(config=wandb_config))
    provider.configure_provider()
    try:
        attributes = Attributes()
        attributes.add("node", None)  # type: ignore[arg-type]  # as that client does
        span = provider.recorder.start(span_name=StandardSpanName.APPLICATION, span_attributes=attributes)
        provider.recorder.event(span, Event.create("ft.started", attributes))
        assert [row["one_logger/record"] for row in child.sent] == ["start", "event"]
        assert "application.ft.started.node" in child.sent[1]
    finally:
        provider.reset()
