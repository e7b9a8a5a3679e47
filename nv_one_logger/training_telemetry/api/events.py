"""Names of the events that the training recorder puts on its spans."""

from __future__ import annotations

from nv_one_logger.core.internal.strenum import StrEnum

__all__ = ["StandardTrainingJobEventName"]


class StandardTrainingJobEventName(StrEnum):
    """One member per standard event; the attributes class of each is named beside it."""

    ONE_LOGGER_INITIALIZATION = "one_logger_initialization"
    """On the application span, at its start: ``OneLoggerInitializationAttributes``."""

    UPDATE_TRAINING_TELEMETRY_CONFIG = "update_training_telemetry_config"
    """On the application span, when the telemetry configuration is known: ``TrainingTelemetryAttributes``."""

    TRAINING_METRICS_UPDATE = "training_metrics_update"
    """On the training loop, every N iterations and at its end: ``TrainingMetricsUpdateAttributes``."""

    VALIDATION_METRICS_UPDATE = "validation_metrics_update"
    """On the validation loop, at its end: ``ValidationMetricsUpdateAttributes``."""

    TESTING_METRICS_UPDATE = "testing_metrics_update"
    """On the testing loop, at its end: ``TestingMetricsUpdateAttributes``."""

    SAVE_CHECKPOINT_SUCCESS = "save_checkpoint_success"
    """On the save span, of an asynchronous save on the application: ``SaveCheckpointSuccessEventAttributes``."""

    SYNC_CHECKPOINT_METRICS_UPDATE = "sync_checkpoint_metrics_update"
    """On the save span of either strategy, at its end: ``SyncCheckpointMetricsUpdateAttributes``."""
