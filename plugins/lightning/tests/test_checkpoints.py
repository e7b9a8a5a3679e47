"""Checkpoints: seen once in every way a trainer can be watched, and never reported better than they are."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path
from typing import Any, Callable, List

import pytest

from nv_one_logger.training_telemetry.integration.pytorch_lightning import (
    OneLoggerPTLTrainer,
    TimeEventCallback,
    hook_trainer_cls,
)

StartJob = Callable[..., Any]


def plain(library: Any, job: Any, folder: Path, **arguments: Any) -> Any:
    arguments["callbacks"] = [TimeEventCallback(job.provider), *arguments["callbacks"]]
    return library.trainer(folder, **arguments)


def hooked(library: Any, job: Any, folder: Path, **arguments: Any) -> Any:
    trainer_class, _ = hook_trainer_cls(library.ptl.Trainer, job.provider)
    return trainer_class(**library.arguments(folder, **arguments))


def hooked_subclass_of_hooked(library: Any, job: Any, folder: Path, **arguments: Any) -> Any:
    hook_trainer_cls(library.ptl.Trainer, job.provider)
    trainer_class, _ = hook_trainer_cls(type("Mine", (library.ptl.Trainer,), {}), job.provider)
    return trainer_class(**library.arguments(folder, **arguments))


def of_our_class(library: Any, job: Any, folder: Path, **arguments: Any) -> Any:
    return OneLoggerPTLTrainer(library.arguments(folder, **arguments), job.provider)


def of_our_class_and_hooked(library: Any, job: Any, folder: Path, **arguments: Any) -> Any:
    hook_trainer_cls(library.ptl.Trainer, job.provider)
    return of_our_class(library, job, folder, **arguments)


def plain_and_hooked(library: Any, job: Any, folder: Path, **arguments: Any) -> Any:
    hook_trainer_cls(library.ptl.Trainer, job.provider)
    return plain(library, job, folder, **arguments)


def plain_twice(library: Any, job: Any, folder: Path, **arguments: Any) -> Any:
    arguments["callbacks"] = [TimeEventCallback(job.provider), *arguments["callbacks"]]
    return plain(library, job, folder, **arguments)


def of_the_model_and_hooked(library: Any, job: Any, folder: Path, **arguments: Any) -> Any:
    trainer = hooked(library, job, folder, **arguments)
    library.model_class.configure_callbacks = lambda model: [TimeEventCallback(job.provider)]
    return trainer


WAYS = [
    of_the_model_and_hooked,
    plain,
    hooked,
    hooked_subclass_of_hooked,
    of_our_class,
    of_our_class_and_hooked,
    plain_and_hooked,
    plain_twice,
]


@pytest.mark.parametrize("make", WAYS)
def test_everything_is_counted_once(make: Any, preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    make(preferred, job, tmp_path, callbacks=[preferred.checkpoints(tmp_path)]).fit(preferred.model())
    assert job.counts() == {"validation_loop": 1, "checkpoint_save_sync": 2, "training_loop": 1}
    assert [one["current_iteration"] for one in job.events("save_checkpoint_success")] == [2, 4]
    assert job.events("training_metrics_update")[-1]["num_iterations"] == 4
    assert job.open_spans() == ["application"]
    assert job.problems() == job.errors() == []


@pytest.mark.parametrize("make", [plain, hooked, of_our_class])
def test_failed_save_is_closed_and_reported_and_the_next_one_works(
    make: Any, preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job()
    trainer = make(preferred, job, tmp_path, callbacks=[])
    trainer.fit(preferred.model())
    saves: List[Any] = []

    class FullDisk(preferred.ptl.Callback):  # type: ignore[misc, name-defined]
        def on_save_checkpoint(self, *_: Any) -> None:
            saves.append(None)
            if len(saves) == 1:
                raise TypeError("the disk is full")

    class Saving(preferred.ptl.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, trainer: Any, model: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            if batch_idx < 2:
                try:
                    trainer.save_checkpoint(tmp_path / f"{batch_idx}.ckpt")
                except TypeError as error:
                    assert str(error) == "the disk is full"  # noqa: PT017  # training goes on

    job.provider.reset()
    job = start_job()
    trainer = make(preferred, job, tmp_path, callbacks=[FullDisk(), Saving()])
    trainer.fit(preferred.model())
    assert len(saves) == 2  # a TypeError of the user's is no reason to save again
    assert [path.name for path in tmp_path.glob("*.ckpt")] == ["1.ckpt"]
    assert job.counts()["checkpoint_save_sync"] == 2
    assert [one["current_iteration"] for one in job.events("save_checkpoint_success")] == [2]
    assert [one["save_checkpoint_attempt_count"] for one in job.ended("checkpoint_save_sync")] == [1, 2]
    assert job.errors() == ["Error in checkpoint_save_sync: the disk is full"]
    assert job.problems() == []


def test_save_that_ends_the_training_ends_all_spans(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    class Broken(preferred.ptl.Callback):  # type: ignore[misc, name-defined]
        def on_save_checkpoint(self, *_: Any) -> None:
            raise OSError("the disk is full")

    job = start_job()
    trainer = plain(preferred, job, tmp_path, callbacks=[Broken(), preferred.checkpoints(tmp_path)])
    with pytest.raises(OSError, match="the disk is full"):
        trainer.fit(preferred.model())
    assert job.open_spans() == ["application"]
    assert [error for error in job.errors() if not error.startswith("Error in training_single")] == [
        "Error in checkpoint_save_sync: the disk is full",
        "Error in training_loop: the disk is full",
    ]


def test_checkpoint_saved_because_of_an_exception_is_recorded(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    class Rescue(preferred.ptl.callbacks.Checkpoint):  # type: ignore[misc, name-defined]
        def on_exception(self, trainer: Any, model: Any, exception: BaseException) -> None:
            trainer.save_checkpoint(tmp_path / "rescue.ckpt")

    job = start_job()
    trainer = plain(preferred, job, tmp_path, callbacks=[Rescue()], enable_checkpointing=True)
    with pytest.raises(RuntimeError, match="no more"):
        trainer.fit(preferred.model(fail_in="validation"))
    assert (tmp_path / "rescue.ckpt").exists()
    assert [one["current_iteration"] for one in job.events("save_checkpoint_success")] == [4]


def test_trainer_after_an_interrupt_reports_to_the_callback_that_it_has(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job()
    first, second = TimeEventCallback(job.provider), TimeEventCallback(job.provider)
    trainer = preferred.trainer(tmp_path, callbacks=[first])
    with pytest.raises(RuntimeError, match="no more"):
        trainer.fit(preferred.model(fail_in="training"))
    trainer.callbacks[0] = second
    trainer.fit(preferred.model())
    assert "save_checkpoint" not in vars(trainer)


def test_search_for_a_learning_rate_disturbs_nothing(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    tuner = importlib.import_module(f"{preferred.ptl.__name__}.tuner")
    job = start_job()
    trainer = hooked(preferred, job, tmp_path, callbacks=[])
    model = preferred.model()
    model.learning_rate = 0.1
    tuner.Tuner(trainer).lr_find(model, num_training=3, update_attr=False)
    trainer.fit(model)
    assert job.counts()["training_loop"] == 1
    assert job.open_spans() == ["application"]
    assert job.problems() == job.errors() == []


def test_trainer_is_left_as_it_was(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    trainer = plain(preferred, job, tmp_path, callbacks=[])
    trainer.fit(preferred.model())
    assert "save_checkpoint" not in vars(trainer)
    assert "load_checkpoint" not in vars(trainer.strategy)


def test_method_that_somebody_put_on_the_trainer_stays(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    calls: List[Any] = []
    job = start_job()
    trainer = plain(preferred, job, tmp_path, callbacks=[preferred.checkpoints(tmp_path)])
    mine = trainer.save_checkpoint = lambda *args, **kwargs: calls.append(args)
    trainer.fit(preferred.model())
    assert trainer.save_checkpoint is mine
    assert len(calls) == job.counts()["checkpoint_save_sync"] == 2


def test_saving_is_passed_on_as_it_was_called(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    trainer = of_our_class(preferred, job, tmp_path, callbacks=[])
    trainer.fit(preferred.model())
    trainer.save_checkpoint(tmp_path / "all.ckpt")
    trainer.save_checkpoint(str(tmp_path / "weights.ckpt"), weights_only=True)
    trainer.save_checkpoint(filepath=tmp_path / "again.ckpt", weights_only=None, storage_options=None)
    import torch

    loaded = {p.stem: torch.load(p, weights_only=False) for p in tmp_path.glob("*.ckpt")}
    assert {name: "optimizer_states" in content for name, content in loaded.items()} == {
        "all": True,
        "weights": False,
        "again": True,
    }
    assert job.counts()["checkpoint_save_sync"] == 3


def test_application_that_reports_its_saves_and_loads_itself(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    """Around the trainer, as some applications do, and inside of it, as others do. Each save counts once."""

    class Inside(preferred.ptl.Callback):  # type: ignore[misc, name-defined]
        def on_save_checkpoint(self, *_: Any) -> None:
            callback.on_save_checkpoint_start(global_step=4)
            callback.on_save_checkpoint_success(global_step=4)
            callback.on_save_checkpoint_end()

    job = start_job()
    callback = TimeEventCallback(job.provider)
    model = preferred.model()
    trainer = preferred.trainer(tmp_path, callbacks=[callback])
    trainer.fit(model)

    class Outside(preferred.ptl.Callback):  # type: ignore[misc, name-defined]
        def on_test_start(self, trainer: Any, *_: Any) -> None:
            callback.on_save_checkpoint_start(global_step=4)
            trainer.save_checkpoint(tmp_path / "outside.ckpt")
            callback.on_save_checkpoint_success(global_step=4)
            callback.on_save_checkpoint_end(global_step=4)

        def on_test_end(self, trainer: Any, *_: Any) -> None:
            trainer.callbacks.append(Inside())
            trainer.save_checkpoint(tmp_path / "inside.ckpt")
            callback.on_load_checkpoint_start()
            trainer.strategy.load_checkpoint(tmp_path / "inside.ckpt")
            callback.on_load_checkpoint_end()

    trainer.callbacks.append(Outside())
    trainer.test(model, verbose=False)
    assert len(job.ended("checkpoint_save_sync")) == 2
    assert len(job.events("save_checkpoint_success")) == 2
    assert len(job.ended("checkpoint_load")) == 1
    assert job.problems() == job.errors() == []


def test_failed_load_is_closed_and_reported(library: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    path = tmp_path / "broken.ckpt"
    path.write_bytes(b"no checkpoint")
    trainer = plain(library, job, tmp_path, callbacks=[])
    with pytest.raises(Exception):  # noqa: B017, PT011  # whatever PyTorch raises
        trainer.fit(library.model(), ckpt_path=str(path))
    assert job.counts() == {"checkpoint_load": 1}
    assert [error.split(":")[0] for error in job.errors()] == ["Error in checkpoint_load"]
    assert job.open_spans() == ["application"]


# --- checkpoints written in the background ---------------------------------------------------------------------------


class SlowDisk:
    """Makes the plugin that really writes wait, and fail if told to."""

    def __init__(self, package: Any) -> None:
        self.may_write = threading.Event()
        self.error = None
        disk = self
        plugins = importlib.import_module(f"{package.__name__}.plugins.io")

        class Slow(plugins.TorchCheckpointIO):  # type: ignore[misc, name-defined]
            def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
                assert disk.may_write.wait(30)
                if disk.error is not None:
                    raise disk.error
                super().save_checkpoint(checkpoint, path, storage_options)

        self.writer = Slow()
        self.plugin = plugins.AsyncCheckpointIO(self.writer)


class SaveOnce:
    """Saves after the first batch and lets the disk write at the end of training."""

    def __init__(self, job: Any, disk: SlowDisk, folder: Path, base: Any) -> None:
        outer = self
        self.reported_before = None

        class Saving(base):  # type: ignore[misc]
            def on_train_batch_end(self, trainer: Any, model: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
                if batch_idx == 0:
                    trainer.save_checkpoint(folder / "background.ckpt")

            def on_train_end(self, trainer: Any, model: Any) -> None:
                outer.reported_before = len(job.events("save_checkpoint_success"))
                disk.may_write.set()

        self.callback = Saving()


@pytest.mark.parametrize("make", [plain, hooked])
def test_success_is_reported_when_the_checkpoint_is_written(
    make: Any, library: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job, disk = start_job(save_checkpoint_strategy="async"), SlowDisk(library.ptl)
    saving = SaveOnce(job, disk, tmp_path, library.ptl.Callback)
    trainer = make(library, job, tmp_path, callbacks=[saving.callback], plugins=[disk.plugin])
    trainer.fit(library.model())
    assert saving.reported_before == 0
    assert (tmp_path / "background.ckpt").exists()
    assert [one["current_iteration"] for one in job.events("save_checkpoint_success")] == [1]
    assert "save_checkpoint" not in {**vars(disk.plugin), **vars(disk.writer)}
    assert job.problems() == job.errors() == []


def test_checkpoint_that_is_not_written_is_an_error_and_no_success(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job, disk = start_job(save_checkpoint_strategy="async"), SlowDisk(preferred.ptl)
    disk.error = OSError("the disk is full")
    saving = SaveOnce(job, disk, tmp_path, preferred.ptl.Callback)
    trainer = plain(preferred, job, tmp_path, callbacks=[saving.callback], plugins=[disk.plugin])
    with pytest.raises(OSError, match="the disk is full"):
        trainer.fit(preferred.model())
    assert job.events("save_checkpoint_success") == []
    assert "The checkpoint of step 1 was not written: the disk is full" in job.errors()


def test_background_writes_under_the_synchronous_strategy_are_no_success(
    preferred: Any, start_job: StartJob, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job, disk = start_job(), SlowDisk(preferred.ptl)
    saving = SaveOnce(job, disk, tmp_path, preferred.ptl.Callback)
    plain(preferred, job, tmp_path, callbacks=[saving.callback], plugins=[disk.plugin]).fit(preferred.model())
    assert job.events("save_checkpoint_success") == []
    assert "Set save_checkpoint_strategy=CheckPointStrategy.ASYNC" in caplog.text


def test_writes_that_wait_together_are_told_apart(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    class Saving(preferred.ptl.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, trainer: Any, model: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            trainer.save_checkpoint(tmp_path / f"{batch_idx % 2}.ckpt")
            trainer.strategy.save_checkpoint({}, tmp_path / "not-through-the-trainer.ckpt")

        def on_train_end(self, trainer: Any, model: Any) -> None:
            disk.may_write.set()

    wrapper = importlib.import_module(f"{preferred.ptl.__name__}.plugins.io.wrapper")._WrappingCheckpointIO
    job, disk = start_job(save_checkpoint_strategy="async"), SlowDisk(preferred.ptl)
    plugin = type("Mine", (wrapper,), {"teardown": lambda self: self.checkpoint_io.teardown()})(disk.plugin)
    trainer = plain(preferred, job, tmp_path, callbacks=[Saving()], plugins=[plugin])
    trainer.fit(preferred.model())
    assert [one["current_iteration"] for one in job.events("save_checkpoint_success")] == [1, 2, 3, 4]
    assert "save_checkpoint" not in {**vars(disk.plugin), **vars(disk.writer)}
    assert job.problems() == job.errors() == []
