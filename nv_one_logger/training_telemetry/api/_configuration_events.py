"""The attributes of the two events that describe a run: who runs, and what is trained."""

from __future__ import annotations

import os
from typing import List, Mapping, Optional

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.core.internal import launcher
from nv_one_logger.core.internal.version import get_version
from nv_one_logger.training_telemetry.api._attribute_fields import metadata_lines
from nv_one_logger.training_telemetry.api.attributes import (
    OneLoggerInitializationAttributes,
    TrainingTelemetryAttributes,
)

__all__ = ["initialization_attributes", "telemetry_attributes"]

_DISTRIBUTION = "nv-one-logger-core"


def initialization_attributes(config: OneLoggerConfig) -> OneLoggerInitializationAttributes:
    """Describe this process of the job; rank and node come from the launcher's environment and the system."""
    return OneLoggerInitializationAttributes.from_known(
        {
            "world_size": config.world_size,
            "one_logger_training_telemetry_version": get_version(_DISTRIBUTION),
            "enable_for_current_rank": config.enable_for_current_rank,
            "session_tag": config.session_tag,
            "is_baseline_run": config.is_baseline_run,
            "summary_data_schema_version": config.summary_data_schema_version,
            "node_name": launcher.node_name(),
            "rank": launcher.rank(os.environ),
            "custom_metadata": _shown_metadata(config.custom_metadata),
            "application_name": config.application_name,
            "local_rank": launcher.local_rank(os.environ),
        }
    )


def telemetry_attributes(telemetry: object) -> TrainingTelemetryAttributes:
    """Describe what is trained, as far as the configuration says. It may be of any class that fits the protocol."""
    values = {name: _known(telemetry, name) for name in _SETTINGS}
    values["checkpoint_strategy"] = _known(telemetry, "save_checkpoint_strategy")
    values["custom_metadata"] = _shown_metadata(getattr(telemetry, "custom_metadata", None))
    app_type = getattr(telemetry, "app_type", None)
    values["app_type"] = None if app_type is None else str(app_type)
    return TrainingTelemetryAttributes.from_known(values)


_SETTINGS = (
    "perf_tag",
    "global_batch_size",
    "log_every_n_train_iterations",
    "micro_batch_size",
    "seq_length",
    "flops_per_sample",
    "train_iterations_target",
    "train_samples_target",
    "checkpoint_strategy",
    "is_train_iterations_enabled",
    "is_validation_iterations_enabled",
    "is_test_iterations_enabled",
    "is_save_checkpoint_enabled",
    "is_log_throughput_enabled",
)


def _known(telemetry: object, name: str) -> Optional[object]:
    value: Optional[object] = getattr(telemetry, name, None)
    return value


def _shown_metadata(custom_metadata: Optional[Mapping[str, object]]) -> Optional[List[str]]:
    """Return what records may show of an application's metadata."""
    from nv_one_logger.config.masking import metadata_without_secrets  # with the rest of what configuration needs

    return metadata_lines(metadata_without_secrets(custom_metadata))
