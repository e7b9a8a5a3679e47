"""A small PyTorch classifier whose training is recorded: ``python -m nv_one_logger.training_telemetry.docs.example``.

It writes ``training_telemetry.json`` (one record a line) to the working directory, and needs PyTorch. Importing this
module does nothing; ``main()`` configures telemetry and trains.
"""

from __future__ import annotations

from typing import Any

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.training_telemetry.api.callbacks import log_metrics
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import (
    application,
    checkpoint_save,
    dataloader_init,
    model_init,
    optimizer_init,
    training_iteration,
    training_loop,
)
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

EPOCHS = 10
BATCH_SIZE = 32
BATCHES_PER_EPOCH = 8
FEATURES, HIDDEN, CLASSES = 20, 64, 4


def configure_telemetry() -> None:
    """Say who runs; what is trained is told later, once it is known."""
    config = OneLoggerConfig(
        application_name="example",
        session_tag_or_fn="example-run-1",  # the same for every job that continues this run
        world_size_or_fn=1,
    )
    provider = TrainingTelemetryProvider.instance()
    provider.with_base_config(config).with_exporter(FileExporter("training_telemetry.json")).configure_provider()


def describe_training() -> None:
    """Give the configuration that only the training code knows."""
    config = TrainingTelemetryConfig(
        perf_tag_or_fn="example-cpu",  # the same for runs that should perform alike
        global_batch_size_or_fn=BATCH_SIZE,
        log_every_n_train_iterations=10,
        train_iterations_target_or_fn=EPOCHS * BATCHES_PER_EPOCH,
        train_samples_target_or_fn=EPOCHS * BATCHES_PER_EPOCH * BATCH_SIZE,
        # Multiplications and additions, forward (2 per weight) and backward (4 per weight).
        flops_per_sample_or_fn=6 * (FEATURES * HIDDEN + HIDDEN * CLASSES),
        is_log_throughput_enabled_or_fn=True,
        save_checkpoint_strategy=CheckPointStrategy.SYNC,
    )
    TrainingTelemetryProvider.instance().set_training_telemetry_config(config)


def train_step(model: Any, optimizer: Any, loss_function: Any, inputs: Any, targets: Any) -> Any:
    """Train on one batch and return the loss, still on its device."""
    with timed_span(StandardTrainingJobSpanName.MODEL_FORWARD):
        loss = loss_function(model(inputs), targets)
    with timed_span(StandardTrainingJobSpanName.ZERO_GRAD):
        optimizer.zero_grad()
    with timed_span(StandardTrainingJobSpanName.MODEL_BACKWARD):
        loss.backward()
    with timed_span(StandardTrainingJobSpanName.OPTIMIZER_UPDATE):
        optimizer.step()
    return loss


@application()
def train() -> None:
    """Train the classifier."""
    import torch  # type: ignore[import-not-found, unused-ignore]  # here: the library itself needs no PyTorch

    describe_training()
    torch.manual_seed(0)
    with dataloader_init():
        samples = BATCH_SIZE * BATCHES_PER_EPOCH
        dataset = torch.utils.data.TensorDataset(torch.randn(samples, FEATURES), torch.randint(0, CLASSES, (samples,)))
        loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True)
    with model_init():
        model = torch.nn.Sequential(
            torch.nn.Linear(FEATURES, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES)
        )
    with optimizer_init():
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss_function = torch.nn.CrossEntropyLoss()

    with training_loop(train_iterations_start=0):
        for epoch in range(1, EPOCHS + 1):
            for inputs, targets in loader:
                with training_iteration():
                    loss = train_step(model, optimizer, loss_function, inputs, targets)
                    log_metrics({"loss": loss})
            with timed_span("epoch_summary") as span:  # a span of your own has any name
                span.add_attribute("epoch", epoch)
            if epoch % 5 == 0:
                with checkpoint_save(global_step=epoch * BATCHES_PER_EPOCH):
                    torch.save(model.state_dict(), "example_checkpoint.pt")


def main() -> None:
    """Configure telemetry, then train."""
    configure_telemetry()
    train()


if __name__ == "__main__":
    main()
