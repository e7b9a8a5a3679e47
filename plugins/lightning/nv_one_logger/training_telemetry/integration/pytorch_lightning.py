"""Training telemetry of PyTorch Lightning: a callback, and two ways to give it to trainers.

The simplest is ``Trainer(callbacks=[TimeEventCallback(TrainingTelemetryProvider.instance())])``; no class is changed.
:func:`hook_trainer_cls` gives a callback to every trainer of a class; :class:`OneLoggerPTLTrainer` is a trainer that
has one.

The functions of the callbacks API are looked up in this module at each call: users' tests replace them here.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar, Dict, Optional, Tuple, Type, Union

from typing_extensions import override

from nv_one_logger.core.span import StandardSpanName
from nv_one_logger.training_telemetry.api.callbacks import (  # noqa: F401  # LightningHooks calls them through the module
    on_app_end,
    on_app_start,
    on_dataloader_init_end,
    on_dataloader_init_start,
    on_load_checkpoint_end,
    on_load_checkpoint_start,
    on_model_init_end,
    on_model_init_start,
    on_optimizer_init_end,
    on_optimizer_init_start,
    on_save_checkpoint_end,
    on_save_checkpoint_start,
    on_save_checkpoint_success,
    on_testing_end,
    on_testing_single_iteration_end,
    on_testing_single_iteration_start,
    on_testing_start,
    on_train_end,
    on_train_start,
    on_training_single_iteration_end,
    on_training_single_iteration_failed,
    on_training_single_iteration_start,
    on_validation_end,
    on_validation_single_iteration_end,
    on_validation_single_iteration_start,
    on_validation_start,
)
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.integration._compat.lightning import LightningModule, Trainer
from nv_one_logger.training_telemetry.integration._lightning_hook import (
    callback_of,
    current_callback,
    hook,
    unhook,
    with_callback,
)
from nv_one_logger.training_telemetry.integration._lightning_hooks import LightningHooks
from nv_one_logger.training_telemetry.integration._lightning_operations import (
    record_calls_of,
    recorded_save,
    stop_recording_calls_of,
)
from nv_one_logger.training_telemetry.integration._lightning_recorder import active_recorder, active_spans

__all__ = ["OneLoggerPTLTrainer", "TimeEventCallback", "hook_trainer_cls", "unhook_trainer_cls"]


class TimeEventCallback(LightningHooks):
    """Tells the callbacks API what a trainer does: training, validation, testing, prediction, checkpoints, exceptions.

    Where telemetry is not configured or disabled it does nothing, and training goes on. An iteration is what moves the
    model by one step: with ``accumulate_grad_batches=4`` it consists of four batches. With several of these callbacks
    on one trainer, the first one works.

    Args:
        training_telemetry_provider: The provider, configured by the time that the trainer runs.
        call_on_app_start: Whether the application starts now, unless it is running; if the provider is not configured
            yet, with the first run of a trainer.

    Raises:
        OneLoggerError: From any hook, for misuse where errors propagate, such as training without a telemetry
            configuration.
    """

    _calls: ClassVar[Any] = sys.modules[__name__]

    def __init__(self, training_telemetry_provider: TrainingTelemetryProvider, call_on_app_start: bool = True) -> None:
        self._provider = training_telemetry_provider
        self._call_on_app_start = call_on_app_start
        if call_on_app_start:
            self._start_application()

    def _start_application(self) -> None:
        """Start the application unless there is one: several trainers, and cells of a notebook, share it."""
        provider = self._telemetry()
        if not active_spans(StandardSpanName.APPLICATION, provider):
            on_app_start()
        self._application_recorder = active_recorder(provider)

    def _start_application_if_due(self) -> None:
        """Start the application where the provider was configured since, or anew."""
        if self._call_on_app_start and active_recorder(self._telemetry()) is not self._application_recorder:
            self._start_application()

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self._leads(trainer):
            self._start_application_if_due()
            record_calls_of(trainer, self)

    @override
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._leads(trainer):
            self._start_application_if_due()  # in a process that is started, the model's setup may configure it

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self._leads(trainer):
            self._end_what_is_open(trainer)
            stop_recording_calls_of(trainer, self)

    # --- checkpoints -------------------------------------------------------------------------------------------------

    def on_save_checkpoint_start(self, global_step: int) -> None:
        """Tell that saving a checkpoint starts; of ``trainer.save_checkpoint`` this callback knows by itself.

        Args:
            global_step: The step that it is of.
        """
        if not self._tells_of_the_running("save"):
            on_save_checkpoint_start(global_step)
            self._is_saving = True

    def on_save_checkpoint_success(self, global_step: int) -> None:
        """Tell that a checkpoint is complete, an asynchronous one at any time.

        Args:
            global_step: The step given when the save started.
        """
        on_save_checkpoint_success(global_step=global_step)

    def on_save_checkpoint_end(self, global_step: Optional[int] = None) -> None:
        """Tell that saving a checkpoint ends, successful or not.

        Args:
            global_step: Not needed.
        """
        if not self._tells_of_the_running("save"):
            self._is_saving = False
            on_save_checkpoint_end()

    def on_load_checkpoint_start(self) -> None:
        """Tell that loading a checkpoint starts; of what the trainer loads this callback knows by itself."""
        if not self._tells_of_the_running("load"):
            on_load_checkpoint_start()

    def on_load_checkpoint_end(self) -> None:
        """Tell that loading a checkpoint ends."""
        if not self._tells_of_the_running("load"):
            on_load_checkpoint_end()

    # --- what only the application knows -----------------------------------------------------------------------------

    def on_app_end(self) -> None:
        """Tell that the application ends, which closes the exporters."""
        on_app_end()

    def on_model_init_start(self) -> None:
        """Tell that the construction of the model starts."""
        on_model_init_start()

    def on_model_init_end(self) -> None:
        """Tell that the construction of the model ends."""
        on_model_init_end()

    def on_dataloader_init_start(self) -> None:
        """Tell that the construction of the data loaders starts."""
        on_dataloader_init_start()

    def on_dataloader_init_end(self) -> None:
        """Tell that the construction of the data loaders ends."""
        on_dataloader_init_end()

    def on_optimizer_init_start(self) -> None:
        """Tell that the construction of the optimizer starts."""
        on_optimizer_init_start()

    def on_optimizer_init_end(self) -> None:
        """Tell that the construction of the optimizer ends."""
        on_optimizer_init_end()

    def on_testing_start(self) -> None:
        """Tell that a testing loop of the application's own starts; of ``trainer.test`` this callback knows itself."""
        on_testing_start()

    def on_testing_end(self) -> None:
        """Tell that a testing loop of the application's own ends."""
        on_testing_end()


class OneLoggerPTLTrainer(Trainer):
    """A trainer of Lightning that has a :class:`TimeEventCallback`, before the callbacks of the user.

    Args:
        trainer_config: The arguments of ``Trainer``; not changed.
        training_telemetry_provider: The provider. The application starts now, unless it is running.
    """

    def __init__(self, trainer_config: Dict[str, Any], training_telemetry_provider: TrainingTelemetryProvider) -> None:
        callback = TimeEventCallback(training_telemetry_provider)
        callbacks, own = with_callback(trainer_config.get("callbacks"), callback, TimeEventCallback)
        self._nv_one_logger_callback: TimeEventCallback = own
        super().__init__(**{**trainer_config, "callbacks": callbacks})

    @property
    def nv_one_logger_callback(self) -> TimeEventCallback:
        """The callback of this trainer."""
        return self._nv_one_logger_callback

    @override
    def save_checkpoint(
        self, filepath: Union[str, Path], weights_only: Optional[bool] = None, storage_options: Optional[Any] = None
    ) -> None:
        save = super().save_checkpoint
        recorded_save(callback_of(self), self, save, filepath, weights_only, storage_options)


def hook_trainer_cls(
    cls: Type[Any],
    training_telemetry_provider: TrainingTelemetryProvider,
    telemetry_callback: Optional[TimeEventCallback] = None,
) -> Tuple[Type[Any], TimeEventCallback]:
    """Give one callback to all trainers of a class that are made from now on; :func:`unhook_trainer_cls` undoes it.

    The class itself is changed, not its bases. Hooked again, it gets the other callback, and nothing twice.

    Args:
        cls: ``Trainer`` of ``lightning`` or ``pytorch_lightning``, or a class derived from one.
        training_telemetry_provider: The provider of the callback that is made if none is given. The application then
            starts now, unless it is running.
        telemetry_callback: The callback.

    Returns:
        The same class, and the callback, which its trainers also have as ``nv_one_logger_callback``.

    Raises:
        ValueError: From the class, for ``callbacks`` that Lightning would not take.
    """
    callback = telemetry_callback or current_callback(cls)
    if callback is None:
        callback = TimeEventCallback(training_telemetry_provider)
    elif callback is not telemetry_callback:
        callback._start_application_if_due()
    hook(cls, callback, TimeEventCallback)
    return cls, callback


def unhook_trainer_cls(cls: Type[Any]) -> Type[Any]:
    """Take back what :func:`hook_trainer_cls` did to a class, and return the class.

    Trainers that exist keep their callback.
    """
    unhook(cls)
    return cls
