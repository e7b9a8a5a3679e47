from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nv_one_logger.reader import ProcessBook, ProcessKey, Record, RecordReader, SessionInfo

DATA = Path(__file__).parents[1] / "data" / "reference-2.3.1"


def record(source: str, type_: str = "start", **data: Any) -> Record:
    return Record(source, 1, 0, ProcessKey(source, 7, 1), type_, data)


def initialization(source: str, **attributes: Any) -> Record:
    return record(source, "event", event={"name": "one_logger_initialization", "attributes": attributes})


def session(source: str, **said: Any) -> Record:
    return record(source, "session", session=said)


def rank(book: ProcessBook, source: str) -> Any:
    return book.identity(ProcessKey(source, 7, 1)).rank


def test_session_record_tells_who_a_process_is() -> None:
    book = ProcessBook()
    book.add(session("a", application_name="digits", session_tag="run-7", attempt=2, rank=3, world_size=4, host="h"))
    identity = book.identity(ProcessKey("a", 7, 1))
    assert identity.known_from == "session"
    assert (identity.application_name, identity.session_tag, identity.attempt) == ("digits", "run-7", 2)
    assert (identity.rank, identity.world_size, identity.host, identity.pid) == (3, 4, "h", 7)


def test_initialization_serves_where_there_is_no_session_record() -> None:
    book = ProcessBook()
    book.add(initialization("a.jsonl", session_tag="run-7", rank=3, world_size=4, node_name="h", timestamp_msec=5))
    identity = book.identity(ProcessKey("a.jsonl", 7, 1))
    assert identity.known_from == "initialization"
    assert identity.info == SessionInfo(session_tag="run-7", rank=3, world_size=4, host="h", timestamp_msec=5)


@pytest.mark.parametrize("session_first", [True, False])
def test_session_record_is_completed_from_the_rest_and_not_overruled(session_first: bool) -> None:
    book = ProcessBook()
    records = [session("rank9", rank=3), initialization("rank9", rank=0, session_tag="run-7")]
    for one in records if session_first else reversed(records):
        book.add(one)
    identity = book.identity(ProcessKey("rank9", 7, 1))
    assert (identity.known_from, identity.rank, identity.session_tag) == ("session", 3, "run-7")


def test_latest_session_record_counts() -> None:
    book = ProcessBook()
    book.add(session("a", rank=0, timestamp_msec=1))
    book.add(session("a", rank=0, timestamp_msec=2, world_size=4))
    assert book.identity(ProcessKey("a", 7, 1)).info == SessionInfo(rank=0, timestamp_msec=2, world_size=4)


def test_rank_in_the_file_name_serves_until_then() -> None:
    book = ProcessBook()
    book.add(record("logs/run-rank_12.jsonl"))
    assert rank(book, "logs/run-rank_12.jsonl") == 12
    assert book.identity(ProcessKey("logs/run-rank_12.jsonl", 7, 1)).known_from == "file_name"
    book.add(initialization("logs/run-rank_12.jsonl", rank=4))
    assert rank(book, "logs/run-rank_12.jsonl") == 4


def test_rank_in_the_name_of_a_folder_does_not_count() -> None:
    book = ProcessBook()
    book.add(record("rank1/run.jsonl"))
    assert rank(book, "rank1/run.jsonl") is None
    assert book.identity(ProcessKey("rank1/run.jsonl", 7, 1)).known_from == "nothing"


def test_rank_that_is_no_number_is_ignored() -> None:
    book = ProcessBook()
    book.add(initialization("a.jsonl", rank=True))
    assert rank(book, "a.jsonl") is None


def test_process_that_was_not_met_is_known_by_its_file_only() -> None:
    book = ProcessBook()
    assert rank(book, "rank5.jsonl") == 5
    assert not book.identities


def test_reference_files_tell_who_wrote_them() -> None:
    book = ProcessBook()
    for one in RecordReader([DATA / "attempt1-rank1.jsonl", DATA / "attempt2-rank0.jsonl"]):
        book.add(one)
    told = [(one.session_tag, one.rank, one.world_size, one.known_from) for one in book.identities.values()]
    assert told == [("digits-run-7", 1, 4, "initialization"), ("digits-run-7", 0, 4, "initialization")]
