"""The configuration that every application gives: who it is, which ranks record, and what an error does."""

from __future__ import annotations

import inspect
import logging
import os
from enum import Enum
from pathlib import Path
from typing import Any, Callable, Dict, Literal, Optional, Union

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from nv_one_logger.api.internal.config_model import ConfigModel
from nv_one_logger.api.telemetry_config import TelemetryConfig
from nv_one_logger.core.attributes import AttributeValue
from nv_one_logger.core.internal import launcher

__all__ = ["LoggerConfig", "OneLoggerConfig", "OneLoggerErrorHandlingStrategy"]

logger = logging.getLogger(__name__)

_TELEMETRY_CONFIG_PROPERTIES = (
    "is_train_iterations_enabled",
    "is_validation_iterations_enabled",
    "is_test_iterations_enabled",
    "is_save_checkpoint_enabled",
    "app_type",
    "custom_metadata",
)


class OneLoggerErrorHandlingStrategy(Enum):
    """What happens when telemetry code fails or is misused. Failures of single exporters never reach the caller."""

    PROPAGATE_EXCEPTIONS = "propagate_exceptions"
    """The error reaches the caller, after being logged and reported to the exporters."""

    DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR = "disable_quietly_and_report_metric_error"
    """The error is logged and reported to the exporters; misuse is repaired, a fault of telemetry ends it."""


class LoggerConfig(ConfigModel):
    """How this library writes its own log lines. What is not set is left to the application's logging setup."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """Level of the library's own loggers."""

    log_format: str = "%(name)s - %(levelname)s - %(message)s"
    """Format of the lines in the two files."""

    log_file_path_for_info: Union[Path, str] = "onelogger.log"
    """File for records of INFO and above."""

    log_file_path_for_err: Union[Path, str] = "onelogger.err"
    """File for records of ERROR and above."""


class OneLoggerConfig(ConfigModel):
    """Who the application is, which ranks record, and what an error does.

    A field that ends in ``_or_fn`` takes a value or a callable without arguments. A callable is evaluated when its
    property is first read, and the value is kept for as long as the field holds that callable; that of the world
    size is also called once at construction, to check it. Fields may be assigned afterwards, without checks.

    Unknown keyword arguments are ignored with one warning each.

    Raises:
        pydantic.ValidationError: A value has the wrong type, ``application_name`` or a key of ``custom_metadata`` is
            blank, or the world size is not positive.
    """

    application_name: str
    """Name of the application, for people and for grouping."""

    world_size_or_fn: Union[int, Callable[[], int]]
    """Number of processes of the job."""

    session_tag_or_fn: Union[str, Callable[[], str]]
    """Equal for all ranks of a run, and for a later run only if that continues this one."""

    is_baseline_run_or_fn: Union[bool, Callable[[], bool]] = False
    """Whether other runs are compared with this one."""

    custom_metadata: Optional[Dict[str, Optional[AttributeValue]]] = None
    """Values of the user's own, by name, that describe this run."""

    error_handling_strategy: OneLoggerErrorHandlingStrategy = OneLoggerErrorHandlingStrategy.PROPAGATE_EXCEPTIONS
    """What an error of telemetry does. On a rank that is disabled at construction the quiet one is the default."""

    enable_for_current_rank: bool = True
    """Whether this process records. Read anew at every call."""

    logger_config: LoggerConfig = Field(default_factory=LoggerConfig)
    """How this library writes its own log lines."""

    summary_data_schema_version: str = "1.0.0"
    """Version of the attributes' layout."""

    telemetry_config: Optional[TelemetryConfig] = None
    """Configuration of the telemetry domain, for example training; may be given later."""

    @property
    def world_size(self) -> int:
        """Number of processes of the job."""
        return self._evaluate("world_size_or_fn")  # type: ignore[no-any-return]  # what the field's type says

    @property
    def session_tag(self) -> str:
        """Tag of the run, see ``session_tag_or_fn``."""
        return self._evaluate("session_tag_or_fn")  # type: ignore[no-any-return]  # what the field's type says

    @property
    def is_baseline_run(self) -> bool:
        """Whether other runs are compared with this one."""
        return self._evaluate("is_baseline_run_or_fn")  # type: ignore[no-any-return]  # what the field's type says

    @model_validator(mode="before")
    @classmethod
    def _make_disabled_rank_quiet(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "error_handling_strategy" in data:
            return data
        if "enable_for_current_rank" not in data or not _means_false(data["enable_for_current_rank"]):
            return data
        message = (
            f"OneLogger disabled for the current rank (rank={launcher.rank(os.environ)}). "
            "Setting error_handling_strategy to DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR."
        )
        logger.warning(message)
        quiet = dict(data)
        quiet["error_handling_strategy"] = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR
        logger_config = data.get("logger_config", {})
        if isinstance(logger_config, dict):
            quiet["logger_config"] = {"log_level": "CRITICAL", **logger_config}
        return quiet

    @field_validator("telemetry_config", mode="plain")
    @classmethod
    def _check_telemetry_config(cls, value: Any) -> Any:
        # isinstance() of a protocol reads the properties before Python 3.12, and so would call the user's callables.
        missing = [] if value is None else [name for name in _TELEMETRY_CONFIG_PROPERTIES if not _has(value, name)]
        if missing:
            raise ValueError(
                f"Input should be an instance of TelemetryConfig; {type(value).__name__} lacks {', '.join(missing)}. "
                "Give an object such as TrainingTelemetryConfig, not a dict."
            )
        return value

    @model_validator(mode="after")
    def _check_values(self) -> OneLoggerConfig:
        if not self.application_name.strip():
            raise ValueError(
                f"application_name cannot be empty or whitespace-only, found {self.application_name!r}. "
                "Give the name by which this application is known."
            )
        _check_world_size(self.world_size_or_fn)
        blank = [key for key in self.custom_metadata or () if not key.strip()]
        if blank:
            raise ValueError(f"custom_metadata keys must be non-empty strings, found {blank[0]!r}. Name or drop it.")
        return self


_bool_adapter = TypeAdapter(bool)


def _means_false(value: object) -> bool:
    """Tell whether pydantic will read the value as ``False``: so will, for example, ``"false"`` and ``0``."""
    try:
        return not _bool_adapter.validate_python(value)
    except ValidationError:  # reported by the field itself
        return False


def _has(value: object, name: str) -> bool:
    missing = object()
    return inspect.getattr_static(value, name, missing) is not missing or hasattr(value, name)


def _check_world_size(value_or_fn: Union[int, Callable[[], int]]) -> None:
    world_size = value_or_fn() if callable(value_or_fn) else value_or_fn
    try:
        is_positive = world_size > 0
    except TypeError:
        is_positive = False
    if not is_positive:
        raise ValueError(
            f"world_size must be set to a positive value, found {world_size!r}. "
            "Set world_size_or_fn to the number of processes of the job."
        )
