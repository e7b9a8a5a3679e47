"""Other processes: pickled callbacks and trainers, and what Lightning starts with spawn and fork."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import pytest

from nv_one_logger.testing import RecordFile
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback

StartJob = Callable[..., Any]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_share_the_provider_of_their_process(
    copied: Callable[[Any], Any], preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job()
    copy_of_callback = copied(TimeEventCallback(job.provider))
    assert copy_of_callback._provider is TrainingTelemetryProvider.instance()
    preferred.trainer(tmp_path, callbacks=[copy_of_callback]).fit(preferred.model())
    assert job.counts() == {"validation_loop": 1, "training_loop": 1}
    assert len(job.events("one_logger_initialization")) == 1


def test_trainer_can_be_pickled_while_it_is_watched(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    callback = TimeEventCallback(job.provider)
    trainer = preferred.trainer(tmp_path, callbacks=[callback])
    callback.setup(trainer, None, "fit")
    assert pickle.loads(pickle.dumps(trainer.save_checkpoint)).callback is not callback


def test_copy_in_a_process_that_is_not_configured(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    pickled = pickle.dumps(TimeEventCallback(job.provider))
    job.provider.reset()
    trainer = preferred.trainer(tmp_path, callbacks=[pickle.loads(pickled), preferred.checkpoints(tmp_path)])
    trainer.fit(preferred.model())
    assert job.counts() == {"application": 1}
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


PROGRAM = """
import os
import lightning.pytorch as pl
from lightning.pytorch.demos.boring_classes import BoringModel
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback, hook_trainer_cls

provider = TrainingTelemetryProvider.instance()


def configure(path):
    config = TrainingTelemetryConfig(application_name="a", session_tag_or_fn="s", global_batch_size_or_fn=4)
    provider.with_base_config(config).with_exporter(FileExporter(file_path=path)).configure_provider()


class Model(BoringModel):
    def setup(self, stage):
        if not provider.one_logger_ready:
            configure("run-worker.jsonl")


if __name__ == "__main__":
    configure("run.jsonl")
    Trainer, callback = hook_trainer_cls(pl.Trainer, provider)
    trainer = Trainer(
        accelerator="cpu", devices=1, strategy=os.environ["STRATEGY"], max_steps=2, limit_val_batches=1, logger=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=".",
    )
    trainer.fit(Model())
    callback.on_app_end()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("strategy", "applications"), [("ddp_spawn", 2), ("ddp_notebook", 1)])
def test_training_in_another_process(
    strategy: str, applications: int, run_python: Callable[..., Any], tmp_path: Path
) -> None:
    """A fork is configured as its parent, and goes on in its application; a process that is spawned is a new one."""
    pytest.importorskip("lightning")
    run_python(PROGRAM, STRATEGY=strategy)
    files = [RecordFile(path) for path in sorted(tmp_path.glob("run*.jsonl"))]
    ended = Counter(r["name"] for file in files for r in file.records() if r["type"] in ("stop", "complete"))
    assert ended == {
        "application": applications,
        "training_loop": 1,
        "validation_loop": ended["validation_loop"],
        "checkpoint_save_sync": 1,
    }
