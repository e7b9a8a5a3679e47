"""Who a process is: what the reader makes of its records, as far as it can be, and what only a report asks for."""

from __future__ import annotations

import re
from typing import Mapping, Optional

from nv_one_logger.reader import ProcessBook, ProcessKey, Record, SessionInfo
from nv_one_logger.report.store.values import mapping, micros, text, whole

__all__ = ["INITIALIZATION", "Identity"]

INITIALIZATION = "one_logger_initialization"
"""The event that says who a process is."""

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})")
_TELLS_EXIT_FROM = (2, 4)


class Identity:
    """Learns about one process.

    Args:
        path: Its file; ``rank7`` in the name serves where no record says the rank.

    Attributes:
        has_session_record: Whether it wrote one.
        global_batch_size: Samples of one iteration over all ranks.
        exit_reason: Why the application ended, of its span.
        exit_detail: The exception or signal.
    """

    def __init__(self, path: str) -> None:
        self._key = ProcessKey(path, None, 1)  # of the one process that the book knows
        self._book = ProcessBook()
        self._perf_tag: Optional[str] = None
        self.has_session_record = False
        self.global_batch_size: Optional[int] = None
        self.exit_reason: Optional[str] = None
        self.exit_detail: Optional[str] = None

    @property
    def _info(self) -> SessionInfo:
        return self._book.identity(self._key).info

    @property
    def application(self) -> Optional[str]:
        """The application's name, else its performance tag."""
        return text(self._info.application_name) or self._perf_tag

    @property
    def session_tag(self) -> Optional[str]:
        """The session tag."""
        return text(self._info.session_tag)

    @property
    def attempt(self) -> Optional[int]:
        """Which attempt the launcher counts, 1 for the first."""
        return _natural(self._info.attempt, 1)

    @property
    def rank(self) -> Optional[int]:
        """The rank."""
        return _natural(self._info.rank, 0)

    @property
    def world_size(self) -> Optional[int]:
        """How many ranks there should be."""
        return _natural(self._info.world_size, 1)

    @property
    def host(self) -> Optional[str]:
        """The machine."""
        return text(self._info.host)

    @property
    def process_start_us(self) -> Optional[int]:
        """When the process began, microseconds."""
        return micros(self._info.process_start_msec)

    @property
    def tells_exit(self) -> bool:
        """Whether its library says on the application span when an exception or a signal ended it."""
        version = _VERSION.match(self._info.versions.get("core", ""))
        known = version is not None and (int(version.group(1)), int(version.group(2))) >= _TELLS_EXIT_FROM
        return known or self.has_session_record

    def take(self, kind: str, data: Mapping[str, object]) -> None:
        """Learn from a record of any type; nearly all say nothing of their process."""
        if kind == "session":
            self.take_session(mapping(data.get("session")))
        elif kind == "event":
            event = mapping(data.get("event"))
            if event.get("name") == INITIALIZATION:
                self.take_initialization(mapping(event.get("attributes")))

    def take_session(self, said: Mapping[str, object]) -> None:
        """Learn from the content of a session record."""
        self.has_session_record = True
        self._learn("session", {"session": said})

    def take_initialization(self, attributes: Mapping[str, object]) -> None:
        """Learn from the attributes of :data:`INITIALIZATION`."""
        self._learn("event", {"event": {"name": INITIALIZATION, "attributes": attributes}})

    def _learn(self, kind: str, content: Mapping[str, object]) -> None:
        self._book.add(Record(self._key.source, 0, 0, self._key, kind, content))

    def take_training_config(self, attributes: Mapping[str, object]) -> None:
        """Learn from ``update_training_telemetry_config``."""
        self.global_batch_size = _natural(attributes.get("global_batch_size"), 1) or self.global_batch_size
        tag = attributes.get("perf_tag")
        self._perf_tag = text(tag[0] if isinstance(tag, list) and tag else tag)

    def take_end(self, attributes: Mapping[str, object]) -> None:
        """Learn from the end of the application span."""
        self.exit_reason = text(attributes.get("exit_reason"))
        self.exit_detail = text(attributes.get("exit_detail"))


def _natural(value: object, least: int) -> Optional[int]:
    number = whole(value)
    return number if number is not None and number >= least else None
