from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from nv_one_logger.report import analyze


def test_saves_are_successful_when_an_event_says_so(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording()
    one.begin(0)
    for number, is_saved in ((10, True), (20, False)):
        one.start("checkpoint_save_sync", number, current_iteration=number)
        if is_saved:
            one.event("save_checkpoint_success", number + 1, on="checkpoint_save_sync", current_iteration=number)
        one.stop("checkpoint_save_sync", number + 5, current_iteration=number)
    # An asynchronous save ends first, and succeeds later.
    one.span("checkpoint_save_async", 30, 31, current_iteration=30)
    one.event("save_checkpoint_success", 50, current_iteration=30)
    one.span("checkpoint_load", 60, 70)
    one.start("checkpoint_save_sync", 80, current_iteration=40)
    found = analyze([tmp_path]).checkpoints
    assert [(one.kind, one.iteration, one.length, one.is_successful) for one in found] == [
        ("save", 10, 5_000, True),
        ("save", 20, 5_000, False),
        ("save", 30, 1_000, True),
        ("load", None, 10_000, True),
        ("save", 40, None, False),
    ]


def test_errors_that_differ_in_numbers_only_are_one_group(recording: Callable[..., Any], tmp_path: Path) -> None:
    for rank in range(3):
        one = recording(rank, world_size=3)
        one.begin(0)
        for number in range(2):
            one.error(f"shard {number} of rank {rank} at 0xab{rank} is gone", 10 * rank + number)
            one.span("work", 1, 2)
        if rank == 1:
            one.write({"type": "telemetry_data_error", "error": {"name": "telemetry_data_error", "attributes": {
                "error_message": "stopped twice", "telemetry_data_error_type": "incomplete_telemetry_data",
                "timestamp_msec": 1_700_000_000_005}}})  # fmt: skip
    first, second = analyze([tmp_path]).errors
    assert (first.type, first.count, first.ranks) == ("application_error", 6, (0, 1, 2))
    assert first.message == "shard 0 of rank 0 at 0xab0 is gone"
    assert first.last - first.first == 21_000
    assert (second.type, second.count, second.ranks) == ("incomplete_telemetry_data", 1, (1,))


def test_numbers_of_events_are_series_of_the_lowest_rank_that_logs_them(
    recording: Callable[..., Any], tmp_path: Path
) -> None:
    for rank in (1, 2):
        one = recording(rank, world_size=3)
        one.begin(0)
        for number in range(1200):
            one.event("gpu", number, temperature=rank + number, model="a100", broken=float("nan"), step=number)
    found = analyze([tmp_path]).series
    assert {point.name for point in found} == {"gpu.temperature"}
    assert len(found) == 400
    assert [(point.iteration, point.value) for point in found[:2]] == [(0, 1.0), (3, 4.0)]


def test_statistics_of_a_logged_metric_are_told_by_their_mean(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording()
    one.begin(0)
    one.event("training_metrics_update", 10, metric_loss_mean=2.0, metric_loss_max=3.0, job_num_iterations=5)
    one.event("validation_metrics_update", 20, metric_accuracy_mean=0.5)
    assert [(point.name, point.value) for point in analyze([tmp_path]).series] == [
        ("loss", 2.0),
        ("validation_accuracy", 0.5),
    ]
