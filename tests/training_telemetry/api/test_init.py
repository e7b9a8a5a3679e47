from __future__ import annotations

import types

from nv_one_logger.training_telemetry import api


def test_package_reexports_exactly_the_names_of_the_reference() -> None:
    names = {
        name
        for name, value in vars(api).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    callbacks = {name for name in names if name.startswith("on_")}
    assert len(callbacks) == 25
    assert names - callbacks == {
        "CheckPointStrategy",
        "StandardTrainingJobSpanName",
        "TrainingRecorder",
        "TrainingTelemetryConfig",
        "TrainingTelemetryProvider",
        "application",
        "checkpoint_save",
        "training_iteration",
        "training_loop",
    }
    assert names == set(api.__all__)
    assert len(names) == 34
