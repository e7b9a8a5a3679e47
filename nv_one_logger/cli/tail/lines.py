"""One record as one readable, coloured line."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Iterator, Mapping, Optional, Tuple

from rich.text import Text

from nv_one_logger.cli.console import format_msec, printable
from nv_one_logger.reader import Record, SessionInfo, SpanNode
from nv_one_logger.reader.record import (
    APPLICATION_ERROR,
    COMPLETE,
    EVENT,
    HEARTBEAT,
    SESSION,
    START,
    STOP,
    TELEMETRY_DATA_ERROR,
    duration_of,
)

__all__ = ["record_line"]

# Told by the line itself, or too long for it.
_NOT_SHOWN = frozenset(["timestamp_msec", "duration_msec", "exception_traceback"])
_WORDS: Mapping[str, Tuple[str, str]] = {
    START: ("start", "cyan"),
    STOP: ("stop", "green"),
    COMPLETE: ("done", "green"),
    EVENT: ("event", "blue"),
    APPLICATION_ERROR: ("ERROR", "bold red"),
    TELEMETRY_DATA_ERROR: ("TELEMETRY", "bold yellow"),
    SESSION: ("begin", "bold blue"),
    HEARTBEAT: ("alive", "dim green"),
}
_MAX_NAMED_SPANS = 3


def record_line(record: Record, source: str, span: Optional[SpanNode]) -> Text:
    """Write a record as ``12:00:01.250 rank 0 done  parse 40 ms shard=3``; local time.

    Args:
        record: The record.
        source: Who wrote it, as the reader of the line knows it; empty to leave it out.
        span: The open span that it is attached to, or that it ends; ``None`` if unknown. A stop repeats the attributes
            of the start: only the new ones are shown.
    """
    word, style = _WORDS.get(record.type, (record.type, "magenta"))
    line = Text()
    line.append(_time_of_day(record.timestamp_msec), style="dim")
    if source:
        line.append(f" {source}")
    line.append(f" {printable(word):<5} ", style=style)
    line.append(printable(_name(record)), style="bold")
    duration = duration_of(record.attributes)
    if duration is not None and record.type in (STOP, COMPLETE):
        line.append(f" {format_msec(duration)}", style=style)
    if span is not None and record.type in (EVENT, APPLICATION_ERROR):
        line.append(f" on {printable(span.name)}", style="dim")
    told = span.attributes if span is not None and record.type == STOP else {}
    for text in _pairs(record.attributes if record.session is None else _described(record.session), told):
        line.append(f" {text}")
    return line


def _name(record: Record) -> str:
    """Return what the line is about: a span or event, of a session its application, of a heartbeat what is open."""
    if record.session is not None:
        return record.session.application_name or ""
    if record.heartbeat is None:
        return record.name
    names = [span.name for span in record.heartbeat.open_spans]
    if not names:
        return "nothing open"
    outer = ["..."] if len(names) > _MAX_NAMED_SPANS else []
    return " > ".join([*outer, *names[-_MAX_NAMED_SPANS:]])


def _described(session: SessionInfo) -> Mapping[str, object]:
    names = ("session_tag", "attempt", "world_size", "host")
    return {name: value for name, value in ((name, getattr(session, name)) for name in names) if value is not None}


def _pairs(attributes: Mapping[str, object], told: Mapping[str, object]) -> Iterator[str]:
    for name, value in attributes.items():
        if name not in _NOT_SHOWN and (name not in told or told[name] != value):
            yield f"{printable(name)}={printable(_value(value))}"


def _value(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if not value or " " in value else value
    return f"{value:.6g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _time_of_day(msec: Optional[int]) -> str:
    try:
        moment = datetime.fromtimestamp((msec or 0) / 1000) if msec is not None else None
    except (OverflowError, OSError, ValueError):  # a number that is no time
        moment = None
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03}" if moment is not None else "??:??:??.???"
