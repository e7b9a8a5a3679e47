"""Which rank wrote a record."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Optional

from nv_one_logger.reader import ProcessKey, Record

__all__ = ["RankBook"]

_IN_FILE_NAME = re.compile(r"rank[-_]?(\d{1,7})", re.IGNORECASE)


class RankBook:
    """Learns ranks from the records of the processes' initialisation; until then, from ``rank7`` in a file name."""

    def __init__(self) -> None:
        self._ranks: Dict[ProcessKey, Optional[int]] = {}

    def rank_of(self, record: Record) -> Optional[int]:
        """Return the rank of the process that wrote the record, ``None`` while unknown."""
        if record.type == "event" and record.name == "one_logger_initialization":
            rank = record.attributes.get("rank")
            if isinstance(rank, int) and not isinstance(rank, bool):
                self._ranks[record.process] = rank
        if record.process not in self._ranks:
            self._ranks[record.process] = _rank_in(record.process.source)
        return self._ranks[record.process]


def _rank_in(source: str) -> Optional[int]:
    match = _IN_FILE_NAME.search(Path(source).name)
    return int(match.group(1)) if match else None
