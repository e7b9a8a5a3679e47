"""What the records say about saved checkpoints, and the work that they secure."""

from __future__ import annotations

import time
from typing import Any, Callable, List

import pytest

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.testing import FakeClock
from nv_one_logger.training_telemetry.api import callbacks
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name

StartJob = Callable[..., Any]


@pytest.fixture
def train(clock: FakeClock) -> Callable[[int], None]:
    def train(iterations: int) -> None:
        for _ in range(iterations):
            callbacks.on_training_single_iteration_start()
            clock.advance(1)
            callbacks.on_training_single_iteration_end()

    return train


Train = Callable[[int], None]


def begin(start_job: StartJob, **fields: Any) -> Any:
    job = start_job(**fields)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    return job


def calls_since_loop(job: Any) -> List[str]:
    calls: List[str] = job.calls()
    return calls[calls.index("start training_loop") + 1 :]


def test_sync_save(start_job: StartJob, train: Train, clock: FakeClock) -> None:
    job = begin(start_job)
    train(3)
    span = callbacks.on_save_checkpoint_start(global_step=3)
    clock.advance(1)
    callbacks.on_save_checkpoint_success(global_step=3)
    callbacks.on_save_checkpoint_end()
    assert calls_since_loop(job) == [
        "start checkpoint_save_sync",
        "event save_checkpoint_success",
        "event sync_checkpoint_metrics_update",
        "stop checkpoint_save_sync",
    ]
    assert span is not None
    attributes = span.attributes.to_json()
    assert (attributes["current_iteration"], attributes["save_checkpoint_attempt_count"]) == (3, 1)
    assert job.last("save_checkpoint_success")["productive_train_iterations"] == 3


def test_failed_sync_save_has_no_success_and_is_forgotten(start_job: StartJob, train: Train) -> None:
    job = begin(start_job)
    callbacks.on_save_checkpoint_start(0)
    callbacks.on_save_checkpoint_end()
    assert calls_since_loop(job) == [
        "start checkpoint_save_sync",
        "event sync_checkpoint_metrics_update",
        "stop checkpoint_save_sync",
    ]
    train(1)
    span = callbacks.on_save_checkpoint_start(1)
    assert span is not None
    assert span.attributes.to_json()["save_checkpoint_attempt_count"] == 2
    assert list(job.state.productivity_state) == [1]


def test_async_save_reports_the_work_done_when_it_began(start_job: StartJob, train: Train) -> None:
    job = begin(start_job, save_checkpoint_strategy="async")
    train(2)
    callbacks.on_save_checkpoint_start(2)
    callbacks.on_save_checkpoint_end()
    train(5)
    callbacks.on_save_checkpoint_success(2)
    assert calls_since_loop(job) == [
        "start checkpoint_save_async",
        "event sync_checkpoint_metrics_update",
        "stop checkpoint_save_async",
        "event save_checkpoint_success",
    ]
    (call,) = [call for call in job.exporter.calls if call.name == "save_checkpoint_success"]
    assert call.span is not None
    assert call.span.name == "application"
    success = job.last("save_checkpoint_success")
    assert (success["productive_train_iterations"], success["productive_train_samples"]) == (2, 16)


def test_successes_out_of_order_never_take_work_back(start_job: StartJob, train: Train) -> None:
    job = begin(start_job, save_checkpoint_strategy=CheckPointStrategy.ASYNC)
    for step in (1, 2):
        train(1)
        callbacks.on_save_checkpoint_start(step)
        callbacks.on_save_checkpoint_end()
    callbacks.on_save_checkpoint_success(2)
    callbacks.on_save_checkpoint_success(1)
    successes = job.attributes("save_checkpoint_success")
    assert [success["current_iteration"] for success in successes] == [2, 1]
    assert [success["productive_train_iterations"] for success in successes] == [2, 2]
    assert [success["save_checkpoint_success_count"] for success in successes] == [1, 2]
    assert job.state.max_reported_productive_train_iterations == 2


def test_success_reported_earlier_than_the_latest_keeps_the_latest(start_job: StartJob, clock: FakeClock) -> None:
    job = begin(start_job, save_checkpoint_strategy="async")
    for step in (1, 2):
        callbacks.on_save_checkpoint_start(step)
        callbacks.on_save_checkpoint_end()
    now = time.time()
    callbacks.on_save_checkpoint_success(2, time_msec=now * 1000)
    callbacks.on_save_checkpoint_success(1, time_msec=(now - 10) * 1000)
    assert job.last("save_checkpoint_success")["latest_successful_save_checkpoint_timestamp_sec"] == now


def test_success_after_the_end_of_the_application_is_no_error(start_job: StartJob) -> None:
    job = begin(start_job, save_checkpoint_strategy="async")
    callbacks.on_save_checkpoint_start(0)
    callbacks.on_save_checkpoint_end()
    callbacks.on_app_end()
    callbacks.on_save_checkpoint_success(0)
    assert job.attributes("save_checkpoint_success") == []
    assert job.problems() == []


def test_success_of_another_step_is_that_of_the_save_in_progress(start_job: StartJob, train: Train) -> None:
    job = begin(start_job)
    train(12)
    callbacks.on_save_checkpoint_start(13)
    callbacks.on_save_checkpoint_success(14)
    callbacks.on_save_checkpoint_end()
    success = job.last("save_checkpoint_success")
    assert (success["current_iteration"], success["productive_train_iterations"]) == (14, 12)
    assert job.state.productivity_state == {}


def test_success_of_a_step_never_begun_claims_nothing(
    start_job: StartJob, train: Train, caplog: pytest.LogCaptureFixture
) -> None:
    job = begin(start_job, save_checkpoint_strategy="async")
    train(5)
    callbacks.on_save_checkpoint_success(4)
    assert not [name for name in job.last("save_checkpoint_success") if name.startswith("productive_")]
    assert "no save of that step was started" in caplog.text


def test_saves_that_are_never_heard_of_again_do_not_pile_up(start_job: StartJob) -> None:
    job = begin(start_job, save_checkpoint_strategy="async")
    for step in range(200):
        callbacks.on_save_checkpoint_start(step)
        callbacks.on_save_checkpoint_end()
    assert len(job.state.productivity_state) == 64


def test_work_secured_starts_anew_with_a_loop_that_starts_over(start_job: StartJob, train: Train) -> None:
    job = begin(start_job)
    train(9)
    callbacks.on_save_checkpoint_start(9)
    callbacks.on_save_checkpoint_success(9)
    callbacks.on_save_checkpoint_end()
    callbacks.on_train_end()
    callbacks.on_train_start(0)
    train(2)
    callbacks.on_save_checkpoint_start(2)
    callbacks.on_save_checkpoint_success(2)
    assert job.last("save_checkpoint_success")["productive_train_iterations"] == 2


def test_times_of_all_saves_are_summed_up(start_job: StartJob, clock: FakeClock) -> None:
    job = begin(start_job)
    for seconds in (1, 3):
        callbacks.on_save_checkpoint_start(0)
        clock.advance(seconds)
        callbacks.on_save_checkpoint_end()
    metrics = job.last("sync_checkpoint_metrics_update")
    assert metrics["save_checkpoint_sync_time_total_sec"] == 4.0
    assert metrics["save_checkpoint_sync_time_min_sec"] == 1.0
    assert metrics["save_checkpoint_sync_time_max_sec"] == 3.0
    event = job.recorder.create_sync_checkpoint_metrics_event(Name.CHECKPOINT_SAVE_SYNC)
    assert event.attributes.to_json()["save_checkpoint_sync_time_total_sec"] == 4.0
    assert not job.recorder.create_sync_checkpoint_metrics_event(
        Name.CHECKPOINT_SAVE_ASYNC
    ).attributes.to_json().keys() - {"timestamp_msec"}


def test_given_start_time_is_that_of_the_span(start_job: StartJob, clock: FakeClock) -> None:
    begin(start_job)
    span = callbacks.on_save_checkpoint_start(1, start_time_msec=(time.time() - 5) * 1000)
    callbacks.on_save_checkpoint_end()
    assert span is not None
    assert span.duration_msec() == 5000


def test_events_of_a_save_carry_the_given_times(start_job: StartJob, clock: FakeClock) -> None:
    job = begin(start_job)
    now = int(time.time() * 1000)
    callbacks.on_save_checkpoint_start(1, start_time_msec=now - 30_000)
    callbacks.on_save_checkpoint_success(1, time_msec=now - 20_000)
    callbacks.on_save_checkpoint_end(finish_time_msec=now - 10_000)
    assert job.last("save_checkpoint_success")["timestamp_msec"] == now - 20_000
    assert job.last("sync_checkpoint_metrics_update")["timestamp_msec"] == now - 10_000


def test_saving_that_is_not_to_be_measured_is_a_bare_span(start_job: StartJob) -> None:
    job = begin(start_job, is_save_checkpoint_enabled_or_fn=False)
    span = callbacks.on_save_checkpoint_start(1)
    callbacks.on_save_checkpoint_success(1)
    callbacks.on_save_checkpoint_end()
    assert calls_since_loop(job) == ["start checkpoint_save_sync", "stop checkpoint_save_sync"]
    assert span is not None
    assert list(span.attributes) == ["duration_msec"]
    assert job.problems() == []


def test_size_and_directory_are_reported(start_job: StartJob) -> None:
    job = begin(start_job)
    callbacks.on_save_checkpoint_start(1)
    callbacks.on_save_checkpoint_success(1, None, 1024, "ckpt/1")
    callbacks.on_save_checkpoint_end()
    span = callbacks.on_save_checkpoint_start(2)
    assert span is not None
    span.add_attribute("checkpoint_size", 2048)
    span.add_attribute("checkpoint_directory", "ckpt/2")
    callbacks.on_save_checkpoint_success(2)
    first, second = job.attributes("save_checkpoint_success")
    assert (first["checkpoint_size"], first["checkpoint_directory"]) == (1024, "ckpt/1")
    assert (second["checkpoint_size"], second["checkpoint_directory"]) == (2048, "ckpt/2")


def test_operations_secured_are_told_as_a_count_too(start_job: StartJob, train: Train) -> None:
    job = begin_with_throughput(start_job)
    train(3)
    callbacks.on_save_checkpoint_start(3)
    callbacks.on_save_checkpoint_success(3)
    success = job.last("save_checkpoint_success")
    assert success["productive_train_tflops"] == 24.0
    assert success["productive_train_floating_point_operations"] == 24 * 10**12


def begin_with_throughput(start_job: StartJob) -> Any:
    return begin(
        start_job,
        flops_per_sample_or_fn=10**12,
        is_log_throughput_enabled_or_fn=True,
        train_iterations_target_or_fn=3,
        train_samples_target_or_fn=24,
    )


def test_success_without_a_save_is_misuse(start_job: StartJob) -> None:
    begin(start_job)
    with pytest.raises(OneLoggerError, match="one and only one span named checkpoint_save_sync but found 0"):
        callbacks.on_save_checkpoint_success(1)


def test_success_without_a_save_is_on_the_application_in_quiet_mode(start_job: StartJob) -> None:
    job = begin(start_job, quiet=True)
    callbacks.on_save_checkpoint_success(1)
    (call,) = [call for call in job.exporter.calls if call.name == "save_checkpoint_success"]
    assert call.span is not None
    assert call.span.name == "application"


def test_success_without_an_application_is_dropped_in_quiet_mode(start_job: StartJob) -> None:
    job = start_job(quiet=True)
    callbacks.on_save_checkpoint_success(1)
    assert job.attributes("save_checkpoint_success") == []
    assert len(job.problems()) == 1


def test_second_save_before_the_end_of_the_first(start_job: StartJob) -> None:
    job = begin(start_job)
    callbacks.on_save_checkpoint_start(1)
    with pytest.raises(OneLoggerError, match="already active"):
        callbacks.on_save_checkpoint_start(2)
    assert list(job.state.productivity_state) == [1]
    callbacks.on_save_checkpoint_end()


def test_end_of_a_save_that_is_not_measured_any_more_stops_its_span(start_job: StartJob) -> None:
    job = begin(start_job)
    span = callbacks.on_save_checkpoint_start(1)
    job.provider.config.telemetry_config.is_save_checkpoint_enabled_or_fn = False
    callbacks.on_save_checkpoint_end()
    assert span is not None
    assert not span.active
    assert not job.state.multi_iteration_timers[Name.CHECKPOINT_SAVE_SYNC].is_active
