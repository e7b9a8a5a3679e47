"""Reads values out of records that may hold anything."""

from __future__ import annotations

import json
from typing import Dict, Mapping, Optional

import orjson

__all__ = ["MOST", "MOST_MSEC", "fraction", "json_text", "mapping", "micros", "moment", "text", "whole"]

_NOTHING: Mapping[str, object] = {}
# Later than the year 9999 is no moment; and microseconds have to fit into 64 bits.
MOST_MSEC = 253_402_300_800_000
"""No moment of a record is as late as this."""
MOST = 2**53
"""No integer in tables is as large: all are exact as floats, and sums and differences of some fit into 64 bits."""


def mapping(value: object) -> Mapping[str, object]:
    """Return an object as it is, an empty one for anything else."""
    return value if isinstance(value, dict) else _NOTHING


def text(value: object) -> Optional[str]:
    """Return a text, with what has no UTF-8 form replaced; ``None`` for anything else."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def whole(value: object) -> Optional[int]:
    """Return an integer that 64 bits hold; ``None`` for anything else, a bool among it."""
    return value if type(value) is int and abs(value) < MOST else None


def fraction(value: object) -> Optional[float]:
    """Return a finite number; ``None`` for anything else."""
    if type(value) is float or (type(value) is int and abs(value) < MOST):
        return float(value) if abs(value) < float("inf") else None
    return None


def micros(milliseconds: object) -> Optional[int]:
    """Return a moment of a record (integer milliseconds) in microseconds; ``None`` for what can be none."""
    if type(milliseconds) is int and 0 <= milliseconds < MOST_MSEC:
        return milliseconds * 1000
    return None


def moment(data: Mapping[str, object], key: str) -> Optional[int]:
    """Return when the event under ``key`` (``start_event``, ``stop_event``) of a record happened, microseconds."""
    try:
        return micros(data[key]["attributes"]["timestamp_msec"])  # type: ignore[index]
    except (KeyError, TypeError, IndexError):
        return None


def json_text(attributes: Mapping[str, object], without: str) -> Optional[str]:
    """Return attributes as a line of JSON, without the one named; ``None`` when none is left."""
    kept: Dict[str, object] = {name: value for name, value in attributes.items() if name != without}
    if not kept:
        return None
    try:
        return orjson.dumps(kept).decode("utf-8")
    except TypeError:  # lone surrogates, integers beyond 64 bits
        return json.dumps(kept)
