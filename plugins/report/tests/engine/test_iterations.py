from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, Callable

import pytest

from nv_one_logger.report import analyze
from nv_one_logger.report.model import Report


def train(one: Any, lengths: list[int], first: int = 0) -> None:
    one.begin(0)
    one.start("training_loop", 0, train_iterations_start=first)
    at = 0
    for length in lengths:
        one.span("training_single_iteration", at, at + length)
        at += length
    one.stop("training_loop", at)
    one.stop("application", at)


def window(one: Any, at: int, current: int, done: int, total_sec: float, **more: float) -> None:
    one.event(
        "training_metrics_update", at, on="training_loop", current_iteration=current, num_iterations=done,
        total_iteration_time_sec=total_sec, **more,
    )  # fmt: skip


def test_figures_are_those_of_the_lengths(recording: Callable[..., Any], tmp_path: Path) -> None:
    lengths = {0: [10, 30, 20, 500, 20, 20, 30, 20, 10, 20, 20], 1: [40] * 11}
    for rank, own in lengths.items():
        train(recording(rank, world_size=2), own, first=100)
    overall, zero, one = analyze([tmp_path]).iterations
    both = lengths[0] + lengths[1]
    assert (overall.rank, overall.count, overall.median) == (None, 22, round(statistics.median(both) * 1000))
    assert zero.mean == round(statistics.mean(lengths[0]) * 1000)
    assert zero.p90 == 30_000
    assert (zero.slowest, zero.slowest_iteration) == (500_000, 103)
    assert zero.trend == pytest.approx(
        statistics.linear_regression(range(11), lengths[0]).slope * 1000 / statistics.mean(lengths[0])
    )
    assert (one.rank, one.trend, one.is_estimated) == (1, 0.0, False)


def test_distribution_holds_every_iteration(recording: Callable[..., Any], tmp_path: Path) -> None:
    train(recording(), [10] * 150 + [20] * 149 + [900])
    report = analyze([tmp_path])
    assert sum(bin_.count for bin_ in report.distribution) == 300
    for before, after in zip(report.distribution, report.distribution[1:], strict=False):
        assert before.high == after.low
    last = report.distribution[-1]
    assert last.low <= 900_000 < last.high
    assert last.count == 1


def test_heat_map_has_a_bounded_number_of_columns(recording: Callable[..., Any], tmp_path: Path) -> None:
    train(recording(0, world_size=2), [10] * 1000)
    train(recording(1, world_size=2), [20] * 500)
    heat_map = analyze([tmp_path]).heat_map
    assert heat_map is not None
    assert len(heat_map.steps) == 334
    assert heat_map.steps[:3] == (0, 3, 6)
    assert set(heat_map.values[0]) == {10_000}
    assert heat_map.values[1][:3] == (20_000,) * 3
    assert heat_map.values[1][-1] is None


def test_windows_serve_where_single_iterations_are_not_recorded(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording()
    one.begin(0)
    one.start("training_loop", 0, train_iterations_start=0)
    window(one, 500, 49, 50, 0.5, latest_loss=2.0)
    window(one, 1500, 99, 100, 1.5, latest_loss=1.0)
    one.stop("training_loop", 1500)
    # Another loop begins its sums anew.
    one.start("training_loop", 1500, train_iterations_start=100)
    window(one, 2000, 109, 10, 0.3, latest_loss=0.5)
    one.stop("training_loop", 2000)
    one.stop("application", 2000)
    report = analyze([tmp_path])
    overall = report.iterations[0]
    assert overall.is_estimated
    assert (overall.count, overall.slowest, overall.slowest_iteration) == (110, 30_000, 109)
    assert overall.mean == round((50 * 10 + 50 * 20 + 10 * 30) / 110 * 1000)
    assert report.processes[0].last_iteration == 109
    assert [point.value for point in named(report, "latest_loss")] == [2.0, 1.0, 0.5]
    assert any("Single iterations are not recorded" in remark for remark in report.remarks)


def named(report: Report, name: str) -> list[Any]:
    return [point for point in report.series if point.name == name]


def test_throughput_counts_iterations_and_samples(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording()
    one.begin(0)
    one.event("update_training_telemetry_config", 0, global_batch_size=32, perf_tag=["tag"])
    one.start("training_loop", 0, train_iterations_start=0)
    for number in range(100):
        one.span("training_single_iteration", 20 * number, 20 * number + 20)
    one.stop("training_loop", 2000)
    one.stop("application", 2000)
    report = analyze([tmp_path])
    rates = named(report, "iterations_per_second")
    assert sum(rate.value for rate in rates) * 0.2 == pytest.approx(100, rel=0.1)
    assert [rate.value for rate in named(report, "samples_per_second")] == [32 * rate.value for rate in rates]
    assert report.session.application == "tag"


def test_iteration_that_ended_in_an_error_is_not_finished(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording()
    one.begin(0)
    one.start("training_loop", 0, train_iterations_start=0)
    one.span("training_single_iteration", 0, 10)
    one.start("training_single_iteration", 10)
    one.error("Error", 15, on="training_single_iteration", exception_type="ValueError", exception_message="no")
    one.stop("training_single_iteration", 20)
    one.stop("training_loop", 20)
    one.stop("application", 20)
    report = analyze([tmp_path])
    assert report.iterations[0].count == 1
    assert report.attempts[0].last_iteration == 0
    lost = {entry.bucket.value: entry.total for entry in report.ledger.entries}
    assert (lost["training"], lost["lost_iterations"]) == (10_000, 10_000)


def test_no_iterations_at_all(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording()
    one.begin(0)
    one.stop("application", 10)
    report = analyze([tmp_path])
    assert (report.iterations, report.distribution, report.heat_map) == ((), (), None)
    assert report.ledger.productive_iterations_per_hour is None
