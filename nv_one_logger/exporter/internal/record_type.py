"""The kinds of record that JSON exporters write."""

from __future__ import annotations

from enum import Enum

__all__ = ["RecordType"]


class RecordType(Enum):
    """Value of the key ``type`` of a record."""

    START = "start"
    STOP = "stop"
    COMPLETE = "complete"
    """Start and stop in one, of a span that had nothing in between."""
    EVENT = "event"
    APPLICATION_ERROR = "application_error"
    TELEMETRY_DATA_ERROR = "telemetry_data_error"
    SESSION = "session"
    """Who writes: at the beginning of what a process writes to a file, where that was asked for."""
    HEARTBEAT = "heartbeat"
    """Which spans are open, at an interval, where that was asked for."""
