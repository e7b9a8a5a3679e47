from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from rich.text import Text

from nv_one_logger.cli.tail.filters import Filters
from nv_one_logger.cli.tail.session import TailSession

DATA = Path(__file__).parents[2] / "data" / "reference-2.3.1"


class Screen:
    """A session that shows into lists."""

    sessions: List[TailSession] = []

    def __init__(self, *paths: Path, filters: Filters = Filters()) -> None:  # noqa: B008  # immutable
        self.shown: List[str] = []
        self.warned: List[str] = []
        self.session = TailSession(paths, filters, self._show, self._warn)
        self.sessions.append(self.session)

    def _show(self, line: Text) -> None:
        self.shown.append(line.plain)

    def _warn(self, line: Text) -> None:
        self.warned.append(line.plain)

    def words(self) -> List[str]:
        """The lines without their time."""
        return [line.split(" ", 1)[1].strip() for line in self.shown]


@pytest.fixture(autouse=True)
def all_closed() -> Iterator[None]:
    yield
    for session in Screen.sessions:
        session.close()
    Screen.sessions.clear()


def event(name: str, msec: int, **extra: Any) -> str:
    content = {"name": name, "attributes": {"timestamp_msec": msec}}
    return json.dumps({"type": "event", "span_id": "s", "event": content, **extra}) + "\n"


def test_past_is_limited_for_each_file_and_ordered_by_time(tmp_path: Path) -> None:
    first, second = tmp_path / "rank0.jsonl", tmp_path / "rank1.jsonl"
    first.write_text(event("a", 1) + event("b", 20) + event("c", 40))
    second.write_text(event("d", 10) + event("e", 30) + event("f", 35))
    screen = Screen(first, second)
    screen.session.show_past(2)
    assert screen.words() == ["rank 0 event b", "rank 1 event e", "rank 1 event f", "rank 0 event c"]


def test_whole_past_is_shown_on_request(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("".join(event(str(number), number) for number in range(30)))
    screen = Screen(path)
    screen.session.show_past(None)
    assert len(screen.shown) == 30


def test_new_records_follow(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(event("a", 1))
    screen = Screen(path)
    screen.session.show_past(0)
    with path.open("a") as file:
        file.write(event("b", 2))
    screen.session.show_new()
    assert screen.words() == ["event b"]


def test_record_without_a_time_stays_where_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(event("a", 5) + '{"type":"rumour"}\n' + event("b", 6))
    screen = Screen(path)
    screen.session.show_past(None)
    assert screen.words() == ["event a", "rumour", "event b"]


def test_filters_know_the_span_of_an_event() -> None:
    screen = Screen(DATA / "attempt2-rank0.jsonl", filters=Filters(spans=("validation_loop",)))
    screen.session.show_past(None)
    words = [line.split()[2:4] for line in screen.words()]
    assert words == [["start", "validation_loop"], ["event", "validation_metrics_update"], ["stop", "validation_loop"]]


def test_files_without_a_rank_are_told_apart_by_their_names(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text(event("x", 1))
    second.write_text(event("y", 2))
    screen = Screen(first, second)
    screen.session.show_past(None)
    assert screen.words() == ["a.jsonl event x", "b.jsonl event y"]


def test_rank_is_known_from_the_session_record_on(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    session = {"type": "session", "session": {"application_name": "digits", "rank": 3}, "count": 1, "pid": 7}
    path.write_text(json.dumps(session) + "\n" + event("a", 1, count=2, pid=7))
    screen = Screen(path)
    screen.session.show_past(None)
    assert screen.words() == ["rank 3 begin digits", "rank 3 event a"]


def test_damage_and_gaps_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(event("a", 1, count=1, pid=7) + "damage\n" + event("b", 2, count=3, pid=7) + '{"typ')
    screen = Screen(path)
    screen.session.show_past(None)
    assert len(screen.warned) == 2
    screen.session.finish()
    assert [warning.split(": ")[1] for warning in screen.warned] == [
        "corrupt line of 6 bytes",
        "record 2 of process 7 (run 1) missing",
        "torn last line of 5 bytes",
    ]


def test_missing_files_are_told(tmp_path: Path) -> None:
    screen = Screen(tmp_path / "later.jsonl")
    screen.session.show_past(None)
    assert screen.session.missing == [tmp_path / "later.jsonl"]
