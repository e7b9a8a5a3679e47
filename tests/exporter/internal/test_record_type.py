from __future__ import annotations

from nv_one_logger.exporter.internal.record_type import RecordType


def test_there_are_eight_kinds_of_record() -> None:
    assert [kind.value for kind in RecordType] == [
        "start",
        "stop",
        "complete",
        "event",
        "application_error",
        "telemetry_data_error",
        "session",
        "heartbeat",
    ]
