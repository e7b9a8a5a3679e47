"""Configures the demo's telemetry, as an application does it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

from nv_one_logger.cli.demo.training import BATCH_SIZE
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

__all__ = ["configure_telemetry", "log_lines_into"]

_LOGGER_NAME = "one_logger.demo"


def configure_telemetry(records: Path, config_file: Optional[Path]) -> None:
    """Send everything to a JSON Lines file and to a logger, and to whatever ``config_file`` adds.

    Raises:
        OneLoggerError: The configuration file, or what it asks for, is not right.
    """
    provider = TrainingTelemetryProvider.instance()
    (
        provider.with_base_config(
            TrainingTelemetryConfig(
                application_name="one-logger-demo",
                world_size_or_fn=1,  # one process, whatever the launcher around it says
                perf_tag_or_fn="penguins-softmax",
                global_batch_size_or_fn=BATCH_SIZE,
                log_every_n_train_iterations=50,
            )
        )
        .with_exporter(FileExporter(file_path=records, session_record=True, heartbeat_sec=10))
        .with_exporter(LoggerExporter(logger=logging.getLogger(_LOGGER_NAME)))
        # Iterations are not exported by default. The demo is short, and its summary shall show them.
        .with_export_customization(ExportCustomizationMode.EXPORT_ALL_SPANS, None)
    )
    if config_file is not None:
        provider.with_export_config(config_file_path=str(config_file))
    provider.configure_provider()


@contextmanager
def log_lines_into(path: Path) -> Iterator[None]:
    """Write the lines of the demo's logger to a file, and only there."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger(_LOGGER_NAME)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]
