from __future__ import annotations

import inspect
import logging
import time
from typing import Any, Callable, Dict, List

import pytest

from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.recorder.default_recorder import DefaultRecorder
from nv_one_logger.testing import FakeClock, RecordingExporter
from nv_one_logger.training_telemetry.api import callbacks
from nv_one_logger.training_telemetry.api.context import application, training_iteration, training_loop
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name

StartJob = Callable[..., Any]

PAIRS = [
    ("on_app", "application"),
    ("on_distributed_init", Name.DIST_INIT),
    ("on_model_init", Name.MODEL_INIT),
    ("on_dataloader_init", Name.DATA_LOADER_INIT),
    ("on_optimizer_init", Name.OPTIMIZER_INIT),
    ("on_load_checkpoint", Name.CHECKPOINT_LOAD),
    ("on_training_single_iteration", Name.TRAINING_SINGLE_ITERATION),
    ("on_validation", Name.VALIDATION_LOOP),
    ("on_validation_single_iteration", Name.VALIDATION_SINGLE_ITERATION),
    ("on_testing", Name.TESTING_LOOP),
    ("on_testing_single_iteration", Name.TESTING_SINGLE_ITERATION),
]


def test_signatures_are_those_of_the_reference_with_new_parameters_at_the_end() -> None:
    def parameters(name: str) -> List[str]:
        return list(inspect.signature(getattr(callbacks, name)).parameters)

    for pair, _ in PAIRS:
        assert parameters(f"{pair}_start") == ["start_time_msec"]
        assert parameters(f"{pair}_end")[0] == "finish_time_msec"
    assert parameters("on_training_single_iteration_end") == ["finish_time_msec", "metrics"]
    assert parameters("on_train_start") == [
        "train_iterations_start",
        "train_samples_start",
        "train_iterations_target_or_fn",
        "train_samples_target_or_fn",
        "start_time_msec",
    ]
    assert parameters("on_train_end") == ["finish_time_msec"]
    assert parameters("on_save_checkpoint_start") == ["global_step", "start_time_msec"]
    assert parameters("on_save_checkpoint_success")[:2] == ["global_step", "time_msec"]
    assert parameters("on_save_checkpoint_end") == ["finish_time_msec"]


@pytest.mark.parametrize(("pair", "span_name"), PAIRS)
def test_start_returns_the_span_and_end_stops_it(start_job: StartJob, pair: str, span_name: str) -> None:
    job = start_job(all_spans=True)
    span = getattr(callbacks, f"{pair}_start")()
    assert isinstance(span, Span)
    assert span.name == span_name
    assert span.active
    assert getattr(callbacks, f"{pair}_end")() is None
    assert not span.active
    assert job.problems() == []


@pytest.mark.parametrize(("pair", "span_name"), PAIRS)
def test_given_times_are_those_of_the_span(start_job: StartJob, clock: FakeClock, pair: str, span_name: str) -> None:
    job = start_job(all_spans=True)
    now = time.time()
    getattr(callbacks, f"{pair}_start")(start_time_msec=(now - 50) * 1000)
    getattr(callbacks, f"{pair}_end")(finish_time_msec=(now - 20) * 1000)
    span = job.exporter.span(span_name)
    assert span.start_event.timestamp.seconds_since_epoch == now - 50
    assert span.stop_time is not None
    assert span.stop_time.seconds_since_epoch == now - 20
    assert span.duration_msec() == 30_000


def test_time_of_zero_means_now(start_job: StartJob, clock: FakeClock) -> None:
    start_job()
    span = callbacks.on_app_start(start_time_msec=0)
    assert span is not None
    assert span.start_time.seconds_since_epoch == time.time()


# --- telemetry that is off -------------------------------------------------------------------------------------------


def all_callbacks() -> List[str]:
    return sorted(name for name in callbacks.__all__)


def off_unconfigured(start_job: StartJob) -> None:
    """Nothing is configured."""


def off_disabled_rank(start_job: StartJob) -> None:
    start_job(enabled=False)


def off_force_disabled(start_job: StartJob) -> None:
    start_job().provider.force_disable_logging()


OFF: Dict[str, Callable[[StartJob], None]] = {
    "unconfigured": off_unconfigured,
    "disabled rank": off_disabled_rank,
    "force-disabled": off_force_disabled,
}


@pytest.mark.parametrize("how", OFF)
@pytest.mark.parametrize("name", all_callbacks())
def test_callback_does_nothing_while_telemetry_is_off(start_job: StartJob, name: str, how: str) -> None:
    OFF[how](start_job)
    required = [
        parameter
        for parameter in inspect.signature(getattr(callbacks, name)).parameters.values()
        if parameter.default is inspect.Parameter.empty
    ]
    assert getattr(callbacks, name)(*[7 for _ in required]) is None
    if name not in ("on_training_single_iteration_start", "on_training_single_iteration_end"):
        assert getattr(callbacks, name)("not", "even", "bound", nonsense=1) is None


def test_skipped_calls_log_one_line_for_all_callbacks_and_contexts(
    start_job: StartJob, caplog: pytest.LogCaptureFixture
) -> None:
    start_job().provider.force_disable_logging()
    for _ in range(100):
        callbacks.on_training_single_iteration_start()
        callbacks.on_train_end()
        with application(), training_loop(0), training_iteration():
            callbacks.log_metrics({"loss": 1.0})
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Skipping execution of" in caplog.text


def test_callbacks_return_none_after_the_end_of_the_application(start_job: StartJob) -> None:
    job = start_job()
    callbacks.on_app_start()
    callbacks.on_app_end()
    recorded = job.calls()
    assert callbacks.on_model_init_start() is None
    assert callbacks.on_training_single_iteration_start() is None
    assert callbacks.on_training_single_iteration_end() is None
    callbacks.on_train_end()
    assert job.calls() == recorded


# --- arguments that do not fit ---------------------------------------------------------------------------------------

BAD_CALLS: List[Any] = [
    ("on_save_checkpoint_start", (), {}),
    ("on_app_start", (1, 2, 3), {}),
    ("on_model_init_start", ("soon",), {}),
    ("on_model_init_start", (), {"start_time_msec": 1234.0}),
    ("on_train_start", ("none",), {}),
    ("on_train_start", (-1,), {}),
    ("on_train_start", (None,), {}),
    ("on_train_start", (0,), {"train_samples_target_or_fn": lambda: 1 / 0}),
    ("on_save_checkpoint_start", (None,), {"start_time_msec": object()}),
    ("on_save_checkpoint_start", (["unhashable"],), {}),
    ("on_training_single_iteration_start", ("soon",), {}),
    ("log_metrics", ("loss",), {}),
    ("log_metrics", ({"loss": "low"},), {}),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), BAD_CALLS)
def test_bad_argument_is_reported_in_quiet_mode_and_telemetry_goes_on(
    start_job: StartJob, name: str, arguments: Any, keywords: Any
) -> None:
    job = start_job(quiet=True)
    if name != "on_app_start":
        callbacks.on_app_start()
    getattr(callbacks, name)(*arguments, **keywords)
    assert job.provider.one_logger_enabled
    assert len(job.problems()) == 1
    assert callbacks.on_validation_start() is not None


def test_loop_starts_without_the_target_that_could_not_be_told(start_job: StartJob) -> None:
    job = start_job(quiet=True)
    callbacks.on_app_start()
    loop = callbacks.on_train_start(0, 64, train_iterations_target_or_fn=lambda: 1 // 0, train_samples_target_or_fn=9)
    assert loop is not None
    known = loop.attributes.to_json()
    assert (known["train_samples_start"], known["train_samples_target"]) == (64, 9)
    assert "train_iterations_target" not in known
    (problem,) = job.problems()
    assert "train_iterations_target_or_fn raised ZeroDivisionError" in problem


@pytest.mark.parametrize(("name", "arguments", "keywords"), BAD_CALLS)
def test_bad_argument_raises_in_propagate_mode_and_the_next_call_works(
    start_job: StartJob, name: str, arguments: Any, keywords: Any
) -> None:
    job = start_job()
    if name != "on_app_start":
        callbacks.on_app_start()
    before = job.calls()
    with pytest.raises((OneLoggerError, TypeError)):
        getattr(callbacks, name)(*arguments, **keywords)
    assert [call for call in job.calls() if "telemetry_data_error" not in call] == before
    assert len(job.problems()) == 1
    assert callbacks.on_train_start(0) is not None


def test_bad_time_names_what_is_wrong(start_job: StartJob) -> None:
    start_job()
    with pytest.raises(
        OneLoggerError, match=r"timestamp is too old\. This is meant to be the time in seconds since epoch\."
    ):
        callbacks.on_app_start(start_time_msec=1234.0)


def test_time_that_cannot_be_meant_is_replaced_by_now_in_quiet_mode(start_job: StartJob, clock: FakeClock) -> None:
    start_job(quiet=True)
    span = callbacks.on_app_start(start_time_msec=1234.0)
    assert span is not None
    assert span.start_time.seconds_since_epoch == time.time()


def test_start_reported_hours_later_is_accepted(start_job: StartJob) -> None:
    start_job()
    span = callbacks.on_app_start(start_time_msec=(time.time() - 3600) * 1000)
    assert span is not None
    assert time.time() - span.start_time.seconds_since_epoch == pytest.approx(3600, abs=5)


def test_recorder_of_another_kind_is_named(start_job: StartJob) -> None:
    from nv_one_logger.api.config import OneLoggerConfig

    config = OneLoggerConfig(application_name="a", session_tag_or_fn="s", world_size_or_fn=1)
    OneLoggerProvider.instance().configure(config, DefaultRecorder([RecordingExporter()]))
    for call in (
        callbacks.on_app_start,
        callbacks.on_training_single_iteration_start,
        callbacks.on_training_single_iteration_end,
    ):
        with pytest.raises(OneLoggerError, match="Configure telemetry through TrainingTelemetryProvider"):
            call()


def test_fault_of_telemetry_itself_switches_it_off_in_quiet_mode(
    start_job: StartJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = start_job(quiet=True)
    callbacks.on_app_start()

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(job.recorder, "on_model_init_start", broken)
    assert callbacks.on_model_init_start() is None
    assert not job.provider.one_logger_enabled
    assert job.exporter.closed
    assert "a bug" in caplog.text


def test_error_of_a_callback_is_logged_and_reported_once(start_job: StartJob, caplog: pytest.LogCaptureFixture) -> None:
    job = start_job()
    with pytest.raises(OneLoggerError):
        callbacks.on_validation_end()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert len(job.problems()) == 1
