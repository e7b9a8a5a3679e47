"""Puts the spans of one process on tracks on which they nest, as viewers need it, whatever threads they came from.

Times are nanoseconds. Records know milliseconds only, so a span and the one around it often begin or end in the same
one; then the inner one is moved by a nanosecond, by which viewers see who is inside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Optional

__all__ = ["Lanes", "Placed"]

# How much later than the last end on a track a span may seem to begin and still be put behind it.
_TOLERANCE = 2_000_000
_MOST_LANES = 64


class Placed(NamedTuple):
    """A finished span on its track.

    Attributes:
        lane: Number of the track, 1 for the main one.
        start: Where it begins, nanoseconds.
        stop: Where it ends, nanoseconds.
    """

    lane: int
    start: int
    stop: int


@dataclass
class _Open:
    id: str
    start: int
    lane: int


@dataclass
class _Lane:
    stack: List[_Open] = field(default_factory=list)
    cursor: int = -(2**62)

    def is_free_at(self, moment: int) -> bool:
        return moment >= self.cursor - _TOLERANCE


class Lanes:
    """The tracks of one process; holds the open spans only."""

    def __init__(self) -> None:
        self._lanes: List[_Lane] = [_Lane()]
        self._open: Dict[str, _Open] = {}
        self._knows_parents = False

    @property
    def count(self) -> int:
        """How many tracks there are."""
        return len(self._lanes)

    def lane_of(self, span_id: Optional[str]) -> int:
        """Return the track of an open span, the main one if it is not open."""
        found = self._open.get(span_id) if span_id is not None else None
        return found.lane if found is not None else 1

    def start_of(self, span_id: str) -> Optional[int]:
        """Return where an open span begins; ``None`` if it is not open."""
        found = self._open.get(span_id)
        return found.start if found is not None else None

    def begin(self, span_id: str, parent_id: Optional[str], start: int) -> None:
        """Open a span; one that is open already stays as it is."""
        if span_id in self._open:
            return
        self._knows_parents = self._knows_parents or parent_id is not None
        number = self._choose(parent_id, start)
        lane = self._lanes[number - 1]
        start = max(start, lane.cursor)
        if lane.stack and start <= lane.stack[-1].start:
            start = lane.stack[-1].start + 1
        lane.cursor = start
        opened = _Open(span_id, start, number)
        lane.stack.append(opened)
        self._open[span_id] = opened

    def end(self, span_id: str, stop: int) -> Placed:
        """Close a span that is open.

        Spans that were put inside it and are still open move to a track of their own: they were not inside after all.
        """
        opened = self._open.pop(span_id)
        lane = self._lanes[opened.lane - 1]
        position = lane.stack.index(opened)
        above = lane.stack[position + 1 :]
        del lane.stack[position:]
        if above:
            self._move(above, opened.lane)
        stop = max(stop, lane.cursor, opened.start)
        lane.cursor = stop
        return Placed(opened.lane, opened.start, stop)

    def _choose(self, parent_id: Optional[str], start: int) -> int:
        parent = self._open.get(parent_id) if parent_id is not None else None
        if parent is not None:
            lane = self._lanes[parent.lane - 1]
            if lane.stack[-1] is parent and lane.is_free_at(start):
                return parent.lane
        elif not self._knows_parents and self._lanes[0].is_free_at(start):
            return 1  # files of release 2.3 name no parents; nearly all programs record from one thread
        return self._empty_lane(start)

    def _empty_lane(self, start: int, but: int = 0) -> int:
        for number, lane in enumerate(self._lanes, start=1):
            if number != but and not lane.stack and lane.is_free_at(start):
                return number
        if len(self._lanes) < _MOST_LANES:
            self._lanes.append(_Lane())
        return len(self._lanes)

    def _move(self, spans: List[_Open], away_from: int) -> None:
        number = self._empty_lane(spans[0].start, but=away_from)
        lane = self._lanes[number - 1]
        for each in spans:
            each.lane = number
            each.start = max(each.start, lane.cursor)
            lane.cursor = each.start
            lane.stack.append(each)
