"""Who a process is: what its session record, its first events and the name of its file say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping, Optional

from nv_one_logger.report.store.values import micros, text, whole

__all__ = ["Identity"]

_RANK_IN_NAME = re.compile(r"rank[-_]?(\d{1,7})", re.IGNORECASE)

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})")
_TELLS_EXIT_FROM = (2, 4)


class Identity:
    """Learns about one process; what was said first counts, a session record before everything else.

    Args:
        path: Its file; ``rank7`` in the name serves where no record says the rank.

    Attributes:
        application: The application's name.
        session_tag: The session tag.
        attempt: Which attempt the launcher counts, 1 for the first.
        rank: The rank.
        world_size: How many ranks there should be.
        host: The machine.
        process_start_us: When the process began, microseconds.
        has_session_record: Whether it wrote one.
        tells_exit: Whether its library says on the application span when an exception or a signal ended it.
        global_batch_size: Samples of one iteration over all ranks.
        exit_reason: Why the application ended, of its span.
        exit_detail: The exception or signal.
    """

    def __init__(self, path: str) -> None:
        match = _RANK_IN_NAME.search(Path(path).name)
        self._rank_in_name = int(match.group(1)) if match else None
        self._rank: Optional[int] = None
        self.application: Optional[str] = None
        self.session_tag: Optional[str] = None
        self.attempt: Optional[int] = None
        self.world_size: Optional[int] = None
        self.host: Optional[str] = None
        self.process_start_us: Optional[int] = None
        self.has_session_record = False
        self.tells_exit = False
        self.global_batch_size: Optional[int] = None
        self.exit_reason: Optional[str] = None
        self.exit_detail: Optional[str] = None

    @property
    def rank(self) -> Optional[int]:
        """The rank that a record says, else that in the name of the file."""
        return self._rank if self._rank is not None else self._rank_in_name

    def take_session(self, said: Mapping[str, object]) -> None:
        """Learn from a session record; of several, the first counts (each file of a rotated set begins with one)."""
        if self.has_session_record:
            return
        self.has_session_record = self.tells_exit = True
        self.application = text(said.get("application_name"))
        self.session_tag = text(said.get("session_tag")) or self.session_tag
        self.attempt = _natural(said.get("attempt"), 1)
        self._rank = _natural(said.get("rank"), 0)
        self.world_size = _natural(said.get("world_size"), 1) or self.world_size
        self.host = text(said.get("host")) or self.host
        self.process_start_us = micros(said.get("process_start_msec"))

    def take_initialization(self, attributes: Mapping[str, object]) -> None:
        """Learn from ``one_logger_initialization``."""
        self.session_tag = self.session_tag or text(attributes.get("session_tag"))
        if self._rank is None:
            self._rank = _natural(attributes.get("rank"), 0)
        self.world_size = self.world_size or _natural(attributes.get("world_size"), 1)
        self.host = self.host or text(attributes.get("node_name"))
        version = _VERSION.match(text(attributes.get("one_logger_training_telemetry_version")) or "")
        if version is not None and (int(version.group(1)), int(version.group(2))) >= _TELLS_EXIT_FROM:
            self.tells_exit = True

    def take_training_config(self, attributes: Mapping[str, object]) -> None:
        """Learn from ``update_training_telemetry_config``."""
        self.global_batch_size = _natural(attributes.get("global_batch_size"), 1) or self.global_batch_size
        tag = attributes.get("perf_tag")
        if self.application is None:
            self.application = text(tag[0] if isinstance(tag, list) and tag else tag)

    def take_end(self, attributes: Mapping[str, object]) -> None:
        """Learn from the end of the application span."""
        self.exit_reason = text(attributes.get("exit_reason"))
        self.exit_detail = text(attributes.get("exit_detail"))


def _natural(value: object, least: int) -> Optional[int]:
    number = whole(value)
    return number if number is not None and number >= least else None
