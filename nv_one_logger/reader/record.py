"""One record of a JSON Lines file, and how a line becomes one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple, Union

from pydantic_core import from_json

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.reader.session import Heartbeat, SessionInfo, heartbeat_of, session_of
from nv_one_logger.reader.values import integer, mapping, text, timestamp

__all__ = [
    "APPLICATION_ERROR",
    "COMPLETE",
    "EVENT",
    "HEARTBEAT",
    "KNOWN_TYPES",
    "SESSION",
    "START",
    "STOP",
    "TELEMETRY_DATA_ERROR",
    "ProcessKey",
    "Record",
    "RecordFormatError",
    "SpanEvent",
    "parse_object",
]

# The words of the file format. They are spelled out here rather than imported from the exporters: a file on disk
# keeps them whatever later versions write.
START = "start"
STOP = "stop"
COMPLETE = "complete"
EVENT = "event"
APPLICATION_ERROR = "application_error"
TELEMETRY_DATA_ERROR = "telemetry_data_error"
SESSION = "session"
HEARTBEAT = "heartbeat"
KNOWN_TYPES = frozenset(
    [START, STOP, COMPLETE, EVENT, APPLICATION_ERROR, TELEMETRY_DATA_ERROR, SESSION, HEARTBEAT],
)


class RecordFormatError(OneLoggerError):
    """A line is not a record; the message is the reason, without the place."""


class ProcessKey(NamedTuple):
    """Which process wrote a record.

    A process id alone does not identify it: ranks in containers share ids, and a restarted job that continues its
    file may get the old one again.

    Attributes:
        source: The file (for a rotated set, the name they have in common).
        pid: The process id in the record; ``None`` if it has none.
        run: 1 for the first process of that id in this source, 2 for the one that continued the file, ...
    """

    source: str
    pid: Optional[int]
    run: int


@dataclass(frozen=True)
class SpanEvent:
    """A named moment: an event, an application error, or a telemetry data error.

    Attributes:
        type: The record type it came with.
        name: The event's name, empty when the record has none.
        attributes: Its attributes as read.
        timestamp_msec: Milliseconds since the epoch, ``None`` when absent.
    """

    type: str
    name: str
    attributes: Mapping[str, object]
    timestamp_msec: Optional[int]

    @property
    def is_error(self) -> bool:
        """Whether it reports an error of the application or of the telemetry."""
        return self.type in (APPLICATION_ERROR, TELEMETRY_DATA_ERROR)


@dataclass(frozen=True, init=False)
class Record:
    """One record and where it stands.

    Every property tolerates any content: a value that is missing or of another type than the format says reads as
    absent, and unknown keys stay reachable through :attr:`data`.

    Attributes:
        path: The file.
        line: 1-based line in it.
        offset: Byte offset of that line.
        process: Who wrote it.
        type: The record's type, possibly one this version does not know.
        data: The whole record as read.
    """

    __slots__ = ("data", "line", "offset", "path", "process", "type")

    path: str
    line: int
    offset: int
    process: ProcessKey
    type: str
    data: Mapping[str, object]

    def __init__(
        self, path: str, line: int, offset: int, process: ProcessKey, type: str, data: Mapping[str, object]
    ) -> None:
        # The slots' own setters: a frozen dataclass forbids assignment, and `object.__setattr__` costs twice as much.
        _set_path(self, path)
        _set_line(self, line)
        _set_offset(self, offset)
        _set_process(self, process)
        _set_type(self, type)
        _set_data(self, data)

    def __reduce__(self) -> Tuple[Any, ...]:
        return Record, (self.path, self.line, self.offset, self.process, self.type, self.data)

    @property
    def count(self) -> Optional[int]:
        """The record's 1-based number in its process, ``None`` if it has none."""
        return count_of(self.data)

    @property
    def span_id(self) -> Optional[str]:
        """Id of the span the record is about or attached to; ``None`` for telemetry data errors."""
        return text(self.data.get("span_id" if self.type in (EVENT, APPLICATION_ERROR) else "id"))

    @property
    def parent_id(self) -> Optional[str]:
        """Id of the span's parent; ``None`` for a root, and in files that do not record it."""
        return text(self.data.get("parent_id"))

    @property
    def name(self) -> str:
        """The span's name; for the other records the event's; empty when absent."""
        own = text(self.data.get("name"))
        return own if own is not None else self.event.name

    @property
    def attributes(self) -> Mapping[str, object]:
        """The span's attributes; for the other records, the event's."""
        own = self.data.get("attributes")
        return own if isinstance(own, dict) else self.event.attributes

    @property
    def event(self) -> SpanEvent:
        """The event or error that the record carries (nameless and empty for records about spans)."""
        content = mapping(self.data.get("event", self.data.get("error")))
        attributes = mapping(content.get("attributes"))
        return SpanEvent(self.type, text(content.get("name")) or "", attributes, timestamp(attributes))

    @property
    def start_msec(self) -> Optional[int]:
        """When the span started (milliseconds since the epoch), in records that say so."""
        return self._moment("start_event")

    @property
    def stop_msec(self) -> Optional[int]:
        """When the span stopped (milliseconds since the epoch), in records that say so."""
        return self._moment("stop_event")

    @property
    def timestamp_msec(self) -> Optional[int]:
        """When the latest moment in the record happened, milliseconds since the epoch."""
        if self.type == SESSION:
            return timestamp(mapping(self.data.get("session")))
        if self.type == HEARTBEAT:
            return timestamp(self.data)
        for moment in (self.stop_msec, self.start_msec):
            if moment is not None:
                return moment
        return self.event.timestamp_msec

    @property
    def session(self) -> Optional[SessionInfo]:
        """What a ``session`` record says, ``None`` for the others."""
        return session_of(self.data) if self.type == SESSION else None

    @property
    def heartbeat(self) -> Optional[Heartbeat]:
        """What a ``heartbeat`` record says, ``None`` for the others."""
        return heartbeat_of(self.data) if self.type == HEARTBEAT else None

    def _moment(self, key: str) -> Optional[int]:
        # Asked several times of every record, so without the detour over mapping() and timestamp().
        event = self.data.get(key)
        attributes = event.get("attributes") if isinstance(event, dict) else None
        moment = attributes.get("timestamp_msec") if isinstance(attributes, dict) else None
        return moment if type(moment) is int else None


_set_path, _set_line, _set_offset, _set_process, _set_type, _set_data = (
    vars(Record)[name].__set__ for name in ("path", "line", "offset", "process", "type", "data")
)


def parse_object(data: bytes) -> Dict[str, object]:
    """Read one line as a record.

    Raises:
        RecordFormatError: It is not UTF-8, not JSON, not an object, or has no ``type``.
    """
    try:
        # A third of the time of `json`. It refuses some of what that reads, as lone surrogates; never the reverse.
        parsed = from_json(data)
    except ValueError:
        parsed = _parse_with_reason(data)
    if not isinstance(parsed, dict):
        raise RecordFormatError(f"a {type(parsed).__name__}, not an object")
    if not isinstance(parsed.get("type"), str):
        raise RecordFormatError("no 'type'")
    return parsed


def _parse_with_reason(data: bytes) -> object:
    try:
        # Decoded first: json.loads() guesses UTF-16 from the zero bytes that a power cut leaves in a file.
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RecordFormatError(f"not UTF-8 (byte {error.start + 1} of the line)") from error
    except json.JSONDecodeError as error:
        raise RecordFormatError(f"not JSON ({error.msg}, column {error.colno})") from error
    except RecursionError as error:
        raise RecordFormatError("nested too deeply") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise RecordFormatError(f"not JSON ({error})") from error


def count_of(data: Mapping[str, object]) -> Optional[int]:
    """Return a record's number, ``None`` when it has no usable one."""
    count = integer(data.get("count"))
    return count if count is not None and count >= 1 else None


def pid_of(data: Mapping[str, object]) -> Optional[int]:
    """Return a record's process id, ``None`` when it has none."""
    return integer(data.get("pid"))


def duration_of(attributes: Mapping[str, object]) -> Optional[Union[int, float]]:
    """Return ``duration_msec`` of a span's attributes, ``None`` when it is absent or not a finite number."""
    duration = attributes.get("duration_msec")
    if isinstance(duration, bool) or not isinstance(duration, (int, float)):
        return None
    # False for NaN and the infinities, and for integers that no float can hold.
    return duration if abs(duration) < 1e300 else None
