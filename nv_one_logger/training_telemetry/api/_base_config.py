"""Makes the configuration of a process from what the provider was given. Reads no file and starts nothing."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from pydantic import BaseModel, ValidationError

from nv_one_logger.api.config import LoggerConfig, OneLoggerConfig
from nv_one_logger.core.exceptions import ConfigError, ConfigErrors, OneLoggerError
from nv_one_logger.core.internal import launcher
from nv_one_logger.training_telemetry.api._overrides import Override, combined, overlay, unknown_keys
from nv_one_logger.training_telemetry.api.config import BASE_FIELDS, TrainingTelemetryConfig

__all__ = ["BaseConfig", "make_config"]

BaseConfig = Union[OneLoggerConfig, TrainingTelemetryConfig]


def make_config(
    base: Optional[BaseConfig], overrides: Sequence[Override], environ: Mapping[str, str]
) -> OneLoggerConfig:
    """Return the configuration: overrides over the base, over what the launcher's environment tells.

    Args:
        base: What the user gave; a ``TrainingTelemetryConfig`` is split in two. Not changed.
        overrides: In the order given, the later wins.
        environ: The environment.

    Raises:
        OneLoggerError: "Invalid configuration!", with every reason.
    """
    unknown = [error for override in overrides for error in unknown_keys(override, _known_fields(base))]
    if unknown:
        raise _invalid(unknown[0] if len(unknown) == 1 else ConfigErrors(unknown))
    try:
        return _built(base, combined(overrides), environ)
    except (OneLoggerError, ValidationError, TypeError, ValueError) as error:
        raise _invalid(error) from error


def _built(base: Optional[BaseConfig], values: Dict[str, Any], environ: Mapping[str, str]) -> OneLoggerConfig:
    given, telemetry = _split(base)
    cls = type(base) if isinstance(base, OneLoggerConfig) else OneLoggerConfig
    if "telemetry_config" in values:
        telemetry = _overridden_telemetry(telemetry, values.pop("telemetry_config"))
    merged: Dict[str, Any] = {name: overlay(given.get(name), value) for name, value in values.items()}
    fields = {**_defaults({*given, *merged}, environ), **given, **merged, "telemetry_config": telemetry}
    config = cls(**fields)
    if base is not None:
        config._evaluated = base._evaluated  # callables that were evaluated already keep their results
    return config


def _split(base: Optional[BaseConfig]) -> Tuple[Dict[str, Any], Any]:
    """Return the base fields that were given, and the telemetry configuration."""
    if base is None:
        return {}, None
    if isinstance(base, OneLoggerConfig):
        given = {name: getattr(base, name) for name in base.model_fields_set if name != "telemetry_config"}
        return given, base.telemetry_config
    given = {name: getattr(base, name) for name in BASE_FIELDS if getattr(base, name) is not None}
    if base.custom_metadata is None:
        return given, base
    # It describes the run as a whole, and is reported once.
    given["custom_metadata"] = base.custom_metadata
    return given, base.model_copy(update={"custom_metadata": None})


def _overridden_telemetry(telemetry: Any, override: Any) -> Any:
    if not isinstance(override, dict):
        return override
    if telemetry is None:
        return TrainingTelemetryConfig(**override)
    if isinstance(telemetry, BaseModel):
        return overlay(telemetry, override)
    raise ConfigError(
        f"is a {type(telemetry).__name__}, whose fields cannot be overridden one by one",
        source="base config",
        key="telemetry_config",
        remedy="Override it with an object",
    )


def _defaults(given: Collection[str], environ: Mapping[str, str]) -> Dict[str, Any]:
    """Return what the environment says about required fields that were not given."""
    defaults: Dict[str, Any] = {}
    if "application_name" not in given:
        defaults["application_name"] = launcher.application_name(environ)
    if "world_size_or_fn" not in given:
        defaults["world_size_or_fn"] = launcher.world_size(environ)
    if "session_tag_or_fn" not in given:
        defaults["session_tag_or_fn"] = launcher.default_session_tag(environ)
    return defaults


def _known_fields(base: Optional[BaseConfig]) -> Dict[Tuple[str, ...], List[str]]:
    cls = type(base) if isinstance(base, OneLoggerConfig) else OneLoggerConfig
    telemetry = _split(base)[1]
    telemetry_cls = type(telemetry) if isinstance(telemetry, BaseModel) else TrainingTelemetryConfig
    telemetry_fields = [name for name in telemetry_cls.model_fields if name not in BASE_FIELDS]
    return {
        (): list(cls.model_fields),
        ("telemetry_config",): telemetry_fields,
        ("logger_config",): list(LoggerConfig.model_fields),
    }


def _invalid(cause: Exception) -> OneLoggerError:
    return OneLoggerError(f"Invalid configuration! {cause}")
