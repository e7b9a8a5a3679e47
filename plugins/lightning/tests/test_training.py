"""Real training on the CPU with nothing but the callback in the trainer, with each of Lightning's packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback

StartJob = Callable[..., Any]


def test_fit_with_validation_and_checkpoints(library: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    callback = TimeEventCallback(job.provider)
    checkpoints = library.checkpoints(tmp_path)
    trainer = library.trainer(tmp_path, max_epochs=5, num_sanity_val_steps=2, callbacks=[callback, checkpoints])
    trainer.fit(library.model())
    callback.on_app_end()
    assert job.counts() == {
        "validation_loop": 6,
        "checkpoint_save_sync": 10,
        "training_loop": 1,
        "application": 1,
    }
    assert [loop.get("sanity_check") for loop in job.ended("validation_loop")] == [True, None, None, None, None, None]
    assert [one["current_iteration"] for one in job.events("save_checkpoint_success")] == list(range(2, 21, 2))
    assert job.events("save_checkpoint_success")[-1]["productive_train_samples"] == 80
    metrics = job.events("training_metrics_update")[-1]
    assert (metrics["num_iterations"], metrics["current_iteration"]) == (20, 19)
    assert metrics["num_train_samples"] == 80
    (loop,) = job.ended("training_loop")
    assert (loop["train_iterations_start"], loop["train_samples_start"]) == (0, 0)
    assert job.problems() == job.errors() == []


def test_spans_are_where_they_belong(library: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    callback = TimeEventCallback(job.provider)
    trainer = library.trainer(tmp_path, callbacks=[callback, library.checkpoints(tmp_path)])
    model = library.model()
    trainer.fit(model)
    trainer.test(model, verbose=False)
    trainer.predict(model)
    callback.on_app_end()
    assert job.parents() == {
        "application": None,
        "training_loop": "application",
        "validation_loop": "training_loop",
        "checkpoint_save_sync": "training_loop",
        "testing_loop": "application",
        "prediction_loop": "application",
    }
    assert job.events("testing_metrics_update")[0]["interval_num_iterations"] == 2
    assert job.problems() == []


def test_validate_alone(library: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    library.trainer(tmp_path, callbacks=TimeEventCallback(job.provider)).validate(library.model(), verbose=False)
    assert job.counts() == {"validation_loop": 1}
    assert job.events("validation_metrics_update")[0]["interval_num_iterations"] == 2


def test_resumed_training_counts_on(library: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    callback = TimeEventCallback(job.provider)
    library.trainer(tmp_path, callbacks=[callback, library.checkpoints(tmp_path)]).fit(library.model())
    path = next((tmp_path / "checkpoints").glob("*step=4.ckpt"))
    trainer = library.trainer(tmp_path, max_epochs=2, callbacks=[TimeEventCallback(job.provider)])
    trainer.fit(library.model(), ckpt_path=str(path), **weights_only(trainer))
    assert job.counts()["checkpoint_load"] == 1
    first, second = job.ended("training_loop")
    assert (first["train_iterations_start"], second["train_iterations_start"]) == (0, 4)
    assert second["train_samples_start"] == 4 * 4
    # Not 8 with every release: Lightning 2.2 repeats the batch after which a checkpoint was saved.
    assert job.events("training_metrics_update")[-1]["current_iteration"] == trainer.global_step - 1
    assert job.open_spans() == ["application"]
    assert job.problems() == []


def weights_only(trainer: Any) -> Any:
    """Releases that ask it have to be told that a checkpoint of ours may be unpickled."""
    import inspect

    return {"weights_only": False} if "weights_only" in inspect.signature(trainer.fit).parameters else {}


@pytest.mark.parametrize("place", ["training", "validation"])
def test_exception_in_a_step_closes_what_it_leaves(
    place: str, library: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job()
    trainer = library.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider)])
    with pytest.raises(RuntimeError, match="no more"):
        trainer.fit(library.model(fail_in=place))
    assert job.open_spans() == ["application"]
    assert "Error in training_loop: no more" in job.errors()
    assert ("Error in validation_loop: no more" in job.errors()) == (place == "validation")
    library.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider)]).fit(library.model())
    assert job.counts()["training_loop"] == 2
    reported = sum(one["interval_num_iterations"] for one in job.events("training_metrics_update"))
    assert reported == (4 if place == "training" else 8)
    assert job.problems() == []


@pytest.mark.parametrize("place", ["test", "predict"])
def test_exception_in_other_loops_closes_them(place: str, preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    trainer = preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider)])
    with pytest.raises(RuntimeError, match="no more"):
        getattr(trainer, place)(preferred.model(fail_in=place))
    assert job.open_spans() == ["application"]
    assert [error for error in job.errors() if "_loop" in error] == [
        f"Error in {'testing' if place == 'test' else 'prediction'}_loop: no more"
    ]


def test_interrupt_closes_everything_and_is_no_error(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    trainer = preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider)])
    with pytest.raises(SystemExit):
        trainer.fit(preferred.model(fail_in="training", error=SystemExit(3)))
    assert job.open_spans() == ["application"]
    assert job.errors() == []


def test_skipped_batch_is_no_iteration(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    trainer = preferred.trainer(tmp_path, max_epochs=2, callbacks=[TimeEventCallback(job.provider)])
    trainer.fit(preferred.model(skip_batch=2))
    assert job.events("training_metrics_update")[-1]["num_iterations"] == 4
    assert job.counts()["training_loop"] == 1
    assert job.problems() == job.errors() == []


@pytest.mark.parametrize(("batches", "steps"), [(2, 4), (3, 4), (4, 2)])
def test_iterations_are_steps_of_the_model(
    batches: int, steps: int, preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job(log_every_n_train_iterations=1)
    trainer = preferred.trainer(
        tmp_path, max_epochs=2, accumulate_grad_batches=batches, callbacks=[TimeEventCallback(job.provider)]
    )
    trainer.fit(preferred.model())
    assert trainer.global_step == steps
    assert job.events("training_metrics_update")[-1]["num_iterations"] == steps
    assert job.problems() == job.errors() == []


def test_two_optimizers_by_hand_do_not_double_the_iterations(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    import torch

    class ByHand(preferred.model_class):  # type: ignore[misc, name-defined]
        automatic_optimization = False

        def configure_optimizers(self) -> Any:
            return [torch.optim.SGD(self.parameters(), lr=0.01) for _ in range(2)]

        def training_step(self, batch: Any, batch_idx: int) -> None:
            for optimizer in self.optimizers():
                optimizer.zero_grad()
                self.manual_backward(self.loss("training", batch))
                optimizer.step()

    job = start_job()
    trainer = preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider), preferred.checkpoints(tmp_path)])
    trainer.fit(ByHand())
    assert trainer.global_step == 8
    path = next((tmp_path / "checkpoints").glob("*step=8.ckpt"))
    again = preferred.trainer(tmp_path, max_epochs=2, callbacks=[TimeEventCallback(job.provider)])
    again.fit(ByHand(), ckpt_path=str(path), **weights_only(again))
    assert [loop["train_iterations_start"] for loop in job.ended("training_loop")] == [0, 4]
    assert job.events("training_metrics_update")[-1]["current_iteration"] == again.global_step // 2 - 1


def test_validation_iterations_that_are_not_measured(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job(is_validation_iterations_enabled_or_fn=False, is_train_iterations_enabled_or_fn=False)
    trainer = preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider)])
    trainer.fit(preferred.model())
    assert job.counts() == {"validation_loop": 1, "training_loop": 1}
    assert job.problems() == job.errors() == []


def test_end_of_a_validation_batch_that_lightning_leaves_out(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job()
    callback = TimeEventCallback(job.provider)
    trainer, model = preferred.trainer(tmp_path, callbacks=[callback]), preferred.model()
    callback.on_validation_start(trainer, model)
    callback.on_validation_batch_start(trainer, model, None, 0)
    callback.on_validation_batch_start(trainer, model, None, 1)
    callback.on_validation_end(trainer, model)
    assert job.events("validation_metrics_update")[0]["interval_num_iterations"] == 2
    assert job.problems() == job.errors() == []


def test_end_of_a_validation_batch_that_is_left_out_and_not_measured(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job(is_validation_iterations_enabled_or_fn=False)
    callback = TimeEventCallback(job.provider)
    trainer, model = preferred.trainer(tmp_path, callbacks=[callback]), preferred.model()
    callback.on_validation_start(trainer, model)
    callback.on_validation_batch_start(trainer, model, None, 0)
    callback.on_validation_batch_start(trainer, model, None, 1)
    callback.on_validation_end(trainer, model)
    assert job.counts() == {"validation_loop": 1}
    assert job.problems() == job.errors() == []


def test_ends_of_other_batches_that_are_left_out(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    callback = TimeEventCallback(job.provider)
    trainer, model = preferred.trainer(tmp_path, callbacks=[callback]), preferred.model()
    callback.on_train_start(trainer, model)
    callback.on_train_batch_start(trainer, model, None, 0)
    callback.on_train_batch_start(trainer, model, None, 1)
    callback.on_train_batch_end(trainer, model, None, None, 1)
    callback.on_train_end(trainer, model)
    callback.on_test_start(trainer, model)
    callback.on_test_batch_start(trainer, model, None, 0)
    callback.on_test_end(trainer, model)
    assert job.events("training_metrics_update")[0]["num_iterations"] == 1
    assert job.counts() == {"training_loop": 1, "testing_loop": 1}
    assert job.problems() == job.errors() == []


def test_application_that_tells_of_its_test_loop_itself(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    callback = TimeEventCallback(job.provider)
    callback.on_testing_start()
    preferred.trainer(tmp_path, callbacks=[callback]).test(preferred.model(), verbose=False)
    callback.on_testing_end()
    assert job.counts() == {"testing_loop": 1}
    assert job.problems() == []


def test_trainer_at_work_inside_another_ends_only_its_own(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    class TestsInTraining(preferred.ptl.Callback):  # type: ignore[misc, name-defined]
        def on_train_epoch_end(self, trainer: Any, model: Any) -> None:
            inner = preferred.trainer(tmp_path, callbacks=[callback])
            with pytest.raises(RuntimeError, match="no more"):
                inner.test(preferred.model(fail_in="test"))

    job = start_job()
    callback = TimeEventCallback(job.provider)
    preferred.trainer(tmp_path, max_epochs=2, callbacks=[callback, TestsInTraining()]).fit(preferred.model())
    assert job.counts() == {"testing_loop": 2, "validation_loop": 2, "training_loop": 1}
    assert job.parents()["testing_loop"] == "training_loop"
    assert job.problems() == []
