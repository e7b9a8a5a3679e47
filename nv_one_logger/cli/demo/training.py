"""The demo's training job, instrumented with nothing but the public API."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from nv_one_logger.cli.demo.checkpoint import save_checkpoint
from nv_one_logger.cli.demo.data import (
    FEATURES,
    SPECIES,
    DataSplit,
    Sample,
    jittered,
    load_penguins,
    split_for_training,
    with_products,
)
from nv_one_logger.cli.demo.model import SoftmaxRegression, batches
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.training_telemetry.api.context import (
    application,
    checkpoint_save,
    dataloader_init,
    model_init,
    training_iteration,
    training_loop,
    validation_loop,
)
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

__all__ = ["ACCURACY_EVENT", "BATCH_SIZE", "INTERRUPTED_EVENT", "JobSettings", "Progress", "train"]

ACCURACY_EVENT = "held_out_accuracy"
INTERRUPTED_EVENT = "interrupted"
BATCH_SIZE = 60
_LEARNING_RATE = 0.02
# Each sample is seen so many times in its batch, each time with other noise.
_COPIES = 6
_NOISE = 0.1
_HELD_OUT_FRACTION = 0.3
_SEED = 7


@dataclass(frozen=True)
class JobSettings:
    """What the job is asked to do.

    Attributes:
        epochs: Passes over the training data.
        checkpoint_directory: Where checkpoints are written.
    """

    epochs: int
    checkpoint_directory: Path

    @property
    def interval(self) -> int:
        """Epochs between two validations, each followed by a checkpoint."""
        return max(1, self.epochs // 10)


@dataclass(frozen=True)
class Progress:
    """How far the job is, after each epoch.

    Attributes:
        epoch: Epochs finished.
        loss: Cross-entropy of the latest batch.
        accuracy: Fraction of the held-out samples recognised, at the latest validation; ``None`` before the first.
    """

    epoch: int
    loss: float
    accuracy: Optional[float]


def train(
    settings: JobSettings, on_progress: Callable[[Progress], None], check_interrupt: Callable[[], None]
) -> SoftmaxRegression:
    """Run the whole job and return the trained model; telemetry must be configured.

    Args:
        settings: What to do.
        on_progress: Called after each epoch.
        check_interrupt: Called before each iteration; raises ``KeyboardInterrupt`` when the job shall end early.

    Raises:
        KeyboardInterrupt: ``check_interrupt`` raised it. Every span is stopped and every exporter closed by then.
        OSError: A checkpoint could not be written; likewise.
    """
    with application() as job:
        try:
            return _Job(settings, on_progress, check_interrupt).run()
        except KeyboardInterrupt:
            _record(job, INTERRUPTED_EVENT, Attributes())
            raise


class _Job:
    def __init__(
        self, settings: JobSettings, on_progress: Callable[[Progress], None], check_interrupt: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._on_progress = on_progress
        self._check_interrupt = check_interrupt
        self._generator = random.Random(_SEED)
        self._iterations = 0
        self._accuracy: Optional[float] = None

    def run(self) -> SoftmaxRegression:
        with dataloader_init():
            data = split_for_training(load_penguins(), _HELD_OUT_FRACTION, _SEED)
        with model_init():
            features = with_products(Sample((0.0,) * len(FEATURES), 0)).features
            model = SoftmaxRegression(len(features), len(SPECIES), _SEED)
        target = self._settings.epochs * math.ceil(len(data.training) / BATCH_SIZE)
        with training_loop(train_iterations_start=0, train_iterations_target_or_fn=target):
            for epoch in range(1, self._settings.epochs + 1):
                loss = self._train_epoch(model, data)
                if epoch % self._settings.interval == 0 or epoch == self._settings.epochs:
                    self._validate(model, data, epoch)
                    self._save(model, epoch)
                self._on_progress(Progress(epoch, loss, self._accuracy))
        return model

    def _train_epoch(self, model: SoftmaxRegression, data: DataSplit) -> float:
        loss = 0.0
        for batch in batches(data.training, BATCH_SIZE, self._generator):
            self._check_interrupt()
            with training_iteration():
                loss = model.train_batch(self._augment(batch), _LEARNING_RATE)
            self._iterations += 1
        return loss

    def _augment(self, batch: Sequence[Sample]) -> List[Sample]:
        return [with_products(jittered(sample, _NOISE, self._generator)) for sample in batch for _ in range(_COPIES)]

    def _validate(self, model: SoftmaxRegression, data: DataSplit, epoch: int) -> None:
        with validation_loop() as span:
            correct = model.count_correct([with_products(sample) for sample in data.held_out])
            self._accuracy = correct / len(data.held_out)
            attributes = Attributes({"accuracy": self._accuracy, "samples": len(data.held_out), "epoch": epoch})
            _record(span, ACCURACY_EVENT, attributes)

    def _save(self, model: SoftmaxRegression, epoch: int) -> None:
        with checkpoint_save(global_step=self._iterations):
            path = self._settings.checkpoint_directory / f"iteration-{self._iterations:06}.json"
            save_checkpoint(path, {"epoch": epoch, "iteration": self._iterations, "model": model.state()})


def _record(span: Optional[Span], name: str, attributes: Attributes) -> None:
    # A context yields None or the null span when telemetry is disabled; both are falsy.
    if span:
        TrainingTelemetryProvider.instance().recorder.event(span, Event.create(name, attributes))
