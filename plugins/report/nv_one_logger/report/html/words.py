"""How the page writes quantities, moments and names, so that all of its parts write them alike."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Optional, Sequence

from nv_one_logger.report.model import StopCause
from nv_one_logger.report.naming import stretches

__all__ = [
    "ATTEMPT_CAUSES",
    "CAUSES",
    "clock",
    "count",
    "duration",
    "moment",
    "number",
    "percent",
    "ranks",
    "rate",
    "sentence",
]

CAUSES = {
    StopCause.NORMAL: "ended normally",
    StopCause.EXCEPTION: "ended by an exception",
    StopCause.SIGNAL: "ended by a signal",
    StopCause.VANISHED: "vanished",
    StopCause.RUNNING: "still running",
}
"""What is said of a process that ended in this way."""

ATTEMPT_CAUSES = {**CAUSES, StopCause.VANISHED: "ended when a rank vanished"}
"""The same of an attempt, whose cause is the worst among its ranks."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_UNKNOWN = "\u2013"


def duration(microseconds: Optional[int]) -> str:
    """Write a length with three or so digits: ``840 µs``, ``12.5 ms``, ``3.42 s``, ``5 min 07 s``, ``2 h 05 min``."""
    if microseconds is None:
        return _UNKNOWN
    sign, left = ("\u2212" if microseconds < 0 else ""), abs(microseconds)
    if left == 0:
        return "0 s"
    if left < 1000:
        return f"{sign}{left} µs"
    if left < 999_500:
        return f"{sign}{_three_digits(left / 1000)} ms"
    if left < 59_950_000:
        return f"{sign}{_three_digits(left / 1_000_000)} s"
    minutes, seconds = divmod(round(left / 1_000_000), 60)
    if minutes < 60:
        return f"{sign}{minutes} min {seconds:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours:,} h {minutes:02} min"


def percent(share: float) -> str:
    """Write a share of 0 to 1: ``62.4 %``; what is there but rounds to nothing is ``<0.1 %``."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 <= share < 1:
        return ">99.9 %"
    return f"{share * 100:.1f} %"


def number(value: Optional[float]) -> str:
    """Write a measured value with up to five digits; an unknown one as a dash."""
    if value is None:
        return _UNKNOWN
    return f"{value:,.0f}" if 1_000 <= abs(value) < 1e15 else f"{value:.5g}"


def count(value: Optional[int], one: str = "", more: str = "") -> str:
    """Write a number of things, with its noun if one is given: ``1 record``, ``12,000 records``."""
    if value is None:
        return _UNKNOWN
    noun = one if value == 1 else (more or (f"{one}s" if one else ""))
    return f"{value:,} {noun}".rstrip()


def sentence(text: str) -> str:
    """Return a text with a capital letter."""
    return text[:1].upper() + text[1:]


def rate(per_hour: Optional[float]) -> str:
    """Write a rate an hour."""
    return _UNKNOWN if per_hour is None else f"{number(round(per_hour, 1))} / h"


def moment(microseconds: int) -> str:
    """Write a moment with its day, in UTC: ``2026-11-24 08:15:02``; one that no calendar has, as its number."""
    return _time_text(microseconds, "%Y-%m-%d %H:%M:%S")


def clock(microseconds: int) -> str:
    """Write the time of day in UTC, with milliseconds: ``08:15:02.250``."""
    return _time_text(microseconds, "%H:%M:%S.%f")


def ranks(numbers: Sequence[int]) -> str:
    """Write ranks briefly, runs of them by their ends: ``0-3, 7`` (with a dash)."""
    pieces = []
    for first, last in stretches(sorted(set(numbers))):
        between = "\u2013" if last - first > 1 else ", "
        pieces.append(str(first) if first == last else f"{first}{between}{last}")
    return ", ".join(pieces) or "none"


def _three_digits(value: float) -> str:
    return f"{value:#.3g}".rstrip(".")


def _time_text(microseconds: int, pattern: str) -> str:
    try:
        text = (_EPOCH + timedelta(microseconds=microseconds)).strftime(pattern)
    except (OverflowError, ValueError):  # a record may hold any number
        return f"{microseconds:,} µs"
    return text[:-3] if pattern.endswith("%f") else text
