from __future__ import annotations

import math
import time

import pytest

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.internal.heartbeat import Heartbeat, heartbeat_or_none, heartbeat_record
from nv_one_logger.testing import FakeClock


def test_heartbeat_is_due_at_its_interval_once_it_began() -> None:
    heartbeat = Heartbeat(10.0)
    assert not heartbeat.take(1000.0)
    assert heartbeat.remaining(1000.0) is None
    heartbeat.begin(100.0)
    assert not heartbeat.take(109.9)
    assert heartbeat.remaining(104.0) == 6.0
    assert heartbeat.take(110.0)
    assert heartbeat.remaining(110.0) == 10.0


def test_late_heartbeat_is_not_made_up_for() -> None:
    heartbeat = Heartbeat(10.0)
    heartbeat.begin(0.0)
    assert heartbeat.remaining(1000.0) == 0.0
    assert heartbeat.take(1000.0)
    assert not heartbeat.take(1000.0)


def test_stopped_heartbeat_begins_again_when_told() -> None:
    heartbeat = Heartbeat(10.0)
    heartbeat.begin(0.0)
    heartbeat.stop()
    assert not heartbeat.has_begun
    assert not heartbeat.take(1000.0)


@pytest.mark.parametrize("interval_sec", [0, -1.0, math.nan, math.inf])
def test_interval_is_positive_and_finite(interval_sec: float) -> None:
    with pytest.raises(OneLoggerError, match="heartbeat_sec must be a positive number"):
        heartbeat_or_none(interval_sec)


def test_no_interval_means_no_heartbeat() -> None:
    assert heartbeat_or_none(None) is None
    assert heartbeat_or_none(0.5) is not None


def test_record_names_the_open_spans_and_the_parents_that_are_exported() -> None:
    with FakeClock(time_sec=1_700_000_000.0) as clock:
        outer = Span.create("outer")
        clock.advance(1.0)
        inner = Span.create("inner", parent_span=outer)
        clock.advance(1.0)
        record = heartbeat_record([outer, inner])
    monotonic_msec = record.pop("monotonic_msec")
    assert record == {
        "type": "heartbeat",
        "timestamp_msec": 1_700_000_002_000,
        "open_spans": [
            {"id": outer.id_str, "name": "outer", "start_msec": 1_700_000_000_000},
            {"id": inner.id_str, "parent_id": outer.id_str, "name": "inner", "start_msec": 1_700_000_001_000},
        ],
        "open_span_count": 2,
    }
    assert abs(time.monotonic() * 1000 - monotonic_msec) < 60_000


def test_many_open_spans_are_counted_and_the_outermost_named() -> None:
    spans = [Span.create(f"span {number}") for number in range(100)]
    record = heartbeat_record(spans)
    assert [span["name"] for span in record["open_spans"]] == [f"span {number}" for number in range(64)]
    assert record["open_span_count"] == 100
