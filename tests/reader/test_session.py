from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.reader import Heartbeat, OpenSpan, ProcessKey, Record, SessionInfo

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
SESSION = {
    "schema_version": 1,
    "application_name": "digits",
    "session_tag": "run-7",
    "attempt": 2,
    "rank": 3,
    "world_size": 4,
    "local_rank": 1,
    "host": "node-0",
    "versions": {"core": "2.4.0", "python": "3.11.7"},
    "process_start_msec": 90,
    "timestamp_msec": 100,
    "monotonic_msec": 5,
}


def record(type_: str, **data: Any) -> Record:
    return Record("f", 1, 0, ProcessKey("f", 7, 1), type_, {"type": type_, **data})


def test_session_record_says_who_the_process_is() -> None:
    one = record("session", session=SESSION)
    assert one.session == SessionInfo(**SESSION)  # type: ignore[arg-type]
    assert (one.timestamp_msec, one.name, one.heartbeat) == (100, "", None)


def test_what_a_session_record_does_not_say_is_absent() -> None:
    assert record("session").session == SessionInfo()
    assert record("start").session is None


def test_heartbeat_names_the_open_spans() -> None:
    named = [
        {"id": "a", "name": "loop", "start_msec": 50},
        {"id": "b", "parent_id": "a", "name": "iteration", "start_msec": 60},
        {"name": "without an id"},
        "no span",
    ]
    one = record("heartbeat", timestamp_msec=100, monotonic_msec=5, open_spans=named, open_span_count=70)
    spans = (OpenSpan("a", "loop", None, 50), OpenSpan("b", "iteration", "a", 60))
    assert one.heartbeat == Heartbeat(100, 5, spans, 70)
    assert (one.timestamp_msec, one.session) == (100, None)
    assert record("heartbeat").heartbeat == Heartbeat(None, None, (), 0)
    assert record("event").heartbeat is None


@given(value=ANYTHING, kind=st.sampled_from(["session", "heartbeat"]), key=st.sampled_from([*SESSION, "open_spans"]))
def test_any_content_is_tolerated(value: Any, kind: str, key: str) -> None:
    one = record(kind, session={**SESSION, key: value}, **{key: value})
    assert (one.session is None) == (kind != "session")
    assert (one.heartbeat is None) == (kind != "heartbeat")
    assert one.timestamp_msec is None or isinstance(one.timestamp_msec, int)
    assert record(kind, session=value).timestamp_msec is None or kind == "session"
