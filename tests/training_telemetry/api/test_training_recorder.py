from __future__ import annotations

import os
import threading
import time
from typing import Any, Callable, List

import pytest

from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.metric_summarizer import MetricSummarizer
from nv_one_logger.core.internal.multi_window_timer import MultiWindowTimer
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import StandardSpanName
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.testing import FakeClock
from nv_one_logger.training_telemetry.api import callbacks
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name
from nv_one_logger.training_telemetry.api.training_recorder import (
    TrainingRecorder,
    _ProductivityState,
    _TrainingState,
)

StartJob = Callable[..., Any]

TIMED = [
    Name.TRAINING_SINGLE_ITERATION,
    Name.VALIDATION_SINGLE_ITERATION,
    Name.CHECKPOINT_SAVE_SYNC,
    Name.CHECKPOINT_SAVE_ASYNC,
    Name.CHECKPOINT_LOAD,
]


# --- state -----------------------------------------------------------------------------------------------------------


def test_state_begins_as_in_the_reference(start_job: StartJob) -> None:
    expected = _TrainingState(
        multi_iteration_timers={name: MultiWindowTimer() for name in TIMED},
        train_iterations_start=0,
        train_samples_start=0,
        completed_training_iterations_overall=0,
        train_samples_processed_current_job=0,
        total_flops_current_job=0,
        train_tokens_current_job=None,
        completed_floating_point_operations_overall=None,
        training_loop_start_time=None,
        first_logged_train_iterations_finish_time=None,
        last_logged_train_iterations_finish_time=None,
        first_save_checkpoint_success_time=None,
        latest_save_checkpoint_success_time=None,
        validation_interval_start=0,
        testing_interval_start=0,
        tflops_per_gpu=MetricSummarizer[float](),
        successful_save_checkpoint_count_current_job=0,
        productivity_state={},
        max_reported_productive_train_iterations=-1,
    )
    assert start_job().state == expected == _TrainingState()


def test_state_compares_after_a_few_iterations(start_job: StartJob, clock: FakeClock) -> None:
    job = start_job(seq_length_or_fn=16)
    callbacks.on_app_start()
    callbacks.on_train_start(10)
    start = TracingTimestamp.now()
    timer = MultiWindowTimer()
    for _ in range(3):
        timer.start()
        callbacks.on_training_single_iteration_start()
        clock.advance(2)
        callbacks.on_training_single_iteration_end()
        timer.stop()
    callbacks.on_save_checkpoint_start(13)
    save = MultiWindowTimer()
    save.start()
    expected = _TrainingState(
        train_iterations_start=10,
        train_samples_start=80,
        completed_training_iterations_overall=13,
        train_samples_processed_current_job=24,
        train_tokens_current_job=24 * 16,
        training_loop_start_time=start,
        first_logged_train_iterations_finish_time=TracingTimestamp(1_750_000_002.0, 1002.0),
        last_logged_train_iterations_finish_time=TracingTimestamp(1_750_000_006.0, 1006.0),
        validation_interval_start=10,
        testing_interval_start=10,
        productivity_state={
            13: _ProductivityState(
                productive_train_iterations=13,
                productive_train_samples=104,
                productive_train_iterations_sec=6.0,
                productive_validation_iterations_sec=0.0,
            )
        },
    )
    expected.multi_iteration_timers[Name.TRAINING_SINGLE_ITERATION] = timer
    expected.multi_iteration_timers[Name.CHECKPOINT_SAVE_SYNC] = save
    assert job.state == expected


# --- application -----------------------------------------------------------------------------------------------------


def test_application_says_who_runs(start_job: StartJob, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {"SLURM_PROCID": "5", "SLURM_LOCALID": "1"}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("socket.gethostname", lambda: "node-7")
    job = start_job(world_size=16, base={"custom_metadata": {"git": "abc"}, "is_baseline_run_or_fn": True})
    callbacks.on_app_start()
    assert job.calls() == [
        "start application",
        "event one_logger_initialization",
        "event update_training_telemetry_config",
    ]
    attributes = job.last("one_logger_initialization")
    attributes.pop("timestamp_msec")
    assert attributes.pop("one_logger_training_telemetry_version").startswith("2.")
    assert attributes == {
        "world_size": 16,
        "enable_for_current_rank": True,
        "session_tag": "run1",
        "is_baseline_run": True,
        "summary_data_schema_version": "1.0.0",
        "node_name": "node-7",
        "rank": 5,
        "custom_metadata": ["git:abc"],
        "application_name": "app",
        "local_rank": 1,
    }


def test_configuration_event_carries_what_is_known(start_job: StartJob) -> None:
    job = start_job(
        perf_tag_or_fn=["a", "b"],
        micro_batch_size_or_fn=2,
        custom_metadata={"k": "v"},
        save_checkpoint_strategy="async",
        is_validation_iterations_enabled_or_fn=False,
    )
    callbacks.on_app_start()
    attributes = job.last("update_training_telemetry_config")
    attributes.pop("timestamp_msec")
    assert attributes == {
        "perf_tag": ["a", "b"],
        "global_batch_size": 8,
        "log_every_n_train_iterations": 50,
        "micro_batch_size": 2,
        "checkpoint_strategy": "async",
        "is_train_iterations_enabled": True,
        "is_validation_iterations_enabled": False,
        "is_test_iterations_enabled": True,
        "is_save_checkpoint_enabled": True,
        "is_log_throughput_enabled": False,
        "custom_metadata": ["k:v"],
        "app_type": "training",
    }


def test_without_telemetry_config_all_but_training_and_saving_works(start_job: StartJob) -> None:
    job = start_job(telemetry=False)
    callbacks.on_app_start()
    for name in ("model_init", "dataloader_init", "optimizer_init", "distributed_init", "load_checkpoint"):
        getattr(callbacks, f"on_{name}_start")()
        getattr(callbacks, f"on_{name}_end")()
    callbacks.on_validation_start()
    callbacks.on_validation_end()
    callbacks.on_testing_start()
    callbacks.on_testing_end()
    assert job.calls()[:2] == ["start application", "event one_logger_initialization"]
    assert job.exporter.events("update_training_telemetry_config") == []
    for call in (lambda: callbacks.on_train_start(0), lambda: callbacks.on_save_checkpoint_start(1)):
        with pytest.raises(OneLoggerError, match="Training telemetry config must be set"):
            call()


def test_missing_telemetry_config_costs_metrics_only_in_quiet_mode(start_job: StartJob) -> None:
    job = start_job(telemetry=False, quiet=True)
    callbacks.on_app_start()
    callbacks.on_train_start(5)
    for _ in range(3):
        callbacks.on_training_single_iteration_start()
        callbacks.on_training_single_iteration_end(metrics={"loss": 0.5})
    callbacks.on_save_checkpoint_start(8)
    callbacks.on_save_checkpoint_success(8)
    callbacks.on_save_checkpoint_end()
    callbacks.on_train_end()
    assert job.provider.one_logger_enabled
    metrics = job.last("training_metrics_update")
    assert (metrics["current_iteration"], metrics["num_iterations"], metrics["latest_loss"]) == (7, 3, 0.5)
    assert not {"interval", "num_train_samples", "train_samples_start", "total_flops"} & set(metrics)
    success = job.last("save_checkpoint_success")
    assert success["productive_train_iterations"] == 8
    assert "productive_train_samples" not in success


def test_second_start_of_the_application(start_job: StartJob) -> None:
    start_job()
    first = callbacks.on_app_start()
    with pytest.raises(OneLoggerError, match=r"application.*already active"):
        callbacks.on_app_start()
    callbacks.on_app_end()
    assert first is not None
    assert not first.active


def test_second_start_of_the_application_is_one_application_in_quiet_mode(start_job: StartJob) -> None:
    job = start_job(quiet=True)
    first = callbacks.on_app_start()
    assert callbacks.on_app_start() is first
    callbacks.on_app_end()
    assert job.calls().count("start application") == 1
    assert job.calls().count("stop application") == 1


def test_end_of_the_application_stops_all_spans_inside_first_and_closes(start_job: StartJob) -> None:
    job = start_job(all_spans=True)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    callbacks.on_training_single_iteration_start()
    job.recorder.start("own")
    end = time.time() + 5
    callbacks.on_app_end(finish_time_msec=end * 1000)
    stopped = job.exporter.names("stop")
    assert stopped == ["own", "training_single_iteration", "training_loop", "application"]
    for span in job.exporter.spans():
        assert span.stop_time is not None
        assert span.stop_time.seconds_since_epoch == pytest.approx(end)
    assert job.exporter.closed
    assert job.recorder._closed
    assert not job.recorder._spans
    (error,) = job.errors()
    assert (
        "Timer for span training_single_iteration was automatically stopped because the span is being stopped" in error
    )
    assert "on_xxx_end method was not called correctly" in error


@pytest.mark.parametrize("kind", ["training", "validation"])
def test_end_of_the_application_copes_with_an_iteration_older_than_its_loop(start_job: StartJob, kind: str) -> None:
    job = start_job()
    callbacks.on_app_start()
    getattr(callbacks, f"on_{kind}_single_iteration_start")()
    callbacks.on_train_start(0) if kind == "training" else callbacks.on_validation_start()
    callbacks.on_app_end()
    assert job.recorder._closed
    assert job.problems() == []


def test_end_of_the_application_in_the_past_ends_nothing_before_its_start(
    start_job: StartJob, clock: FakeClock
) -> None:
    job = start_job()
    callbacks.on_app_start(start_time_msec=(time.time() - 100) * 1000)
    callbacks.on_validation_start()
    callbacks.on_app_end(finish_time_msec=(time.time() - 60) * 1000)
    assert [span.duration_msec() for span in job.exporter.spans()] == [40_000, 0]


def test_end_of_the_application_without_its_start(start_job: StartJob) -> None:
    job = start_job()
    with pytest.raises(OneLoggerError, match=r"Expected to have one and only one span named application but found 0\."):
        callbacks.on_app_end()
    assert not job.recorder._closed
    assert callbacks.on_app_start() is not None


def test_telemetry_config_that_comes_late_is_reported_then(start_job: StartJob) -> None:
    job = start_job(telemetry=False)
    callbacks.on_app_start()
    job.provider.set_training_telemetry_config(
        TrainingTelemetryConfig(
            global_batch_size_or_fn=4, flops_per_sample_or_fn=10, is_log_throughput_enabled_or_fn=True
        )
    )
    assert job.last("update_training_telemetry_config")["global_batch_size"] == 4
    assert job.state.completed_floating_point_operations_overall == 0


def test_updating_needs_a_config_and_an_application(start_job: StartJob) -> None:
    update = start_job(telemetry=False).recorder._update_application_span_with_training_telemetry_config
    with pytest.raises(OneLoggerError, match=r"Please set the training telemetry config before calling this method\."):
        update(training_telemetry_config=None)
    with pytest.raises(
        OneLoggerError,
        match=r"Cannot update training metrics: Please call on_app_start\(\) before calling this method\.",
    ):
        update(training_telemetry_config=TrainingTelemetryConfig())


# --- spans through the recorder --------------------------------------------------------------------------------------


def test_plain_strings_are_span_names(start_job: StartJob) -> None:
    job = start_job()
    span = job.recorder.start("nemo_speech.training", span_attributes=Attributes({"a": 1}))
    job.recorder.event(span, Event.create("nemo_speech.throughput", Attributes({"x": 1.5})))
    job.recorder.stop(span)
    assert job.calls() == [
        "start nemo_speech.training",
        "event nemo_speech.throughput",
        "stop nemo_speech.training",
    ]


def test_standard_span_is_active_once(start_job: StartJob) -> None:
    recorder = start_job().recorder
    first = recorder.start(Name.MODEL_INIT)
    for name in (Name.MODEL_INIT, "model_initialization"):
        with pytest.raises(OneLoggerError, match="already active"):
            recorder.start(name)
    recorder.stop(first)
    recorder.stop(recorder.start(Name.MODEL_INIT))


def test_span_of_a_step_may_not_be_nested_in_its_like_but_run_in_threads(start_job: StartJob) -> None:
    recorder = start_job(all_spans=True).recorder
    outer = recorder.start(Name.DATA_LOADING)
    with pytest.raises(OneLoggerError, match="already active"):
        recorder.start(Name.DATA_LOADING)
    spans: List[Any] = []
    worker = threading.Thread(target=lambda: spans.append(recorder.start(Name.DATA_LOADING)))
    worker.start()
    worker.join(10)
    assert spans[0].active
    recorder.stop(spans[0])
    recorder.stop(outer)


def test_second_standard_span_is_added_in_quiet_mode(start_job: StartJob) -> None:
    job = start_job(quiet=True, all_spans=True)
    with timed_span(Name.MODEL_FORWARD), timed_span(Name.MODEL_FORWARD):
        pass
    first = job.recorder.start(Name.MODEL_INIT)
    second = job.recorder.start(Name.MODEL_INIT)
    job.recorder.stop(first)
    assert second.active
    job.recorder.stop(second)
    assert job.exporter.names("start") == job.exporter.names("start")[:2] + ["model_initialization"] * 2
    assert job.provider.one_logger_enabled
    assert len(job.problems()) == 1


@pytest.mark.parametrize("name", TIMED)
def test_timed_span_needs_its_timer(start_job: StartJob, name: Name) -> None:
    recorder = start_job().recorder
    with pytest.raises(OneLoggerError, match=f"Timer for span {name} is not active"):
        recorder.start(name)
    assert not recorder._spans


@pytest.mark.parametrize("name", TIMED)
def test_timed_span_starts_its_timer_in_quiet_mode(start_job: StartJob, name: Name) -> None:
    job = start_job(quiet=True, all_spans=True)
    with timed_span(name) as span:
        assert span.active
        assert job.state.multi_iteration_timers[name].is_active
    assert not job.state.multi_iteration_timers[name].is_active
    assert job.provider.one_logger_enabled


def test_span_that_stops_before_its_timer_says_so(start_job: StartJob, clock: FakeClock) -> None:
    job = start_job()
    callbacks.on_app_start()
    callbacks.on_load_checkpoint_start()
    span = job.recorder._get_active_span(Name.CHECKPOINT_LOAD)
    clock.advance(3)
    job.recorder.stop(span)
    timer = job.state.multi_iteration_timers[Name.CHECKPOINT_LOAD]
    assert (timer.is_active, timer.total_time_sec) == (False, 3.0)
    assert "Timer for span checkpoint_load was automatically stopped" in job.errors()[0]
    assert job.calls()[-2:] == ["error error", "stop checkpoint_load"]


def test_active_span_is_looked_up_by_name(start_job: StartJob) -> None:
    recorder = start_job().recorder
    with pytest.raises(
        OneLoggerError, match=r"Expected to have one and only one span named training_loop but found 0\."
    ):
        recorder._get_active_span(Name.TRAINING_LOOP)
    callbacks.on_train_start(0)
    assert recorder._get_active_span(Name.TRAINING_LOOP).name == Name.TRAINING_LOOP


def test_stopping_nothing_or_twice_is_misuse_that_telemetry_survives(start_job: StartJob) -> None:
    job = start_job(quiet=True)
    span = job.recorder.start(Name.MODEL_INIT)
    job.recorder.stop(span)
    job.recorder.stop(span)
    job.recorder.stop(None)
    job.recorder.stop(NULL_SPAN)
    assert job.provider.one_logger_enabled
    assert len(job.problems()) == 1


def test_disabled_rank_gets_null_spans(start_job: StartJob) -> None:
    recorder = start_job(enabled=False).recorder
    assert recorder._exporters == []
    with timed_span(Name.MODEL_FORWARD) as span:
        span.add_attribute("a", 1)
    assert span is NULL_SPAN
    with pytest.raises(ValueError, match="mine"), timed_span("x"):
        raise ValueError("mine")
    now = TracingTimestamp.now()
    assert recorder.on_app_start(now) is NULL_SPAN
    assert recorder.on_app_end(now) is None  # type: ignore[func-returns-value]  # never raises is what is tested
    assert recorder.start("x") is NULL_SPAN


def test_after_the_end_spans_are_null_spans_and_stopping_late_is_fine(start_job: StartJob) -> None:
    job = start_job()
    callbacks.on_app_start()
    late = job.recorder.start("worker")
    callbacks.on_app_end()
    assert job.recorder.start("x") is NULL_SPAN
    assert job.recorder.start(Name.MODEL_INIT) is NULL_SPAN
    with timed_span("y") as span:
        assert span is NULL_SPAN
    job.recorder.stop(late)
    assert job.problems() == []


# --- forgotten ends --------------------------------------------------------------------------------------------------


def test_iteration_that_failed_or_was_skipped_is_not_counted(start_job: StartJob) -> None:
    job = start_job()
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_failed()
    callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_end()
    assert job.state.completed_training_iterations_overall == 1
    assert job.problems() == job.errors() == []


def test_skipped_iteration_end_raises_and_the_end_still_works(start_job: StartJob) -> None:
    job = start_job()
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    callbacks.on_training_single_iteration_start()
    with pytest.raises(OneLoggerError, match=r"Cannot start timer since it is already active.*already active"):
        callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_end()
    assert job.state.completed_training_iterations_overall == 1
    with pytest.raises(OneLoggerError, match="Cannot stop timer since it is not active"):
        callbacks.on_training_single_iteration_end()
    callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_end()
    assert job.state.completed_training_iterations_overall == 2


def test_skipped_iteration_is_stopped_and_not_counted_in_quiet_mode(start_job: StartJob, clock: FakeClock) -> None:
    job = start_job(quiet=True, all_spans=True, log_every_n_train_iterations=3)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    for number in range(4):
        callbacks.on_training_single_iteration_start()
        clock.advance(1)
        if number == 1:  # a `continue` in the user's loop
            continue
        callbacks.on_training_single_iteration_end()
    metrics = job.last("training_metrics_update")
    assert (metrics["num_iterations"], metrics["total_iteration_time_sec"]) == (3, 3.0)
    assert len(job.exporter.spans(Name.TRAINING_SINGLE_ITERATION)) == 4
    assert all(not span.active for span in job.exporter.spans(Name.TRAINING_SINGLE_ITERATION))
    assert "automatically stopped" in job.errors()[0]
    assert job.provider.one_logger_enabled


@pytest.mark.parametrize(
    ("pair", "name"),
    [
        ("on_validation", Name.VALIDATION_LOOP),
        ("on_model_init", Name.MODEL_INIT),
        ("on_load_checkpoint", Name.CHECKPOINT_LOAD),
        ("on_testing_single_iteration", Name.TESTING_SINGLE_ITERATION),
        ("on_validation_single_iteration", Name.VALIDATION_SINGLE_ITERATION),
    ],
)
def test_skipped_end_is_made_up_for_by_the_next_start_in_quiet_mode(start_job: StartJob, pair: str, name: Name) -> None:
    job = start_job(quiet=True, all_spans=True)
    callbacks.on_app_start()
    for _ in range(2):
        getattr(callbacks, f"{pair}_start")()
    getattr(callbacks, f"{pair}_end")()
    first, second = job.exporter.spans(name)
    assert not first.active
    assert not second.active
    assert first.parent_span is second.parent_span
    assert len(job.problems()) == 1
    assert len(job.errors()) == 1


@pytest.mark.parametrize(
    "pair", ["on_validation", "on_model_init", "on_load_checkpoint", "on_testing_single_iteration"]
)
def test_skipped_end_raises_in_propagate_mode_and_changes_nothing(start_job: StartJob, pair: str) -> None:
    job = start_job(all_spans=True)
    callbacks.on_app_start()
    getattr(callbacks, f"{pair}_start")()
    before = job.calls()
    with pytest.raises(OneLoggerError, match="already active"):
        getattr(callbacks, f"{pair}_start")()
    assert [call for call in job.calls() if "telemetry_data_error" not in call] == before
    getattr(callbacks, f"{pair}_end")()


@pytest.mark.parametrize(
    "name",
    [
        "on_app_end",
        "on_train_end",
        "on_validation_end",
        "on_testing_end",
        "on_model_init_end",
        "on_load_checkpoint_end",
        "on_training_single_iteration_end",
        "on_validation_single_iteration_end",
        "on_testing_single_iteration_end",
        "on_save_checkpoint_end",
    ],
)
def test_end_without_a_start(start_job: StartJob, name: str) -> None:
    job = start_job()
    with pytest.raises(OneLoggerError):
        getattr(callbacks, name)()
    assert job.provider.one_logger_enabled
    assert len(job.problems()) == 1
    assert callbacks.on_app_start() is not None


def test_end_without_a_start_is_ignored_in_quiet_mode(start_job: StartJob, caplog: pytest.LogCaptureFixture) -> None:
    job = start_job(quiet=True)
    for _ in range(50):
        callbacks.on_validation_end()
    assert job.provider.one_logger_enabled
    assert len(job.problems()) == 1
    assert len([message for message in caplog.messages if "validation_loop but found 0" in message]) == 1


def test_rejected_second_loop_changes_nothing(start_job: StartJob) -> None:
    job = start_job()
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    with pytest.raises(OneLoggerError, match="already active"):
        callbacks.on_train_start(500)
    assert job.state.completed_training_iterations_overall == 0
    callbacks.on_train_end()


def test_end_before_the_start_raises_and_the_right_end_works(start_job: StartJob, clock: FakeClock) -> None:
    job = start_job()
    callbacks.on_train_start(0)
    callbacks.on_training_single_iteration_start()
    with pytest.raises(OneLoggerError, match=r"Cannot stop timer with a stop time that is before the start time\."):
        callbacks.on_training_single_iteration_end(finish_time_msec=(time.time() - 10) * 1000)
    clock.advance(1)
    callbacks.on_training_single_iteration_end()
    assert job.state.completed_training_iterations_overall == 1


def test_end_before_the_start_counts_as_no_time_in_quiet_mode(start_job: StartJob, clock: FakeClock) -> None:
    job = start_job(
        quiet=True,
        flops_per_sample_or_fn=10,
        is_log_throughput_enabled_or_fn=True,
        train_iterations_target_or_fn=2,
        train_samples_target_or_fn=16,
        log_every_n_train_iterations=1,
    )
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_end(finish_time_msec=(time.time() - 10) * 1000)
    metrics = job.last("training_metrics_update")
    assert metrics["total_iteration_time_sec"] == 0.0
    assert not {name for name in metrics if "throughput" in name or "tflops" in name}


def test_iterations_without_a_loop_keep_working(start_job: StartJob) -> None:
    job = start_job(log_every_n_train_iterations=2)
    callbacks.on_app_start()
    callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_end()
    callbacks.on_training_single_iteration_start()
    with pytest.raises(OneLoggerError, match="one and only one span named training_loop but found 0"):
        callbacks.on_training_single_iteration_end()
    callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_end()
    assert job.state.completed_training_iterations_overall == 3


def test_metrics_of_iterations_without_a_loop_are_on_the_application(start_job: StartJob) -> None:
    job = start_job(quiet=True, log_every_n_train_iterations=2)
    callbacks.on_app_start()
    for _ in range(2):
        callbacks.on_training_single_iteration_start()
        callbacks.on_training_single_iteration_end()
    (call,) = [call for call in job.exporter.calls if call.name == "training_metrics_update"]
    assert call.span is not None
    assert call.span.name == StandardSpanName.APPLICATION


def test_application_error_is_never_replaced(start_job: StartJob) -> None:
    job = start_job()

    def fail_and_tidy_up() -> None:
        try:
            raise ValueError("mine")
        finally:
            callbacks.on_validation_end()

    with pytest.raises(ValueError, match="mine"):
        fail_and_tidy_up()
    assert len(job.problems()) == 1


def test_methods_of_the_recorder_do_what_the_callbacks_do(start_job: StartJob, clock: FakeClock) -> None:
    job = start_job(log_every_n_train_iterations=1)
    now = TracingTimestamp.now()
    job.recorder.on_app_start(now)
    job.recorder.on_training_loop_start(train_iterations_start=0, train_samples_start=0, start_time=now)
    job.recorder.on_training_single_iteration_start(now)
    clock.advance(2)
    job.recorder.on_training_single_iteration_end(TracingTimestamp.now(), metrics={"loss": 1.0})
    metrics = job.last("training_metrics_update")
    assert (metrics["total_iteration_time_sec"], metrics["latest_loss"]) == (2.0, 1.0)
    with pytest.raises(OneLoggerError, match="whole number of at least 0"):
        job.recorder.on_training_loop_start(train_iterations_start=-1, train_samples_start=0)


class LeastConfig:
    """Just what the core asks of a telemetry config; nothing about training."""

    is_train_iterations_enabled = True
    is_validation_iterations_enabled = True
    is_test_iterations_enabled = True
    is_save_checkpoint_enabled = True
    app_type = "training"
    custom_metadata = {"k": "v"}


def test_any_telemetry_config_will_do(start_job: StartJob) -> None:
    job = start_job(telemetry=False, base={"telemetry_config": LeastConfig()})
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    callbacks.on_training_single_iteration_start()
    callbacks.on_training_single_iteration_end()
    callbacks.on_save_checkpoint_start(1)
    callbacks.on_save_checkpoint_success(1)
    callbacks.on_save_checkpoint_end()
    callbacks.on_app_end()
    assert job.last("update_training_telemetry_config")["custom_metadata"] == ["k:v"]
    assert job.last("training_metrics_update")["num_iterations"] == 1
    assert job.problems() == []


# --- threads and processes -------------------------------------------------------------------------------------------


def test_callbacks_of_many_threads_keep_count(start_job: StartJob) -> None:
    job = start_job(quiet=True, log_every_n_train_iterations=10)
    callbacks.on_app_start()
    callbacks.on_train_start(0)
    ready = threading.Barrier(6)

    def train() -> None:
        ready.wait(10)
        for _ in range(200):
            callbacks.on_training_single_iteration_start()
            callbacks.on_training_single_iteration_end()
            callbacks.log_metrics({"loss": 1.0})

    def evaluate() -> None:
        ready.wait(10)
        for _ in range(100):
            callbacks.on_validation_start()
            with timed_span("own"), timed_span(Name.DATA_LOADING):
                callbacks.on_validation_single_iteration_start()
            callbacks.on_validation_end()

    threads = [threading.Thread(target=target) for target in (train, train, train, evaluate, evaluate, evaluate)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    callbacks.on_train_end()
    callbacks.on_app_end()
    assert not job.recorder._spans
    started = [call.span for call in job.exporter.calls if call.method == "start"]
    stopped = [call.span for call in job.exporter.calls if call.method == "stop"]
    assert len(started) == len(set(started)) == len(stopped) == len(set(stopped))
    assert set(started) == set(stopped)
    counted = sum(metrics.get("interval_num_iterations", 0) for metrics in job.attributes("training_metrics_update"))
    assert counted == job.state.completed_training_iterations_overall


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_counts_for_itself(run_python: Callable[..., Any]) -> None:
    program = """
import os, threading
from nv_one_logger.training_telemetry.api import callbacks, TrainingTelemetryConfig, TrainingTelemetryProvider
provider = TrainingTelemetryProvider.instance()
provider.with_base_config(TrainingTelemetryConfig(application_name="a", session_tag_or_fn="s")).configure_provider()
callbacks.on_app_start()
callbacks.on_train_start(0)
callbacks.on_training_single_iteration_start()
with provider.recorder._job_lock:  # as if another thread were inside a callback
    child = os.fork()
if child == 0:
    assert provider.recorder._training_state.completed_training_iterations_overall == 0
    assert callbacks.on_validation_start() is not None
    callbacks.on_validation_end()
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
callbacks.on_training_single_iteration_end()
assert provider.recorder._training_state.completed_training_iterations_overall == 1
"""
    run_python(program)


def test_recorder_can_be_built_by_hand() -> None:
    from nv_one_logger.api.config import OneLoggerConfig
    from nv_one_logger.api.one_logger_provider import OneLoggerProvider
    from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
    from nv_one_logger.testing import RecordingExporter

    config = OneLoggerConfig(application_name="a", session_tag_or_fn="s", world_size_or_fn=1)
    exporter = RecordingExporter()
    recorder = TrainingRecorder(
        config=config,
        exporters=[exporter],
        export_customization_mode=ExportCustomizationMode.BLACKLIST_SPANS,
        span_name_filter=["hidden"],
    )
    OneLoggerProvider.instance().configure(config, recorder)
    recorder.on_app_start(TracingTimestamp.now())
    recorder.stop(recorder.start("hidden"))
    recorder.on_app_end(TracingTimestamp.now())
    assert exporter.names("start") == ["application"]
