from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nv_one_logger.report import analyze
from nv_one_logger.report.engine import ledger
from nv_one_logger.report.engine.database import Database
from nv_one_logger.report.engine.ledger import Cell, cut, declare_span_kinds
from nv_one_logger.report.model import Bucket, Report
from nv_one_logger.report.store.tables import TableWriter, mark_complete
from nv_one_logger.report.vocabulary import SPAN_BUCKETS, TRAINING_LOOP

NAMES = [*(name for name, _ in SPAN_BUCKETS), TRAINING_LOOP, "application", "something_of_mine"]
# What the queries do, done once more moment by moment: the first of these that is open names the bucket.
PRIORITY = list(dict.fromkeys(bucket for _, bucket in SPAN_BUCKETS))
BUCKETS = dict(SPAN_BUCKETS)
Span = Tuple[str, int, int]


def totals(report: Report) -> Dict[str, int]:
    return {entry.bucket.value: entry.total for entry in report.ledger.entries if entry.total}


def assert_adds_up(report: Report) -> None:
    assert report.ledger.adds_up
    assert [entry.bucket for entry in report.ledger.entries] == list(Bucket)
    for index, _ in enumerate(report.ledger.ranks):
        assert sum(entry.by_rank[index] for entry in report.ledger.entries) == report.ledger.elapsed
    for rank in report.ledger.ranks:
        pieces = [piece for piece in report.timeline if piece.rank == rank]
        assert sum(piece.ended - piece.started for piece in pieces) == report.ledger.elapsed
        for before, after in zip(pieces, pieces[1:], strict=False):
            assert before.ended == after.started
            assert (before.bucket, before.attempt) != (after.bucket, after.attempt)


def expected_totals(cell: Cell, spans: Sequence[Span]) -> Dict[Bucket, int]:
    found: Dict[Bucket, int] = {}
    for moment in range(cell.start, cell.stop):
        bucket = expected_bucket(cell, {name for name, start, stop in spans if start <= moment < stop}, moment)
        found[bucket] = found.get(bucket, 0) + 1
    return found


def expected_bucket(cell: Cell, open_names: set[str], moment: int) -> Bucket:
    if moment >= cell.alive_to:
        return Bucket.LOST_RANK if cell.is_lost else Bucket.IDLE
    open_buckets = {BUCKETS.get(name) for name in open_names} | (
        {Bucket.TRAINING} if TRAINING_LOOP in open_names else set()
    )
    for bucket in PRIORITY:
        if bucket in open_buckets:
            is_lost = bucket is Bucket.TRAINING and cell.lost_from is not None and moment >= cell.lost_from
            return Bucket.LOST if is_lost else bucket
    return Bucket.START_UP if moment < cell.known_from else Bucket.IDLE


MOMENTS = st.integers(0, 60)
SPANS = st.lists(
    st.tuples(st.sampled_from(NAMES), MOMENTS, MOMENTS).map(lambda s: (s[0], min(s[1:]), max(s[1:]))), max_size=25
)
CELLS = st.builds(
    lambda start, length, known, alive, lost, is_lost: Cell(
        1, 0, start, start + length, min(max(known, start), start + length), min(max(alive, start), start + length),
        is_lost, lost, 1,
    ),
    st.integers(0, 30), st.integers(0, 40), MOMENTS, MOMENTS, st.none() | MOMENTS, st.booleans(),
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=st.lists(st.tuples(CELLS, SPANS), min_size=1, max_size=8))
def test_every_microsecond_is_in_exactly_one_bucket(
    cases: List[Tuple[Cell, List[Span]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, scratch = tmp_path_factory.mktemp("tables"), tmp_path_factory.mktemp("scratch")
    cells = [replace(cell, rank=number) for number, (cell, _) in enumerate(cases)]
    with TableWriter(folder, "part") as writer:
        for number, (_, spans) in enumerate(cases):
            writer.rows("spans").extend((number, "", None, *span, None, True, None) for span in spans)
    mark_complete(folder)
    with Database([folder], scratch) as database:
        columns = ("process", "cell", "attempt", "rank", "last_us", "resume_at")
        fields = [(name, pa.int64()) for name in columns] + [("has_iterations", pa.bool_())]
        rows = [(cell.rank, cell.rank, 1, cell.rank, cell.alive_to, None, False) for cell in cells]
        database.fill("runs", fields, rows)
        declare_span_kinds(database)
        found, pieces = cut(database, cells, 0, 100)
    for number, (cell, (_, spans)) in enumerate(zip(cells, cases, strict=True)):
        own = {bucket: length for (index, bucket), length in found.items() if index == number}
        assert own == expected_totals(cell, spans)
        assert sum(own.values()) == cell.stop - cell.start
        assert sum(piece.ended - piece.started for piece in pieces if piece.rank == number) == cell.stop - cell.start


def run_of(recording: Callable[..., Any], rank: int, *, at: int = 0, **more: Any) -> Any:
    one = recording(rank, world_size=2, **more)
    one.session(at, process_start_msec=1_700_000_000_000 + at - 50)
    one.begin(at)
    return one


def test_spans_within_spans_count_for_the_most_specific(recording: Callable[..., Any]) -> None:
    one = run_of(recording, 0)
    one.span("model_initialization", 10, 30)
    one.start("training_loop", 40, train_iterations_start=0)
    one.start("training_single_iteration", 40)
    one.span("data_loading", 42, 45)
    one.span("model_forward", 45, 50)
    one.stop("training_single_iteration", 60)
    one.start("checkpoint_save_sync", 60, current_iteration=1)
    one.stop("checkpoint_save_sync", 75)
    one.start("validation_loop", 75)
    one.span("data_loading", 76, 80)
    one.stop("validation_loop", 90)
    one.stop("training_loop", 95)
    one.stop("application", 100)
    report = analyze([one.path])
    assert_adds_up(report)
    assert totals(report) == {
        "start_up": 60_000,  # 50 ms before the first record, 10 until the model
        "model_init": 20_000,
        "training": 17_000,
        "data_wait": 3_000,
        "checkpoint_save": 15_000,
        "validation": 15_000,
        "idle": 20_000,
    }


def restarted(recording: Callable[..., Any], *, is_recorded: bool) -> Any:
    """Two ranks, killed in iteration 7 and finished; attempt 2 goes on from the checkpoint after iteration 4."""
    for rank in (0, 1):
        one = run_of(recording, rank)
        one.start("training_loop", 0, train_iterations_start=0)
        steps(one, range(7), 0, is_recorded)
        if rank == 0:
            one.start("training_single_iteration", 70) if is_recorded else None
            one.heartbeat(79, training_loop=0)
        else:
            one.start("validation_loop", 70)
            one.heartbeat(75, validation_loop=70)
    for rank in (0, 1):
        one = run_of(recording, rank, at=200, pid=200)
        one.start("training_loop", 200, train_iterations_start=4)
        steps(one, range(4, 10), 160, is_recorded)
        one.stop("training_loop", 260)
        one.stop("application", 260)
    return one


def steps(one: Any, numbers: range, offset: int, is_recorded: bool) -> None:
    for number in numbers:
        at = offset + 10 * number
        if is_recorded:
            one.span("training_single_iteration", at, at + 10)
        else:
            one.event(
                "training_metrics_update", at + 10, on="training_loop", current_iteration=number,
                num_iterations=number + 1 - numbers.start, total_iteration_time_sec=(number + 1 - numbers.start) / 100,
                train_iterations_start=numbers.start,
            )  # fmt: skip


@pytest.mark.parametrize("is_recorded", [True, False], ids=["iterations", "windows"])
def test_iterations_done_again_are_lost(recording: Callable[..., Any], tmp_path: Path, is_recorded: bool) -> None:
    restarted(recording, is_recorded=is_recorded)
    report = analyze([tmp_path])
    assert_adds_up(report)
    first, second = report.attempts
    assert (first.first_iteration, first.last_iteration, first.lost_iterations) == (0, 6, 3)
    assert (second.first_iteration, second.last_iteration, second.lost_iterations) == (4, 9, 0)
    found = totals(report)
    # Rank 0 was in its eighth iteration, which nobody finished, for 9 ms.
    assert found["lost_iterations"] == 2 * 30_000 + 9_000
    assert found["training"] == 2 * (40_000 + 60_000)
    assert found["validation"] == 5_000
    assert found["lost_rank"] == 4_000
    assert found["attempt_gap"] == 2 * (150_000 - 79_000)
    assert found["start_up"] == 2 * 2 * 50_000
    assert report.ledger.elapsed == 310_000
    kept = report.ledger.productive_iterations_per_hour
    assert kept == pytest.approx(10 * 3600 / 0.310)


def test_rank_that_is_absent_in_an_attempt_is_lost_for_all_of_it(recording: Callable[..., Any], tmp_path: Path) -> None:
    for rank in (0, 1):
        one = run_of(recording, rank)
        one.stop("application", 100)
    one = run_of(recording, 0, at=200, pid=200)
    one.stop("application", 300)
    report = analyze([tmp_path])
    assert_adds_up(report)
    lost = next(entry for entry in report.ledger.entries if entry.bucket is Bucket.LOST_RANK)
    assert lost.by_rank == (0, 150_000)


def test_cells_in_several_portions_give_the_same(
    monkeypatch: pytest.MonkeyPatch, recording: Callable[..., Any], tmp_path: Path
) -> None:
    restarted(recording, is_recorded=True)
    at_once = analyze([tmp_path])
    monkeypatch.setattr(ledger, "_SPANS_AT_ONCE", 1)
    assert analyze([tmp_path]).ledger == at_once.ledger


def test_picture_merges_what_is_too_small_to_see(recording: Callable[..., Any]) -> None:
    one = run_of(recording, 0)
    one.start("training_loop", 0, train_iterations_start=0)
    for number in range(3000):
        one.span("training_single_iteration", 10 * number, 10 * number + 9)
    one.start("checkpoint_save_sync", 30_000)
    one.stop("checkpoint_save_sync", 40_000)
    one.stop("training_loop", 40_000)
    one.stop("application", 40_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "_TIMELINE_PIECES", 100)
        coarse = analyze([one.path])
    assert_adds_up(coarse)
    assert [piece.bucket for piece in coarse.timeline] == [Bucket.TRAINING, Bucket.CHECKPOINT_SAVE]
    assert totals(coarse)["idle"] == 3000 * 1000


def test_empty_attempt_of_one_record(recording: Callable[..., Any]) -> None:
    one = recording(0)
    one.begin(0)
    report = analyze([one.path])
    assert report.ledger.total == 0
    assert report.ledger.goodput == 0.0
    assert report.ledger.adds_up
