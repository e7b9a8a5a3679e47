"""A job whose DataLoader workers record spans: ``python loader_job.py METHOD FOLDER``."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any, Tuple

import torch
from torch.utils.data import DataLoader, Dataset

from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import application
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

SAMPLES, BATCH, WORKERS, EPOCHS = 64, 8, 2, 2


class Samples(Dataset):  # type: ignore[type-arg]
    """Samples whose loading is a span, in whichever process it happens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> Tuple[Any, int]:
        if not TrainingTelemetryProvider.instance().one_logger_enabled:
            configure(self._folder)  # a worker that was not forked begins with nothing
        with timed_span("load sample", Attributes({"index": index})):
            return torch.full((4,), float(index)), os.getpid()


def configure(folder: Path) -> None:
    provider = TrainingTelemetryProvider.instance()
    config = TrainingTelemetryConfig(
        application_name="job",
        session_tag_or_fn="session",
        world_size_or_fn=1,
        perf_tag_or_fn="perf",
        global_batch_size_or_fn=BATCH,
        log_every_n_train_iterations=10,
    )
    provider.with_base_config(config).with_export_customization(ExportCustomizationMode.EXPORT_ALL_SPANS, None)
    provider.with_exporter(FileExporter(folder / "run.jsonl")).configure_provider()


def main(method: str, folder: Path) -> None:
    configure(folder)
    is_over = threading.Event()
    with application() as outer:
        recorder = TrainingTelemetryProvider.instance().recorder

        def record() -> None:
            while not is_over.wait(0.001):
                recorder.stop(recorder.start("of a thread", parent_span=outer))

        thread = threading.Thread(target=record)
        thread.start()
        loaders = set()
        for _ in range(EPOCHS):
            loader = DataLoader(Samples(folder), BATCH, num_workers=WORKERS, multiprocessing_context=method)
            for _, pids in loader:
                loaders.update(pids.tolist())
        is_over.set()
        thread.join()
    print(os.getpid(), *sorted(loaders))  # noqa: T201  # for the test


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
