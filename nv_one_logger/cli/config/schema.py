"""The JSON schema of a configuration file, made from the constructors of the plugins that are installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Set, Tuple

from nv_one_logger.cli.plugins.docstrings import summary
from nv_one_logger.cli.plugins.inspection import LoadedPlugin, load_all
from nv_one_logger.cli.plugins.listing import list_plugins
from nv_one_logger.cli.plugins.parameters import Parameter, describe_parameters, takes_more
from nv_one_logger.config import Resolution
from nv_one_logger.config.json_schema import ENVIRONMENT
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.host.catalogue import BUILTIN_ALIASES

__all__ = ["FileSchema", "make_schema"]

_ENVIRONMENT_REFERENCE = {"$ref": "#/definitions/environment"}
_FLAG = {"anyOf": [{"type": ["boolean", "null"]}, _ENVIRONMENT_REFERENCE]}


@dataclass(frozen=True)
class FileSchema:
    """A schema and what it had to leave out.

    Attributes:
        document: JSON schema, draft 7, which editors know.
        left_out: Plugins that are broken, so that their arguments are not checked.
    """

    document: Dict[str, object]
    left_out: Tuple[LoadedPlugin, ...]


def make_schema(resolution: Resolution) -> FileSchema:
    """Import the plugins that are installed and describe what a configuration file may say.

    Args:
        resolution: Of packages alone: what they enable needs no arguments in a file.
    """
    plugins = load_all(list_plugins(resolution), resolution.catalogue)
    usable = [plugin for plugin in plugins if plugin.found is not None]
    definitions: Dict[str, object] = {"environment": dict(ENVIRONMENT)}
    rules: List[object] = []
    with_default = {plan.decision.class_name for plan in resolution.plans}
    described: Set[str] = set()
    for plugin in usable:
        name = plugin.row.name
        if name in described:
            continue
        described.add(name)
        inherits = plugin.row.is_default or bool(with_default & set(plugin.row.aliases))
        _add_plugin(plugin, inherits, definitions, rules)
    entry = _entry([plugin.row.name for plugin in plugins if plugin.row.entry is not None], rules)
    definitions["entry"] = entry
    return FileSchema(_document(definitions), tuple(plugin for plugin in plugins if plugin.problem))


def _document(definitions: Dict[str, object]) -> Dict[str, object]:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Exporters of nv-one-logger",
        "description": "Which plugins run, and with which arguments.",
        "type": "object",
        "required": ["exporters"],
        "additionalProperties": False,
        "properties": {
            "exporters": {
                "description": "One entry for each plugin, in the order in which they are called.",
                "type": "array",
                "items": {"$ref": "#/definitions/entry"},
            },
            "inherit": {
                "description": "Whether what installed packages enable by default stays. Default: true.",
                **_FLAG,
            },
        },
        "definitions": definitions,
    }


def _entry(names: Sequence[str], rules: List[object]) -> Dict[str, object]:
    background = {
        "description": "Export from a thread of its own, so that a slow backend never slows a step.",
        "anyOf": [{"type": ["boolean", "null"]}, _ENVIRONMENT_REFERENCE, _background_options()],
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["class_name"]}, {"required": ["name"]}],
        "properties": {
            "class_name": {
                "description": "What to run: the name of an installed plugin, or package.module.Class.",
                "anyOf": [
                    {"enum": list(dict.fromkeys(names))},
                    {"type": "string", "pattern": r"^\S+[.:]\S+$"},
                    _ENVIRONMENT_REFERENCE,
                ],
            },
            "name": {
                "description": "What this entry is called, for switches and other sources. Without class_name: the "
                "entry, package default or plugin that is called so.",
                "type": ["string", "null"],
                "minLength": 1,
            },
            "config": {"description": "Arguments of the constructor.", "type": ["object", "null"]},
            "enabled": {"description": "Whether it runs. Default: true.", **_FLAG},
            "background": background,
        },
        "allOf": rules,
    }


def _background_options() -> Dict[str, object]:
    options = [one for one in describe_parameters(BackgroundExporter) if one.name != "exporter"]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {option.name: _property(option) for option in options},
    }


def _add_plugin(plugin: LoadedPlugin, inherits: bool, definitions: Dict[str, object], rules: List[object]) -> None:
    name = plugin.row.name
    parameters = describe_parameters(plugin.found, f"{name}.")
    for parameter in parameters:
        definitions.update(parameter.schema.definitions)
    definitions[name] = _config(plugin, parameters)
    then: Dict[str, object] = {"properties": {"config": {"$ref": f"#/definitions/{name}"}}}
    required = [parameter.name for parameter in parameters if parameter.is_required]
    needed = {"required": ["config"], "properties": {"config": {"type": "object", "required": required}}}
    is_meant = _is_meant(plugin)
    rules.append({"if": is_meant, "then": then})
    if required and not inherits:
        is_off = {"required": ["enabled"], "properties": {"enabled": {"const": False}}}
        rules.append({"if": {"allOf": [is_meant, {"not": is_off}]}, "then": needed})


def _is_meant(plugin: LoadedPlugin) -> Dict[str, object]:
    """Say when an entry is about this plugin: by its class, or by its name where no class is given."""
    row = plugin.row
    by_name: Dict[str, object] = {
        "required": ["name"],
        "properties": {"name": {"const": row.name}},
        "not": {"required": ["class_name"]},
    }
    if row.is_default:
        return by_name
    by_class = {"required": ["class_name"], "properties": {"class_name": {"enum": _spellings(plugin)}}}
    return {"anyOf": [by_class, by_name]}


def _spellings(plugin: LoadedPlugin) -> List[str]:
    aliases = [other for other, path in BUILTIN_ALIASES.items() if path in plugin.row.aliases]
    return list(dict.fromkeys([*plugin.row.aliases, plugin.row.reference, *aliases]))


def _config(plugin: LoadedPlugin, parameters: Sequence[Parameter]) -> Dict[str, object]:
    described: Dict[str, object] = {
        "description": f"{summary(plugin.found)} ({plugin.row.publisher})".strip(),
        "type": ["object", "null"],
        "properties": {parameter.name: _property(parameter) for parameter in parameters},
    }
    if not takes_more(plugin.found):
        described["additionalProperties"] = False
    return described


def _property(parameter: Parameter) -> Dict[str, object]:
    schema = dict(parameter.schema.schema)
    texts = [parameter.text, parameter.schema.words, str(schema.pop("description", ""))]
    text = " ".join(text for text in texts if text)
    described: Dict[str, object] = {"description": text} if text else {}
    if not parameter.is_required and isinstance(parameter.default, (str, int, float, bool)):
        described["default"] = parameter.default
    if "$ref" in schema:  # in draft 7, what stands beside a reference does not count
        return {**described, "allOf": [schema]}
    return {**described, **schema}
