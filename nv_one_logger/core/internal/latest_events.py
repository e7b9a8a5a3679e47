"""What a span keeps of its events, however many there are."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Deque

from nv_one_logger.core.internal.tally import Tally

if TYPE_CHECKING:
    from nv_one_logger.core.event import Event

__all__ = ["MAX_KEPT_EVENTS", "LatestEvents"]

MAX_KEPT_EVENTS = 128
"""How many of its latest events a span keeps besides its start and stop; the older ones are only counted."""


class LatestEvents:
    """The latest events of a span, and how many there were."""

    __slots__ = ("kept", "tally")

    def __init__(self) -> None:
        self.kept: Deque[Event] = deque(maxlen=MAX_KEPT_EVENTS)
        self.tally = Tally()

    def copy(self) -> LatestEvents:
        """Return what there is now, apart from what is added later."""
        new = LatestEvents()
        new.kept.extend(self.kept.copy())
        new.tally = Tally(self.tally.value)
        return new
