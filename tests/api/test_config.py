from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, Optional
from unittest.mock import MagicMock, patch

import pytest
from pydantic import BaseModel, ValidationError

import nv_one_logger.api
from nv_one_logger.api.config import LoggerConfig, OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.api.telemetry_config import ApplicationType

PROPAGATE = OneLoggerErrorHandlingStrategy.PROPAGATE_EXCEPTIONS
QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR

# What is no good configuration on its own, but what real clients pass.
REQUIRED: Dict[str, Any] = {"application_name": "app", "world_size_or_fn": 4, "session_tag_or_fn": "run1"}


class Telemetry(BaseModel):
    """The least that is a telemetry config."""

    is_train_iterations_enabled: bool = True
    is_validation_iterations_enabled: bool = True
    is_test_iterations_enabled: bool = True
    is_save_checkpoint_enabled: bool = True
    custom_metadata: Optional[Dict[str, Any]] = None

    @property
    def app_type(self) -> ApplicationType:
        return ApplicationType.TRAINING


def make(**arguments: Any) -> OneLoggerConfig:
    return OneLoggerConfig(**{**REQUIRED, **arguments})


@pytest.fixture
def logger() -> Iterator[MagicMock]:
    with patch("nv_one_logger.api.config.logger") as mock:
        yield mock


# --- fields ----------------------------------------------------------------------------------------------------------


def test_fields_stand_in_the_order_of_the_reference_with_its_defaults() -> None:
    config = make()
    assert list(OneLoggerConfig.model_fields) == [
        "application_name",
        "world_size_or_fn",
        "session_tag_or_fn",
        "is_baseline_run_or_fn",
        "custom_metadata",
        "error_handling_strategy",
        "enable_for_current_rank",
        "logger_config",
        "summary_data_schema_version",
        "telemetry_config",
    ]
    assert (config.is_baseline_run, config.custom_metadata, config.telemetry_config) == (False, None, None)
    assert (config.error_handling_strategy, config.enable_for_current_rank) == (PROPAGATE, True)
    assert config.summary_data_schema_version == "1.0.0"


def test_logger_config_has_the_defaults_of_the_reference() -> None:
    assert LoggerConfig().model_dump() == {
        "log_level": "INFO",
        "log_format": "%(name)s - %(levelname)s - %(message)s",
        "log_file_path_for_info": "onelogger.log",
        "log_file_path_for_err": "onelogger.err",
    }
    assert LoggerConfig(log_file_path_for_info=Path("a")).log_file_path_for_info == Path("a")


def test_unknown_log_level_is_refused() -> None:
    with pytest.raises(ValidationError):
        LoggerConfig(log_level="LOUD")  # type: ignore[arg-type]


def test_every_config_has_a_logger_config_of_its_own() -> None:
    assert make().logger_config is not make().logger_config


def test_package_exports_the_configuration_classes() -> None:
    assert sorted(nv_one_logger.api.__all__) == ["LoggerConfig", "OneLoggerConfig", "OneLoggerErrorHandlingStrategy"]


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_required_field_must_be_given(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        OneLoggerConfig(**{key: value for key, value in REQUIRED.items() if key != name})


def test_strategy_is_accepted_as_a_string() -> None:
    assert make(error_handling_strategy="propagate_exceptions").error_handling_strategy is PROPAGATE


def test_fields_can_be_assigned_without_checks() -> None:
    config = make()
    config.enable_for_current_rank = False
    config.telemetry_config = Telemetry()
    config.application_name = ""
    assert not config.enable_for_current_rank
    assert isinstance(config.telemetry_config, Telemetry)


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "  ", "\t\n"])
def test_blank_application_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="application_name cannot be empty or whitespace-only"):
        make(application_name=name)


@pytest.mark.parametrize("size", [0, -1, lambda: 0, lambda: None, lambda: "x"])
def test_world_size_must_be_positive(size: Any) -> None:
    with pytest.raises(ValidationError, match="world_size must be set to a positive value"):
        make(world_size_or_fn=size)


@pytest.mark.parametrize("key", ["", " "])
def test_blank_metadata_key_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="custom_metadata keys must be non-empty strings"):
        make(custom_metadata={"fine": 1, key: 2})


def test_metadata_without_a_value_is_accepted() -> None:
    metadata = {"cluster": None, "jobs": ["a", "b"], "nodes": 2, "share": 0.5, "debug": True}
    assert make(custom_metadata=metadata).custom_metadata == metadata


def test_callables_are_evaluated_once_when_first_read() -> None:
    tags, sizes, baselines = ["a", "b"], [4, 8, 16], [True, False]
    config = make(
        session_tag_or_fn=lambda: tags.pop(0),
        world_size_or_fn=lambda: sizes.pop(0),
        is_baseline_run_or_fn=lambda: baselines.pop(0),
    )
    assert (tags, sizes, baselines) == (["a", "b"], [8, 16], [True, False])  # the size was called to check it
    for _ in range(3):
        assert (config.session_tag, config.world_size, config.is_baseline_run) == ("a", 8, True)
    assert (tags, sizes, baselines) == (["b"], [16], [False])


def test_telemetry_config_needs_the_properties_and_is_not_made_from_a_dict() -> None:
    with pytest.raises(ValidationError, match=r"instance of TelemetryConfig; dict lacks .*app_type"):
        make(telemetry_config={"app_type": "training"})
    assert make(telemetry_config=None).telemetry_config is None


def test_telemetry_config_of_any_class_is_taken_without_reading_it() -> None:
    class Strict:
        is_train_iterations_enabled = property(lambda self: 1 / 0)
        is_validation_iterations_enabled = property(lambda self: 1 / 0)
        is_test_iterations_enabled = property(lambda self: 1 / 0)
        is_save_checkpoint_enabled = property(lambda self: 1 / 0)
        app_type = property(lambda self: 1 / 0)
        custom_metadata = property(lambda self: 1 / 0)

    strict = Strict()
    assert make(telemetry_config=strict).telemetry_config is strict


def test_dump_nests_the_telemetry_config_and_keeps_callables() -> None:
    def tag() -> str:
        return "run"

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dumped = make(session_tag_or_fn=tag, telemetry_config=Telemetry(custom_metadata={"a": 1})).model_dump()
    assert dumped["session_tag_or_fn"] is tag
    assert dumped["telemetry_config"] == {
        "is_train_iterations_enabled": True,
        "is_validation_iterations_enabled": True,
        "is_test_iterations_enabled": True,
        "is_save_checkpoint_enabled": True,
        "custom_metadata": {"a": 1},
    }
    assert dumped["logger_config"]["log_level"] == "INFO"


def test_unknown_argument_is_ignored() -> None:
    assert make(world_size=3).world_size == 4


# --- disabled ranks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("disabled", [False, 0, "false", "no", "off", "0"])
def test_disabled_rank_is_quiet(disabled: Any, logger: MagicMock) -> None:
    config = make(enable_for_current_rank=disabled)
    assert config.enable_for_current_rank is False
    assert config.error_handling_strategy is QUIET
    assert config.logger_config.log_level == "CRITICAL"
    logger.warning.assert_called_once()
    (message,) = logger.warning.call_args[0]
    assert "OneLogger disabled" in message
    assert "rank=0" in message
    assert "Setting error_handling_strategy to DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR" in message


@pytest.mark.parametrize("enabled", [True, 1, "true", "yes"])
def test_enabled_rank_keeps_the_defaults(enabled: Any, logger: MagicMock) -> None:
    config = make(enable_for_current_rank=enabled)
    assert (config.error_handling_strategy, config.logger_config.log_level) == (PROPAGATE, "INFO")
    logger.warning.assert_not_called()


def test_strategy_that_was_given_is_kept_on_a_disabled_rank(logger: MagicMock) -> None:
    config = make(enable_for_current_rank=False, error_handling_strategy=PROPAGATE)
    assert (config.error_handling_strategy, config.logger_config.log_level) == (PROPAGATE, "INFO")
    logger.warning.assert_not_called()


@pytest.mark.parametrize(
    ("given", "level"),
    [
        (LoggerConfig(log_level="DEBUG"), "DEBUG"),
        (LoggerConfig(), "INFO"),
        ({"log_level": "DEBUG"}, "DEBUG"),
        ({"log_format": "%(message)s"}, "CRITICAL"),
    ],
)
def test_logger_config_that_was_given_is_respected_on_a_disabled_rank(
    given: Any, level: str, logger: MagicMock
) -> None:
    assert make(enable_for_current_rank=False, logger_config=given).logger_config.log_level == level


def test_message_names_the_rank(monkeypatch: pytest.MonkeyPatch, logger: MagicMock) -> None:
    monkeypatch.setenv("RANK", "12")
    make(enable_for_current_rank=False)
    assert "rank=12" in logger.warning.call_args[0][0]


def test_rank_that_is_no_number_does_not_break_a_disabled_rank(
    monkeypatch: pytest.MonkeyPatch, logger: MagicMock
) -> None:
    monkeypatch.setenv("RANK", "unknown")
    assert make(enable_for_current_rank=False).error_handling_strategy is QUIET
    assert "rank=0" in logger.warning.call_args[0][0]


def test_value_that_is_no_truth_is_left_to_the_field(logger: MagicMock) -> None:
    with pytest.raises(ValidationError, match="enable_for_current_rank"):
        make(enable_for_current_rank="perhaps")
    logger.warning.assert_not_called()


def test_input_is_never_changed(logger: MagicMock) -> None:
    given = {**REQUIRED, "enable_for_current_rank": False, "logger_config": {"log_format": "%(message)s"}}
    before = copy.deepcopy(given)
    OneLoggerConfig.model_validate(given)
    assert given == before
