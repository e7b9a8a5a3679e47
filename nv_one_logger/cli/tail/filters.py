"""Which records ``tail`` shows."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Optional, Tuple

from nv_one_logger.reader import Record
from nv_one_logger.reader.record import COMPLETE, EVENT, START, STOP

__all__ = ["Filters"]

_ABOUT_SPANS = (START, STOP, COMPLETE)


@dataclass(frozen=True)
class Filters:
    """What to show. Without any, everything; several of one kind, and of ``spans``, ``events``, ``errors``, add up.

    Attributes:
        spans: Patterns of span names (``*`` and ``?``); also shows what is attached to such spans.
        events: Patterns of event names.
        errors: Errors of the application and of the telemetry.
        ranks: Only these ranks, whatever else is asked for. Empty: all.
    """

    spans: Tuple[str, ...] = ()
    events: Tuple[str, ...] = ()
    errors: bool = False
    ranks: Tuple[int, ...] = ()

    def accept(self, record: Record, span_name: Optional[str], rank: Optional[int]) -> bool:
        """Say whether to show a record.

        Args:
            record: The record.
            span_name: Name of the span it is attached to, if known.
            rank: Rank of its process, if known.
        """
        if self.ranks and rank not in self.ranks:
            return False
        if not (self.spans or self.events or self.errors):
            return True
        if self.errors and record.event.is_error:
            return True
        if record.type == EVENT and _matches(record.event.name, self.events):
            return True
        name = record.name if record.type in _ABOUT_SPANS else span_name
        return name is not None and _matches(name, self.spans)


def _matches(name: str, patterns: Tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
