from __future__ import annotations

import re

from nv_one_logger.training_telemetry.api.events import StandardTrainingJobEventName


def test_events_have_the_values_of_the_reference() -> None:
    assert {member.name: str(member) for member in StandardTrainingJobEventName} == {
        name: name.lower()
        for name in (
            "ONE_LOGGER_INITIALIZATION",
            "UPDATE_TRAINING_TELEMETRY_CONFIG",
            "TRAINING_METRICS_UPDATE",
            "VALIDATION_METRICS_UPDATE",
            "TESTING_METRICS_UPDATE",
            "SAVE_CHECKPOINT_SUCCESS",
            "SYNC_CHECKPOINT_METRICS_UPDATE",
        )
    }


def test_values_are_unique_snake_case() -> None:
    values = [str(member) for member in StandardTrainingJobEventName]
    assert len(set(values)) == len(values)
    assert all(re.fullmatch(r"[a-z0-9_]+", value) for value in values)
