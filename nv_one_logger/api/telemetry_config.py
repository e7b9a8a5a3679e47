"""What the core asks of the configuration of a telemetry domain, such as training."""

from __future__ import annotations

from typing import Dict, Optional, Protocol, Union, runtime_checkable

from nv_one_logger.core.attributes import AttributeValue
from nv_one_logger.core.internal.strenum import StrEnum

__all__ = ["ApplicationType", "TelemetryConfig"]


class ApplicationType(StrEnum):
    """What an application does."""

    TRAINING = "training"
    VALIDATION = "validation"
    BATCH_INFERENCE = "batch_inference"
    ONLINE_INFERENCE = "online_inference"
    DATA_PROCESSING = "data_processing"


@runtime_checkable
class TelemetryConfig(Protocol):
    """Any object with these properties is the configuration of a telemetry domain; no base class is needed."""

    @property
    def is_train_iterations_enabled(self) -> bool:
        """Whether the application runs training iterations that should be logged."""

    @property
    def is_validation_iterations_enabled(self) -> bool:
        """Whether the application runs validation iterations that should be logged."""

    @property
    def is_test_iterations_enabled(self) -> bool:
        """Whether the application runs test iterations that should be logged."""

    @property
    def is_save_checkpoint_enabled(self) -> bool:
        """Whether the application saves checkpoints."""

    @property
    def app_type(self) -> Union[ApplicationType, str]:
        """What the application does."""

    @property
    def custom_metadata(self) -> Optional[Dict[str, AttributeValue]]:
        """Values of the user's own, by name, that describe this run."""
