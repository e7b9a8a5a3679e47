from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.event import Event
from nv_one_logger.reader import ProcessKey, Record
from nv_one_logger.report.replay.rebuild import KnownSpans, timestamp

MOMENTS = st.integers(0, 4_000_000_000_000)


@given(MOMENTS)
def test_time_of_a_record_comes_back_to_the_millisecond(msec: int) -> None:
    assert timestamp(msec).milliseconds_since_epoch == msec
    assert abs(timestamp(msec).seconds_since_epoch - msec / 1000) < 1e-6
    assert Event.create("e", timestamp=timestamp(msec)).attributes_json() == {"timestamp_msec": msec}


@given(MOMENTS, st.integers(0, 10**10), st.integers(-2, 2))
def test_duration_comes_back_as_it_was_recorded(start: int, duration: int, off_by: int) -> None:
    """The recorded duration comes from another clock, so it need not be the difference of the times."""
    stop = max(0, start + duration + off_by)
    data = {
        "type": "complete",
        "id": "00000000-0000-4000-8000-000000000001",
        "name": "s",
        "attributes": {"duration_msec": duration},
        "start_event": {"attributes": {"timestamp_msec": start}},
        "stop_event": {"attributes": {"timestamp_msec": stop}},
    }
    record = Record("r.jsonl", 1, 0, ProcessKey("r.jsonl", 1, 1), "complete", data)
    known = KnownSpans()
    span = known.begin(record)
    assert known.open_count == 1
    assert known.end(record) == (span, True)
    assert span.id_str == data["id"]
    assert span.attributes_json() == {"duration_msec": duration}
    assert span.stop_event_json()["attributes"] == {"timestamp_msec": stop}
