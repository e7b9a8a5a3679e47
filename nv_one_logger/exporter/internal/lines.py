"""Makes the lines of finished spans and of events straight from them: the records of which there are many.

All of such a line but name and attributes is known beforehand. Filling a template takes half the time of building the
record as a dict and having an encoder look at all of its values. What is not exactly as usual gives no line, and goes
the general way; a line is what that would have made, byte for byte.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Optional

from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.internal.encoder import encode_short

__all__ = ["complete_line", "event_line"]


def complete_line(span: Span, count: int, pid: int) -> Optional[bytes]:
    """Return the line, with its end, of the ``complete`` record of a span, or ``None`` if it needs the general way."""
    stop_time, start_time = span._stop_time, span._start_time
    # Only an identity of our own making is known to be a UUID.
    if stop_time is None or not span._id_bits or span._start_event or span._stop_event or span._updated_attributes:
        return None
    values = span._initial_values.copy()
    duration = int((stop_time._perf_counter_seconds - start_time._perf_counter_seconds) * 1000)
    values["duration_msec"] = duration if duration > 0 else 0
    attributes, name = encode_short(values), _name(span.name_str)
    if attributes is None or name is None:
        return None
    parent = span.parent_span
    if parent is not None and not parent._is_exported:
        parent = span.exported_parent
    if parent is not None and not parent._id_bits:
        return None
    return _COMPLETE % (
        (span._id_str or span.id_str).encode(),
        b"" if parent is None else b'"parent_id":"%b",' % (parent._id_str or parent.id_str).encode(),
        name,
        attributes,
        int(start_time._seconds_since_epoch * 1000),
        int(stop_time._seconds_since_epoch * 1000),
        count,
        pid,
    )


def event_line(event: Event, span: Span, count: int, pid: int) -> Optional[bytes]:
    """Return the line, with its end, of the record of an event, or ``None`` if it needs the general way."""
    if not span._id_bits or event._attributes is not None:
        return None
    attributes, name = encode_short(event._values), _name(event.name_str)
    if attributes is None or name is None:
        return None
    return _EVENT % ((span._id_str or span.id_str).encode(), name, attributes, count, pid)


@lru_cache(maxsize=1024)
def _name(name: str) -> Optional[bytes]:
    return encode_short(name)


_COMPLETE = (
    b'{"type":"complete","id":"%b",%b"name":%b,"attributes":%b,'
    b'"start_event":{"name":"span_start","attributes":{"timestamp_msec":%d}},'
    b'"stop_event":{"name":"span_stop","attributes":{"timestamp_msec":%d}},"count":%d,"pid":%d}\n'
)
_EVENT = b'{"type":"event","span_id":"%b","event":{"name":%b,"attributes":%b},"count":%d,"pid":%d}\n'
