"""What a stream of records tells: which spans started and stopped, which events and errors there were."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Dict, Iterable, List

Facts = Dict[Any, int]


def facts_of_record(record: Dict[str, Any]) -> List[Any]:
    """Return what one record tells; a complete record tells two things."""
    kind = record["type"]
    if kind == "complete":
        return [("start", record["id"]), ("stop", record["id"])]
    if kind in ("start", "stop"):
        return [(kind, record["id"])]
    if kind in ("event", "application_error"):
        return [event_fact(kind, record["span_id"], record["event"])]
    return []  # telemetry_data_error: about the stream, not about the job


def event_fact(kind: str, span_id: str, event: Dict[str, Any]) -> Any:
    return (kind, span_id, json.dumps(event, sort_keys=True))


def facts_of(records: Iterable[Dict[str, Any]]) -> Facts:
    return Counter(fact for record in records for fact in facts_of_record(record))
