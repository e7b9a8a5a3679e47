"""Configures telemetry as an application started here would, and closes it again."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import Iterable, Iterator, List, Optional

from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.cli.in_force import output_kept_apart
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

__all__ = ["APPLICATION", "Remarks", "running_telemetry"]

APPLICATION = "one-logger-selftest"


class Remarks(logging.Handler):
    """Keeps what the library logs meanwhile: warnings and errors, each text once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text of a record."""
        text = record.getMessage()
        if text not in self.texts:
            self.texts.append(text)

    def forget(self, reasons: Iterable[str]) -> None:
        """Leave out what is told in another place: a reason, which may begin with the name of a hook."""
        told = [reason.partition(": ")[2] or reason for reason in reasons if reason]
        self.texts = [text for text in self.texts if not any(part in text for part in told)]


@contextmanager
def running_telemetry(config_file: Optional[Path], remarks: Remarks) -> Iterator[TrainingTelemetryProvider]:
    """Configure with the file, environment and packages in force; mistakes become remarks and the rest runs.

    Raises:
        OneLoggerError: There are mistakes, and ``ONE_LOGGER_STRICT=1`` is set.
    """
    logger = logging.getLogger("nv_one_logger")
    propagates = logger.propagate
    logger.addHandler(remarks)
    logger.propagate = False
    provider = TrainingTelemetryProvider.instance()
    try:
        with output_kept_apart():
            provider.with_base_config(_base_config()).with_export_config(
                config_file_path=None if config_file is None else str(config_file)
            ).configure_provider()
        yield provider
    finally:
        provider.reset()
        logger.propagate = propagates
        logger.removeHandler(remarks)


def _base_config() -> OneLoggerConfig:
    return OneLoggerConfig(
        application_name=APPLICATION,
        session_tag_or_fn=APPLICATION,
        world_size_or_fn=1,
        error_handling_strategy=OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR,
    )
