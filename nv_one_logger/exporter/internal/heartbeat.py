"""When a heartbeat is due and what it says: which spans are open."""

from __future__ import annotations

import math
import time
from itertools import islice
from typing import Any, Collection, Dict, Optional

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.exporter.internal.record_type import RecordType

__all__ = ["Heartbeat", "heartbeat_or_none", "heartbeat_record"]

# A heartbeat has to stay one short line, also of a job that leaves thousands of spans open.
_MAX_NAMED_SPANS = 64


class Heartbeat:
    """Follows when the next heartbeat of one exporter is due. Times are monotonic seconds.

    Args:
        interval_sec: Seconds between two heartbeats.
    """

    def __init__(self, interval_sec: float) -> None:
        self._interval_sec = interval_sec
        self._due: Optional[float] = None  # None until it begins

    @property
    def has_begun(self) -> bool:
        """Whether heartbeats are to come."""
        return self._due is not None

    def begin(self, now: float) -> None:
        """Have the first one become due an interval from now."""
        self._due = now + self._interval_sec

    def stop(self) -> None:
        """Have none become due until it begins again."""
        self._due = None

    def take(self, now: float) -> bool:
        """Whether one is due; if so, the next is due an interval from now, however late this one is."""
        if self._due is None or now < self._due:
            return False
        self._due = now + self._interval_sec
        return True

    def remaining(self, now: float) -> Optional[float]:
        """Return the seconds until the next is due, ``None`` when none is to come."""
        return None if self._due is None else max(0.0, self._due - now)


def heartbeat_or_none(interval_sec: Optional[float]) -> Optional[Heartbeat]:
    """Return the heartbeat that the option asks for.

    Raises:
        OneLoggerError: The interval is not a positive, finite number.
    """
    if interval_sec is None:
        return None
    if not (interval_sec > 0 and math.isfinite(interval_sec)):
        raise OneLoggerError(
            f"heartbeat_sec must be a positive number of seconds, found {interval_sec!r}. "
            "Leave it out to write no heartbeats."
        )
    return Heartbeat(interval_sec)


def heartbeat_record(open_spans: Collection[Span]) -> Dict[str, Any]:
    """Make the record that names the open spans: the 64 that began first, and how many there are.

    Args:
        open_spans: In order of their start, which puts a span in front of those inside it.
    """
    return {
        "type": RecordType.HEARTBEAT.value,
        "timestamp_msec": TracingTimestamp.now().milliseconds_since_epoch,
        "monotonic_msec": int(time.monotonic() * 1000),
        "open_spans": [_named(span) for span in islice(open_spans, _MAX_NAMED_SPANS)],
        "open_span_count": len(open_spans),
    }


def _named(span: Span) -> Dict[str, Any]:
    named: Dict[str, Any] = {"id": span.id_str}
    parent = span.exported_parent
    if parent is not None:
        named["parent_id"] = parent.id_str
    named["name"] = span.name_str
    named["start_msec"] = span.start_time.milliseconds_since_epoch
    return named
