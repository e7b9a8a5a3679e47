from __future__ import annotations

import asyncio
import contextlib
import inspect
from typing import Any, Callable, Dict, List

import pytest

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span, StandardSpanName
from nv_one_logger.training_telemetry.api import callbacks, context
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import (
    application,
    checkpoint_save,
    training_iteration,
    training_loop,
    validation_loop,
)
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name

StartJob = Callable[..., Any]

CONTEXTS: Dict[str, Any] = {
    "application": StandardSpanName.APPLICATION,
    "model_init": Name.MODEL_INIT,
    "dataloader_init": Name.DATA_LOADER_INIT,
    "optimizer_init": Name.OPTIMIZER_INIT,
    "training_loop": Name.TRAINING_LOOP,
    "training_iteration": Name.TRAINING_SINGLE_ITERATION,
    "validation_loop": Name.VALIDATION_LOOP,
    "validation_iteration": Name.VALIDATION_SINGLE_ITERATION,
    "testing_loop": Name.TESTING_LOOP,
    "testing_iteration": Name.TESTING_SINGLE_ITERATION,
    "checkpoint_load": Name.CHECKPOINT_LOAD,
    "checkpoint_save": Name.CHECKPOINT_SAVE_SYNC,
}
ARGUMENTS: Dict[str, List[Any]] = {"training_loop": [0], "checkpoint_save": [1]}


def make(name: str) -> Any:
    return getattr(context, name)(*ARGUMENTS.get(name, []))


def test_there_is_a_context_for_each_phase_and_nothing_else() -> None:
    assert sorted(context.__all__) == sorted(CONTEXTS)
    assert list(inspect.signature(training_loop).parameters) == [
        "train_iterations_start",
        "train_samples_start",
        "train_iterations_target_or_fn",
        "train_samples_target_or_fn",
    ]
    assert list(inspect.signature(checkpoint_save).parameters) == ["global_step"]


@pytest.mark.parametrize("name", CONTEXTS)
def test_context_starts_and_stops_its_span(start_job: StartJob, name: str) -> None:
    job = start_job(all_spans=True)
    with make(name) as span:
        assert isinstance(span, Span)
        assert span.name == CONTEXTS[name]
        assert span.active
    assert not span.active
    assert job.problems() == []


# Nothing can follow an application.
@pytest.mark.parametrize("name", [name for name in CONTEXTS if name != "application"])
def test_context_is_a_decorator_and_each_call_a_span(start_job: StartJob, name: str) -> None:
    job = start_job(all_spans=True)

    @make(name)  # type: ignore[untyped-decorator]  # chosen by name
    def work(a: int, b: int = 2) -> int:
        """Do it."""
        return a + b

    assert work(1) + work(1, b=3) == 7
    assert (work.__name__, work.__doc__) == ("work", "Do it.")
    assert len(job.exporter.spans(CONTEXTS[name])) == 2


def test_coroutine_is_a_span_until_it_is_finished(start_job: StartJob) -> None:
    job = start_job()

    @validation_loop()
    async def validate() -> bool:
        await asyncio.gather()
        return bool(job.recorder.get_active_spans_by_name(Name.VALIDATION_LOOP))

    assert asyncio.run(validate())
    assert not job.recorder._spans


@pytest.mark.parametrize("name", CONTEXTS)
@pytest.mark.parametrize("how", ["unconfigured", "disabled rank", "force-disabled"])
def test_context_gives_a_null_span_while_telemetry_is_off(start_job: StartJob, name: str, how: str) -> None:
    if how != "unconfigured":
        job = start_job(enabled=how != "disabled rank")
        job.provider.force_disable_logging()
    with make(name) as span:
        span.add_attribute("library code", "instrumented unconditionally")
    assert span is NULL_SPAN
    with pytest.raises(ValueError, match="mine"), make(name):
        raise ValueError("mine")


def test_what_was_not_started_is_not_ended(start_job: StartJob) -> None:
    with application():
        job = start_job()
    assert job.calls() == []
    assert job.problems() == []


@pytest.mark.parametrize("name", CONTEXTS)
@pytest.mark.parametrize("quiet", [False, True])
def test_error_that_leaves_a_context_is_recorded_and_goes_on(start_job: StartJob, name: str, quiet: bool) -> None:
    job = start_job(all_spans=True, quiet=quiet)
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as raised, make(name) as span:
        raise error
    assert raised.value is error
    assert not span.active
    assert job.errors() == [f"Error in {CONTEXTS[name]}: "]
    attributes = job.exporter.errors[0].attributes.to_json()
    assert (attributes["exception_type"], attributes["exception_message"]) == ("ValueError", "mine")
    assert job.provider.one_logger_enabled
    assert job.problems() == []


def test_error_without_a_message_is_recorded_too(start_job: StartJob) -> None:
    job = start_job()
    with pytest.raises(AssertionError), validation_loop():
        raise AssertionError
    assert job.exporter.errors[0].exception_type == "AssertionError"


def test_interrupt_stops_the_span_without_an_error(start_job: StartJob) -> None:
    job = start_job()
    with pytest.raises(KeyboardInterrupt), validation_loop() as span:
        raise KeyboardInterrupt
    assert not span.active
    assert job.errors() == []


def test_telemetry_never_replaces_the_exception_of_the_application(start_job: StartJob) -> None:
    job = start_job()

    def end_twice_and_fail() -> None:
        with application():
            callbacks.on_app_end()
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        end_twice_and_fail()
    with pytest.raises(ValueError, match="mine"), validation_loop():
        raise ValueError("mine")
    assert job.recorder._closed


def test_what_fails_while_an_exception_passes_is_only_logged(
    start_job: StartJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a bug")

    job = start_job()
    monkeypatch.setattr(job.recorder, "error", broken)
    with pytest.raises(ValueError, match="mine"), context._Phase(callbacks.on_validation_start, broken):
        raise ValueError("mine")
    assert "could not be recorded" in caplog.text
    assert "could not be ended" in caplog.text


def test_end_that_was_reported_before_the_block_ends_is_misuse(start_job: StartJob) -> None:
    start_job()
    with pytest.raises(OneLoggerError, match="one and only one span named validation_loop"), validation_loop():
        callbacks.on_validation_end()


@pytest.mark.parametrize("keyword", ["continue", "break"])
def test_leaving_an_iteration_early_is_fine(start_job: StartJob, keyword: str) -> None:
    job = start_job(log_every_n_train_iterations=2)
    with application(), training_loop(0):
        for number in range(4):
            with training_iteration():
                if keyword == "continue":
                    continue
                if number == 1:
                    break
    assert job.problems() == []
    assert job.state.completed_training_iterations_overall == (4 if keyword == "continue" else 2)


def test_iteration_that_an_exception_leaves_was_not_done(start_job: StartJob) -> None:
    job = start_job(all_spans=True)
    with application(), training_loop(0):
        for number in range(3):
            with contextlib.suppress(MemoryError), training_iteration():
                if number == 1:
                    raise MemoryError("a batch too many")
    metrics = job.last("training_metrics_update")
    assert (metrics["num_iterations"], metrics["current_iteration"]) == (2, 1)
    assert [span.active for span in job.exporter.spans(Name.TRAINING_SINGLE_ITERATION)] == [False] * 3
    assert job.problems() == []


# --- checkpoints -----------------------------------------------------------------------------------------------------


def checkpoint_calls(job: Any) -> List[str]:
    calls: List[str] = job.calls()
    return calls[calls.index("event update_training_telemetry_config") + 1 :]


def test_sync_save_is_a_success_unless_it_raises(start_job: StartJob) -> None:
    job = start_job()
    callbacks.on_app_start()
    with checkpoint_save(1) as span:
        span.add_attribute("checkpoint_size", 7)
    assert checkpoint_calls(job) == [
        "start checkpoint_save_sync",
        "event save_checkpoint_success",
        "event sync_checkpoint_metrics_update",
        "stop checkpoint_save_sync",
    ]
    assert job.last("save_checkpoint_success")["checkpoint_size"] == 7


def test_failed_sync_save_is_no_success(start_job: StartJob) -> None:
    job = start_job()
    callbacks.on_app_start()
    with pytest.raises(OSError, match="full"), checkpoint_save(1):
        raise OSError("full")
    assert checkpoint_calls(job) == [
        "start checkpoint_save_sync",
        "error error",
        "event sync_checkpoint_metrics_update",
        "stop checkpoint_save_sync",
    ]


def test_success_of_an_async_save_is_left_to_the_user(start_job: StartJob) -> None:
    job = start_job(save_checkpoint_strategy="async")
    callbacks.on_app_start()
    with checkpoint_save(1):
        pass
    callbacks.on_save_checkpoint_success(1)
    assert checkpoint_calls(job) == [
        "start checkpoint_save_async",
        "event sync_checkpoint_metrics_update",
        "stop checkpoint_save_async",
        "event save_checkpoint_success",
    ]


def test_save_ends_also_when_reporting_its_success_raises(start_job: StartJob) -> None:
    job = start_job()
    callbacks.on_app_start()
    with pytest.raises(OneLoggerError), checkpoint_save(1) as span:
        job.recorder.stop(span)
    assert not job.recorder.get_active_spans_by_name(Name.CHECKPOINT_SAVE_SYNC)


# --- why the application ended ---------------------------------------------------------------------------------------


def exit_attributes(job: Any) -> Dict[str, Any]:
    attributes = job.exporter.span("application").attributes.to_json()
    return {name: value for name, value in attributes.items() if name.startswith("exit_")}


def test_normal_end_leaves_no_reason(start_job: StartJob) -> None:
    job = start_job()
    with application():
        pass
    assert exit_attributes(job) == {}
    assert [call for call in job.calls() if call != "event update_training_telemetry_config"] == [
        "start application",
        "event one_logger_initialization",
        "stop application",
    ]


@pytest.mark.parametrize(
    ("exception", "detail"),
    [
        (ValueError("mine"), "ValueError: mine"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(3), "SystemExit: 3"),
        (RuntimeError("x" * 1000), f"RuntimeError: {'x' * 1000}"[:200]),
    ],
)
def test_exception_that_ends_the_application_is_noted(
    start_job: StartJob, exception: BaseException, detail: str
) -> None:
    job = start_job()
    with pytest.raises(type(exception)), application():
        raise exception
    assert exit_attributes(job) == {"exit_reason": "exception", "exit_detail": detail}


@pytest.mark.parametrize("code", [None, 0])
def test_exit_without_an_error_code_is_a_normal_end(start_job: StartJob, code: Any) -> None:
    job = start_job()
    with pytest.raises(SystemExit), application():
        raise SystemExit(code)
    assert exit_attributes(job) == {}


def test_exception_whose_text_cannot_be_had_is_noted_by_its_class(start_job: StartJob) -> None:
    class SecretiveError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    job = start_job()
    with pytest.raises(SecretiveError), application():
        raise SecretiveError
    assert exit_attributes(job)["exit_detail"] == "SecretiveError"


def test_pytest_collects_no_context() -> None:
    assert [name for name in context.__all__ if name.startswith("test") and getattr(context, name).__test__] == []


def test_config_set_during_the_application_counts(start_job: StartJob) -> None:
    job = start_job(telemetry=False)
    with application():
        config = TrainingTelemetryConfig(save_checkpoint_strategy="async", global_batch_size_or_fn=1)
        job.provider.set_training_telemetry_config(config)
        with training_loop(0), checkpoint_save(1) as span:
            assert span.name == Name.CHECKPOINT_SAVE_ASYNC
    assert job.attributes("save_checkpoint_success") == []
