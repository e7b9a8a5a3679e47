"""What known users of the reference import, subclass and call, with the values they pass (without Lightning)."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import pytest

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.testing import RecordFile

# --- NeMo, framework repository --------------------------------------------------------------------------------------


def nemo_base_config(enabled: bool, **more: Any) -> Any:
    from nv_one_logger.api.config import OneLoggerConfig

    return OneLoggerConfig(
        application_name="nemo",
        session_tag_or_fn="session",
        enable_for_current_rank=enabled,
        world_size_or_fn=8,
        **more,
    )


def nemo_telemetry_config(max_steps: int = -1, strategy: str = "async") -> Any:
    from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig

    return TrainingTelemetryConfig(
        perf_tag_or_fn="nemo_perf",
        global_batch_size_or_fn=4,
        micro_batch_size_or_fn=4 // 8,
        seq_length_or_fn=1,
        train_iterations_target_or_fn=max_steps,
        train_samples_target_or_fn=max_steps * 4,
        log_every_n_train_iterations=10,
        is_validation_iterations_enabled_or_fn=True,
        is_save_checkpoint_enabled_or_fn=True,
        save_checkpoint_strategy=strategy,
    )


@pytest.mark.parametrize("enabled", [True, False])
def test_nemo(enabled: bool) -> None:
    import nv_one_logger.training_telemetry.api.callbacks as callback_module
    from nv_one_logger.training_telemetry.api.callbacks import on_app_start
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

    base = nemo_base_config(enabled, error_handling_strategy="propagate_exceptions")
    TrainingTelemetryProvider.instance().with_base_config(base).with_export_config().configure_provider()
    on_app_start()
    for name in ("model_init", "dataloader_init", "optimizer_init", "load_checkpoint"):
        getattr(callback_module, f"on_{name}_start")()
        getattr(callback_module, f"on_{name}_end")()
    provider = TrainingTelemetryProvider.instance()
    if provider.config.telemetry_config is None:
        provider.set_training_telemetry_config(nemo_telemetry_config())
    assert provider.config.telemetry_config is not None
    if enabled:
        with pytest.raises(OneLoggerError, match="has already been set"):
            provider.set_training_telemetry_config(nemo_telemetry_config())
    callback_module.on_train_start(train_iterations_start=0, train_iterations_target_or_fn=lambda: -1)
    callback_module.on_training_single_iteration_start(start_time_msec=None)
    callback_module.on_training_single_iteration_end(finish_time_msec=None)
    callback_module.on_save_checkpoint_start(global_step=1)
    callback_module.on_save_checkpoint_end()
    callback_module.on_save_checkpoint_success(global_step=1)
    callback_module.on_train_end()
    callback_module.on_app_end()
    with pytest.raises(
        OneLoggerError, match=r"^with_base_config can be called only before configure_provider is called\.$"
    ):
        TrainingTelemetryProvider.instance().with_base_config(nemo_base_config(True))


def test_nemo_configures_at_import_quickly_and_quietly(run_python: Callable[..., Any], tmp_path: Path) -> None:
    program = """
import atexit, os
from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.training_telemetry.api.callbacks import on_app_start, on_app_end
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
config = OneLoggerConfig(
    application_name="nemo", session_tag_or_fn="s", enable_for_current_rank=os.environ.get("RANK") == "0",
    world_size_or_fn=1,
)
TrainingTelemetryProvider.instance().with_base_config(config).with_export_config().configure_provider()
on_app_start()
atexit.register(on_app_end)
"""
    for env in ({}, {"RANK": "0"}, {"RANK": "7"}):
        done = run_python(program, env=env)
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) <= 1, done.stderr
    assert list(tmp_path.iterdir()) == []


# --- NeMo Speech -----------------------------------------------------------------------------------------------------


class NeMoSpeech:
    """Spans of its own through the recorder; modules are imported late and by name."""

    def __init__(self) -> None:
        config = importlib.import_module("nv_one_logger.api.config")
        self.attributes = importlib.import_module("nv_one_logger.core.attributes").Attributes
        self.event = importlib.import_module("nv_one_logger.core.event").Event
        self.callbacks = importlib.import_module("nv_one_logger.training_telemetry.api.callbacks")
        provider = importlib.import_module("nv_one_logger.training_telemetry.api.training_telemetry_provider")
        base = config.OneLoggerConfig(
            application_name="nemo-speech",
            session_tag_or_fn="s",
            enable_for_current_rank=True,
            world_size_or_fn=1,
            error_handling_strategy=config.OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR,
        )
        instance = provider.TrainingTelemetryProvider.instance()
        instance.with_base_config(base).with_export_config().configure_provider()
        self.recorder = instance.recorder
        self.application = self.callbacks.on_app_start()
        self.spans: Dict[str, Any] = {}

    def start(self, name: str, attributes: Optional[Dict[str, Any]] = None) -> None:
        given = self.attributes(attributes) if attributes else None
        self.spans[name] = self.recorder.start(f"nemo_speech.{name}", span_attributes=given)

    def stop(self, name: str) -> None:
        span = self.spans.pop(name, None)
        if span is not None:
            self.recorder.stop(span)

    def emit(self, name: str, attributes: Dict[str, Any]) -> None:
        self.recorder.event(self.application, self.event.create(f"nemo_speech.{name}", self.attributes(attributes)))


def test_nemo_speech(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "exporters.json"
    path = tmp_path / "x.jsonl"
    config.write_text(f'{{"exporters": [{{"class_name": "file", "config": {{"file_path": "{path.as_posix()}"}}}}]}}')
    monkeypatch.setenv("ONE_LOGGER_EXPORTER_CONFIG_PATH", str(config))
    client = NeMoSpeech()
    client.start("model_initialization")
    client.stop("model_initialization")
    client.start("training", {"global_step": 0})
    client.start("checkpoint_save", {"global_step": 5, "asynchronous": True})
    client.start("validation")
    client.stop("checkpoint_save")  # out of order
    client.emit("throughput", {"tokens_per_second": 12.5, "steps": 3, "unit": "s"})
    client.emit("checkpoint_save_success", {"global_step": 5, "asynchronous": True})
    for name in list(client.spans):
        client.stop(name)
    client.callbacks.on_app_end()
    records = RecordFile(path).records()
    assert [r["event"]["name"] for r in records if r["type"] == "event"] == [
        "one_logger_initialization",
        "nemo_speech.throughput",
        "nemo_speech.checkpoint_save_success",
    ]
    stopped = [r["name"] for r in records if r["type"] in ("stop", "complete")]
    assert stopped == [
        "nemo_speech.model_initialization",
        "nemo_speech.checkpoint_save",
        "nemo_speech.training",
        "nemo_speech.validation",
        "application",
    ]
    assert not any(r["type"] == "telemetry_data_error" for r in records)


# --- NVIDIA Resiliency Extension -------------------------------------------------------------------------------------


def test_resiliency_extension(tmp_path: Path) -> None:
    from nv_one_logger.api.config import LoggerConfig, OneLoggerConfig
    from nv_one_logger.core.attributes import Attributes
    from nv_one_logger.core.event import Event
    from nv_one_logger.core.span import StandardSpanName
    from nv_one_logger.exporter.file_exporter import FileExporter
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

    assert TrainingTelemetryProvider.instance().one_logger_ready is False
    config = OneLoggerConfig(
        application_name="nvrx",
        world_size_or_fn=1,
        session_tag_or_fn=lambda: "nvrx-session",
        custom_metadata={"cluster": None, "job": "42"},
        logger_config=LoggerConfig(log_file_path_for_info="/dev/null", log_file_path_for_err="/dev/null"),
    )
    provider = TrainingTelemetryProvider.instance()
    provider.with_base_config(config)
    file = RecordFile(tmp_path / "nvrx.jsonl")
    provider.with_exporter(FileExporter(file_path=file.path))  # what it returns is dropped
    TrainingTelemetryProvider.instance().configure_provider()
    assert TrainingTelemetryProvider.instance().one_logger_ready is True
    assert (provider.config.session_tag, provider.config.application_name) == ("nvrx-session", "nvrx")
    assert provider.config.custom_metadata == {"cluster": None, "job": "42"}
    attributes = Attributes()
    attributes.add("cycle", 0)
    attributes.add("cluster", None)  # type: ignore[arg-type]  # as this client does
    span = provider.recorder.start(span_name=StandardSpanName.APPLICATION, span_attributes=attributes)
    provider.recorder.event(span, Event.create("ft.rendezvous", attributes))
    assert [r["type"] for r in file.records()] == ["start", "event"]
    with pytest.raises(OneLoggerError):
        provider.with_base_config(config)


def test_resiliency_extension_needs_no_exporter_and_closes_at_exit(
    run_python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    program = """
from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.core.span import StandardSpanName
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
import sys
provider = TrainingTelemetryProvider.instance()
provider.with_base_config(OneLoggerConfig(application_name="nvrx", world_size_or_fn=1, session_tag_or_fn=lambda: "s"))
if len(sys.argv) > 1:
    from nv_one_logger.exporter.file_exporter import FileExporter
    provider.with_exporter(FileExporter(file_path=sys.argv[1]))
provider.configure_provider()
assert provider.one_logger_ready
provider.recorder.start(span_name=StandardSpanName.APPLICATION)
"""
    run_python(["-c", program])
    path = tmp_path / "nvrx.jsonl"
    run_python(["-c", program, str(path)])
    assert [r["type"] for r in RecordFile(path).records()] == ["complete"]


# --- development states ----------------------------------------------------------------------------------------------


def test_callbacks_are_found_by_name() -> None:
    import nv_one_logger.training_telemetry.api.callbacks as callback_module

    names: List[str] = ["on_train_start", "on_save_checkpoint_success", "on_validation_single_iteration_end"]
    assert all(hasattr(callback_module, name) for name in names)
    assert not hasattr(callback_module, "on_coffee_break_start")
    from nv_one_logger.training_telemetry.api import (  # what stubs of downstream projects re-export
        TrainingTelemetryConfig,
        TrainingTelemetryProvider,
        on_app_start,
    )

    assert (TrainingTelemetryConfig, TrainingTelemetryProvider, on_app_start) is not None
    assert "nv_one_logger.training_telemetry.api" in sys.modules
