"""The tables that records become, column by column; the layout of what ``one-logger convert`` writes.

Moments are microseconds since the epoch, lengths microseconds. ``process`` is the number of a row of ``processes``.
"""

from __future__ import annotations

from typing import Dict, Mapping

import pyarrow as pa

__all__ = ["LAYOUT_VERSION", "MARKER", "TABLES"]

LAYOUT_VERSION = 1
"""Raised when a column goes away or changes its meaning."""

MARKER = "one_logger_tables.json"
"""The file by which a folder of tables is known; it holds ``layout_version``."""

_TEXT, _WHOLE, _REAL, _FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()


def _table(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


TABLES: Mapping[str, pa.Schema] = {
    # One row for each file, as `one-logger verify` tells.
    "files": _table(
        path=_TEXT, bytes=_WHOLE, lines=_WHOLE, records=_WHOLE, blank_lines=_WHOLE, corrupt_lines=_WHOLE,
        torn_lines=_WHOLE, uncounted=_WHOLE, missing=_WHOLE, error=_TEXT,
    ),
    # One row for each process that wrote: who it is, and how its records end.
    "processes": _table(
        process=_WHOLE, path=_TEXT, pid=_WHOLE, run=_WHOLE, records=_WHOLE, missing=_WHOLE,
        first_us=_WHOLE, last_us=_WHOLE, process_start_us=_WHOLE,
        application=_TEXT, session_tag=_TEXT, attempt=_WHOLE, rank=_WHOLE, world_size=_WHOLE, host=_TEXT,
        has_session_record=_FLAG, heartbeats=_WHOLE, application_ended=_FLAG, tells_exit=_FLAG,
        exit_reason=_TEXT, exit_detail=_TEXT,
        last_error=_TEXT, error_is_last=_FLAG, open_spans=_TEXT, global_batch_size=_WHOLE,
        loop_first_iteration=_WHOLE, iterations_recorded=_WHOLE,
    ),
    # One row for each span, `stop_us` NULL when no record says that it ended.
    "spans": _table(
        process=_WHOLE, span_id=_TEXT, parent_id=_TEXT, name=_TEXT, start_us=_WHOLE, stop_us=_WHOLE, iteration=_WHOLE,
        is_successful=_FLAG, attributes=_TEXT,
    ),
    # One row for each event, error and record of an unknown type.
    "events": _table(
        process=_WHOLE, span_id=_TEXT, type=_TEXT, name=_TEXT, time_us=_WHOLE, iteration=_WHOLE, attributes=_TEXT,
    ),
    # One row for each training_metrics_update: what the process had done by then.
    "windows": _table(
        process=_WHOLE, time_us=_WHOLE, iteration=_WHOLE, num_iterations=_WHOLE, total_us=_WHOLE,
    ),
    # One row for each number that an event carried.
    "measures": _table(
        process=_WHOLE, name=_TEXT, unit=_TEXT, time_us=_WHOLE, iteration=_WHOLE, value=_REAL,
    ),
    # One row for each application error and telemetry data error; `pattern` is the message with its numbers as '#'.
    "errors": _table(
        process=_WHOLE, time_us=_WHOLE, type=_TEXT, message=_TEXT, pattern=_TEXT, traceback=_TEXT,
    ),
}  # fmt: skip


def describe() -> Dict[str, Dict[str, str]]:
    """Return the names and types of all columns, by table."""
    return {name: {field.name: str(field.type) for field in schema} for name, schema in TABLES.items()}
