"""Narrows what stands in a file, which may be anything, to what the format says it should be."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

__all__ = ["integer", "mapping", "sequence", "text", "timestamp"]

_NOTHING: Mapping[str, object] = {}


def integer(value: object) -> Optional[int]:
    """Return the value if it is a whole number; a bool is none."""
    return value if type(value) is int else None  # JSON brings no subclasses


def text(value: object) -> Optional[str]:
    """Return the value if it is a text."""
    return value if isinstance(value, str) else None


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else _NOTHING


def sequence(value: object) -> Sequence[object]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else ()


def timestamp(attributes: Mapping[str, object]) -> Optional[int]:
    """Return ``timestamp_msec``, milliseconds since the epoch, if there is one."""
    return integer(attributes.get("timestamp_msec"))
