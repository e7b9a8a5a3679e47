"""The contract's quick start, as a user's type checker sees it."""

from __future__ import annotations

import logging
from pathlib import Path

from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

provider = TrainingTelemetryProvider.instance()
(
    provider.with_base_config(TrainingTelemetryConfig(application_name="demo", session_tag_or_fn="run1"))
    .with_exporter(FileExporter(file_path=Path("one_logger_metrics.jsonl")))
    .with_exporter(LoggerExporter(logger=logging.getLogger("my_app.metrics")))
    .configure_provider()
)
