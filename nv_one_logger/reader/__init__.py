"""Reads record files (JSON Lines) back: streams them, says what is missing, rebuilds the spans.

Works on files of this library and of its predecessors, whole or damaged, running or finished::

    from nv_one_logger.reader import RecordReader, RunSummary

    reader, summary = RecordReader(["run.jsonl"]), RunSummary()
    for record in reader:
        summary.add(record)
    still_open = summary.finish()
    for account in reader.accounts:
        print(account.path, account.records, account.missing, account.bad_lines)

``build_trees(reader)`` returns the span tree of every process instead, in memory. ``ProcessBook`` works out who each
process is.
"""

from __future__ import annotations

from nv_one_logger.reader.account import BadLine, FileAccount, Gap, ProcessAccount
from nv_one_logger.reader.histogram import DurationHistogram
from nv_one_logger.reader.json_schema import RECORD_SCHEMA_VERSION, record_schema
from nv_one_logger.reader.lines import Line, LineSplitter
from nv_one_logger.reader.processes import ProcessBook, ProcessIdentity
from nv_one_logger.reader.record import ProcessKey, Record, RecordFormatError, SpanEvent
from nv_one_logger.reader.session import Heartbeat, OpenSpan, SessionInfo
from nv_one_logger.reader.spans import ProcessTree, SpanNode, SpanTracker, build_trees
from nv_one_logger.reader.stream import FileScanner, RecordReader, order_rotated
from nv_one_logger.reader.summary import OTHER_ERRORS, ErrorKind, RunSummary, SpanStats

__all__ = [
    "OTHER_ERRORS",
    "RECORD_SCHEMA_VERSION",
    "BadLine",
    "DurationHistogram",
    "ErrorKind",
    "FileAccount",
    "FileScanner",
    "Gap",
    "Heartbeat",
    "Line",
    "LineSplitter",
    "OpenSpan",
    "ProcessAccount",
    "ProcessBook",
    "ProcessIdentity",
    "ProcessKey",
    "ProcessTree",
    "Record",
    "RecordFormatError",
    "RecordReader",
    "RunSummary",
    "SessionInfo",
    "SpanEvent",
    "SpanNode",
    "SpanStats",
    "SpanTracker",
    "build_trees",
    "order_rotated",
    "record_schema",
]
