"""Trainers that get the callback from their class, arguments of any legal form, and the way back."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from typing import Any, Callable, List
from unittest.mock import MagicMock, patch

import pytest

from nv_one_logger.training_telemetry.integration import pytorch_lightning as integration
from nv_one_logger.training_telemetry.integration.pytorch_lightning import (
    OneLoggerPTLTrainer,
    TimeEventCallback,
    hook_trainer_cls,
    unhook_trainer_cls,
)

StartJob = Callable[..., Any]


def ours(trainer: Any) -> List[Any]:
    return [one for one in trainer.callbacks if isinstance(one, TimeEventCallback)]


def test_hook_returns_the_class_and_the_callback_that_comes_first(
    library: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job()
    before = library.trainer(tmp_path)
    others = [library.ptl.Callback(), library.ptl.Callback()]
    trainer_class, callback = hook_trainer_cls(library.ptl.Trainer, job.provider)
    trainer = trainer_class(**library.arguments(tmp_path, callbacks=others))
    assert trainer_class is library.ptl.Trainer
    assert trainer.callbacks[:3] == [callback, *others]
    assert len(others) == 2
    assert trainer.nv_one_logger_callback is callback
    assert before.nv_one_logger_callback is None


def test_given_callback_is_used(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    given = TimeEventCallback(job.provider, call_on_app_start=False)
    trainer_class, callback = hook_trainer_cls(preferred.ptl.Trainer, job.provider, telemetry_callback=given)
    assert callback is given
    assert ours(trainer_class(**preferred.arguments(tmp_path))) == [given]
    assert job.open_spans() == []


@pytest.mark.parametrize("form", [None, "single", "tuple", "list", "none at all"])
def test_all_forms_of_callbacks_that_lightning_takes(
    form: Any, library: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job()
    mine = library.ptl.Callback()
    forms = {None: None, "single": mine, "tuple": (mine,), "list": [mine]}
    arguments = library.arguments(tmp_path)
    if form in forms:
        arguments["callbacks"] = forms[form]
    hook_trainer_cls(library.ptl.Trainer, job.provider)
    trainer = library.ptl.Trainer(**arguments)
    assert trainer.callbacks[0] is trainer.nv_one_logger_callback
    assert (mine in trainer.callbacks) == (form in ("single", "tuple", "list"))


def test_what_is_no_callback_raises(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    hook_trainer_cls(preferred.ptl.Trainer, job.provider)
    with pytest.raises(ValueError, match=r"The 'callbacks' argument must be a list\..*found str"):
        preferred.ptl.Trainer(callbacks="no callback")
    with pytest.raises(ValueError, match=r"The 'callbacks' argument must be a list\."):
        OneLoggerPTLTrainer({"callbacks": {}}, job.provider)


def test_callbacks_given_by_position(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    names = list(inspect.signature(preferred.ptl.Trainer.__init__).parameters)[1:]
    before = names[: names.index("callbacks")]
    mine = preferred.ptl.Callback()
    values = {"accelerator": "cpu", "strategy": "auto", "devices": 1, "num_nodes": 1}
    _, callback = hook_trainer_cls(preferred.ptl.Trainer, job.provider)
    trainer = preferred.ptl.Trainer(*[values.get(name) for name in before], [mine])
    assert mine in trainer.callbacks
    assert ours(trainer) == [callback] == [trainer.nv_one_logger_callback]


def test_hooking_twice_adds_nothing_twice(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    _, first = hook_trainer_cls(preferred.ptl.Trainer, job.provider)
    init = preferred.ptl.Trainer.__init__
    _, second = hook_trainer_cls(preferred.ptl.Trainer, job.provider)
    assert second is first
    assert preferred.ptl.Trainer.__init__ is init
    other = TimeEventCallback(job.provider)
    assert hook_trainer_cls(preferred.ptl.Trainer, job.provider, other)[1] is other
    assert preferred.ptl.Trainer.__init__ is init
    assert ours(preferred.trainer(tmp_path)) == [other]


def test_several_trainers_share_one_application(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    hook_trainer_cls(preferred.ptl.Trainer, job.provider)
    config = preferred.arguments(tmp_path, callbacks=[preferred.ptl.Callback()])
    before = list(config["callbacks"])
    for trainer in (OneLoggerPTLTrainer(config, job.provider), OneLoggerPTLTrainer(config, job.provider)):
        assert len(ours(trainer)) == 1
        trainer.fit(preferred.model())
    preferred.trainer(tmp_path).fit(preferred.model())
    assert config["callbacks"] == before
    assert len(job.events("one_logger_initialization")) == 1
    assert job.counts()["training_loop"] == 3
    assert job.problems() == []


def test_application_of_a_provider_that_was_configured_anew(
    preferred: Any, start_job: StartJob, tmp_path: Path
) -> None:
    """As when a cell of a notebook is run again."""
    for _ in range(2):
        job = start_job()
        trainer_class, callback = hook_trainer_cls(preferred.ptl.Trainer, job.provider)
        trainer_class(**preferred.arguments(tmp_path)).fit(preferred.model())
        callback.on_app_end()
        job.provider.reset()
    assert job.counts()["application"] == 2


def test_unhooking_leaves_the_class_as_it_was(library: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    before = dict(vars(library.ptl.Trainer))
    trainer_class, _ = hook_trainer_cls(library.ptl.Trainer, job.provider)
    made = library.trainer(tmp_path, callbacks=[library.checkpoints(tmp_path)])
    assert unhook_trainer_cls(trainer_class) is trainer_class
    assert dict(vars(library.ptl.Trainer)) == before
    assert unhook_trainer_cls(trainer_class) is trainer_class
    assert ours(library.trainer(tmp_path)) == []
    made.fit(library.model())
    assert job.counts()["checkpoint_save_sync"] == 2


def test_only_the_hooked_class_is_changed(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    mine = type("Mine", (preferred.ptl.Trainer,), {})
    hook_trainer_cls(mine, job.provider)
    assert len(ours(mine(**preferred.arguments(tmp_path)))) == 1
    assert ours(preferred.trainer(tmp_path)) == []
    unhook_trainer_cls(mine)
    assert {"__init__", "save_checkpoint", "nv_one_logger_callback"} & set(vars(mine)) == set()


def test_methods_put_back_by_assignment_are_hooked_anew(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    trainer_class = preferred.ptl.Trainer
    init, save = trainer_class.__init__, trainer_class.save_checkpoint
    _, first = hook_trainer_cls(trainer_class, job.provider)
    assert (trainer_class.__init__.__name__, trainer_class.save_checkpoint.__name__) == ("__init__", "save_checkpoint")
    trainer_class.__init__, trainer_class.save_checkpoint = init, save
    assert ours(preferred.trainer(tmp_path)) == []
    _, second = hook_trainer_cls(trainer_class, job.provider)
    assert second is not first
    assert ours(preferred.trainer(tmp_path)) == [second]
    unhook_trainer_cls(trainer_class)
    assert (trainer_class.__init__, trainer_class.save_checkpoint) == (init, save)


def test_wrapper_that_somebody_put_around_ours_is_not_removed(preferred: Any, start_job: StartJob) -> None:
    job = start_job()
    original = preferred.ptl.Trainer.__init__
    hook_trainer_cls(preferred.ptl.Trainer, job.provider)
    hooked = preferred.ptl.Trainer.__init__

    @functools.wraps(hooked)
    def theirs(self: Any, *args: Any, **kwargs: Any) -> None:
        hooked(self, *args, **kwargs)

    preferred.ptl.Trainer.__init__ = theirs
    try:
        unhook_trainer_cls(preferred.ptl.Trainer)
        assert preferred.ptl.Trainer.__init__ is theirs
    finally:
        preferred.ptl.Trainer.__init__ = original


def test_own_class_puts_its_callback_first(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    mine = [preferred.ptl.Callback(), preferred.ptl.Callback()]
    trainer = OneLoggerPTLTrainer(preferred.arguments(tmp_path, callbacks=mine), job.provider)
    assert trainer.callbacks[:3] == [trainer.nv_one_logger_callback, *mine]
    assert isinstance(trainer, preferred.ptl.Trainer)


def test_callback_is_one_of_every_package_that_is_installed(library: Any) -> None:
    assert issubclass(TimeEventCallback, library.ptl.Callback)


# --- what users' tests replace ---------------------------------------------------------------------------------------

PAIRS = ["app", "train", "training_single_iteration", "validation", "validation_single_iteration", "save_checkpoint"]
TELEMETRY = [*(f"on_{one}_{end}" for one in PAIRS for end in ("start", "end")), "on_save_checkpoint_success"]


@pytest.mark.parametrize("hooked", [True, False])
def test_functions_are_looked_up_in_the_module_at_each_call(
    hooked: bool, library: Any, start_job: StartJob, tmp_path: Path
) -> None:
    job = start_job()
    calls: List[Any] = []

    def note(name: str) -> Callable[..., Any]:
        return lambda *args, **kwargs: calls.append((name, args, kwargs))

    with patch.multiple(integration, **{name: note(name) for name in TELEMETRY}):
        if hooked:
            trainer_class, callback = hook_trainer_cls(library.ptl.Trainer, job.provider)
            given = [library.checkpoints(tmp_path)]
        else:
            trainer_class, callback = library.ptl.Trainer, TimeEventCallback(job.provider)
            given = [callback, library.checkpoints(tmp_path)]
        arguments = library.arguments(tmp_path, callbacks=given, num_sanity_val_steps=2, limit_train_batches=2)
        trainer_class(**arguments).fit(library.model())
        callback.on_app_end()
    validation = [
        ("on_validation_start", (), {}),
        *[("on_validation_single_iteration_start", (), {}), ("on_validation_single_iteration_end", (), {})] * 2,
        ("on_validation_end", (), {}),
    ]
    assert calls == [
        ("on_app_start", (), {}),
        *validation,
        ("on_train_start", (), {"train_iterations_start": 0, "train_samples_start": 0}),
        *[("on_training_single_iteration_start", (), {}), ("on_training_single_iteration_end", (), {})] * 2,
        ("on_save_checkpoint_start", (2,), {}),
        ("on_save_checkpoint_success", (), {"global_step": 2}),
        ("on_save_checkpoint_end", (), {}),
        *validation,
        ("on_train_end", (), {}),
        ("on_app_end", (), {}),
    ]


def test_hooks_take_trainers_that_are_doubles(start_job: StartJob) -> None:
    job = start_job(global_batch_size_or_fn=32)
    trainer, model = MagicMock(global_step=100), MagicMock()
    doubles = {name: MagicMock() for name in TELEMETRY}
    with patch.multiple(integration, **doubles):
        callback = TimeEventCallback(job.provider)
        callback.setup(trainer, model, "fit")
        callback.on_train_start(trainer, model)
        callback.on_train_batch_start(trainer, model, None, 0)
        callback.on_train_batch_end(trainer, model, None, None, 0)
        callback.on_validation_start(trainer, model)
        callback.on_validation_batch_start(trainer, model, None, 0)
        callback.on_validation_batch_end(trainer, model, None, None, 0)
        callback.on_validation_end(trainer, model)
        callback.on_train_end(trainer, model)
        callback.teardown(trainer, model, "fit")
    doubles["on_train_start"].assert_called_once_with(train_iterations_start=100, train_samples_start=3200)
    called = {name for name, double in doubles.items() if double.call_count == 1}
    assert called == {name for name in TELEMETRY if "checkpoint" not in name} - {"on_app_end"}


def test_callback_and_provider_that_are_doubles(preferred: Any, tmp_path: Path) -> None:
    provider, callback = MagicMock(), MagicMock(spec=TimeEventCallback)
    provider.config.telemetry_config.global_batch_size = 8
    with patch.multiple(integration, on_app_start=MagicMock(), on_train_start=MagicMock()):
        TimeEventCallback(provider).on_train_start(MagicMock(global_step=2), MagicMock())
        integration.on_app_start.assert_called_once_with()  # type: ignore[attr-defined]  # a double
        integration.on_train_start.assert_called_once_with(  # type: ignore[attr-defined]  # a double
            train_iterations_start=2, train_samples_start=16
        )
    trainer_class = preferred.ptl.Trainer
    with patch.object(trainer_class, "save_checkpoint", MagicMock(__name__="save_checkpoint", return_value=7)) as save:
        hook_trainer_cls(trainer_class, provider, callback)
        trainer = preferred.trainer(tmp_path)
        assert trainer.save_checkpoint("x", weights_only=True) == 7
        unhook_trainer_cls(trainer_class)
    save.assert_called_once_with(trainer, "x", weights_only=True)
    names = [call[0] for call in callback.method_calls if call[0].startswith("on_save")]
    assert names == ["on_save_checkpoint_start", "on_save_checkpoint_success", "on_save_checkpoint_end"]
    callback.on_save_checkpoint_start.assert_called_once_with(global_step=0)
    callback.on_save_checkpoint_success.assert_called_once_with(global_step=0)


def test_timers_behind_the_callback(preferred: Any, start_job: StartJob, tmp_path: Path) -> None:
    job = start_job()
    trainer = preferred.trainer(tmp_path, callbacks=[TimeEventCallback(job.provider)])
    trainer.fit(preferred.model())
    (callback,) = ours(trainer)
    timers = callback._provider.recorder._training_state.multi_iteration_timers
    assert not any(timer.is_active for timer in timers.values())
