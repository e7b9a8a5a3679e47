"""YAML to paste into a configuration file."""

from __future__ import annotations

import json
import re
from typing import Mapping, Sequence

from nv_one_logger.cli.plugins.parameters import Parameter

__all__ = ["entry_yaml"]

_EXAMPLES: Mapping[object, object] = {
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}

# What YAML takes for a text without quotes, but for these words.
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*(:[\w.]+)?", re.ASCII)
_READ_OTHERWISE = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def entry_yaml(plugin: str, parameters: Sequence[Parameter], *, key: str = "class_name") -> str:
    """Return an entry of a configuration file: what is required with an example, the rest commented out.

    Args:
        plugin: The plugin.
        parameters: Its arguments.
        key: By what the entry refers to it. By ``name`` it means an entry that is there already, with its arguments.
    """
    needed = [parameter.name for parameter in parameters if parameter.is_required and key == "class_name"]
    lines = ["exporters:", f"  - {key}: {_scalar(plugin)}"]
    if parameters:
        lines.append("    config:" if needed else "    # config:")
    for parameter in parameters:
        lines.append(f"      {'' if parameter.name in needed else '# '}{parameter.name}: {_value(parameter)}".rstrip())
    return "\n".join(lines) + "\n"


def _value(parameter: Parameter) -> str:
    value = _example(parameter.schema.schema, parameter.name) if parameter.is_required else parameter.default
    try:
        return _scalar(value)
    except (TypeError, ValueError):  # a default that only code can give
        return ""


def _example(schema: Mapping[str, object], name: str) -> object:
    """Return a value that the schema allows."""
    choices = schema.get("anyOf")
    if isinstance(choices, list) and choices:
        return _example(choices[0], name)
    values = schema.get("enum")
    if isinstance(values, list) and values:
        return values[0]
    if "const" in schema:
        return schema["const"]
    return _EXAMPLES.get(schema.get("type"), f"<{name}>")


def _scalar(value: object) -> str:
    """Write a value as YAML; JSON is YAML, and a plain word needs no quotes."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _READ_OTHERWISE:
        return value
    return json.dumps(value)
