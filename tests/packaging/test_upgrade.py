"""Performs real upgrades with pip, from wheels that look like release 2.3.1."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, List, Sequence

import pytest

CORE = "nv-one-logger-core"
TRAINING_TELEMETRY = "nv-one-logger-training-telemetry"

# Run in the environment: what a program written for 2.3.1 imports, from the new files and not from old ones.
USE_IT = """
import importlib.util
import nv_one_logger.training_recorder
import nv_one_logger.training_telemetry.api as api
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
assert not hasattr(api, "OLD")
assert TrainingTelemetryProvider.instance() is TrainingTelemetryProvider.instance()
"""
NOTHING_OLD_IS_LEFT = """
import importlib.util
for module in ("nv_one_logger.core.only_in_2_3_1", "nv_one_logger.training_telemetry.api.only_in_2_3_1"):
    assert importlib.util.find_spec(module) is None, module
"""
CONFLICT = "from nv_one_logger.core.internal.installation import version_conflict; print(version_conflict() or '')"


@pytest.fixture
def old_environment(make_environment: Callable[[], Any], old_wheels: List[Path]) -> Any:
    environment = make_environment()
    environment.pip("install", "--no-deps", *map(str, old_wheels))
    assert environment.run("from nv_one_logger.training_telemetry.api import OLD; print(OLD)") == "True"
    return environment


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param([[CORE, TRAINING_TELEMETRY]], id="both at once"),
        pytest.param([[TRAINING_TELEMETRY, CORE]], id="both at once, named the other way round"),
        pytest.param([[CORE], [TRAINING_TELEMETRY]], id="core first"),
        pytest.param([[TRAINING_TELEMETRY], [CORE]], id="training telemetry first"),
    ],
)
def test_upgrade_from_2_3_1_leaves_a_working_library(old_environment: Any, commands: Sequence[Sequence[str]]) -> None:
    for names in commands:
        old_environment.pip("install", "-U", *names)

    old_environment.run(USE_IT)
    old_environment.run(NOTHING_OLD_IS_LEFT)
    assert old_environment.version(TRAINING_TELEMETRY) == old_environment.version(CORE) != "2.3.1"
    assert old_environment.run(CONFLICT) == ""
    old_environment.pip("check")


def test_upgrade_of_core_alone_works_and_is_reported_with_a_remedy_that_mends_it(old_environment: Any) -> None:
    old_environment.pip("install", "-U", CORE)
    old_environment.run(USE_IT)
    message = old_environment.run(CONFLICT)
    assert f"{TRAINING_TELEMETRY} 2.3.1" in message

    remedy = message.split("'pip ")[1].split("'")[0]
    old_environment.pip(*remedy.split())

    old_environment.run(USE_IT)
    old_environment.run(NOTHING_OLD_IS_LEFT)
    assert old_environment.run(CONFLICT) == ""


def test_both_can_be_reinstalled_over_themselves(old_environment: Any) -> None:
    old_environment.pip("install", "-U", CORE, TRAINING_TELEMETRY)

    old_environment.pip("install", "--force-reinstall", "--no-deps", CORE, TRAINING_TELEMETRY)

    old_environment.run(USE_IT)


def test_training_telemetry_can_be_removed_as_its_readme_says(old_environment: Any) -> None:
    old_environment.pip("install", "-U", CORE, TRAINING_TELEMETRY)

    old_environment.pip("uninstall", "-y", TRAINING_TELEMETRY)
    old_environment.pip("install", "--force-reinstall", "--no-deps", CORE)

    old_environment.run(USE_IT)
    old_environment.pip("check")
