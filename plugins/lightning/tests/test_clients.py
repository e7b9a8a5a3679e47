"""What known users of the Lightning integration import, subclass and call, with the values they pass."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List
from unittest.mock import patch

import pytest

from nv_one_logger.testing import RecordFile
from nv_one_logger.training_telemetry.integration._compat.lightning import Callback, Trainer

# --- NeMo, framework repository --------------------------------------------------------------------------------------


class BaseCallback(Callback):
    """NeMo's base: methods by the names of the application's phases, which ours have to win over."""

    calls: List[str]

    def on_app_start(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append("on_app_start")

    def on_app_end(self, *args: Any, **kwargs: Any) -> None:
        raise AssertionError("TimeEventCallback has to come first")

    on_model_init_start = on_model_init_end = on_app_end
    on_dataloader_init_start = on_dataloader_init_end = on_app_end
    on_optimizer_init_start = on_optimizer_init_end = on_app_end
    on_load_checkpoint_start = on_load_checkpoint_end = on_app_end
    on_save_checkpoint_start = on_save_checkpoint_success = on_save_checkpoint_end = on_app_end


def make_nemo_callback(enabled: bool = True) -> Any:
    """As NeMo's module does at import: it configures, and makes the one instance of its class."""
    from nv_one_logger.api.config import OneLoggerConfig
    from nv_one_logger.training_telemetry.api.callbacks import on_app_start
    from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
    from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback

    class OneLoggerNeMoCallback(TimeEventCallback, BaseCallback):
        _instance: Any = None

        def __new__(cls) -> Any:
            if cls._instance is None:
                cls._instance = super().__new__(cls)
            return cls._instance

        def __init__(self) -> None:
            if getattr(self, "_initialized", False):
                return
            self._initialized = True
            self.calls = []
            config = OneLoggerConfig(
                application_name="nemo",
                session_tag_or_fn="session",
                enable_for_current_rank=enabled,
                world_size_or_fn=8,
            )
            TrainingTelemetryProvider.instance().with_base_config(config).with_export_config().configure_provider()
            super().__init__(TrainingTelemetryProvider.instance(), call_on_app_start=False)
            on_app_start()

        def update_config(self, trainer: Any, global_batch_size: int = 4) -> None:
            provider = TrainingTelemetryProvider.instance()
            if provider.config.telemetry_config is not None:
                return
            max_steps = trainer.max_steps
            provider.set_training_telemetry_config(
                TrainingTelemetryConfig(
                    perf_tag_or_fn="nemo_perf",
                    global_batch_size_or_fn=global_batch_size,
                    micro_batch_size_or_fn=global_batch_size // 8,
                    seq_length_or_fn=1,
                    train_iterations_target_or_fn=max_steps,
                    train_samples_target_or_fn=max_steps * global_batch_size,
                    log_every_n_train_iterations=2,
                    is_validation_iterations_enabled_or_fn=True,
                    is_save_checkpoint_enabled_or_fn=True,
                    save_checkpoint_strategy="sync",
                )
            )

        def on_save_checkpoint_failure(self, *args: Any, **kwargs: Any) -> None:
            self.calls.append("on_save_checkpoint_failure")

    return OneLoggerNeMoCallback()


@pytest.fixture
def export_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordFile:
    """NeMo's users name their exporters in a file."""
    config, path = tmp_path / "exporters.json", tmp_path / "nemo.jsonl"
    config.write_text(f'{{"exporters": [{{"class_name": "file", "config": {{"file_path": "{path.as_posix()}"}}}}]}}')
    monkeypatch.setenv("ONE_LOGGER_EXPORTER_CONFIG_PATH", str(config))
    return RecordFile(path)


def ended(file: RecordFile) -> List[str]:
    return [r["name"] for r in file.records() if r["type"] in ("stop", "complete")]


def test_nemo(preferred: Any, export_file: RecordFile, tmp_path: Path) -> None:
    callback = make_nemo_callback()
    assert type(callback)() is callback
    for phase in ("model_init", "dataloader_init", "optimizer_init", "load_checkpoint"):
        getattr(callback, f"on_{phase}_start")()  # long before there is a telemetry configuration
        getattr(callback, f"on_{phase}_end")()

    class NeMoCheckpoint(preferred.ptl.callbacks.ModelCheckpoint):  # type: ignore[misc, name-defined]
        """Reports its saves by itself, around those of the trainer."""

        def _save_checkpoint(self, trainer: Any, filepath: str) -> None:
            callback.on_save_checkpoint_start(global_step=trainer.global_step)
            super()._save_checkpoint(trainer, filepath)
            callback.on_save_checkpoint_success(global_step=trainer.global_step)
            callback.on_save_checkpoint_end(global_step=trainer.global_step)

    saving = NeMoCheckpoint(dirpath=str(tmp_path / "checkpoints"), save_top_k=-1, every_n_train_steps=2)
    trainer = preferred.trainer(tmp_path, callbacks=[preferred.ptl.Callback(), callback, saving])
    callback.update_config(trainer)
    callback.update_config(trainer)
    trainer.fit(preferred.model())
    callback.on_app_end()
    assert ended(export_file) == [
        "model_initialization",
        "data_loader_initialization",
        "optimizer_initialization",
        "checkpoint_load",
        "checkpoint_save_sync",
        "checkpoint_save_sync",
        "validation_loop",
        "training_loop",
        "application",
    ]
    names = [r["event"]["name"] for r in export_file.records("event")]
    assert names.count("one_logger_initialization") == 1
    assert names.count("update_training_telemetry_config") == 1
    assert names.count("save_checkpoint_success") == 2
    (loop,) = [r for r in export_file.records("stop") if r["name"] == "training_loop"]
    assert loop["attributes"]["train_iterations_target"] == trainer.max_steps
    assert [r for r in export_file.records() if r["type"] in ("telemetry_data_error", "application_error")] == []
    assert callback.calls == []


def test_nemo_on_a_disabled_rank(preferred: Any, tmp_path: Path) -> None:
    callback = make_nemo_callback(enabled=False)
    trainer = preferred.trainer(tmp_path, callbacks=[callback, preferred.checkpoints(tmp_path)])
    callback.update_config(trainer)
    trainer.fit(preferred.model())
    callback.on_model_init_start()
    callback.on_app_end()


def test_nemo_may_replace_the_constructor(preferred: Any, export_file: RecordFile, tmp_path: Path) -> None:
    from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback

    with patch.object(TimeEventCallback, "__init__", return_value=None) as init:
        callback = make_nemo_callback()
    assert init.call_args.kwargs == {"call_on_app_start": False}
    assert len(init.call_args.args) == 1
    trainer = preferred.trainer(tmp_path, callbacks=[callback])
    callback.update_config(trainer)
    trainer.fit(preferred.model())
    assert "training_loop" in ended(export_file)


def test_nemo_goes_on_without_the_integration() -> None:
    name = "nv_one_logger.training_telemetry.integration.pytorch_lightning"
    with patch.dict(sys.modules, {name: None}), pytest.raises(ImportError):
        importlib.import_module(name)


def test_nemo_subclass_needs_no_more_than_it_says() -> None:
    from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback

    assert type(TimeEventCallback) is type
    assert "__new__" not in vars(TimeEventCallback)
    assert not hasattr(TimeEventCallback, "on_app_start")
    assert all("__slots__" not in vars(cls) for cls in TimeEventCallback.__mro__[:-1])


# --- older states of NeMo --------------------------------------------------------------------------------------------


def test_older_nemo_starts_the_application_with_the_callback(
    preferred: Any, export_file: RecordFile, tmp_path: Path
) -> None:
    from nv_one_logger.api.config import OneLoggerConfig
    from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
    from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback

    class OneLoggerAdapterCallback(TimeEventCallback, BaseCallback):
        def __init__(self) -> None:
            config = OneLoggerConfig(
                application_name="nemo",
                session_tag_or_fn="session",
                enable_for_current_rank=True,
                world_size_or_fn=1,
                error_handling_strategy="propagate_exceptions",
            )
            provider = TrainingTelemetryProvider.instance()
            provider.with_base_config(config).with_export_config().configure_provider()
            super().__init__(provider)

        def update_config(self, nemo_version: str, trainer: Any, **kwargs: Any) -> None:
            values: Dict[str, Any] = {"perf_tag_or_fn": nemo_version, "global_batch_size_or_fn": 4}
            self._provider.set_training_telemetry_config(TrainingTelemetryConfig(**values))

    callback = OneLoggerAdapterCallback()
    trainer = preferred.trainer(tmp_path, callbacks=[callback])
    callback.update_config("v2", trainer, data=None)
    trainer.fit(preferred.model())
    callback.on_app_end()
    assert ended(export_file) == ["validation_loop", "training_loop", "application"]


def test_nemo_speech_keeps_to_the_recorder_beside_the_callback(
    preferred: Any, start_job: Callable[..., Any], tmp_path: Path
) -> None:
    """Its current state uses no Lightning integration: spans of its own, in the same process as a trainer of ours."""
    from nv_one_logger.core.attributes import Attributes
    from nv_one_logger.core.event import Event
    from nv_one_logger.training_telemetry.api.callbacks import on_app_end, on_app_start
    from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback

    job = start_job()
    application = on_app_start()
    recorder = job.provider.recorder
    training = recorder.start("nemo_speech.training", span_attributes=Attributes({"global_step": 0}))
    preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider)]).fit(preferred.model())
    recorder.event(application, Event.create("nemo_speech.throughput", Attributes({"steps": 3, "unit": "s"})))
    recorder.stop(training)
    on_app_end()
    assert job.counts() == {
        "validation_loop": 1,
        "training_loop": 1,
        "nemo_speech.training": 1,
        "application": 1,
    }
    assert job.problems() == []


def test_names_that_stubs_and_tests_of_clients_import() -> None:
    compat = importlib.import_module("nv_one_logger.training_telemetry.integration._compat.lightning")
    assert sorted(compat.__all__) == sorted(
        ["ptl", "Trainer", "Callback", "LightningModule", "STEP_OUTPUT", "ModelCheckpoint"]
    )
    assert compat.ptl.Trainer is Trainer
    integration = importlib.import_module("nv_one_logger.training_telemetry.integration.pytorch_lightning")
    assert all(hasattr(integration, name) for name in ("TimeEventCallback", "hook_trainer_cls", "OneLoggerPTLTrainer"))
