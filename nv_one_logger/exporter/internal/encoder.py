"""Turns one record into one line's worth of strict JSON, whatever the application put into it."""

from __future__ import annotations

import json
import math
from datetime import date, time, timedelta
from enum import Enum
from functools import partial
from pathlib import PurePath
from typing import Any, Dict, Mapping, Optional, Set

from pydantic_core import to_json

from nv_one_logger.core.internal.held_values import type_name

__all__ = ["encode_record", "encode_short", "plain_value"]

# Beyond this many levels a value is replaced by a text: readers have limits too, and cycles have no end.
_MAX_DEPTH = 64
# Integers with more digits than Python reads (sys.int_info.default_max_str_digits) become text.
_MAX_INT_DIGITS = 4300
_MAX_INT_BITS = 14_000  # 4,215 digits


def encode_record(record: Mapping[str, Any]) -> bytes:
    """Return the record as strict JSON in UTF-8, compact and without a line end. Never fails for its content.

    Non-finite floats become the strings ``"NaN"``, ``"Infinity"``, ``"-Infinity"`` (RFC 8259, section 6, has no
    number for them); what JSON cannot say becomes a readable text.
    """
    try:
        line = _to_json(record)
        # Only a long line can hold an integer that Python's own JSON reader refuses (more than 4,300 digits).
        return line if len(line) <= _MAX_INT_DIGITS else _to_json(plain_value(record))
    except Exception:
        return _encode_plainly(record)
    except BaseException as error:
        # Rust panics where a value changes while it is read, and that is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        return _encode_plainly(record)


def encode_short(value: Any) -> Optional[bytes]:
    """Return a part of a record as :func:`encode_record` would, or ``None`` if that takes more than one attempt."""
    try:
        text = _to_json(value)
    except Exception:
        return None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # see above
            raise
        return None
    return text if len(text) <= _MAX_INT_DIGITS else None


def _encode_plainly(record: Mapping[str, Any]) -> bytes:
    plain = plain_value(record)
    return json.dumps(plain, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def plain_value(value: Any) -> Any:
    """Return the value made of dicts with string keys, lists, strings, finite numbers, bools and ``None`` only."""
    return _plain(value, 0, set())


def _plain(value: Any, depth: int, inside: Set[int]) -> Any:
    try:
        return _plain_or_error(value, depth, inside)
    except Exception:  # of a class with an opinion of its own on what every object can do
        return _text(value)


def _plain_or_error(value: Any, depth: int, inside: Set[int]) -> Any:
    if value is None or value.__class__ is bool:
        return value
    if isinstance(value, Enum):
        return _plain(value.value, depth + 1, inside) if depth <= _MAX_DEPTH else "<nested too deeply>"
    if isinstance(value, str):
        return _valid_text(value)
    if isinstance(value, int):
        return int(value) if int(value).bit_length() <= _MAX_INT_BITS else _text(value)
    if isinstance(value, float):
        return _finite(float(value))
    if not isinstance(value, (dict, list, tuple, set, frozenset)):
        return _foreign(value, depth, inside)
    if id(value) in inside:
        return "<refers to itself>"
    if depth >= _MAX_DEPTH:
        return "<nested too deeply>"
    inside = inside | {id(value)}
    if isinstance(value, dict):
        return _plain_dict(value, depth, inside)
    return [_plain(item, depth + 1, inside) for item in list(value)]


def _plain_dict(values: Dict[Any, Any], depth: int, inside: Set[int]) -> Dict[str, Any]:
    return {_key(key): _plain(item, depth + 1, inside) for key, item in list(dict.items(values))}


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    return _valid_text(key) if isinstance(key, str) else _text(key)


def _foreign(value: Any, depth: int, inside: Set[int]) -> Any:
    replacement = _scalar_or_text(value)
    return replacement if isinstance(replacement, str) else _plain(replacement, depth + 1, inside)


def _scalar_or_text(value: Any) -> Any:
    """Stand in for an object that JSON has no form for: the number inside a numpy or torch scalar, else a text."""
    number = _number_inside(value)
    if number is not None:
        return number
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, PurePath):
        return _valid_text(str(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "backslashreplace")
    return _text(value)


def _number_inside(value: Any) -> Optional[Any]:
    """Return the Python number of a zero-dimensional array, tensor or the like, else ``None``."""
    try:
        if getattr(value, "ndim", None) != 0 and getattr(value, "shape", None) != ():
            return None
        number = value.item()
    except Exception:
        return None
    if isinstance(number, float):
        return _finite(number)
    return number if isinstance(number, (bool, int, str)) else None


def _finite(number: float) -> Any:
    if math.isfinite(number):
        return number
    return "NaN" if number != number else ("Infinity" if number > 0 else "-Infinity")


def _text(value: Any) -> str:
    for render in (str, repr):
        try:
            return _valid_text(render(value))
        except Exception:  # a hostile __str__ or __repr__, or digits beyond the interpreter's limit
            continue
    return f"<{type_name(type(value))} without a text>"


def _valid_text(text: str) -> str:
    # str(text) first: a subclass may override encode().
    return str.encode(str.__str__(text), "utf-8", "backslashreplace").decode("utf-8")


# A third of the time of `json`; it refuses surrogates, cycles, depth, and some keys. `partial` spares building the same
# keyword arguments for every record.
_to_json = partial(to_json, inf_nan_mode="strings", bytes_mode="utf8", timedelta_mode="float", fallback=_scalar_or_text)
