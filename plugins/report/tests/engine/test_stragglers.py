from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Sequence

import pytest

from nv_one_logger.report import analyze
from nv_one_logger.report.engine import stragglers

RANKS = 4
STEPS = 20


def begun(recording: Callable[..., Any], rank: int) -> Any:
    one = recording(rank, world_size=RANKS)
    one.begin(0)
    one.start("training_loop", 0, train_iterations_start=0)
    return one


def together(recording: Callable[..., Any], own_work: Callable[[int, int], int], *, spans: Sequence[str]) -> None:
    """Steps of 100 ms that end together; the named spans tell who worked for how long."""
    for rank in range(RANKS):
        one = begun(recording, rank)
        for step in range(STEPS):
            at, own = 100 * step, own_work(rank, step)
            for name in spans:
                one.span(name, at, at + own)
            one.span("training_single_iteration", at if spans else at + own, at + 100)
        one.stop("training_loop", 100 * STEPS)


@pytest.mark.parametrize("spans", [["data_loading"], ["model_forward"], []], ids=["loading", "forward", "late start"])
def test_slow_rank_is_named_though_all_steps_take_the_same(
    recording: Callable[..., Any], tmp_path: Path, spans: list[str]
) -> None:
    together(recording, lambda rank, step: 60 if rank == 2 else 20, spans=spans)
    (found,) = analyze([tmp_path]).stragglers
    assert (found.rank, found.kind, found.host) == (2, "chronic", "node-1")
    assert (found.steps_slow, found.steps_compared) == (STEPS, STEPS)
    assert found.cost == STEPS * 3 * 40_000
    assert "slow in 20 of 20 steps" in found.evidence


def test_slow_rank_among_ranks_that_do_not_wait(recording: Callable[..., Any], tmp_path: Path) -> None:
    for rank in range(RANKS):
        one = begun(recording, rank)
        length = 30 if rank == 3 else 10
        for step in range(STEPS):
            one.span("training_single_iteration", length * step, length * step + length)
    (found,) = analyze([tmp_path]).stragglers
    assert (found.rank, found.kind, found.slowdown) == (3, "chronic", 3.0)


def test_slow_rank_by_windows(reference: Path) -> None:
    (found,) = analyze([reference]).stragglers
    assert (found.rank, found.kind) == (2, "chronic")
    assert found.slowdown == pytest.approx(12 / 4.1, rel=0.05)
    assert "windows" in found.evidence


def test_hiccup_that_the_others_waited_for_is_one_off(recording: Callable[..., Any], tmp_path: Path) -> None:
    together(recording, lambda rank, step: 90 if (rank, step) == (1, 7) else 20, spans=["data_loading"])
    (found,) = analyze([tmp_path]).stragglers
    assert (found.rank, found.kind, found.steps_slow) == (1, "one-off", 1)
    assert found.cost == 3 * 70_000
    assert "at iteration 7" in found.evidence


def test_equal_ranks_and_jitter_are_no_stragglers(recording: Callable[..., Any], tmp_path: Path) -> None:
    together(recording, lambda rank, step: 20 + (rank * 7 + step * 3) % 3, spans=["data_loading"])
    assert analyze([tmp_path]).stragglers == ()


def test_one_rank_has_no_peers(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = begun(recording, 0)
    for step in range(STEPS):
        one.span("training_single_iteration", 10 * step, 10 * step + 10)
    assert analyze([tmp_path]).stragglers == ()


def test_many_steps_are_thinned_and_costs_scaled(
    recording: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stragglers, "MOST_STEPS", 5)
    together(recording, lambda rank, step: 60 if rank == 2 else 20, spans=["data_loading"])
    (found,) = analyze([tmp_path]).stragglers
    assert found.steps_compared == 5
    assert found.cost == STEPS * 3 * 40_000
