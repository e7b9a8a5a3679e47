from __future__ import annotations

from datetime import datetime
from typing import Any, List, Optional

import pytest

from nv_one_logger.cli.tail.lines import record_line
from nv_one_logger.reader import ProcessKey, Record, SpanNode

PROCESS = ProcessKey("f", 7, 1)
MSEC = int(datetime(2026, 3, 4, 12, 0, 1, 250_000).timestamp() * 1000)


def record(type_: str, **data: Any) -> Record:
    return Record("f", 1, 0, PROCESS, type_, {"type": type_, **data})


def moment(**attributes: Any) -> Any:
    return {"name": "x", "attributes": {**attributes, "timestamp_msec": MSEC}}


def span(name: str, **attributes: Any) -> SpanNode:
    return SpanNode("id", name, PROCESS, None, None, attributes, 0)


def line(each: Record, on: Optional[SpanNode] = None, source: str = "rank 0") -> str:
    return record_line(each, source, on).plain


def test_start_shows_time_source_name_and_attributes() -> None:
    start = record("start", name="ingest", attributes={"shard": 3, "file": "a b"}, start_event=moment())
    assert line(start) == '12:00:01.250 rank 0 start ingest shard=3 file="a b"'
    assert line(start, source="") == '12:00:01.250 start ingest shard=3 file="a b"'


def test_complete_shows_how_long_it_took() -> None:
    done = record("complete", name="parse", attributes={"duration_msec": 40}, start_event=moment(), stop_event=moment())
    assert line(done) == "12:00:01.250 rank 0 done  parse 40 ms"


def test_stop_shows_only_what_the_start_did_not() -> None:
    stop = record("stop", name="loop", attributes={"a": 1, "b": 2.5, "duration_msec": 1500}, stop_event=moment())
    assert line(stop, span("loop", a=1, b=2)) == "12:00:01.250 rank 0 stop  loop 1.50 s b=2.5"


def test_event_shows_its_span() -> None:
    event = record("event", event={**moment(rows=[1, 2]), "name": "loaded"})
    assert line(event, span("ingest")) == "12:00:01.250 rank 0 event loaded on ingest rows=[1, 2]"
    assert line(event) == "12:00:01.250 rank 0 event loaded rows=[1, 2]"


def test_error_leaves_the_traceback_out() -> None:
    error = record(
        "application_error", event={**moment(error_message="bad", exception_traceback="Traceback ..."), "name": "error"}
    )
    assert line(error, span("ingest")) == "12:00:01.250 rank 0 ERROR error on ingest error_message=bad"


def test_unknown_type_is_shown_as_it_is() -> None:
    assert line(record("rumour", name="h")) == "??:??:??.??? rank 0 rumour h"


def test_session_shows_whose_records_follow() -> None:
    session = {"application_name": "digits", "session_tag": "run-7", "attempt": 2, "rank": 0, "world_size": 4}
    told = line(record("session", session={**session, "host": "node-0", "timestamp_msec": MSEC}))
    assert told == "12:00:01.250 rank 0 begin digits session_tag=run-7 attempt=2 world_size=4 host=node-0"
    assert line(record("session", session={"timestamp_msec": MSEC})) == "12:00:01.250 rank 0 begin "


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], "nothing open"),
        (["application", "loop"], "application > loop"),
        (["application", "loop", "iteration", "forward"], "... > loop > iteration > forward"),
    ],
    ids=["nothing", "two", "many"],
)
def test_heartbeat_shows_the_innermost_open_spans(names: List[str], shown: str) -> None:
    open_spans = [{"id": name, "name": name, "start_msec": 1} for name in names]
    told = line(record("heartbeat", timestamp_msec=MSEC, open_spans=open_spans, open_span_count=len(names)))
    assert told == f"12:00:01.250 rank 0 alive {shown}"


@pytest.mark.parametrize("msec", [10**30, -(10**30)])
def test_time_that_is_none_is_shown_as_such(msec: int) -> None:
    event = record("event", event={"name": "e", "attributes": {"timestamp_msec": msec}})
    assert line(event).startswith("??:??:??.??? ")


def test_text_of_a_record_cannot_steer_the_terminal() -> None:
    event = record("event", event={"name": "\x1b[2J", "attributes": {"k\n": "v\r"}})
    assert "\\x1b[2J k\\n=v\\r" in line(event)
