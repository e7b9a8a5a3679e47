"""Says what YAML made of a text that somebody left without quotes, for the remedy of an error."""

from __future__ import annotations

from nv_one_logger.config.document import Scalar
from nv_one_logger.config.masking import is_secret_path

__all__ = ["described", "surprise"]


def surprise(scalar: Scalar, key: str) -> str:
    """Say what YAML made of an unquoted text, for the remedy of an error.

    ``""`` when it took it for a text, or when the key looks like that of a secret.
    """
    if not scalar.text or isinstance(scalar.value, str) or is_secret_path(key):
        return ""
    return f"YAML reads {scalar.text} without quotes as {described(scalar.value)}"


def described(value: object) -> str:
    """Return a value that is no text in words, such as ``the number 8``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return f"a {type(value).__name__}"
