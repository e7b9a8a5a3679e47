"""Works out which process of which job wrote the records."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Dict, Mapping, Optional

from nv_one_logger.reader.record import EVENT, SESSION, ProcessKey, Record
from nv_one_logger.reader.session import SessionInfo
from nv_one_logger.reader.values import integer, text, timestamp

__all__ = ["FROM_FILE_NAME", "FROM_INITIALIZATION", "FROM_NOTHING", "FROM_SESSION", "ProcessBook", "ProcessIdentity"]

FROM_SESSION = "session"
FROM_INITIALIZATION = "initialization"
FROM_FILE_NAME = "file_name"
FROM_NOTHING = "nothing"
_RANKING = (FROM_NOTHING, FROM_FILE_NAME, FROM_INITIALIZATION, FROM_SESSION)

# What training telemetry, that of the reference library too, says of itself at its beginning.
_INITIALIZATION = "one_logger_initialization"
_RANK_IN_FILE_NAME = re.compile(r"rank[-_]?(\d{1,7})", re.IGNORECASE)


@dataclass(frozen=True)
class ProcessIdentity:
    """Who a process is, as far as its records tell.

    Attributes:
        process: The key of its records.
        known_from: The best source there was: ``"session"`` (its session record), ``"initialization"`` (the event
            ``one_logger_initialization``, which lacks what came with session records), ``"file_name"`` (``rank7`` in
            the name of its file), or ``"nothing"``.
        info: What is known. A session record that lacks something is completed from the event, and that from the
            name of the file. Times are those of the session record, or else of the event.
    """

    process: ProcessKey
    known_from: str
    info: SessionInfo

    @property
    def pid(self) -> Optional[int]:
        """The process id."""
        return self.process.pid

    @property
    def application_name(self) -> Optional[str]:
        """Name of the application."""
        return self.info.application_name

    @property
    def session_tag(self) -> Optional[str]:
        """Equal for all ranks and restarts of a run."""
        return self.info.session_tag

    @property
    def attempt(self) -> Optional[int]:
        """Which attempt at the job this is as its launcher counts; only session records tell."""
        return self.info.attempt

    @property
    def rank(self) -> Optional[int]:
        """Number of the process in the job."""
        return self.info.rank

    @property
    def world_size(self) -> Optional[int]:
        """Number of processes of the job."""
        return self.info.world_size

    @property
    def host(self) -> Optional[str]:
        """Name of the machine."""
        return self.info.host


class ProcessBook:
    """Learns from the records of any number of processes who each of them is; memory grows with their number only.

    Example:
        >>> book = ProcessBook()
        >>> for record in RecordReader(["rank0.jsonl", "rank1.jsonl"]):
        ...     book.add(record)
        >>> [(identity.rank, identity.session_tag) for identity in book.identities.values()]
    """

    def __init__(self) -> None:
        self._identities: Dict[ProcessKey, ProcessIdentity] = {}

    @property
    def identities(self) -> Mapping[ProcessKey, ProcessIdentity]:
        """Every process that was met, in order of appearance."""
        return self._identities

    def add(self, record: Record) -> None:
        """Learn from one record; nearly all say nothing of their process."""
        if record.process not in self._identities:
            self._identities[record.process] = _from_file_name(record.process)
        if record.type == SESSION and record.session is not None:
            self._learn(record.process, FROM_SESSION, record.session)
        elif record.type == EVENT and record.event.name == _INITIALIZATION:
            self._learn(record.process, FROM_INITIALIZATION, _initialization(record.event.attributes))

    def identity(self, process: ProcessKey) -> ProcessIdentity:
        """Return what is known of a process by now."""
        known = self._identities.get(process)
        return known if known is not None else _from_file_name(process)

    def _learn(self, process: ProcessKey, source: str, info: SessionInfo) -> None:
        known = self._identities[process]
        if _RANKING.index(source) < _RANKING.index(known.known_from):
            self._identities[process] = replace(known, info=_completed(known.info, info))
        else:
            self._identities[process] = ProcessIdentity(process, source, _completed(info, known.info))


def _completed(info: SessionInfo, other: SessionInfo) -> SessionInfo:
    """Return ``info`` with what it lacks taken from ``other``."""
    lacking = [one.name for one in fields(info) if getattr(info, one.name) in (None, {})]
    return replace(info, **{name: getattr(other, name) for name in lacking})


def _initialization(attributes: Mapping[str, object]) -> SessionInfo:
    version = text(attributes.get("one_logger_training_telemetry_version"))
    return SessionInfo(
        application_name=text(attributes.get("application_name")),
        session_tag=text(attributes.get("session_tag")),
        rank=integer(attributes.get("rank")),
        world_size=integer(attributes.get("world_size")),
        local_rank=integer(attributes.get("local_rank")),
        host=text(attributes.get("node_name")),
        versions={} if version is None else {"core": version},
        timestamp_msec=timestamp(attributes),
    )


def _from_file_name(process: ProcessKey) -> ProcessIdentity:
    match = _RANK_IN_FILE_NAME.search(Path(process.source).name)
    if match is None:
        return ProcessIdentity(process, FROM_NOTHING, SessionInfo())
    return ProcessIdentity(process, FROM_FILE_NAME, SessionInfo(rank=int(match.group(1))))
