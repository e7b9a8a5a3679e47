"""The callback for programs that cannot be changed: Lightning asks for it when ``ONE_LOGGER_LIGHTNING=1`` is set."""

from __future__ import annotations

import logging
import os
from typing import Any, List

__all__ = ["callbacks"]

SWITCH = "ONE_LOGGER_LIGHTNING"

_log = logging.getLogger(__name__)


def callbacks() -> List[Any]:
    """Return a ``TimeEventCallback`` if the environment says so, else nothing.

    A provider that the program has not configured is configured from the environment and the configuration file, in the
    quiet error strategy. Lightning calls this for every trainer. Never raises: a mistake in the file is logged as an
    error, and training goes on without telemetry.
    """
    if os.environ.get(SWITCH, "").strip().lower() not in ("1", "true", "yes", "on"):
        return []
    try:
        return [_callback()]
    except Exception as error:
        _log.error("%s is set, and telemetry could not be configured: %s", SWITCH, error)
        return []


def _callback() -> Any:
    # Imported only now: this module is imported with every trainer.
    from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
    from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
    from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback

    provider = TrainingTelemetryProvider.instance()
    if not provider.one_logger_ready:
        quiet = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR
        config = TrainingTelemetryConfig(error_handling_strategy=quiet)
        provider.with_base_config(config).with_export_config().configure_provider()
    return TimeEventCallback(provider)
