"""Lightning's hooks, each translated into calls of the callbacks API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Dict, Optional

from typing_extensions import override

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import SpanName
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name
from nv_one_logger.training_telemetry.integration._compat.lightning import Callback, callback_bases
from nv_one_logger.training_telemetry.integration._lightning_bookkeeping import Bookkeeping
from nv_one_logger.training_telemetry.integration._lightning_recorder import (
    PREDICTION_LOOP,
    active_spans,
    start_prediction,
    stop_prediction,
)

if TYPE_CHECKING:
    from nv_one_logger.training_telemetry.integration._compat.lightning import STEP_OUTPUT, LightningModule, Trainer

    class _Base(Bookkeeping, Callback):
        """One of Lightning's two callbacks is enough to check against."""
else:
    _Base = type("_Base", (Bookkeeping, *callback_bases), {"__module__": __name__})

__all__ = ["LightningHooks"]

_ENDS: Dict[SpanName, str] = {
    Name.TRAINING_LOOP: "on_train_end",
    Name.TRAINING_SINGLE_ITERATION: "on_training_single_iteration_failed",
    Name.VALIDATION_LOOP: "on_validation_end",
    Name.VALIDATION_SINGLE_ITERATION: "on_validation_single_iteration_end",
    Name.TESTING_LOOP: "on_testing_end",
    Name.TESTING_SINGLE_ITERATION: "on_testing_single_iteration_end",
}


class LightningHooks(_Base):
    """The hooks in which a trainer says what it does."""

    _calls: ClassVar[Any]
    """Where the functions of the callbacks API are looked up at each call: a module, in which users' tests replace
    them."""

    @override
    def _end(self, phase: SpanName) -> None:
        if phase is PREDICTION_LOOP:
            stop_prediction()
        else:
            getattr(self._calls, _ENDS[phase])()

    @override
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        # Saves stay recorded after this: other callbacks save a checkpoint because of the exception.
        if self._leads(trainer):
            self._end_what_is_open(trainer, exception)

    # --- training ----------------------------------------------------------------------------------------------------

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._leads(trainer):
            iterations = _iterations_done(trainer, pl_module)
            samples = self._samples_of(iterations)
            self._calls.on_train_start(train_iterations_start=iterations, train_samples_start=samples)
            self._begin(Name.TRAINING_LOOP, trainer)

    def _samples_of(self, iterations: int) -> Optional[int]:
        provider = self._telemetry()
        if not provider.one_logger_enabled:
            return None
        config = provider.config
        if config.telemetry_config is None:
            if config.error_handling_strategy is OneLoggerErrorHandlingStrategy.PROPAGATE_EXCEPTIONS:
                raise OneLoggerError(
                    "Training telemetry config must be set before the start of training. Call "
                    "TrainingTelemetryProvider.instance().set_training_telemetry_config(...) before trainer.fit(...)."
                )
            return None  # the recorder reports it, and goes on
        batch_size = config.telemetry_config.global_batch_size
        return None if batch_size is None else iterations * batch_size

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._leads(trainer):
            self._skip_iteration()
            self._forget(Name.TRAINING_LOOP)
            self._calls.on_train_end()

    @override
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # After a batch that the model has skipped (-1) Lightning ends the epoch without the end of the batch.
        if self._leads(trainer):
            self._skip_iteration()

    @override
    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if not self._leads(trainer):
            return
        if self._is_open(Name.TRAINING_SINGLE_ITERATION):
            if _accumulates(trainer):
                return  # one more batch of the same iteration
            self._skip_iteration()
        self._step_before = trainer.global_step
        self._calls.on_training_single_iteration_start()
        self._begin(Name.TRAINING_SINGLE_ITERATION, trainer)

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: STEP_OUTPUT, batch: Any, batch_idx: int
    ) -> None:
        if self._leads(trainer) and not (_accumulates(trainer) and trainer.global_step == self._step_before):
            self._forget(Name.TRAINING_SINGLE_ITERATION)
            self._calls.on_training_single_iteration_end()

    def _skip_iteration(self) -> None:
        if self._forget(Name.TRAINING_SINGLE_ITERATION):
            self._calls.on_training_single_iteration_failed()

    # --- validation --------------------------------------------------------------------------------------------------

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._leads(trainer):
            span = self._calls.on_validation_start()
            if span is not None and trainer.sanity_checking is True:
                span.add_attribute("sanity_check", True)
            self._begin(Name.VALIDATION_LOOP, trainer)

    @override
    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if self._leads(trainer):
            self._end_forgotten_validation_iteration()
            self._calls.on_validation_single_iteration_start()
            self._begin(Name.VALIDATION_SINGLE_ITERATION, trainer)

    @override
    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: STEP_OUTPUT,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if self._leads(trainer):
            self._forget(Name.VALIDATION_SINGLE_ITERATION)
            self._calls.on_validation_single_iteration_end()

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._leads(trainer):
            self._end_forgotten_validation_iteration()
            self._forget(Name.VALIDATION_LOOP)
            self._calls.on_validation_end()

    def _end_forgotten_validation_iteration(self) -> None:
        """End an iteration of whose end Lightning did not tell. It has no span where such are not to be measured."""
        was_open = self._forget(Name.VALIDATION_SINGLE_ITERATION)
        if active_spans(Name.VALIDATION_SINGLE_ITERATION) or (was_open and self._has_bare_validation_iterations()):
            self._calls.on_validation_single_iteration_end()

    def _has_bare_validation_iterations(self) -> bool:
        provider = self._telemetry()
        config = provider.config.telemetry_config if provider.one_logger_enabled else None
        return getattr(config, "is_validation_iterations_enabled", True) is False

    # --- testing and prediction --------------------------------------------------------------------------------------

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # An application that tells of the testing loop itself, as it had to before, is left to it.
        if self._leads(trainer) and not active_spans(Name.TESTING_LOOP):
            self._calls.on_testing_start()
            self._begin(Name.TESTING_LOOP, trainer)

    @override
    def on_test_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if self._is_open(Name.TESTING_LOOP):
            self._calls.on_testing_single_iteration_start()
            self._begin(Name.TESTING_SINGLE_ITERATION, trainer)

    @override
    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: STEP_OUTPUT,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if self._forget(Name.TESTING_SINGLE_ITERATION):
            self._calls.on_testing_single_iteration_end()

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._forget(Name.TESTING_SINGLE_ITERATION):
            self._calls.on_testing_single_iteration_end()
        if self._forget(Name.TESTING_LOOP):
            self._calls.on_testing_end()

    @override
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._leads(trainer):
            start_prediction()
            self._begin(PREDICTION_LOOP, trainer)

    @override
    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._forget(PREDICTION_LOOP):
            stop_prediction()


def _accumulates(trainer: Any) -> bool:
    """Tell whether several batches make one step of the model."""
    batches = trainer.accumulate_grad_batches
    return isinstance(batches, int) and batches > 1


def _iterations_done(trainer: Any, pl_module: Any) -> int:
    """Return the iterations done before, in this run of the trainer and in those it continues.

    These are the steps of the model. A model that optimizes by hand may make several in a batch, one for each of its
    optimizers; there, batches are counted.
    """
    if getattr(pl_module, "automatic_optimization", True) is not False:
        return trainer.global_step  # type: ignore[no-any-return]  # Lightning's
    return int(trainer.fit_loop.epoch_loop.batch_progress.total.processed)
