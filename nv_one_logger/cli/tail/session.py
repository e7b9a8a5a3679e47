"""The loop of ``tail``: polls all files and prints what passes the filters, in the order of time."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Callable, Deque, Iterable, List, Optional, Sequence, Tuple

from rich.text import Text

from nv_one_logger.cli.tail.filters import Filters
from nv_one_logger.cli.tail.following import FollowedFile
from nv_one_logger.cli.tail.lines import record_line
from nv_one_logger.reader import BadLine, Gap, ProcessBook, Record, SpanTracker

__all__ = ["TailSession"]

_Entry = Tuple[int, Text]


class TailSession:
    """Follows files and hands finished lines to ``show``.

    Args:
        paths: The files.
        filters: What to show of them.
        show: Called with every line.
        warn: Called with every line about damaged or missing records.
    """

    def __init__(
        self, paths: Sequence[Path], filters: Filters, show: Callable[[Text], None], warn: Callable[[Text], None]
    ) -> None:
        self._files = [FollowedFile(path, self._on_bad_line, self._on_gap) for path in paths]
        self._filters = filters
        self._show = show
        self._warn = warn
        self._tracker = SpanTracker()
        self._processes = ProcessBook()
        self._latest_msec = 0

    @property
    def missing(self) -> List[Path]:
        """The files that do not exist yet."""
        return [file.path for file in self._files if not file.is_open]

    def show_past(self, limit: Optional[int]) -> None:
        """Read everything written so far and show the last ``limit`` lines of each file, ``None`` for all of them."""
        entries: List[_Entry] = []
        for file in self._files:
            kept: Deque[_Entry] = deque(maxlen=limit)
            kept.extend(self._entries(file.poll()))
            entries.extend(kept)
        self._show_in_order(entries)

    def show_new(self) -> None:
        """Show what was written since."""
        self._show_in_order([entry for file in self._files for entry in self._entries(file.poll())])

    def finish(self) -> None:
        """Take the files for finished: show a last record that lacks only its newline, warn of a torn one."""
        self._show_in_order([entry for file in self._files for entry in self._entries(file.finish())])

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def _entries(self, records: Iterable[Record]) -> Iterable[_Entry]:
        for record in records:
            self._processes.add(record)
            rank = self._processes.identity(record.process).rank
            span = self._tracker.find_open(record)
            # Rendered before the tracker overlays the attributes of the start with those of the stop.
            line = record_line(record, self._source(record, rank), span)
            self._tracker.add(record)
            # A record without a time stands where it was read.
            moment = record.timestamp_msec
            self._latest_msec = moment if moment is not None else self._latest_msec
            if self._filters.accept(record, span.name if span is not None else None, rank):
                yield self._latest_msec, line

    def _source(self, record: Record, rank: Optional[int]) -> str:
        if rank is not None:
            return f"rank {rank}"
        return os.path.basename(record.process.source) if len(self._files) > 1 else ""

    def _show_in_order(self, entries: List[_Entry]) -> None:
        for _, line in sorted(entries, key=lambda entry: entry[0]):
            self._show(line)

    def _on_bad_line(self, bad: BadLine) -> None:
        self._warn(Text(str(bad), style="yellow"))

    def _on_gap(self, gap: Gap) -> None:
        self._warn(Text(str(gap), style="yellow"))
