"""What a record holds beside its metrics, and how values are made fit for wandb and for another process."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Optional

from nv_one_logger.core.attributes import Attribute
from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.exporter import plain_value

__all__ = ["STEP_KEY", "details", "iteration_of", "plain_metrics"]

# One group of charts in wandb, which groups by what stands before the slash.
STEP_KEY = "one_logger/step"
_ITERATION_KEY = "one_logger/iteration"
_RECORD_KEY = "one_logger/record"
_SPAN_KEY = "one_logger/span"
_SPAN_ID_KEY = "one_logger/span_id"
_PARENT_ID_KEY = "one_logger/parent_id"
_EVENT_KEY = "one_logger/event"

_PLAIN = frozenset((str, int, float, bool, type(None)))
_MAX_INT = 1 << 63  # beyond it, wandb's own process has no number
_ITERATION = "current_iteration"


def details(kind: str, span: Span, event: Optional[Event] = None) -> Dict[str, Any]:
    """Return what tells a record from all others: its kind, its span, the span's id and parent, its event."""
    found: Dict[str, Any] = {_RECORD_KEY: kind, _SPAN_KEY: span.name_str, _SPAN_ID_KEY: span.id_str}
    parent = span.exported_parent
    if parent is not None:
        found[_PARENT_ID_KEY] = parent.id_str
    if event is not None:
        found[_EVENT_KEY] = event.name_str
    return found


def iteration_of(attributes: Iterable[Attribute]) -> Dict[str, Any]:
    """Return the training iteration as a metric, if the attributes tell it."""
    for attribute in attributes:
        if attribute.name == _ITERATION and type(attribute.value) is int:
            return {_ITERATION_KEY: attribute.value}
    return {}


def plain_metrics(metrics: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a copy that every process can read and wandb can store; numbers and short texts stay what they are.

    Names and values that have no such form, such as objects of the application, become a readable text.
    """
    return {_plain_name(name): _plain(value) for name, value in metrics.items()}


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind not in _PLAIN:
        return _number_or(plain_value(value), value)
    if kind is str:
        return value if value.isascii() else plain_value(value)
    if kind is int and not -_MAX_INT <= value < _MAX_INT:
        return str(plain_value(value)) if value.bit_length() < 14_000 else "<an integer of many digits>"
    return value


def _number_or(plain: Any, value: Any) -> Any:
    """Give numpy's and torch's NaN and infinity back as numbers: JSON has none for them, wandb does."""
    if plain in ("NaN", "Infinity", "-Infinity") and not isinstance(value, str):
        return float(plain)
    return plain


def _plain_name(name: Any) -> str:
    text = name if type(name) is str else str(plain_value(name))
    return text if text.isascii() else str(plain_value(text))
