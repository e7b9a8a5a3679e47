"""What ``session`` and ``heartbeat`` records say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple

from nv_one_logger.reader.values import integer, mapping, sequence, text, timestamp

__all__ = ["Heartbeat", "OpenSpan", "SessionInfo", "heartbeat_of", "session_of"]


@dataclass(frozen=True)
class SessionInfo:
    """What a process said about itself; ``None`` for what it did not know.

    Attributes:
        application_name: Name of the application.
        session_tag: Equal for all ranks and restarts of a run.
        attempt: Which attempt at the job this is as its launcher counts, 1 for the first. A job that a person starts
            anew begins with 1 again.
        rank: Number of the process in the job.
        world_size: Number of processes of the job.
        local_rank: Number of the process among those on its machine.
        host: Name of the machine.
        versions: Of ``core`` and ``python``, and whatever else is there.
        process_start_msec: When the process began, milliseconds since the epoch.
        timestamp_msec: When it said so, milliseconds since the epoch.
        monotonic_msec: The same moment on the monotonic clock that all processes of the machine share.
        schema_version: Version of the layout of its records.
    """

    application_name: Optional[str] = None
    session_tag: Optional[str] = None
    attempt: Optional[int] = None
    rank: Optional[int] = None
    world_size: Optional[int] = None
    local_rank: Optional[int] = None
    host: Optional[str] = None
    versions: Mapping[str, str] = field(default_factory=dict)
    process_start_msec: Optional[int] = None
    timestamp_msec: Optional[int] = None
    monotonic_msec: Optional[int] = None
    schema_version: Optional[int] = None


@dataclass(frozen=True)
class OpenSpan:
    """A span that a heartbeat names.

    Attributes:
        id: Its id.
        name: Its name.
        parent_id: Id of its parent, ``None`` for a root.
        start_msec: When it began, milliseconds since the epoch.
    """

    id: str
    name: str
    parent_id: Optional[str]
    start_msec: Optional[int]


@dataclass(frozen=True)
class Heartbeat:
    """A sign of life.

    Attributes:
        timestamp_msec: When, milliseconds since the epoch.
        monotonic_msec: The same moment on the monotonic clock that all processes of the machine share.
        open_spans: The spans open then, in order of their start; the first 64.
        open_span_count: How many were open.
    """

    timestamp_msec: Optional[int]
    monotonic_msec: Optional[int]
    open_spans: Tuple[OpenSpan, ...]
    open_span_count: int


def session_of(data: Mapping[str, object]) -> SessionInfo:
    """Read a ``session`` record."""
    said = mapping(data.get("session"))
    return SessionInfo(
        application_name=text(said.get("application_name")),
        session_tag=text(said.get("session_tag")),
        attempt=integer(said.get("attempt")),
        rank=integer(said.get("rank")),
        world_size=integer(said.get("world_size")),
        local_rank=integer(said.get("local_rank")),
        host=text(said.get("host")),
        versions={name: str(version) for name, version in mapping(said.get("versions")).items()},
        process_start_msec=integer(said.get("process_start_msec")),
        timestamp_msec=timestamp(said),
        monotonic_msec=integer(said.get("monotonic_msec")),
        schema_version=integer(said.get("schema_version")),
    )


def heartbeat_of(data: Mapping[str, object]) -> Heartbeat:
    """Read a ``heartbeat`` record; a span without an id is left out."""
    named = [mapping(item) for item in sequence(data.get("open_spans"))]
    spans = tuple(
        OpenSpan(span_id, text(item.get("name")) or "", text(item.get("parent_id")), integer(item.get("start_msec")))
        for item, span_id in ((item, text(item.get("id"))) for item in named)
        if span_id is not None
    )
    count = integer(data.get("open_span_count"))
    return Heartbeat(
        timestamp_msec=timestamp(data),
        monotonic_msec=integer(data.get("monotonic_msec")),
        open_spans=spans,
        open_span_count=len(spans) if count is None else count,
    )
