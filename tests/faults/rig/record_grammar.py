"""The strict checker: which streams of records are right, to the letter, and what is wrong with others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Collection, Dict, Iterable, List, NamedTuple, Set, Tuple

KEYS = {
    "start": ["type", "id", "parent_id?", "name", "attributes?", "start_event", "count", "pid"],
    "complete": ["type", "id", "parent_id?", "name", "attributes", "start_event", "stop_event", "count", "pid"],
    "stop": ["type", "id", "name", "attributes", "stop_event", "count", "pid"],
    "event": ["type", "span_id", "event", "count", "pid"],
    "application_error": ["type", "span_id", "event", "count", "pid"],
    "telemetry_data_error": ["type", "error", "count", "pid"],
}


_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Stream(NamedTuple):
    """A file, taken apart."""

    records: List[Dict[str, Any]]
    bad: List[str]
    """Lines that are no records."""
    is_torn: bool
    """Whether the file ends in one of these, without a line end."""


def read_stream(paths: Iterable[Path]) -> Stream:
    """Read files, in order, as strictly as any reader may."""
    records: List[Dict[str, Any]] = []
    bad: List[str] = []
    is_torn = False
    for path in paths:
        *lines, rest = path.read_bytes().split(b"\n")
        for line in [*lines, rest]:
            if not line:
                continue  # written after a torn line
            try:
                record = json.loads(line.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_unique)
                if not isinstance(record, dict):
                    raise ValueError("not an object")
            except ValueError:
                bad.append(line.decode("utf-8", "replace"))
                is_torn = line is rest
                continue
            records.append(record)
    return Stream(records, bad, is_torn)


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


class Checker:
    """Follows a stream and collects what breaks the grammar.

    Args:
        lost_starts: Ids of spans whose start is known to be lost.
        lost_stops: Ids of spans whose stop is known to be lost.
        lost_counts: How many numbers of each process may be missing.
    """

    def __init__(
        self,
        lost_starts: Collection[str] = (),
        lost_stops: Collection[str] = (),
        lost_counts: int = 0,
        may_stay_open: bool = False,
    ) -> None:
        self.problems: List[str] = []
        self._lost_starts, self._lost_stops = set(lost_starts), set(lost_stops)
        self._may_miss, self._may_stay_open = lost_counts, may_stay_open
        self._started: Set[str] = set(self._lost_starts)
        self._stopped: Set[str] = set()
        self._last: Dict[int, int] = {}
        self._missing: Dict[int, int] = {}

    def check(self, records: Iterable[Dict[str, Any]], is_keys_ordered: bool = True) -> List[str]:
        """Check a whole stream and return what is wrong with it."""
        for record in records:
            self._check_record(record, is_keys_ordered)
        still_open = self._started - self._stopped - self._lost_stops - self._lost_starts
        if still_open and not self._may_stay_open:
            self._complain(f"{len(still_open)} span(s) never stop")
        for pid, missing in self._missing.items():
            if missing > self._may_miss:
                self._complain(f"process {pid}: {missing} record(s) missing, {self._may_miss} may be")
        return self.problems

    def _check_record(self, record: Dict[str, Any], is_keys_ordered: bool) -> None:
        kind = record.get("type")
        if kind not in KEYS:
            self._complain(f"type {kind!r}")
            return
        if not self._has_right_keys(record, KEYS[kind], is_keys_ordered):
            return
        self._check_number(record)
        if kind in ("start", "complete"):
            self._check_start(record)
        if kind in ("stop", "complete"):
            self._check_stop(record)
        if kind in ("event", "application_error") and not self._is_open(record["span_id"]):
            self._complain(f"{kind} on a span that is not open: {record}")

    def _has_right_keys(self, record: Dict[str, Any], expected: List[str], is_keys_ordered: bool) -> bool:
        wanted = [key.rstrip("?") for key in expected if not key.endswith("?") or key[:-1] in record]
        found = list(record)
        if (found if is_keys_ordered else sorted(found)) != (wanted if is_keys_ordered else sorted(wanted)):
            self._complain(f"keys {found}, not {wanted}")
            return False
        for key in ("start_event", "stop_event", "event", "error"):
            if key in record and not isinstance(record[key]["attributes"].get("timestamp_msec"), int):
                self._complain(f"{key} without a time: {record}")
        return True

    def _check_number(self, record: Dict[str, Any]) -> None:
        pid, count = record["pid"], record["count"]
        last = self._last.get(pid, 0)
        if count <= last:
            self._complain(f"process {pid}: record {count} after {last}")
        self._missing[pid] = self._missing.get(pid, 0) + count - last - 1
        self._last[pid] = max(last, count)

    def _check_start(self, record: Dict[str, Any]) -> None:
        span, parent = record["id"], record.get("parent_id")
        if not _ID.fullmatch(span) or (span in self._started and span not in self._lost_starts):
            self._complain(f"span starts twice, or its id is none: {record}")
        if parent is not None and parent not in self._started:
            self._complain(f"parent never started: {record}")
        self._started.add(span)

    def _check_stop(self, record: Dict[str, Any]) -> None:
        span = record["id"]
        if not self._is_open(span):
            self._complain(f"stop of a span that is not open: {record}")
        if not isinstance(record["attributes"].get("duration_msec"), int):
            self._complain(f"stop without duration: {record}")
        self._stopped.add(span)

    def _is_open(self, span: str) -> bool:
        return span in self._started and span not in self._stopped

    def _complain(self, problem: str) -> None:
        self.problems.append(problem)
