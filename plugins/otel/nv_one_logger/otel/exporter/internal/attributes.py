"""Attribute values as OpenTelemetry takes them, and as OTLP can send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nv_one_logger.exporter import plain_value

__all__ = ["converted", "exported", "sendable_text"]

_SCALARS = (str, bool, int, float)
_MIN_INT64, _MAX_INT64 = -(1 << 63), (1 << 63) - 1


def converted(value: object) -> Any:
    """Return the value if it is a scalar, bytes, or a list or tuple of one kind of scalar, else its text."""
    if isinstance(value, (*_SCALARS, bytes)):
        return value
    if isinstance(value, (list, tuple)) and _is_of_one_kind(value):
        return value
    try:
        return str(value)
    except Exception:  # a hostile __str__, or more digits or depth than Python allows
        return str(plain_value(value))


def exported(values: Mapping[Any, object], *, is_sent: bool) -> dict[str, Any]:
    """Return attributes for OpenTelemetry. ``None`` has no form there, so such an attribute is left out.

    Args:
        values: Plain values by name.
        is_sent: Whether they leave the process. If so, every value is one that OTLP (opentelemetry-proto, AnyValue) and
            the backends behind it can take: integers beyond 64 bits and non-finite floats become text, bytes and
            lone surrogates too, and numpy scalars become numbers. Otherwise values stay as they are where possible.
    """
    convert = _sendable if is_sent else converted
    return {_name(name): convert(value) for name, value in values.items() if value is not None}


def sendable_text(text: str) -> str:
    """Return text that has a UTF-8 form."""
    return str.encode(text, "utf-8", "backslashreplace").decode("utf-8")


def _name(name: object) -> str:
    name = getattr(name, "value", name)  # an enum's
    return sendable_text(name if isinstance(name, str) else str(name)) or "_"  # the SDK drops an empty name


def _sendable(value: object) -> Any:
    kind = value.__class__
    if kind is bool:
        return value
    if kind is int:
        return _int64(value)  # type: ignore[arg-type]  # exactly an int
    plain = plain_value(value)
    if isinstance(plain, list):
        items = [_int64(item) if isinstance(item, int) else item for item in plain]
        return items if _is_of_one_kind(items) else str(plain)
    if isinstance(plain, int):
        return _int64(plain)
    return plain if isinstance(plain, _SCALARS) else str(plain)


def _int64(value: int) -> int | str:
    if _MIN_INT64 <= value <= _MAX_INT64:
        return value
    return str(plain_value(value))


def _is_of_one_kind(values: list[Any] | tuple[Any, ...]) -> bool:
    if not values:
        return True
    kind = type(values[0])
    return kind in _SCALARS and all(isinstance(item, kind) for item in values)
