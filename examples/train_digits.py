"""Trains a small network on scikit-learn's handwritten digits with PyTorch, records it, and resumes after a failure.

    pip install nv-one-logger-core torch scikit-learn
    python examples/train_digits.py --output run --fail-at 100    # fails in step 100
    python examples/train_digits.py --output run                  # goes on from the last checkpoint

Both jobs carry one session tag, so their records, in ``run/telemetry.jsonl``, tell of one training run.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Iterator, Optional, Tuple

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.training_telemetry.api.callbacks import log_metrics
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import (
    application,
    checkpoint_load,
    checkpoint_save,
    dataloader_init,
    model_init,
    optimizer_init,
    testing_iteration,
    testing_loop,
    training_iteration,
    training_loop,
    validation_iteration,
    validation_loop,
)
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as SpanName
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

BATCH_SIZE = 64
HIDDEN = 128
Loaders = Tuple[DataLoader[Any], DataLoader[Any], DataLoader[Any]]


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train a network on handwritten digits, with telemetry.")
    parser.add_argument("--output", type=Path, default=Path("digits-run"), help="folder of records and checkpoints")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--save-every", type=int, default=40, metavar="STEPS", help="steps between two checkpoints")
    parser.add_argument("--fail-at", type=int, metavar="STEP", help="raise an error in this step")
    parser.add_argument("--session-tag", default="digits-run-1", help="the same for jobs that continue one run")
    return parser.parse_args()


def configure_telemetry(arguments: argparse.Namespace, steps: int) -> None:
    """Say who runs and what is trained. World size and rank come from the launcher's environment."""
    config = TrainingTelemetryConfig(
        application_name="digits",
        session_tag_or_fn=arguments.session_tag,
        perf_tag_or_fn=f"digits-mlp-{HIDDEN}",
        global_batch_size_or_fn=BATCH_SIZE,
        log_every_n_train_iterations=20,
        train_iterations_target_or_fn=steps,
        train_samples_target_or_fn=steps * BATCH_SIZE,
        flops_per_sample_or_fn=6 * (64 * HIDDEN + HIDDEN * 10),  # 2 per weight forward, 4 backward
        is_log_throughput_enabled_or_fn=True,
        custom_metadata={"torch": str(torch.__version__)},
    )
    provider = TrainingTelemetryProvider.instance()
    # Appends: the records of a job that is restarted follow those of the job that failed.
    records = FileExporter(arguments.output / "telemetry.jsonl", session_record=True, heartbeat_sec=10)
    provider.with_base_config(config).with_exporter(records)
    provider.with_signal_handlers().configure_provider()


def load_data() -> Loaders:
    """Return the digits for training, validation and testing."""
    digits = load_digits()
    images = torch.tensor(digits.data / 16.0, dtype=torch.float32)
    labels = torch.tensor(digits.target, dtype=torch.long)
    parts = random_split(TensorDataset(images, labels), [1200, 297, 300], generator=torch.Generator().manual_seed(0))
    train, validation, test = parts
    return (
        DataLoader(train, BATCH_SIZE, shuffle=True, drop_last=True),
        DataLoader(validation, 99),
        DataLoader(test, 100),
    )


def batches(loader: DataLoader[Any]) -> Iterator[Any]:
    """Yield the batches of one epoch, and time how long each is waited for."""
    iterator = iter(loader)
    while True:
        with timed_span(SpanName.DATA_LOADING):
            batch = next(iterator, None)
        if batch is None:
            return
        yield batch


class Trainer:
    """The model, its optimizer, and the step that training has reached."""

    def __init__(self, output: Path) -> None:
        self.checkpoint = output / "checkpoint.pt"
        self.step = 0
        with model_init():
            self.model = nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
        with optimizer_init():
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)
        self.loss_function = nn.CrossEntropyLoss()

    def resume(self) -> None:
        """Go on from the checkpoint of an earlier job, if there is one."""
        if not self.checkpoint.exists():
            return
        with checkpoint_load():
            state = torch.load(self.checkpoint, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]

    def save(self) -> None:
        """Write the checkpoint beside the old one, then replace that: a failure in between leaves the old one whole."""
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step}
        with checkpoint_save(global_step=self.step) as span:
            unfinished = self.checkpoint.with_suffix(".unfinished")
            torch.save(state, unfinished)
            os.replace(unfinished, self.checkpoint)
            span.add_attribute("checkpoint_size", self.checkpoint.stat().st_size)
            span.add_attribute("checkpoint_directory", str(self.checkpoint.parent))

    def train_step(self, images: torch.Tensor, labels: torch.Tensor, fail_at: Optional[int]) -> None:
        """Train on one batch."""
        with training_iteration():
            if self.step == fail_at:
                raise RuntimeError(f"injected failure in step {self.step}")
            with timed_span(SpanName.MODEL_FORWARD):
                loss = self.loss_function(self.model(images), labels)
            with timed_span(SpanName.ZERO_GRAD):
                self.optimizer.zero_grad()
            with timed_span(SpanName.MODEL_BACKWARD):
                loss.backward()
            with timed_span(SpanName.OPTIMIZER_UPDATE):
                self.optimizer.step()
            # The loss stays on its device: it is read when the metrics are due, not in every step.
            log_metrics({"loss": loss, "learning_rate": self.optimizer.param_groups[0]["lr"]})
        self.step += 1

    def accuracy(self, loader: DataLoader[Any], iteration: Any) -> float:
        """Return the share of digits that the model gets right; each batch is one ``iteration``."""
        right = total = 0
        self.model.eval()
        with torch.no_grad():
            for images, labels in loader:
                with iteration():
                    right += int((self.model(images).argmax(dim=1) == labels).sum())
                    total += len(labels)
        self.model.train()
        return right / total


@application()
def run(arguments: argparse.Namespace) -> None:
    """Train, validate after every epoch, save every few steps, and test at the end."""
    with dataloader_init():
        train, validation, test = load_data()
    trainer = Trainer(arguments.output)
    trainer.resume()
    steps = arguments.epochs * len(train)
    print(f"training steps {trainer.step} to {steps}")
    with training_loop(train_iterations_start=trainer.step):
        while trainer.step < steps:
            for images, labels in batches(train):
                trainer.train_step(images, labels, arguments.fail_at)
                if trainer.step % arguments.save_every == 0:
                    trainer.save()
                if trainer.step == steps:
                    break
            with validation_loop() as span:
                accuracy = trainer.accuracy(validation, validation_iteration)
                span.add_attribute("accuracy", accuracy)
            print(f"step {trainer.step}: validation accuracy {accuracy:.3f}")
        trainer.save()
    with testing_loop() as span:
        accuracy = trainer.accuracy(test, testing_iteration)
        span.add_attribute("accuracy", accuracy)
    print(f"test accuracy {accuracy:.3f}; records are in {arguments.output / 'telemetry.jsonl'}")


def main() -> None:
    """Configure telemetry, then train."""
    arguments = parse_arguments()
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    configure_telemetry(arguments, steps=arguments.epochs * (1200 // BATCH_SIZE))
    run(arguments)


if __name__ == "__main__":
    main()
