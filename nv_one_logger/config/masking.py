"""Keeps secrets out of error messages and explanations: which keys hold one, and what is shown instead."""

from __future__ import annotations

from typing import Iterator, Mapping

__all__ = ["MASK", "is_secret", "is_secret_path", "masked", "without_secrets"]

MASK = "***"

_WORDS = ("token", "key", "password", "secret")
_SHORTEST_HIDDEN = 4  # hiding every "1" of a message because a secret is "1" would only garble it


def is_secret(key: str) -> bool:
    """Whether a value under this key is hidden: it contains token, key, password or secret, in any case."""
    lowered = key.lower()
    return any(word in lowered for word in _WORDS)


def is_secret_path(path: str) -> bool:
    """Whether a key on the way to a value, such as ``config.api_key[0]``, hides it."""
    _, found, argument = path.rpartition("config.")
    return is_secret(argument if found else path)


def masked(key: str, value: object) -> object:
    """Return ``value`` with everything hidden that stands under a secret key, at any depth."""
    if is_secret(key) and value is not None:
        return MASK
    if isinstance(value, dict):
        return {name: masked(str(name), item) for name, item in value.items()}
    if isinstance(value, list):
        return [masked("", item) for item in value]
    return value


def without_secrets(text: str, values: Mapping[str, object]) -> str:
    """Remove secret values from a text somebody else wrote, such as the message of an exception."""
    for secret in sorted(_secrets("", dict(values)), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _secrets(key: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _secrets(key if is_secret(key) else str(name), item)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(key, item)
    elif is_secret(key) and len(str(value)) >= _SHORTEST_HIDDEN:
        yield str(value)
