"""Whatever an application records, it goes on, every exporter has a record of it, and telemetry stays on."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attribute, Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.exporter.exporter import BaseExporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.training_telemetry.api import TrainingTelemetryConfig, TrainingTelemetryProvider, callbacks

StartJob = Callable[..., Any]


def test_value_of_an_attribute_may_be_anything(
    start_job: StartJob, strategy: OneLoggerErrorHandlingStrategy, hostile_value: Any
) -> None:
    job = start_job(strategy)
    with timed_span("span", span_attributes=Attributes({"given": hostile_value})) as span:
        span.add_attribute("added", hostile_value)
        recorded = Event.create("event", Attributes().add("value", hostile_value))
        job.provider.recorder.event(span, recorded)
    assert job.provider.flush(10)
    job.provider.reset()

    for file in (job.file, job.background_file):
        start, event, stop = file.records()
        assert [start["type"], event["type"], stop["type"]] == ["start", "event", "stop"]
        assert "given" in start["attributes"]
        assert "value" in event["event"]["attributes"]
        assert {"given", "added"} <= set(stop["attributes"])
    assert [LoggerExporter.deserialize_log(line)["type"] for line in job.lines] == ["start", "event", "stop"]


def test_no_argument_of_the_recorder_and_of_callbacks_switches_telemetry_off_or_raises_anything_foreign(
    start_job: StartJob, strategy: OneLoggerErrorHandlingStrategy, hostile_value: Any
) -> None:
    value = hostile_value
    job = start_job(strategy)
    recorder = job.provider.recorder
    calls: List[Callable[[], object]] = [
        lambda: recorder.stop(recorder.start(value)),
        lambda: recorder.stop(recorder.start("arguments", value, value, value, value)),
        lambda: recorder.stop(value),
        lambda: recorder.stop(recorder.start("stop"), value, value),
        lambda: recorder.event(value, value),
        lambda: recorder.error(value, value, value),
        lambda: recorder.error(recorder.start("error"), value, value),
        lambda: recorder.telemetry_data_error(value, value),
        lambda: callbacks.on_train_start(value),
        lambda: callbacks.on_training_single_iteration_start(value),
        lambda: callbacks.on_training_single_iteration_end(metrics={"value": value}),
        lambda: callbacks.log_metrics(value),
        lambda: callbacks.on_save_checkpoint_start(value),
        lambda: callbacks.on_app_end(value),
    ]
    for number, call in enumerate(calls):
        try:
            call()
        except OneLoggerError:
            assert strategy.name == "PROPAGATE_EXCEPTIONS", number
        except (TypeError, ValueError):  # a callback raises the caller's own mistake in the caller's class
            assert strategy.name == "PROPAGATE_EXCEPTIONS", number
    assert job.provider.one_logger_enabled
    assert all(status.state == "on" and not status.failures for status in job.provider.exporter_status())


def test_exception_of_the_application_is_raised_and_recorded_whatever_is_in_it(
    start_job: StartJob, strategy: OneLoggerErrorHandlingStrategy, hostile_value: Any
) -> None:
    job = start_job(strategy)
    mine = ValueError(hostile_value)
    with pytest.raises(ValueError) as raised, timed_span("fails"):  # noqa: PT011  # its text cannot be had
        raise mine
    assert raised.value is mine
    job.provider.reset()
    (error,) = job.file.records("application_error")
    assert error["event"]["attributes"]["exception_type"] == "ValueError"


@pytest.mark.parametrize(
    "name",
    ["type", "id", "parent_id", "name", "attributes", "count", "pid", "start_event", "timestamp_msec", "error_message"],
)
def test_attribute_named_like_a_key_of_ours_stays_below_attributes(start_job: StartJob, name: str) -> None:
    job = start_job(next(iter(OneLoggerErrorHandlingStrategy)))
    with timed_span("mine", span_attributes=Attributes({name: "theirs"})):
        pass
    (record,) = job.file.records("complete")
    assert record["attributes"][name] == "theirs"
    assert (record["type"], record["name"], record["count"]) == ("complete", "mine", 1)


def test_duration_of_a_span_is_ours_whatever_an_attribute_of_that_name_says(start_job: StartJob) -> None:
    job = start_job(next(iter(OneLoggerErrorHandlingStrategy)))
    with timed_span("mine", span_attributes=Attributes({"duration_msec": "a while"})) as span:
        span.add_attribute("duration_msec", -1)
    (record,) = job.file.records("complete")
    assert isinstance(record["attributes"]["duration_msec"], int)
    assert record["attributes"]["duration_msec"] >= 0


def test_mixed_list_is_refused_with_a_message_also_where_its_types_have_no_names(
    all_hostile_values: Dict[str, Any],
) -> None:
    of_no_type = all_hostile_values["OfNoType"]
    with pytest.raises(OneLoggerError, match="found OfNoType beside int"):
        Attribute("mixed", [1, of_no_type])


@pytest.mark.parametrize("size", [100_000_000])
def test_hundred_megabytes_of_text_are_one_record(tmp_path: Path, size: int) -> None:
    path = tmp_path / "large.jsonl"
    provider = TrainingTelemetryProvider.instance()
    provider.with_base_config(TrainingTelemetryConfig(application_name="large", session_tag_or_fn="s"))
    provider.with_exporter(FileExporter(file_path=path)).configure_provider()
    text = "x" * size
    with timed_span("large", span_attributes=Attributes({"text": text})):
        pass
    provider.reset()
    assert size < path.stat().st_size < size + 1000
    with path.open("rb") as file:
        record = json.loads(file.readline())
        assert file.read() == b""
    assert len(record["attributes"]["text"]) == size


# --- handlers that record --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closes_file", [False, True], ids=["records", "failures, too"])
def test_log_handler_that_records_neither_recurses_nor_blocks_threads(tmp_path: Path, closes_file: bool) -> None:
    emitted: List[str] = []

    class Recording(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            emitted.append(record.getMessage())
            with timed_span("in the handler"):
                pass

    logger = logging.getLogger("hostile.recording")
    logger.setLevel(logging.INFO)
    handler = Recording()
    logging.getLogger().addHandler(handler)  # hears the exporter's logger and the library's own
    try:
        file = FileExporter(file_path=tmp_path / "x.jsonl")
        provider = TrainingTelemetryProvider.instance()
        provider.with_base_config(TrainingTelemetryConfig(application_name="a", session_tag_or_fn="s"))
        provider.with_exporter(LoggerExporter(logger)).with_exporter(file).configure_provider()
        if closes_file:
            assert file._file is not None
            file._file.close()

        def work() -> None:
            for _ in range(30):
                with timed_span("work"):
                    logger.info("the application's own line")

        threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        lines = [line for line in emitted if line.startswith("[")]
        own = [line for line in emitted if not line.startswith("[") and "application" not in line]
        names = [LoggerExporter.deserialize_log(line).get("name") for line in lines]
        assert names.count("work") == 240, "a start and a stop of each"
        assert len(own) <= 3, "one line for each cause"
    finally:
        TrainingTelemetryProvider.instance().reset()
        logging.getLogger().removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def test_different_mistakes_of_one_kind_log_one_line(start_job: StartJob, caplog: pytest.LogCaptureFixture) -> None:
    job = start_job(OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR)
    for _ in range(50):
        job.provider.recorder.stop(object())  # a mistake, each time of another object
    own = [record for record in caplog.records if record.name.startswith("nv_one_logger")]
    assert len(own) == 1


def test_failing_plugin_is_told_of_in_two_lines_however_many_hooks_fail(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(BaseExporter):
        def export_start(self, *arguments: Any) -> None:
            raise OSError("down")

        export_stop = export_event = export_error = export_telemetry_data_error = export_start  # type: ignore[assignment]

    exporter = Broken()
    provider = TrainingTelemetryProvider.instance()
    provider.with_base_config(TrainingTelemetryConfig(application_name="a", session_tag_or_fn="s"))
    provider.with_exporter(exporter).configure_provider()
    for number in range(200):
        with timed_span(f"span {number}") as span:
            provider.recorder.event(span, Event.create("event"))
    assert len(caplog.records) == 2, "that it fails, and that it is paused"
