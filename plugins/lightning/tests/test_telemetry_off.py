"""Telemetry that is off, not configured, or half configured: training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback, hook_trainer_cls

StartJob = Callable[..., Any]


def use_everything(library: Any, folder: Path) -> None:
    hook_trainer_cls(library.ptl.Trainer, TrainingTelemetryProvider.instance())
    trainer, model = library.trainer(folder, num_sanity_val_steps=2, callbacks=library.checkpoints(folder)), None
    model = library.model()
    trainer.fit(model)
    trainer.test(model, verbose=False)
    trainer.predict(model)
    with pytest.raises(RuntimeError, match="no more"):
        trainer.validate(library.model(fail_in="validation"))
    assert len(list((folder / "checkpoints").iterdir())) == 2


def test_not_configured(library: Any, tmp_path: Path) -> None:
    use_everything(library, tmp_path)


@pytest.mark.parametrize("telemetry", [True, False])
def test_disabled_rank(telemetry: bool, preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job(enabled=False, telemetry=telemetry)
    use_everything(preferred, tmp_path)
    assert not job.file.path.exists()


def test_switched_off_in_the_middle(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    class SwitchOff(preferred.ptl.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, trainer: Any, model: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            job.provider.force_disable_logging()

    job = start_job()
    trainer = preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider), SwitchOff()])
    trainer.fit(preferred.model())
    assert job.open_spans() == ["application", "training_loop"]


def test_no_telemetry_configuration_is_said_before_training(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job(telemetry=False)
    trainer = preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider)])
    with pytest.raises(OneLoggerError, match="Training telemetry config must be set before the start of training"):
        trainer.fit(preferred.model())
    assert job.open_spans() == ["application"]


def test_no_telemetry_configuration_in_the_quiet_strategy(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job(telemetry=False, quiet=True)
    trainer = preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider), preferred.checkpoints(tmp_path)])
    trainer.fit(preferred.model())
    assert job.counts()["training_loop"] == 1
    assert "must be set" in job.problems()[0]


def test_batch_size_that_is_not_known(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job(global_batch_size_or_fn=None)
    preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider)]).fit(preferred.model())
    (loop,) = job.ended("training_loop")
    assert (loop["train_iterations_start"], loop.get("train_samples_start")) == (0, None)
    assert job.problems() == []


def test_provider_that_is_configured_after_the_callback_was_made(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    callback = TimeEventCallback(TrainingTelemetryProvider.instance())
    trainer = preferred.trainer(tmp_path, callbacks=[callback])
    job = start_job()
    trainer.fit(preferred.model())
    trainer.validate(preferred.model(), verbose=False)
    assert len(job.events("one_logger_initialization")) == 1
    assert job.open_spans() == ["application"]
    assert job.counts() == {"validation_loop": 2, "training_loop": 1}


def test_configured_without_training_telemetry(preferred: Any, tmp_path: Path) -> None:
    from nv_one_logger.api.one_logger_provider import OneLoggerProvider
    from nv_one_logger.recorder.default_recorder import DefaultRecorder

    config = OneLoggerConfig(
        application_name="other",
        session_tag_or_fn="s",
        world_size_or_fn=1,
        error_handling_strategy="disable_quietly_and_report_metric_error",
    )
    OneLoggerProvider.instance().configure(config, DefaultRecorder([]))
    try:
        use_everything(preferred, tmp_path)
    finally:
        OneLoggerProvider.instance()._reset()
