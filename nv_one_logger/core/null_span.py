"""The null span: what an application holds when nothing is recorded."""

from __future__ import annotations

import uuid
from typing import Any, Dict, List, Optional, Tuple

from nv_one_logger.core.attributes import Attribute, Attributes, AttributeValue
from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp

__all__ = ["NULL_SPAN", "NullSpan"]


class NullSpan(Span):
    """A span that accepts every call and keeps nothing.

    It is falsy, so that ``if span:`` tells whether something is recorded, and shared: there is one, ``NULL_SPAN``.
    """

    __slots__ = ()

    def __init__(self) -> None:
        self._set_up("", None, None, TracingTimestamp(0.0, 0.0))
        self._id = uuid.UUID(int=0)
        self._is_exported = False

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NULL_SPAN"

    def __reduce__(self) -> Tuple[Any, ...]:
        return _null_span, ()

    @property
    def is_recording(self) -> bool:
        """``False``: nothing is recorded."""
        return False

    @property
    def active(self) -> bool:
        """``False``: it never runs."""
        return False

    @property
    def updated_attributes(self) -> Attributes:
        """A fresh, empty collection."""
        return Attributes()

    @property
    def events(self) -> List[Event]:
        """A fresh, empty list."""
        return []

    def add_event(self, event: Event) -> Event:
        """Return the event and forget it."""
        return event

    def add_attribute(self, name: str, value: AttributeValue) -> Attribute:
        """Return the attribute and forget it."""
        return Attribute(name, value)

    def add_attributes(self, attributes: Attributes) -> None:
        """Forget the attributes."""

    def stop(
        self, stop_event_attributes: Optional[Attributes] = None, stop_time: Optional[TracingTimestamp] = None
    ) -> None:
        """Do nothing."""

    def duration_msec(self) -> int:
        """Return 0."""
        return 0

    def to_json(self) -> Dict[str, Any]:
        """Return the name, the id and no events."""
        return {"name": "", "id": self.id_str, "events": []}


def _null_span() -> NullSpan:
    return NULL_SPAN


NULL_SPAN = NullSpan()
"""The one null span."""
