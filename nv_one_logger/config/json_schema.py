"""JSON schemas of constructor parameters, by which editors check a configuration file while it is written."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Tuple

from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from nv_one_logger.config.annotations import type_text
from nv_one_logger.config.convert import adapter_of

__all__ = ["ENVIRONMENT", "ParameterSchema", "parameter_schema"]

#: A reference such as ``${PORT}``, which a file may have in place of any single value.
ENVIRONMENT: Mapping[str, object] = {
    "type": "string",
    "pattern": r"\$\{[^{}]+\}",
    "description": "Filled in from the environment.",
}

_ENVIRONMENT_REFERENCE = {"$ref": "#/definitions/environment"}
_NOTHING: Mapping[str, object] = {"not": {}}
_SCALARS = ("integer", "number", "boolean")
_LIMITS = ("enum", "const", "pattern", "minLength", "maxLength")
# Below these keys stand schemas by name, or none at all.
_SCHEMAS_BY_NAME = ("properties", "patternProperties")
_NO_SCHEMAS = ("default", "enum", "const", "examples")


@dataclass(frozen=True)
class ParameterSchema:
    """What JSON can say about the values of one parameter.

    Attributes:
        schema: Draft 7; ``{}`` accepts everything, ``{"not": {}}`` nothing.
        definitions: Parts it refers to below ``#/definitions/``; besides, it may refer to ``environment``.
        words: What the schema cannot say; ``""`` when it says all.
    """

    schema: Dict[str, object]
    definitions: Dict[str, object] = field(default_factory=dict)
    words: str = ""


def parameter_schema(target: Callable[..., object], parameter: inspect.Parameter, prefix: str) -> ParameterSchema:
    """Describe a parameter of a constructor as a file may give it.

    Args:
        target: The class.
        parameter: The parameter.
        prefix: Begins the names of its definitions, so that several schemas can be put together.
    """
    if parameter.annotation is inspect.Parameter.empty:
        return ParameterSchema({}, words="Takes any value.")
    text = type_text(parameter.annotation)
    adapter = adapter_of(target, parameter)
    if adapter is None:
        return ParameterSchema({}, words=f"Its type {text} cannot be looked up, so a value is passed on as it is.")
    try:
        document = adapter.json_schema(ref_template=f"#/definitions/{prefix}{{model}}", schema_generator=_Generator)
    except Exception as error:  # a type of a stranger, with a schema of its own
        return ParameterSchema({}, words=f"{text} cannot be described ({type(error).__name__}: {error}).")
    definitions = _mapping(document.pop("$defs", {}))
    schema = _adapted(document)
    parts: Dict[str, object] = {f"{prefix}{name}": _adapted(_mapping(part)) for name, part in definitions.items()}
    return ParameterSchema(schema, parts, _words(text, schema, document))


def _words(text: str, schema: Dict[str, object], document: Mapping[str, object]) -> str:
    if schema == _NOTHING:
        return f"{text} has no JSON form: only code can give it."
    if not schema and text not in ("Any", "object"):
        return f"{text} has no JSON form: a value is passed on as it is."
    if _NOTHING in _choices(document):
        return f"What {text} allows beyond this has no JSON form: only code can give it."
    return ""


class _Generator(GenerateJsonSchema):
    """Describes what it can and says nothing, or "no value", of the rest, where pydantic would give up as a whole."""

    def handle_invalid_for_json_schema(self, schema: object, error_info: str) -> JsonSchemaValue:
        return dict(_NOTHING)

    def function_plain_schema(self, schema: object) -> JsonSchemaValue:
        return {}  # a function decides, and nobody can know what it accepts

    def function_before_schema(self, schema: object) -> JsonSchemaValue:
        return _unless_nothing(super().function_before_schema(schema))  # type: ignore[arg-type]  # pydantic_core's own

    def function_wrap_schema(self, schema: object) -> JsonSchemaValue:
        return _unless_nothing(super().function_wrap_schema(schema))  # type: ignore[arg-type]  # pydantic_core's own

    def timedelta_schema(self, schema: object) -> JsonSchemaValue:
        return {"anyOf": [{"type": "number"}, {"type": "string"}]}

    def encode_default(self, dft: object) -> object:
        try:
            return super().encode_default(dft)
        except Exception as error:  # leaves the default out; the generator only expects its own exception
            raise PydanticInvalidForJsonSchema(str(error)) from error

    def emit_warning(self, kind: object, detail: str) -> None:
        """Keep quiet: what cannot be said is left out."""


def _unless_nothing(schema: JsonSchemaValue) -> JsonSchemaValue:
    return {} if schema == _NOTHING else schema


def _adapted(schema: Mapping[str, object]) -> Dict[str, object]:
    """Turn pydantic's schema (draft 2020-12) into draft 7, which editors know; let in what files may say besides."""
    adapted: Dict[str, object] = {}
    for key, value in schema.items():
        name = {"prefixItems": "items"}.get(key, key)
        if key in _NO_SCHEMAS:
            adapted[name] = value
        elif key in _SCHEMAS_BY_NAME:
            adapted[name] = {inner: _adapted(_mapping(item)) for inner, item in _mapping(value).items()}
        elif isinstance(value, dict):
            adapted[name] = _adapted(value)
        elif isinstance(value, list):
            adapted[name] = [_adapted(item) if isinstance(item, dict) else item for item in value]
        else:
            adapted[name] = value
    return _with_environment(_without_nothing(adapted))


def _without_nothing(schema: Dict[str, object]) -> Dict[str, object]:
    choices = _choices(schema)
    if not choices:
        return schema
    kept = [choice for choice in choices if choice != _NOTHING]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if not kept:
        return {**rest, **_NOTHING}
    return {**rest, "anyOf": kept}


def _with_environment(schema: Dict[str, object]) -> Dict[str, object]:
    is_scalar = schema.get("type") in _SCALARS or any(key in schema for key in _LIMITS)
    is_special_text = schema.get("type") == "string" and schema.get("format", "path") not in ("path", "file-path")
    if not (is_scalar or is_special_text):
        return schema
    about, rest = _divided(schema)
    return {**about, "anyOf": [rest, dict(_ENVIRONMENT_REFERENCE)]}


def _divided(schema: Mapping[str, object]) -> Tuple[Dict[str, object], Dict[str, object]]:
    """Divide what describes a value from what restricts it."""
    about = {key: value for key, value in schema.items() if key in ("title", "description", "default")}
    return about, {key: value for key, value in schema.items() if key not in about}


def _choices(schema: Mapping[str, object]) -> List[object]:
    found = schema.get("anyOf")
    return found if isinstance(found, list) else []


def _mapping(value: object) -> Dict[str, object]:
    return value if isinstance(value, dict) else {}
