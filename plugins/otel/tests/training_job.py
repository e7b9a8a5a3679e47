"""A training program as users write them; test_training_job.py runs it with backends in every condition.

``python training_job.py ENDPOINT PROTOCOL RECORDS`` prints lines of JSON: what it learned and how long that took, and
as its very last act what became of all that it recorded. Its exit status is 3.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.exporter.exporter import ExportError
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.otel.exporter.otel_exporter import OTelExporter
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import (
    application,
    checkpoint_save,
    training_iteration,
    training_loop,
    validation_loop,
)
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

STEPS = 400


def say(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def telemetry(endpoint: str, protocol: str, records: str) -> OTelExporter:
    """Record to OpenTelemetry, and to a file, which says what there was to be sent."""
    exporter = OTelExporter(endpoint=endpoint, protocol=protocol)  # type: ignore[arg-type]  # checked there
    config = TrainingTelemetryConfig(
        application_name="digits", session_tag_or_fn="one", world_size_or_fn=1, global_batch_size_or_fn=32
    )
    provider = TrainingTelemetryProvider.instance().with_base_config(config)
    provider.with_exporter(exporter).with_exporter(FileExporter(file_path=Path(records))).configure_provider()
    return exporter


def train(folder: Path) -> float:
    """Fit a line by gradient descent, with a validation and a checkpoint every 100 steps; return the last loss."""
    random = np.random.default_rng(0)
    truth, weights, loss = random.normal(size=8), np.zeros(8), 0.0
    with training_loop(train_iterations_start=0, train_iterations_target_or_fn=STEPS):
        for step in range(1, STEPS + 1):
            with training_iteration(), timed_span("fit"):
                inputs = random.normal(size=(32, 8))
                errors = inputs @ weights - inputs @ truth
                loss = float(errors @ errors) / 32
                weights -= 0.001 * inputs.T @ errors
            if step % 100 == 0:
                with validation_loop():
                    errors = inputs @ weights - inputs @ truth
                with checkpoint_save(step):
                    np.save(folder / f"{step}.npy", weights)
    return loss


def main(endpoint: str, protocol: str, records: str) -> None:
    exporter: OTelExporter | None = None

    def account() -> None:
        assert exporter is not None
        say(ended=time.monotonic(), status=[status._asdict() for status in exporter.status()])

    atexit.register(account)  # before all others, so that it is called after them
    exporter = telemetry(endpoint, protocol, records)
    with application():
        begin = time.perf_counter()
        loss = train(Path(records).parent)
        say(loss=loss, seconds=time.perf_counter() - begin)
        with contextlib.suppress(ArithmeticError), timed_span("report"):
            raise ArithmeticError("nothing to compare it with")
        if sys.stdin.readline().strip() == "flush":
            with contextlib.suppress(ExportError):  # tells what is lost, which is in the account as well
                exporter.flush(30.0)
        say(trained=time.monotonic())
    sys.exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])
