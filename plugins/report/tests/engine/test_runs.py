from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from nv_one_logger.report import SessionChoiceError, analyze, analyze_all
from nv_one_logger.report.model import Report


def finished(recording: Callable[..., Any], rank: int, began: int, ended: int, **more: Any) -> None:
    session = more.pop("session", {})
    one = recording(rank, **more)
    if session:
        one.session(began, **session)
    one.begin(began)
    one.stop("application", ended)


def attempts_of(report: Report) -> list[tuple[int, ...]]:
    return [attempt.ranks for attempt in report.attempts]


def test_rank_that_begins_again_begins_an_attempt(recording: Callable[..., Any], tmp_path: Path) -> None:
    for began in (0, 1000, 2000):
        for rank in (0, 1, 2):
            # The ranks of an attempt neither begin nor end together, nor in order.
            finished(recording, rank, began + 50 * (2 - rank), began + 500 + rank, pid=100 + began)
    assert attempts_of(analyze([tmp_path])) == [(0, 1, 2)] * 3


def test_launcher_counts_attempts_of_which_a_rank_has_no_records(recording: Callable[..., Any], tmp_path: Path) -> None:
    finished(recording, 0, 0, 100, session={"attempt": 1})
    finished(recording, 1, 200, 300, session={"attempt": 2})
    assert attempts_of(analyze([tmp_path])) == [(0,), (1,)]


def test_process_beside_the_one_of_its_rank_is_no_attempt(recording: Callable[..., Any], tmp_path: Path) -> None:
    finished(recording, 0, 0, 1000)
    finished(recording, 0, 200, 300, pid=101, file="worker")
    report = analyze([tmp_path])
    assert attempts_of(report) == [(0,)]
    assert len(report.processes) == 2
    assert report.ledger.adds_up


def test_same_process_id_in_a_continued_file_is_another_process(recording: Callable[..., Any], tmp_path: Path) -> None:
    finished(recording, 0, 0, 100)
    finished(recording, 0, 200, 300)
    assert attempts_of(analyze([tmp_path])) == [(0,), (0,)]


def test_attempts_that_overlap_are_cut(recording: Callable[..., Any], tmp_path: Path) -> None:
    finished(recording, 0, 0, 100)
    finished(recording, 1, 0, 500)
    finished(recording, 0, 200, 400, pid=200)
    report = analyze([tmp_path])
    assert [attempt.ended - attempt.started for attempt in report.attempts] == [200_000, 200_000]
    assert report.ledger.adds_up
    assert any("was cut off there" in remark for remark in report.remarks)


def test_ranks_come_from_file_names_else_free_ones_are_given(recording: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("rank-1", "a", "b"):
        one = recording(None, file=name)
        one.span("work", 0, 10)
    report = analyze([tmp_path])
    assert [(run.rank, Path(run.path).stem) for run in report.processes] == [(0, "a"), (1, "rank-1"), (2, "b")]
    assert "2 files tell no rank; a free one was given to each." in report.remarks
    assert report.session.tag is None


def test_sessions_are_reported_one_by_one(recording: Callable[..., Any], tmp_path: Path) -> None:
    finished(recording, 0, 500, 600, session_tag="late", file="late")
    finished(recording, 0, 0, 100, session_tag="early", file="early")
    assert [report.session.tag for report in analyze_all([tmp_path])] == ["early", "late"]
    assert analyze([tmp_path], session="late").ledger.elapsed == 100_000
    with pytest.raises(SessionChoiceError, match="2 sessions: early, late"):
        analyze([tmp_path])
    with pytest.raises(SessionChoiceError, match="No session 'other'"):
        analyze([tmp_path], session="other")


def test_process_start_of_the_session_record_begins_the_attempt(recording: Callable[..., Any], tmp_path: Path) -> None:
    finished(recording, 0, 5000, 6000, session={"process_start_msec": 1_700_000_000_000})
    assert analyze([tmp_path]).ledger.elapsed == 6_000_000


@pytest.mark.parametrize("start", [1, 1_700_000_009_000, "soon", None])
def test_process_start_that_cannot_be_is_not_taken(
    recording: Callable[..., Any], tmp_path: Path, start: object
) -> None:
    finished(recording, 0, 5000, 6000, session={"process_start_msec": start})
    assert analyze([tmp_path]).ledger.elapsed == 1_000_000


def test_world_size_tells_the_ranks_without_records(recording: Callable[..., Any], tmp_path: Path) -> None:
    finished(recording, 1, 0, 100, world_size=4)
    report = analyze([tmp_path])
    assert report.attempts[0].missing_ranks == (0, 2, 3)
    assert report.session.world_size == 4
    assert "Records of 1 of 4 ranks were given; the ledger is of those." in report.remarks
