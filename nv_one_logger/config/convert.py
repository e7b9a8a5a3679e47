"""Converts configured values to what a constructor's annotations ask for, before anything is constructed."""

from __future__ import annotations

import inspect
import sys
import warnings
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from nv_one_logger.config.annotations import prepared, resolved, type_text
from nv_one_logger.config.document import Scalar, locate
from nv_one_logger.config.entries import did_you_mean
from nv_one_logger.config.masking import shown, without_secrets
from nv_one_logger.config.models import Origin, Setting
from nv_one_logger.config.surprise import surprise
from nv_one_logger.core.exceptions import ConfigError

__all__ = ["Converted", "adapter_of", "convert_arguments", "parameters_of"]

#: pydantic's own words for these name a class that differs between versions of Python.
_OWN_WORDS = {"path_type": "Input should be a path, which is a text"}

_KEYWORD = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Converted:
    """Arguments ready for the constructor.

    Attributes:
        arguments: Keyword arguments.
        defaults: What the constructor itself fills in.
        errors: Everything wrong with the arguments; the constructor must not be called when there is any.
    """

    arguments: Dict[str, object] = field(default_factory=dict)
    defaults: Dict[str, object] = field(default_factory=dict)
    errors: List[ConfigError] = field(default_factory=list)


def convert_arguments(
    target: Callable[..., object],
    settings: Mapping[str, Setting],
    *,
    path: str,
    origin: Origin,
    given: Collection[str] = (),
) -> Converted:
    """Check and convert all arguments of one call.

    Args:
        target: The class to be constructed.
        settings: Configured arguments.
        path: What a missing argument's key begins with, such as ``exporters[0].config``.
        origin: Where the entry stands, for missing arguments.
        given: Parameters the caller fills in itself, which cannot be configured.
    """
    parameters = parameters_of(target)
    if parameters is None:  # written in C, without a signature: only the call itself can tell
        return Converted({name: setting.value for name, setting in settings.items()})
    allowed = {name: found for name, found in parameters.items() if found.kind in _KEYWORD and name not in given}
    rest = next((found for found in parameters.values() if found.kind is inspect.Parameter.VAR_KEYWORD), None)
    converted = Converted()
    for name, setting in settings.items():
        parameter = allowed.get(name, rest)
        key = setting.key or f"{path}.{name}"
        if name in parameters and parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY:
            continue  # reported with the missing ones
        if parameter is None or name in given:
            converted.errors.append(_unknown(target, name, setting, key, allowed))
        else:
            _convert(converted, target, parameter, name, setting, key)
    _find_missing(converted, target, parameters, settings, path, origin, given)
    return converted


def _is_misspelt(name: str, settings: Mapping[str, Setting], parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Whether an unknown argument is already reported as a misspelling of this one."""
    unknown = [setting for setting in settings if setting not in parameters]
    return any(get_close_matches(setting, list(parameters), n=1) == [name] for setting in unknown)


def parameters_of(target: Callable[..., object]) -> Optional[Mapping[str, inspect.Parameter]]:
    """Parameters of a constructor without ``self``; ``None`` when Python cannot tell."""
    try:
        return inspect.signature(target).parameters
    except (ValueError, TypeError):
        return None


def _convert(
    converted: Converted,
    target: Callable[..., object],
    parameter: inspect.Parameter,
    name: str,
    setting: Setting,
    key: str,
) -> None:
    value = setting.value
    adapter = adapter_of(target, parameter)
    if adapter is None:
        converted.arguments[name] = value
        return
    try:
        converted.arguments[name] = adapter.validate_python(value)
    except ValidationError as error:
        converted.errors.append(_wrong(parameter, adapter, setting, key, error))
    except Exception as error:  # a validator of a stranger's type
        reason = without_secrets(f"{type(error).__name__}: {error}", {parameter.name: setting.node})
        problem = f"is not accepted as {type_text(parameter.annotation)} ({reason})"
        converted.errors.append(_error(problem, setting, key, "Correct the value"))


def adapter_of(target: Callable[..., object], parameter: inspect.Parameter) -> Optional[TypeAdapter[object]]:
    """Build the converter of one parameter; ``None`` when its annotation is missing or cannot be resolved."""
    if parameter.annotation is inspect.Parameter.empty:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a value that is no type, which then accepts everything
            return _type_adapter(prepared(resolved(parameter.annotation, _namespace(target))))
    except Exception:  # a type that pydantic has no rules for
        return None


def _type_adapter(annotation: Any) -> TypeAdapter[object]:
    try:
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # models and dataclasses bring their own settings
        return TypeAdapter(annotation)


def _namespace(target: Callable[..., object]) -> Dict[str, object]:
    owner: object = target
    if isinstance(target, type):
        owner = next((base for base in target.__mro__ if "__init__" in vars(base)), target)
    module = sys.modules.get(getattr(owner, "__module__", ""))
    return dict(vars(module)) if module is not None else {}


def _find_missing(
    converted: Converted,
    target: Callable[..., object],
    parameters: Mapping[str, inspect.Parameter],
    settings: Mapping[str, Setting],
    path: str,
    origin: Origin,
    given: Collection[str],
) -> None:
    for name, parameter in parameters.items():
        is_variadic = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        is_nameless = parameter.kind is inspect.Parameter.POSITIONAL_ONLY
        is_given = (name in settings and not is_nameless) or name in given
        if is_variadic or is_given or _is_misspelt(name, settings, parameters):
            continue
        if parameter.default is not inspect.Parameter.empty:
            converted.defaults[name] = parameter.default
            continue
        if is_nameless:
            problem = f"cannot be configured: {_name(target)} takes it without a name"
            remedy = "Use a class whose arguments have names"
            converted.errors.append(origin.error(problem, key=f"{path}.{name}", remedy=remedy))
            continue
        takes = type_text(parameter.annotation)
        problem = f"is missing: {_name(target)} needs it" + (f" ({takes})" if takes else "")
        remedy = f"Add {name} under {path.rpartition('.')[2]}"
        converted.errors.append(origin.error(problem, key=f"{path}.{name}", remedy=remedy))


def _unknown(
    target: Callable[..., object], name: str, setting: Setting, key: str, allowed: Mapping[str, inspect.Parameter]
) -> ConfigError:
    listed = ", ".join(allowed)
    otherwise = f"Its arguments are {listed}" if listed else "It takes no arguments"
    error_origin = setting.key_origin if setting.key_origin is not None else setting.origin
    return error_origin.error(
        f"is no argument of {_name(target)}",
        key=key,
        remedy=did_you_mean(name, allowed, otherwise),
    )


def _wrong(
    parameter: inspect.Parameter,
    adapter: TypeAdapter[object],
    setting: Setting,
    key: str,
    error: ValidationError,
) -> ConfigError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    found = locate(setting.node, first["loc"])
    takes = type_text(parameter.annotation)
    reason = _OWN_WORDS.get(str(first["type"]), str(first["msg"]).replace("Value error, ", ""))
    reason = without_secrets(reason, {parameter.name: setting.node})
    problem = f"does not fit {takes} ({reason})"
    remedy = _remedy(parameter.name, takes, found, str(first["type"]), adapter, key)
    inner = _path_of(setting, first["loc"])
    if inner:
        origin = setting.origin.at(found.place) if found.place.line else setting.origin
        return _error(problem, Setting(found, origin), f"{key}{inner}", remedy)
    return _error(problem, setting, key, remedy)


def _remedy(name: str, takes: str, found: Scalar, kind: str, adapter: TypeAdapter[object], key: str) -> str:
    reading = surprise(found, key)
    if reading and (kind == "string_type" or _fits(adapter, found.text)):
        return f"{reading}; write '{found.text}' in quotes for text"
    wanted = f"ive {name} a value of type {takes}"
    return f"{reading}; g{wanted}" if reading else f"G{wanted}"


def _fits(adapter: TypeAdapter[object], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except Exception:
        return False
    return True


def _path_of(setting: Setting, location: object) -> str:
    """The part of pydantic's error location that exists in the configured value, as a key."""
    value, text = setting.value, ""
    for step in location if isinstance(location, tuple) else ():
        if isinstance(value, list) and isinstance(step, int) and step < len(value):
            value, text = value[step], f"{text}[{step}]"
        elif isinstance(value, dict) and step in value:
            value, text = value[step], f"{text}.{step}"
    return text


def _error(problem: str, setting: Setting, key: str, remedy: str) -> ConfigError:
    return setting.origin.error(problem, key=key, value=shown(key, setting.node), remedy=remedy)


def _name(target: Callable[..., object]) -> str:
    return str(getattr(target, "__name__", repr(target)))
