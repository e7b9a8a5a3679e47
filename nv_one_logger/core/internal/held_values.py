"""What an attribute keeps of a value that is no plain scalar."""

from __future__ import annotations

import dataclasses
from collections import deque
from enum import Enum
from typing import Any, Dict, List

__all__ = ["SCALARS", "holds_iterator", "name_text", "text_of", "type_name"]

SCALARS = frozenset({str, int, float, bool, type(None)})
"""The exact classes that nearly all values are of, and that need no look inside."""

_SEQUENCES = (list, tuple, set, frozenset, deque)
type_name = type.__dict__["__name__"].__get__
"""Return the name of a class, also of one whose metaclass answers otherwise."""


def holds_iterator(value: object) -> bool:
    """Whether a value is, or holds somewhere inside, something that reading it would use up.

    Encoders read generators, open files and the like to their end: under the application's feet, or, where there is no
    end, until the memory is. A value that cannot be looked at counts as one.
    """
    waiting: List[Any] = [value]
    seen: Dict[int, Any] = {}  # what refers to itself, or is referred to a million times, is looked at once
    try:
        while waiting:
            item = waiting.pop()
            if id(item) in seen:
                continue
            seen[id(item)] = item
            if hasattr(type(item), "__next__"):
                return True
            parts = _parts(item)
            if not SCALARS.issuperset(map(type, parts)):
                waiting.extend(parts)
    except Exception:
        return True
    return False


def _parts(value: object) -> List[Any]:
    """Return what an encoder would find inside a value, whatever a subclass of a container says it has."""
    if isinstance(value, dict):
        return [*dict.values(value)]
    for base in _SEQUENCES:
        if isinstance(value, base):
            return [*base.__iter__(value)]  # type: ignore[arg-type]  # it is one of that very class
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    if hasattr(type(value), "__pydantic_serializer__"):
        return [*vars(value).values()]
    return []


def text_of(value: object) -> str:
    """Return ``repr`` of a value, or a text that says there is none."""
    try:
        return str.__str__(repr(value))
    except Exception:
        return f"<{type_name(type(value))} without a text>"


def name_text(name: object) -> str:
    """Return a name of a span or event as text, of an enum member its value, of what has no text a description."""
    try:
        return str(name.value if isinstance(name, Enum) else name)
    except Exception:
        return text_of(name)
