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
