from __future__ import annotations

from typing import Any

from nv_one_logger.cli.tail.ranks import RankBook
from nv_one_logger.reader import ProcessKey, Record


def record(source: str, type_: str = "start", **data: Any) -> Record:
    return Record(source, 1, 0, ProcessKey(source, 7, 1), type_, data)


def initialization(source: str, rank: object) -> Record:
    event = {"name": "one_logger_initialization", "attributes": {"rank": rank}}
    return record(source, "event", event=event)


def test_rank_comes_from_the_initialisation_of_the_process() -> None:
    book = RankBook()
    assert book.rank_of(record("a.jsonl")) is None
    assert book.rank_of(initialization("a.jsonl", 3)) == 3
    assert book.rank_of(record("a.jsonl")) == 3
    assert book.rank_of(record("b.jsonl")) is None


def test_rank_in_the_file_name_serves_until_then() -> None:
    book = RankBook()
    assert book.rank_of(record("logs/run-rank_12.jsonl")) == 12
    assert book.rank_of(initialization("logs/run-rank_12.jsonl", 4)) == 4


def test_rank_in_the_name_of_a_folder_does_not_count() -> None:
    assert RankBook().rank_of(record("rank1/run.jsonl")) is None


def test_rank_that_is_no_number_is_ignored() -> None:
    assert RankBook().rank_of(initialization("a.jsonl", True)) is None
