"""Keeps secrets out of error messages and explanations: which values are hidden, and what is shown instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterator, Mapping, Optional, Set, Tuple

from nv_one_logger.config.document import Fields, Items, Node, Scalar, plain
from nv_one_logger.core.internal.held_values import name_text
from nv_one_logger.core.internal.redaction import MASK, remember_secrets, without

__all__ = [
    "MASK",
    "is_secret",
    "is_secret_path",
    "masked",
    "metadata_without_secrets",
    "remember_secret_variable",
    "secrets_of",
    "shown",
    "without_secrets",
]

_WORDS = ("token", "key", "password", "secret", "authorization")
_HARMLESS = ("tokeniz", "keyword", "keyboard")  # words that hold one of these and name no secret
_MAX_DEPTH = 100  # of what code hands over; files are not nested as deeply
_SHORTEST_HIDDEN = 4  # hiding every "1" of a message because a secret is "1" would only garble it


def is_secret(key: str) -> bool:
    """Whether a value under this key is hidden: it contains one of the words, in any case.

    The parts ``tokeniz``, ``keyword`` and ``keyboard`` do not count.
    """
    lowered = key.lower()
    for harmless in _HARMLESS:
        lowered = lowered.replace(harmless, "")
    return any(word in lowered for word in _WORDS)


def is_secret_path(path: str) -> bool:
    """Whether a key on the way to a value, such as ``config.api_key[0]``, hides it."""
    _, found, argument = path.rpartition("config.")
    return is_secret(argument if found else path)


def masked(key: str, value: object) -> object:
    """Return ``value`` with everything hidden that stands under a secret key, at any depth."""
    return _masked(key, value, ())


def _masked(key: str, value: object, above: Tuple[int, ...]) -> object:
    if is_secret(key) and value is not None:
        return MASK
    if id(value) in above or len(above) > _MAX_DEPTH:
        return "..."
    above = (*above, id(value))
    if type(value) is dict:
        return {name: _masked(name_text(name), item, above) for name, item in value.items()}
    if type(value) is list:
        return [_masked("", item, above) for item in value]
    return value


def shown(path: str, node: Node) -> object:
    """Return what may be shown of a configured value, also hiding what secret environment variables were put into."""
    value = plain(_without_variables(node))
    return MASK if is_secret_path(path) and value is not None else masked("", value)


def without_secrets(text: str, config: Mapping[str, Node]) -> str:
    """Remove the secrets of a configuration from a text somebody else wrote, such as the message of an exception."""
    return without(text, secrets_of(config))


def secrets_of(config: Mapping[str, Node]) -> Set[str]:
    """Return the values of a configuration that are secrets, and long enough to be hidden in texts."""
    return {secret for key, node in config.items() for secret in _secrets(key, node)}


def remember_secret_variable(name: str, value: str) -> None:
    """Have the value of an environment variable that is put into a file hidden in texts, if its name is a secret's."""
    if is_secret(name) and len(value) >= _SHORTEST_HIDDEN:
        remember_secrets([value])


def metadata_without_secrets(metadata: Optional[Mapping[str, object]]) -> Optional[Dict[str, object]]:
    """Return metadata of an application as records may show it; counts, such as those of tokens, are no secrets."""
    if metadata is None:
        return None
    return {key: value if _is_count(key, value) else masked(key, value) for key, value in metadata.items()}


def _is_count(key: str, value: object) -> bool:
    return isinstance(value, (int, float)) and "tokens" in key.lower()


def _without_variables(node: Node) -> Node:
    if isinstance(node, Items):
        return replace(node, nodes=tuple(_without_variables(item) for item in node.nodes))
    if isinstance(node, Fields):
        return replace(node, pairs=tuple((key, _without_variables(value)) for key, value in node.pairs))
    return replace(node, value=MASK) if _has_secret_variable(node) else node


def _has_secret_variable(node: Scalar) -> bool:
    return any(is_secret(name) for name in node.variables)


def _secrets(key: str, node: Node) -> Iterator[str]:
    if isinstance(node, Items):
        for item in node.nodes:
            yield from _secrets(key, item)
    elif isinstance(node, Fields):
        for name, value in node.pairs:
            yield from _secrets(_nearest_secret(key, name.value), value)
    else:
        yield from _secret_texts("token" if _has_secret_variable(node) else key, node.value, ())


def _secret_texts(key: str, value: object, above: Tuple[int, ...]) -> Iterator[str]:
    if id(value) in above or len(above) > _MAX_DEPTH:
        return
    above = (*above, id(value))
    if type(value) is dict:
        for name, item in value.items():
            yield from _secret_texts(_nearest_secret(key, name), item, above)
    elif type(value) is list:
        for item in value:
            yield from _secret_texts(key, item, above)
    elif is_secret(key) and len(name_text(value)) >= _SHORTEST_HIDDEN:
        yield name_text(value)


def _nearest_secret(key: str, name: object) -> str:
    return key if is_secret(key) else name_text(name)
