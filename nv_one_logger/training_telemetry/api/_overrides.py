"""Configuration overrides: from code, a JSON file or a server, and what they make of the base configuration."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from pydantic import BaseModel

from nv_one_logger.config.document import Fields, Node, Place, plain
from nv_one_logger.config.json_reader import read_json
from nv_one_logger.config.reading import DocumentError
from nv_one_logger.core.exceptions import ConfigError

__all__ = ["Override", "from_code", "from_file", "from_server", "overlay", "unknown_keys"]

MAX_BYTES = 1_048_576
"""Size of a file or an answer, at most."""


@dataclass(frozen=True)
class Override:
    """Values from one source that replace those of the base configuration.

    Attributes:
        source: The file or address; empty for code.
        values: By field name, possibly nested; new containers.
        problem: Why the source could not be read.
        node: The document, for the places of its keys.
    """

    source: str
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: Optional[ConfigError] = None
    node: Optional[Node] = None


def from_code(values: object) -> Override:
    """Take a mapping given in code; its nested mappings and lists are copied, so that nobody's object changes.

    Raises:
        ConfigError: It is no mapping.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(
            f"is a {type(values).__name__}, not a mapping from field names to values",
            source="code",
            key="partial_config",
            remedy="Give a dict such as {'world_size_or_fn': 8}",
        )
    return Override("", _copied(values))


def from_file(path: object) -> Override:
    """Read a JSON file; what is wrong with it becomes the problem of the override.

    Raises:
        ConfigError: ``path`` is no path.
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise ConfigError(
            f"is no path (found {type(path).__name__})", source="code", key="file_path", remedy="Give a str or a Path"
        )
    source = str(path)
    try:
        with open(path, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _failed(source, f"cannot be read ({reason})", "Correct the path or its permissions")
    return _parsed(source, content)


def from_server(url: object, timeout_sec: float) -> Override:
    """Get a JSON document over HTTP or HTTPS; what goes wrong becomes the problem of the override.

    Args:
        url: Its address. User and password in it are not shown in messages.
        timeout_sec: Seconds to wait for the connection, for each piece of the answer, and for the whole of it.

    Raises:
        ConfigError: ``url`` is no address of one of the two schemes.
    """
    # Here, because HTTP takes as long to import as a third of everything else, and few ask a server.
    from nv_one_logger.training_telemetry.api._config_server import ServerError, address, fetch

    source = address(url)
    try:
        content = fetch(str(url), timeout_sec, MAX_BYTES + 1)
    except ServerError as error:
        return _failed(source, error.problem, error.remedy)
    return _parsed(source, content)


def _parsed(source: str, content: bytes) -> Override:
    if len(content) > MAX_BYTES:
        return _failed(source, f"is larger than {MAX_BYTES} bytes", "Name the right document or shorten it")
    try:
        node, mistakes = read_json(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _failed(source, "is not UTF-8 text", "Save it as UTF-8")
    if mistakes:
        return Override(source, problem=_located(source, mistakes[0]))
    if not isinstance(node, Fields):
        return _failed(source, "holds no JSON object", 'Write one such as {"world_size_or_fn": 8}')
    return Override(source, {str(key): value for key, value in _plain(node).items()}, node=node)


def _plain(node: Fields) -> Dict[Any, Any]:
    values = plain(node)
    return values if isinstance(values, dict) else {}


def _failed(source: str, problem: str, remedy: str) -> Override:
    return Override(source, problem=ConfigError(problem, source=source, remedy=remedy))


def _located(source: str, mistake: DocumentError) -> ConfigError:
    return ConfigError(
        mistake.problem, source=_place_text(source, mistake.place), key=mistake.key, remedy=mistake.remedy
    )


def _place_text(source: str, place: Place) -> str:
    return source if place.line is None else f"{source}, line {place.line}, column {place.column}"


def unknown_keys(override: Override, known: Mapping[Tuple[str, ...], Collection[str]]) -> List[ConfigError]:
    """Return an error for each key of a file or a server that no field has. In code they only warn.

    Args:
        override: Where the keys stand.
        known: Field names, by the path of the mapping they stand in: ``()`` for the top level.
    """
    return [] if override.node is None else _unknown(override.node, (), override.source, known)


def _unknown(
    node: Node, path: Tuple[str, ...], source: str, known: Mapping[Tuple[str, ...], Collection[str]]
) -> List[ConfigError]:
    if not isinstance(node, Fields) or path not in known:
        return []
    errors: List[ConfigError] = []
    for key, value in node.pairs:
        name = str(key.value)
        if name in known[path]:
            errors.extend(_unknown(value, (*path, name), source, known))
            continue
        nearest = difflib.get_close_matches(name, known[path], n=1)
        errors.append(
            ConfigError(
                "is no known field",
                source=_place_text(source, key.place),
                key=".".join((*path, name)),
                remedy=f"Did you mean {nearest[0]}?" if nearest else "Remove it",
            )
        )
    return errors


def overlay(value: Any, override: Any) -> Any:
    """Return ``override`` laid over ``value``: mappings and models field by field, anything else as a whole.

    A model is rebuilt, and thereby checked, as its own class, so that a user's subclass stays one. Neither argument
    is changed.

    Raises:
        pydantic.ValidationError: A value does not fit the model.
        OneLoggerError: A value does not fit the model.
    """
    if not isinstance(override, Mapping):
        return override
    if isinstance(value, BaseModel):
        merged = _merged({name: getattr(value, name) for name in value.model_fields_set}, override)
        rebuilt = type(value)(**merged)
        _keep_evaluated(value, rebuilt)
        return rebuilt
    return _merged(value, override) if isinstance(value, Mapping) else _copied(override)


def _merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> Dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        merged[key] = overlay(low[key], value) if key in low else _copied(value)
    return merged


def _keep_evaluated(old: BaseModel, new: BaseModel) -> None:
    """Let callables that were evaluated already keep their results: a session tag must not change."""
    if hasattr(old, "_evaluated") and hasattr(new, "_evaluated"):
        new._evaluated = old._evaluated


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if type(value) is list:
        return [_copied(item) for item in value]
    return value


def combined(overrides: Sequence[Override]) -> Dict[str, Any]:
    """Merge the values of several sources; the later wins."""
    values: Dict[str, Any] = {}
    for override in overrides:
        values = _merged(values, override.values)
    return values
