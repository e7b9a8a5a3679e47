from __future__ import annotations

import json

from nv_one_logger.api.telemetry_config import ApplicationType, TelemetryConfig


class Complete:
    is_train_iterations_enabled = True
    is_validation_iterations_enabled = True
    is_test_iterations_enabled = True
    is_save_checkpoint_enabled = True
    app_type = "simulation"
    custom_metadata = None


def test_application_types_are_strings() -> None:
    assert [str(member) for member in ApplicationType] == [
        "training",
        "validation",
        "batch_inference",
        "online_inference",
        "data_processing",
    ]
    assert json.dumps(ApplicationType.TRAINING) == '"training"'


def test_any_object_with_the_properties_is_a_telemetry_config() -> None:
    assert isinstance(Complete(), TelemetryConfig)
    assert not isinstance(object(), TelemetryConfig)
