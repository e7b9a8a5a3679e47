"""What the metrics events say: since the loop began, over the interval, and over the job."""

from __future__ import annotations

import itertools
import math
import time
from typing import Any, Callable, Dict, List

import pytest

from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.testing import FakeClock
from nv_one_logger.training_telemetry.api import callbacks
from nv_one_logger.training_telemetry.api.attributes import TrainingMetricsUpdateAttributes
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name

StartJob = Callable[..., Any]

THROUGHPUT: Dict[str, Any] = {
    "flops_per_sample_or_fn": 10**12,
    "is_log_throughput_enabled_or_fn": True,
    "train_iterations_target_or_fn": 1000,
    "train_samples_target_or_fn": 8000,
}


@pytest.fixture
def iterate(clock: FakeClock) -> Callable[..., None]:
    def iterate(*seconds: float, wait: float = 0.0, metrics: Any = None) -> None:
        for duration in seconds:
            callbacks.on_training_single_iteration_start()
            clock.advance(duration)
            callbacks.on_training_single_iteration_end(metrics=metrics)
            clock.advance(wait)

    return iterate


Iterate = Callable[..., None]


# --- when an event is due --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "every", "count", "reported"),
    [
        (0, 4, 10, [3, 7, 9]),
        (10, 8, 8, [15, 17]),  # the first event of a resumed job covers fewer iterations
        (5, 2, 5, [5, 7, 9]),
        (0, 1, 3, [0, 1, 2]),  # iteration 0 as well
        (0, 50, 3, [2]),  # a job shorter than the interval reports all the same
        (0, 5, 5, [4]),  # nothing is left to report
    ],
)
def test_events_come_every_n_iterations_and_at_the_end(
    start_job: StartJob, iterate: Iterate, start: int, every: int, count: int, reported: List[int]
) -> None:
    job = start_job(log_every_n_train_iterations=every)
    callbacks.on_app_start()
    callbacks.on_train_start(start)
    iterate(*[1.0] * count)
    callbacks.on_train_end()
    events = job.attributes("training_metrics_update")
    assert [event["current_iteration"] for event in events] == reported
    assert all(event["interval"] == every for event in events)
    covered = [event["interval_num_iterations"] for event in events]
    assert sum(covered) == count
    assert [event["num_iterations"] for event in events] == [sum(covered[: i + 1]) for i in range(len(covered))]


@pytest.mark.parametrize("end", ["on_train_end", "on_app_end", "recorder", "close"])
def test_the_last_partial_interval_is_reported_however_the_loop_ends(
    start_job: StartJob, iterate: Iterate, end: str
) -> None:
    job = start_job()
    callbacks.on_app_start()
    loop = callbacks.on_train_start(0)
    iterate(1.0, 2.0)
    if end == "recorder":
        job.recorder.stop(loop)
    elif end == "close":
        job.recorder.close()
    else:
        getattr(callbacks, end)()
    calls = job.calls()
    assert calls[calls.index("stop training_loop") - 1] == "event training_metrics_update"
    assert job.last("training_metrics_update")["interval_total_iteration_time_sec"] == 3.0


def test_a_loop_without_iterations_reports_nothing(start_job: StartJob) -> None:
    job = start_job()
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    callbacks.on_train_end()
    assert job.attributes("training_metrics_update") == []


def test_events_carry_the_time_that_they_describe(start_job: StartJob, clock: FakeClock) -> None:
    job = start_job(log_every_n_train_iterations=1)
    callbacks.on_app_start()
    callbacks.on_train_start(0, start_time_msec=(time.time() - 100) * 1000)
    callbacks.on_training_single_iteration_start(start_time_msec=(time.time() - 90) * 1000)
    end = (time.time() - 80) * 1000
    callbacks.on_training_single_iteration_end(finish_time_msec=end)
    callbacks.on_validation_start(start_time_msec=(time.time() - 70) * 1000)
    callbacks.on_validation_end(finish_time_msec=(time.time() - 60) * 1000)
    callbacks.on_testing_start(start_time_msec=(time.time() - 50) * 1000)
    callbacks.on_testing_end(finish_time_msec=(time.time() - 40) * 1000)
    now = int(time.time() * 1000)
    assert job.last("training_metrics_update")["timestamp_msec"] == now - 80_000
    assert job.last("validation_metrics_update")["timestamp_msec"] == now - 60_000
    assert job.last("testing_metrics_update")["timestamp_msec"] == now - 40_000


# --- per loop, per interval, per job ---------------------------------------------------------------------------------


def test_intervals_show_what_cumulative_values_hide(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(log_every_n_train_iterations=2, seq_length_or_fn=16)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(8.0, 1.0, 1.0, 3.0, wait=0.5)
    first, second = job.attributes("training_metrics_update")
    assert (second["avg_iteration_time_sec"], second["max_iteration_time_sec"]) == (3.25, 8.0)
    assert (second["min_iteration_time_sec"], second["total_iteration_time_sec"]) == (1.0, 13.0)
    assert second["interval_avg_iteration_time_sec"] == 2.0
    assert (second["interval_min_iteration_time_sec"], second["interval_max_iteration_time_sec"]) == (1.0, 3.0)
    assert (second["interval_total_iteration_time_sec"], second["interval_elapsed_time_sec"]) == (4.0, 5.0)
    assert (second["num_train_samples"], second["interval_num_train_samples"]) == (32, 16)
    assert (second["train_tokens"], second["interval_train_tokens"]) == (512, 256)
    assert (second["avg_tokens_per_second"], second["interval_tokens_per_second"]) == (512 / 13, 64.0)
    assert second["avg_batch_size"] == 8
    assert first["interval_elapsed_time_sec"] == 9.5
    finish = "logged_train_iterations_finish_timestamp_sec"
    assert second[f"first_{finish}"] == first[f"first_{finish}"] == 1_750_000_008.0
    assert second[f"last_{finish}"] == 1_750_000_014.5


def test_throughput_of_the_reference_and_of_single_iterations(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(log_every_n_train_iterations=4, world_size=2, **THROUGHPUT)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(8.0, 1.0, 1.0, 2.0)
    metrics = job.last("training_metrics_update")
    # 8 samples of 10^12 operations, over 2 ranks: 4 divided by the seconds.
    averages = [8 * n / (s * 2) for n, s in ((1, 8.0), (2, 9.0), (3, 10.0), (4, 12.0))]
    assert metrics["train_throughput_per_gpu"] == pytest.approx(averages[-1])
    assert metrics["train_throughput_per_gpu_max"] == pytest.approx(max(averages))
    assert metrics["train_throughput_per_gpu_min"] == pytest.approx(min(averages))
    assert (metrics["iteration_throughput_per_gpu_max"], metrics["iteration_throughput_per_gpu_min"]) == (4.0, 0.5)
    assert metrics["interval_throughput_per_gpu"] == pytest.approx(averages[-1])
    assert metrics["total_flops"] == metrics["completed_floating_point_operations_overall"] == 32 * 10**12
    assert metrics["avg_tflops"] == pytest.approx(32 / 12)
    iterate(4.0)
    callbacks.on_train_end()
    metrics = job.last("training_metrics_update")
    assert metrics["interval_throughput_per_gpu"] == 1.0
    assert metrics["interval_iteration_throughput_per_gpu_max"] == 1.0
    assert metrics["iteration_throughput_per_gpu_max"] == 4.0


def test_a_resumed_job_starts_from_the_operations_before_it(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(log_every_n_train_iterations=1, **THROUGHPUT)
    callbacks.on_app_start()
    span = callbacks.on_train_start(10)
    assert span is not None
    assert span.attributes.to_json()["completed_floating_point_operations_overall"] == 80 * 10**12
    iterate(1.0)
    metrics = job.last("training_metrics_update")
    assert metrics["completed_floating_point_operations_overall"] == 88 * 10**12
    assert metrics["total_flops"] == 8 * 10**12


def test_a_second_loop_counts_from_its_own_start(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(log_every_n_train_iterations=5, **THROUGHPUT)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(*[2.0] * 5)
    callbacks.on_train_end()
    callbacks.on_train_start(5)
    iterate(*[2.0] * 5)
    first, second = job.attributes("training_metrics_update")
    assert (first["train_samples_start"], first["num_train_samples"]) == (0, 40)
    assert (second["train_samples_start"], second["num_train_samples"]) == (40, 40)
    assert (second["train_iterations_start"], second["num_iterations"], second["current_iteration"]) == (5, 5, 9)
    assert second["train_throughput_per_gpu"] == first["train_throughput_per_gpu"] == 4.0
    assert second["train_throughput_per_gpu_min"] == 4.0
    assert (second["job_num_iterations"], second["job_num_train_samples"]) == (10, 80)
    assert second["job_total_iteration_time_sec"] == 20.0
    callbacks.on_save_checkpoint_start(10)
    callbacks.on_save_checkpoint_success(10)
    success = job.last("save_checkpoint_success")
    assert (success["productive_train_iterations"], success["productive_train_samples"]) == (10, 80)
    assert success["productive_train_iterations_sec"] == 20.0


def test_sizes_may_change_between_iterations(start_job: StartJob, iterate: Iterate) -> None:
    batch = iter([8, 8, 8, 16, 32])  # construction, configuration event and loop start ask, too
    lengths = iter([4, 4, 4, 8])
    job = start_job(
        log_every_n_train_iterations=2,
        global_batch_size_or_fn=lambda: next(batch),
        seq_length_or_fn=lambda: next(lengths),
    )
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(1.0, 1.0)
    metrics = job.last("training_metrics_update")
    assert metrics["num_train_samples"] == 16 + 32
    assert metrics["train_tokens"] == 16 * 4 + 32 * 8


def test_what_is_not_known_is_left_out(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(global_batch_size_or_fn=None, seq_length_or_fn=16, log_every_n_train_iterations=1)
    callbacks.on_app_start()
    span = callbacks.on_train_start(0)
    assert span is not None
    assert "train_samples_start" not in span.attributes
    iterate(1.0)
    metrics = job.last("training_metrics_update")
    unknown = ("sample", "token", "flops", "throughput", "batch", "loss", "floating")
    assert [name for name in metrics if any(word in name for word in unknown)] == []
    assert "perf_tag" in job.last("update_training_telemetry_config")
    assert "global_batch_size" not in job.last("update_training_telemetry_config")


def test_time_in_the_parts_of_a_step_is_reported(start_job: StartJob, clock: FakeClock) -> None:
    job = start_job(log_every_n_train_iterations=2)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    for _ in range(2):
        with timed_span(Name.DATA_LOADING):
            clock.advance(0.25)
        callbacks.on_training_single_iteration_start()
        with timed_span(Name.MODEL_FORWARD):
            clock.advance(1.0)
        with timed_span(Name.MODEL_BACKWARD):
            clock.advance(2.0)
        callbacks.on_training_single_iteration_end()
    callbacks.on_validation_start()
    with timed_span(Name.MODEL_FORWARD):
        clock.advance(100.0)  # not a training step
    callbacks.on_validation_end()
    metrics = job.last("training_metrics_update")
    for prefix in ("", "interval_"):
        assert metrics[f"{prefix}avg_dataloader_time_sec"] == 0.25
        assert metrics[f"{prefix}avg_forward_time_sec"] == 1.0
        assert metrics[f"{prefix}avg_backward_time_sec"] == 2.0
    callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_end()
    callbacks.on_train_end()
    assert "interval_avg_forward_time_sec" not in job.last("training_metrics_update")


def test_training_loop_start_says_where_it_begins_and_what_it_aims_at(start_job: StartJob) -> None:
    start_job(seq_length_or_fn=16, train_samples_target_or_fn=800)
    span = callbacks.on_train_start(5, train_iterations_target_or_fn=lambda: 100)
    assert span is not None
    assert span.attributes.to_json() == {
        "train_iterations_start": 5,
        "train_samples_start": 40,
        "train_tokens_target": 12_800,
        "train_iterations_target": 100,
        "train_samples_target": 800,
    }


@pytest.mark.parametrize("missing", ["train_iterations_target", "train_samples_target"])
def test_throughput_needs_targets(start_job: StartJob, missing: str) -> None:
    start_job(**{**THROUGHPUT, f"{missing}_or_fn": None})
    with pytest.raises(OneLoggerError, match=f"{missing} is required and must be a positive integer"):
        callbacks.on_train_start(0)
    assert callbacks.on_train_start(0, None, 10, 80) is not None


# --- switches --------------------------------------------------------------------------------------------------------


def test_training_iterations_that_are_not_to_be_measured(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(is_train_iterations_enabled_or_fn=False, all_spans=True, log_every_n_train_iterations=1)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    assert callbacks.on_training_single_iteration_start() is None
    callbacks.on_training_single_iteration_end()
    iterate(1.0)
    callbacks.on_train_end()
    assert job.exporter.spans(Name.TRAINING_SINGLE_ITERATION) == []
    assert job.attributes("training_metrics_update") == []
    assert job.state.completed_training_iterations_overall == 2


@pytest.mark.parametrize("kind", ["validation", "testing"])
def test_iterations_of_evaluation_that_are_not_to_be_measured(start_job: StartJob, kind: str) -> None:
    flag = {"validation": "is_validation_iterations_enabled_or_fn", "testing": "is_test_iterations_enabled_or_fn"}[kind]
    job = start_job(all_spans=True, **{flag: lambda: False})
    callbacks.on_app_start()
    getattr(callbacks, f"on_{kind}_start")()
    assert getattr(callbacks, f"on_{kind}_single_iteration_start")() is None
    getattr(callbacks, f"on_{kind}_single_iteration_end")()
    getattr(callbacks, f"on_{kind}_end")()
    assert set(job.last(f"{kind}_metrics_update")) == {"current_iteration", "interval", "timestamp_msec"}
    assert job.problems() == []


@pytest.mark.parametrize("kind", ["validation", "testing"])
def test_iteration_without_a_span_that_is_left_open_ends_with_its_loop(start_job: StartJob, kind: str) -> None:
    flag = {"validation": "is_validation_iterations_enabled_or_fn", "testing": "is_test_iterations_enabled_or_fn"}[kind]
    job = start_job(**{flag: False})
    callbacks.on_app_start()
    for _ in range(2):
        getattr(callbacks, f"on_{kind}_start")()
        getattr(callbacks, f"on_{kind}_single_iteration_start")()
        getattr(callbacks, f"on_{kind}_end")()
    assert job.problems() == []


def test_iterations_without_spans_are_still_checked(start_job: StartJob) -> None:
    job = start_job(quiet=True, is_train_iterations_enabled_or_fn=False)
    callbacks.on_train_start(0)
    for _ in range(2):
        callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_end()
    assert len(job.problems()) == 1
    assert job.state.completed_training_iterations_overall == 1


# --- validation and testing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["validation", "testing"])
def test_evaluation_is_reported_of_this_loop_and_of_the_job(
    start_job: StartJob, clock: FakeClock, iterate: Iterate, kind: str
) -> None:
    job = start_job()
    callbacks.on_app_start()
    callbacks.on_train_start(10)
    for seconds in (2.0, 4.0):
        iterate(1.0, 1.0, 1.0)
        getattr(callbacks, f"on_{kind}_start")()
        for _ in range(2):
            getattr(callbacks, f"on_{kind}_single_iteration_start")()
            clock.advance(seconds)
            getattr(callbacks, f"on_{kind}_single_iteration_end")()
        getattr(callbacks, f"on_{kind}_end")()
    metrics = job.last(f"{kind}_metrics_update")
    assert (metrics["current_iteration"], metrics["interval"]) == (15, 3)
    assert metrics["interval_num_iterations"] == 2
    assert metrics["interval_avg_iteration_time_sec"] == metrics["interval_min_iteration_time_sec"] == 4.0
    assert (metrics["interval_max_iteration_time_sec"], metrics["interval_total_iteration_time_sec"]) == (4.0, 8.0)
    if kind == "validation":
        assert (metrics["avg_iteration_time_sec"], metrics["total_iteration_time_sec"]) == (3.0, 12.0)
        assert (metrics["min_iteration_time_sec"], metrics["max_iteration_time_sec"]) == (2.0, 4.0)


@pytest.mark.parametrize("kind", ["validation", "testing"])
def test_evaluation_without_iterations_has_no_times(start_job: StartJob, kind: str) -> None:
    job = start_job()
    callbacks.on_app_start()
    getattr(callbacks, f"on_{kind}_start")()
    getattr(callbacks, f"on_{kind}_end")()
    assert job.last(f"{kind}_metrics_update") == {
        "current_iteration": 0,
        "interval": 0,
        "timestamp_msec": job.last(f"{kind}_metrics_update")["timestamp_msec"],
    }


@pytest.mark.parametrize("kind", ["validation", "testing"])
def test_iteration_left_open_ends_with_its_loop(start_job: StartJob, clock: FakeClock, kind: str) -> None:
    job = start_job(all_spans=True)
    callbacks.on_app_start()
    getattr(callbacks, f"on_{kind}_start")()
    span = getattr(callbacks, f"on_{kind}_single_iteration_start")()
    clock.advance(1.0)
    getattr(callbacks, f"on_{kind}_end")()
    assert not span.active
    assert all(math.isfinite(value) for value in job.last(f"{kind}_metrics_update").values())
    assert len(job.errors()) == 1


class Number:
    """An integer of numpy."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __gt__(self, other: int) -> bool:
        return self.value > other

    def __int__(self) -> int:
        return self.value

    def __float__(self) -> float:
        return float(self.value)


@pytest.mark.parametrize("number", [float, Number])
def test_sizes_may_be_numbers_of_other_types(start_job: StartJob, iterate: Iterate, number: Callable[..., Any]) -> None:
    job = start_job(
        **{**THROUGHPUT, "flops_per_sample_or_fn": lambda: number(10**12)},
        global_batch_size_or_fn=lambda: number(8),
        log_every_n_train_iterations=1,
    )
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(1.0)
    metrics = job.last("training_metrics_update")
    assert metrics["num_train_samples"] == 8
    assert metrics["total_flops"] == 8 * 10**12
    assert metrics["train_throughput_per_gpu"] == pytest.approx(8.0)


@pytest.mark.parametrize("size", ["8", math.nan, None, object()])
def test_what_is_no_size_is_refused_at_construction(size: Any) -> None:
    with pytest.raises(OneLoggerError, match="global_batch_size must be set to a positive value"):
        TrainingTelemetryConfig(global_batch_size_or_fn=lambda: size)


# --- callables of the configuration that raise -----------------------------------------------------------------------


def raising_after(calls: int, value: Any) -> Callable[[], Any]:
    """Return a callable that raises at one call in three, after so many."""
    numbers = itertools.count(1)

    def callable_of_the_user() -> Any:
        number = next(numbers)
        if number > calls and number % 3 == 0:
            raise LookupError("no such file")
        return value

    return callable_of_the_user


def always_raising() -> Any:
    raise LookupError("no such file")


def test_batch_size_that_cannot_be_told_does_not_end_telemetry_in_quiet_mode(
    start_job: StartJob, iterate: Iterate
) -> None:
    size = raising_after(6, 8)
    job = start_job(quiet=True, all_spans=True, global_batch_size_or_fn=size, log_every_n_train_iterations=6)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(*[1.0] * 12)
    callbacks.on_app_end()
    assert len(job.exporter.spans(Name.TRAINING_SINGLE_ITERATION)) == 12
    assert job.last("training_metrics_update")["num_iterations"] == 12
    assert any("global_batch_size_or_fn raised LookupError: no such file" in one for one in job.problems())


@pytest.mark.parametrize(
    "field",
    ["perf_tag_or_fn", "seq_length_or_fn", "train_iterations_target_or_fn", "is_validation_iterations_enabled_or_fn"],
)
def test_setting_that_cannot_be_told_is_left_out_in_quiet_mode(
    start_job: StartJob, iterate: Iterate, field: str
) -> None:
    job = start_job(quiet=True, **{field: always_raising})
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(1.0)
    callbacks.on_app_end()
    assert job.last("training_metrics_update")["num_iterations"] == 1
    assert not job.last("update_training_telemetry_config").get(field[: -len("_or_fn")])


def test_error_of_a_batch_size_propagates_and_the_next_iteration_works(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(all_spans=True, global_batch_size_or_fn=raising_after(6, 8))
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    raised = 0
    for _ in range(12):
        try:
            iterate(1.0)
        except LookupError:
            raised += 1
    assert raised > 0
    callbacks.on_app_end()
    assert len(job.exporter.spans(Name.TRAINING_SINGLE_ITERATION)) == 12
    assert not job.exporter.errors


# --- scalars of the user's own ---------------------------------------------------------------------------------------


class Tensor:
    """What a scalar on a device looks like: reading it waits for the device."""

    reads = 0

    def __init__(self, values: List[float], is_detached: bool = False) -> None:
        self.values = values
        self.is_detached = is_detached

    def detach(self) -> Tensor:
        return Tensor(self.values, is_detached=True)

    def clone(self) -> Tensor:
        assert self.is_detached, "a copy with its graph keeps the graph alive"
        return Tensor(list(self.values), is_detached=True)

    def __float__(self) -> float:
        Tensor.reads += 1
        if len(self.values) != 1:
            raise ValueError("only one element tensors can be converted")
        return self.values[0]


def test_scalars_are_aggregated_over_the_interval(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(log_every_n_train_iterations=2)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(1.0, metrics={"loss": 4.0, "lr": 1})
    iterate(1.0, metrics={"loss": 2.0, "grad_norm": None})
    metrics = job.last("training_metrics_update")
    assert {name: value for name, value in metrics.items() if name.startswith("metric_")} == {
        "metric_loss_last": 2.0,
        "metric_loss_mean": 3.0,
        "metric_loss_min": 2.0,
        "metric_loss_max": 4.0,
        "metric_loss_count": 2,
        "metric_lr_last": 1,
        "metric_lr_mean": 1.0,
        "metric_lr_min": 1,
        "metric_lr_max": 1,
        "metric_lr_count": 1,
    }
    assert metrics["latest_loss"] == 2.0
    iterate(1.0, 1.0)
    assert "latest_loss" not in job.last("training_metrics_update")


class Array:
    """A numpy array of shape (1,)."""

    def copy(self) -> Array:
        return self

    def __float__(self) -> float:
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")

    def item(self) -> float:
        return 3.0


def test_array_of_one_element_is_a_scalar(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(log_every_n_train_iterations=1)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(1.0, metrics={"loss": Array()})
    assert job.last("training_metrics_update")["metric_loss_last"] == 3.0


def test_scalars_can_be_logged_within_an_iteration(start_job: StartJob) -> None:
    job = start_job(log_every_n_train_iterations=1)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    callbacks.on_training_single_iteration_start()
    callbacks.log_metrics({"train_loss": 1.5})
    callbacks.log_metrics({"accuracy": 0.5})
    callbacks.on_training_single_iteration_end()
    metrics = job.last("training_metrics_update")
    assert (metrics["latest_loss"], metrics["metric_accuracy_last"]) == (1.5, 0.5)
    event = job.exporter.events("training_metrics_update")[-1]
    assert isinstance(event.attributes, TrainingMetricsUpdateAttributes)
    assert event.attributes.metric("accuracy", "mean") == 0.5


def test_tensors_are_read_once_per_interval_and_not_in_between(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(log_every_n_train_iterations=4)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    loss = Tensor([1.0])
    Tensor.reads = 0
    for _ in range(3):
        iterate(1.0, metrics={"loss": loss})
        loss.values[0] += 1.0  # in place, as optimizers and running sums do
    iterate(1.0, metrics={"loss": 10.0})
    assert Tensor.reads == 3
    metrics = job.last("training_metrics_update")
    assert (metrics["metric_loss_min"], metrics["metric_loss_max"], metrics["latest_loss"]) == (1.0, 10.0, 10.0)


def test_mutable_arrays_are_copied(start_job: StartJob, iterate: Iterate) -> None:
    class Array:
        def __init__(self, value: float) -> None:
            self.value = value

        def copy(self) -> Array:
            return Array(self.value)

        def __float__(self) -> float:
            return self.value

    job = start_job(log_every_n_train_iterations=2)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    running = Array(1.0)
    iterate(1.0, metrics={"x": running})
    running.value = 5.0
    iterate(1.0, metrics={"x": running})
    assert job.last("training_metrics_update")["metric_x_min"] == 1.0


def test_array_that_cannot_be_copied_is_taken_as_it_is(start_job: StartJob, iterate: Iterate) -> None:
    class Fixed:
        def copy(self) -> None:
            raise RuntimeError("no copies")

        def __float__(self) -> float:
            return 2.0

    job = start_job(log_every_n_train_iterations=1)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(1.0, metrics={"x": Fixed()})
    assert job.last("training_metrics_update")["metric_x_last"] == 2.0


def test_metric_of_which_nothing_was_usable_is_left_out(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(log_every_n_train_iterations=1)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(1.0, metrics={"x": Tensor([1.0, 2.0])})
    assert not [name for name in job.last("training_metrics_update") if name.startswith("metric_")]


def test_unreadable_tensors_are_left_out_and_counted(
    start_job: StartJob, iterate: Iterate, caplog: pytest.LogCaptureFixture
) -> None:
    job = start_job(log_every_n_train_iterations=2)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    iterate(1.0, metrics={"loss": Tensor([1.0, 2.0])})
    iterate(1.0, metrics={"loss": 3.0})
    metrics = job.last("training_metrics_update")
    assert (metrics["metric_loss_count"], metrics["latest_loss"]) == (1, 3.0)
    assert "left out: 1." in caplog.text


def test_non_finite_values_are_told_and_do_not_spoil_the_mean(start_job: StartJob, iterate: Iterate) -> None:
    job = start_job(log_every_n_train_iterations=3)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    for loss in (1.0, 3.0, math.nan):
        iterate(1.0, metrics={"loss": loss})
    metrics = job.last("training_metrics_update")
    assert math.isnan(metrics["metric_loss_last"])
    assert math.isnan(metrics["latest_loss"])
    assert (metrics["metric_loss_mean"], metrics["metric_loss_count"]) == (2.0, 3)
    assert metrics["metric_loss_nonfinite_count"] == 1


@pytest.mark.parametrize("metrics", [{"loss": "low"}, {"loss": [1.0]}, "loss", 1.0])
def test_what_is_no_number_is_misuse(start_job: StartJob, metrics: Any) -> None:
    job = start_job()
    callbacks.on_train_start(0)
    callbacks.on_training_single_iteration_start()
    with pytest.raises(OneLoggerError, match="metrics"):
        callbacks.on_training_single_iteration_end(metrics=metrics)
    callbacks.on_training_single_iteration_end(metrics={"loss": 1.0})
    assert job.state.completed_training_iterations_overall == 1


def test_number_of_metrics_and_of_waiting_values_is_bounded(
    start_job: StartJob, caplog: pytest.LogCaptureFixture
) -> None:
    job = start_job()
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    Tensor.reads = 0
    for number in range(1500):
        callbacks.log_metrics({f"name{number}": 1.0})
        callbacks.log_metrics({"name0": Tensor([2.0])})
    assert Tensor.reads == 1000
    callbacks.on_train_end()
    metrics = job.last("training_metrics_update")
    assert len([name for name in metrics if name.endswith("_last")]) == 500
    assert (metrics["metric_name0_count"], metrics["metric_name0_last"]) == (1501, 2.0)
    assert "left out: 1000." in caplog.text
