"""Against a real receiver of each protocol, which also refuses, hangs, is taken off the network and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import ExportError, RecordWriteError
from nv_one_logger.otel.exporter.otel_exporter import OTelExporter


def values_of(message: Any) -> dict[str, Any]:
    found = {}
    for pair in message.attributes:
        kind = pair.value.WhichOneof("value")
        found[pair.key] = (
            [item.string_value for item in pair.value.array_value.values] if kind == "array_value" else None
        )
        if kind != "array_value":
            found[pair.key] = getattr(pair.value, kind)
    return found


@pytest.fixture
def make(receiver: Any) -> Iterator[Callable[..., OTelExporter]]:
    """Make an exporter to the receiver that is ready."""
    made: list[OTelExporter] = []

    def make_one(config: OneLoggerConfig | None = None, **arguments: Any) -> OTelExporter:
        arguments = {"endpoint": receiver.endpoint, "protocol": receiver.protocol, "timeout": 1.0, **arguments}
        made.append(OTelExporter(close_timeout=2.0, **arguments))
        if config is not None:
            made[-1].configure(config)
        made[-1].initialize()
        return made[-1]

    yield make_one
    receiver.mend()
    for exporter in made:
        exporter.close()


def run(exporter: OTelExporter, span: Span) -> Span:
    exporter.export_start(span)
    span.stop()
    exporter.export_stop(span)
    return span


def count_losses(export: Callable[[Span], None], span: Span) -> int:
    try:
        export(span)
    except RecordWriteError:  # what was lost before is raised by whichever call comes next
        return 1
    return 0


# --- what arrives ----------------------------------------------------------------------------------------------------


def test_finished_spans_arrive_as_one_span_each(make: Any, receiver: Any) -> None:
    exporter = make()
    outer = Span.create("outer", None, Attributes({"files": 3, "names": ["a", "b"], "ratio": 0.5, "is_last": True}))
    exporter.export_start(outer)
    run(exporter, Span.create("inner", outer))
    outer.stop()
    exporter.export_stop(outer)
    exporter.flush(5.0)
    assert sorted(span.name for span in receiver.spans) == ["inner", "outer"]
    assert receiver.records == []
    real, inner = receiver.span("outer"), receiver.span("inner")
    assert inner.parent_span_id == real.span_id
    assert inner.trace_id == real.trace_id
    assert real.parent_span_id == b""
    assert not real.events
    assert real.start_time_unix_nano == exporter._convert_timestamp(outer.start_event.timestamp)
    values = values_of(real)
    assert values.pop("duration_msec") == outer.duration_msec()
    expected = {"files": 3, "names": ["a", "b"], "ratio": 0.5, "is_last": True, "one_logger_span_id": str(outer.id.int)}
    assert values == expected


def test_start_of_an_open_span_is_a_log_record_of_it(make: Any, receiver: Any) -> None:
    exporter = make()
    span = Span.create("train", None, Attributes({"epochs": 3}))
    exporter.export_start(span)
    exporter.flush(5.0)
    assert receiver.spans == []
    (record,) = receiver.records
    assert (record.event_name, record.body.string_value, record.severity_text) == ("span_start", "train", "INFO")
    assert record.time_unix_nano == exporter._convert_timestamp(span.start_event.timestamp)
    values = values_of(record)
    assert (values["epochs"], values["one_logger_span_id"]) == (3, str(span.id.int))
    span.stop()
    exporter.export_stop(span)
    exporter.flush(5.0)
    assert len(receiver.records) == 1
    assert (record.span_id, record.trace_id) == (receiver.span("train").span_id, receiver.span("train").trace_id)


def test_start_is_sent_by_itself_after_a_while(make: Any, receiver: Any) -> None:
    exporter = make()
    run(exporter, Span.create("short"))
    exporter.export_start(Span.create("long"))
    assert receiver.wait_for(lambda: len(receiver.records) == 1)
    assert values_of(receiver.records[0])["one_logger_span_name"] == "long"


def test_event_is_a_log_record_after_the_start(make: Any, receiver: Any) -> None:
    exporter = make()
    span = Span.create("train")
    exporter.export_start(span)
    exporter.export_event(Event.create("progress", Attributes({"step": 7})), span)
    exporter.flush(5.0)
    assert [record.event_name for record in receiver.records] == ["span_start", "progress"]
    assert values_of(receiver.records[1])["step"] == 7
    assert values_of(receiver.records[1])["one_logger_span_name"] == "train"
    span.stop()
    exporter.export_stop(span)
    exporter.flush(5.0)
    assert not receiver.span("train").events


def test_error_is_an_exception_with_status_and_a_log_record(make: Any, receiver: Any) -> None:
    exporter = make()
    span = Span.create("train")
    exporter.export_start(span)
    exporter.export_error(ErrorEvent.create("batch 7 failed", ValueError("no data")), span)
    span.stop()
    exporter.export_stop(span)
    exporter.flush(5.0)
    real = receiver.span("train")
    assert (real.status.code, real.status.message) == (Status.STATUS_CODE_ERROR, "batch 7 failed")
    (event,) = real.events
    assert event.name == "exception"
    values = values_of(event)
    assert values["exception.type"] == "ValueError"
    assert values["exception.message"] == "no data"
    assert "ValueError: no data" in values["exception.stacktrace"]
    record = receiver.records[-1]
    assert (record.event_name, record.severity_text, record.body.string_value) == ("error", "ERROR", "batch 7 failed")
    assert values_of(record)["exception.type"] == "ValueError"
    assert record.span_id == real.span_id


def test_telemetry_data_error_is_a_log_record_without_a_span(make: Any, receiver: Any) -> None:
    exporter = make()
    kind = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
    exporter.export_telemetry_data_error(TelemetryDataError.create(kind, "half is missing"))
    exporter.flush(5.0)
    (record,) = receiver.records
    assert (record.event_name, record.body.string_value) == ("telemetry_data_error", "half is missing")
    assert record.span_id == record.trace_id == b""
    assert receiver.spans == []


def test_attributes_of_first_and_last_event_are_kept_on_the_span(make: Any, receiver: Any) -> None:
    exporter = make()
    span = Span.create("save", None, None, Attributes({"path": "a.pt"}))
    exporter.export_start(span)
    span.stop(Attributes({"is_complete": True}))
    exporter.export_stop(span)
    exporter.flush(5.0)
    events = {event.name: values_of(event) for event in receiver.span("save").events}
    assert events["span_start"]["path"] == "a.pt"
    assert events["span_stop"]["is_complete"] is True


def test_markers_when_asked_for(make: Any, receiver: Any) -> None:
    exporter = make(markers=True)
    span = Span.create("train")
    exporter.export_start(span)
    exporter.flush(5.0)
    assert [sent.name for sent in receiver.spans] == ["span_start_event_for_train"]
    assert receiver.records == []
    span.stop()
    exporter.export_stop(span)
    exporter.flush(5.0)
    assert len(receiver.spans) == 3
    assert receiver.span("span_start_event_for_train").parent_span_id == receiver.span("train").span_id


def test_without_log_records_events_are_on_the_span(make: Any, receiver: Any) -> None:
    exporter = make(logs=False)
    span = Span.create("train")
    exporter.export_start(span)
    exporter.export_event(Event.create("progress"), span)
    span.stop()
    exporter.export_stop(span)
    exporter.flush(5.0)
    assert [event.name for event in receiver.span("train").events] == ["progress"]
    assert receiver.records == []
    assert [status.signal for status in exporter.status()] == ["spans"]


def test_resource_says_who_sends(make: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    config = OneLoggerConfig(application_name="vision", world_size_or_fn=8, session_tag_or_fn="job 7")
    exporter = make(config, resource={"team": "a", "sizes": ["x", "y"]})
    span = Span.create("train")
    exporter.export_start(span)
    exporter.export_event(Event.create("e"), span)
    exporter.flush(5.0)
    span.stop()
    exporter.export_stop(span)
    exporter.flush(5.0)
    assert len(receiver.resources) >= 2  # of log records, and of spans
    for resource in receiver.resources:
        expected = {"service.name": "vision", "one_logger.session_tag": "job 7", "one_logger.rank": 3}
        expected |= {"one_logger.world_size": 8, "team": "a", "sizes": ["x", "y"], "process.pid": os.getpid()}
        assert {name: resource[name] for name in expected} == expected


def test_headers_are_sent_along(make: Any, receiver: Any) -> None:
    exporter = make(headers={"Authorization": "Bearer secret"})
    run(exporter, Span.create("load"))
    exporter.flush(5.0)
    assert receiver.headers[0]["authorization"] == "Bearer secret"


def test_everything_may_come_from_the_environment(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", receiver.protocol)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "named")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "zone=north")
    exporter = OTelExporter()
    exporter.configure(OneLoggerConfig(application_name="app", world_size_or_fn=1, session_tag_or_fn="s"))
    exporter.initialize()
    span = Span.create("load")
    exporter.export_start(span)
    exporter.export_event(Event.create("e"), span)
    exporter.close()
    assert receiver.headers[0]["x-tenant"] == "blue"
    assert receiver.resources[0]["service.name"] == "named"
    assert receiver.resources[0]["zone"] == "north"
    assert len(receiver.spans) == 1
    assert len(receiver.records) == 2


def test_http_paths_are_appended(http_receiver: Any) -> None:
    for endpoint in (f"{http_receiver.endpoint}/", f"{http_receiver.endpoint}/v1/traces"):
        exporter = OTelExporter(endpoint=endpoint)
        exporter.initialize()
        exporter.export_start(Span.create("open"))
        exporter.flush(5.0)
        exporter.close()
    assert set(http_receiver.paths) == {"/v1/traces", "/v1/logs"}


def test_closed_exporter_may_be_initialized_again(make: Any, receiver: Any) -> None:
    exporter = make()
    outer = Span.create("outer")
    exporter.export_start(outer)
    exporter.close()
    exporter.initialize()
    run(exporter, Span.create("inner", outer))
    exporter.flush(5.0)
    assert receiver.span("inner").parent_span_id == receiver.span("outer").span_id


# --- a backend in trouble --------------------------------------------------------------------------------------------


def test_what_was_recorded_while_the_backend_was_gone_arrives_later(make: Any, receiver: Any) -> None:
    exporter = make()
    receiver.down()
    span = Span.create("open")
    exporter.export_start(span)
    for number in range(50):
        run(exporter, Span.create(f"span{number}", span))
    with pytest.raises(ExportError, match=r"still waiting after 0\.5 seconds: 50 spans, 1 log records"):
        exporter.flush(0.5)
    receiver.up()
    exporter.flush(20.0)
    assert sorted(sent.name for sent in receiver.spans) == sorted(f"span{number}" for number in range(50))
    assert [record.event_name for record in receiver.records] == ["span_start"]
    assert [status.lost for status in exporter.status()] == [0, 0]


def test_failure_is_logged_with_its_reason(http_receiver: Any, caplog: pytest.LogCaptureFixture) -> None:
    http_receiver.refuse()
    http_receiver.status = 400
    exporter = OTelExporter(endpoint=http_receiver.endpoint, close_timeout=2.0)
    exporter.initialize()
    run(exporter, Span.create("load"))
    with pytest.raises(ExportError, match="400 Bad Request from /v1/traces"):
        exporter.flush(0.5)
    assert "1 spans wait, as they cannot be delivered (400 Bad Request from /v1/traces)" in caplog.text
    exporter.close()
    assert exporter.status()[0].lost == 1


def test_partial_success_is_a_loss_and_said(make: Any, receiver: Any) -> None:
    exporter = make(logs=False)
    receiver.fill()
    for number in range(5):
        run(exporter, Span.create(f"span{number}"))
    with pytest.raises(ExportError, match="4 spans lost: no space left"):
        exporter.flush(5.0)
    assert [span.name for span in receiver.spans] == ["span0"]
    assert exporter.status()[0][:5] == ("spans", 5, 1, 4, 0)


def test_hanging_backend_holds_nobody_up(make: Any, receiver: Any) -> None:
    exporter = make(timeout=30.0)
    receiver.hang()
    begin = time.monotonic()
    span = Span.create("open")
    exporter.export_start(span)
    for number in range(100):
        run(exporter, Span.create(f"span{number}", span))
    assert time.monotonic() - begin < 1.0
    with pytest.raises(ExportError, match="still waiting"):
        exporter.flush(0.2)
    begin = time.monotonic()
    exporter.close()
    assert time.monotonic() - begin < 4.0
    assert [status.waiting for status in exporter.status()] == [0, 0]
    assert [status.lost for status in exporter.status()] == [101, 1]


def test_dead_backend_costs_no_more_than_the_deadline_and_drops_are_exact(
    make: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    receiver.down()
    exporter = make(timeout=None)
    try:
        losses = 0
        for number in range(500):
            span = Span.create(f"span{number}")
            losses += count_losses(exporter.export_start, span)
            span.stop()
            losses += count_losses(exporter.export_stop, span)
        assert losses
        begin = time.monotonic()
        exporter.close()
        assert time.monotonic() - begin < 4.0
        assert exporter.status()[0][:5] == ("spans", 500, 0, 500, 0)
        assert "lost 500 of 500 spans" in caplog.text
    finally:
        receiver.up()


PROGRAM = """
    import os, sys, time
    from nv_one_logger.api.timed_span import timed_span
    from nv_one_logger.core.event import Event
    from nv_one_logger.otel.exporter.otel_exporter import OTelExporter
    from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

    def exporter():
        return OTelExporter(endpoint=sys.argv[1], protocol=sys.argv[2])

    def configure(exporter):
        config = TrainingTelemetryConfig(application_name="program", session_tag_or_fn="s", world_size_or_fn=1)
        TrainingTelemetryProvider.instance().with_base_config(config).with_exporter(exporter).configure_provider()
"""


def start_program(receiver: Any, text: str) -> subprocess.Popen[str]:
    program = textwrap.dedent(PROGRAM) + textwrap.dedent(text)
    command = [sys.executable, "-c", program, receiver.endpoint, receiver.protocol]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


SPANS = """
    configure(exporter())
    with timed_span("train"):
        for step in range(200):
            with timed_span("step"):
                pass
    print(time.monotonic(), flush=True)
    {end}
"""


def test_program_that_closes_nothing_is_flushed_at_exit(receiver: Any) -> None:
    program = start_program(
        receiver,
        """
        from nv_one_logger.core.span import Span
        exporter = exporter()
        exporter.initialize()
        exporter.export_start(Span.create("left_open"))
        """,
    )
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors
    assert [span.name for span in receiver.spans] == ["left_open"]


def test_killed_program_shows_what_it_was_doing(receiver: Any) -> None:
    program = start_program(receiver, SPANS.format(end='timed_span("epoch").__enter__(); sys.stdin.read()'))
    try:
        assert receiver.wait_for(lambda: any(record.body.string_value == "epoch" for record in receiver.records))
        program.send_signal(signal.SIGKILL)
    finally:
        program.kill()
        program.communicate(timeout=30)
    starts = [record for record in receiver.records if record.event_name == "span_start"]
    assert values_of(starts[-1])["one_logger_span_name"] == "epoch"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
def test_forked_process_goes_on_under_the_span_of_its_parent(receiver: Any) -> None:
    program = start_program(
        receiver,
        """
        configure(exporter())
        with timed_span("train"):
            TrainingTelemetryProvider.instance().host.flush(5.0)  # now there are threads, and connections
            pid = os.fork()
            if pid == 0:
                with timed_span("in_child"):
                    pass
                TrainingTelemetryProvider.instance().host.flush(5.0)
                os._exit(0)
            os.waitpid(pid, 0)
        """,
    )
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors
    train, child = receiver.span("train"), receiver.span("in_child")
    assert child.parent_span_id == train.span_id
    assert child.trace_id == train.trace_id
    assert len({resource["process.pid"] for resource in receiver.resources}) == 2


# --- configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"endpoint": "localhost:4318"}, "endpoint = 'localhost:4318' is no http or https address. Give scheme"),
        ({"protocol": "http/json"}, "protocol = 'http/json' is not supported. Use http/protobuf or grpc"),
        ({"timeout": 0.0}, "timeout = 0.0 is no positive number"),
        ({"endpoint": "https://h", "insecure": True}, "insecure = True contradicts https://"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        OTelExporter(**arguments)


def test_protocol_of_the_environment_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    with pytest.raises(ConfigError, match="environment variable OTEL_EXPORTER_OTLP_PROTOCOL: protocol = 'http/json'"):
        OTelExporter()


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with pytest.raises(ConfigError, match=r"Run: pip install 'nv-one-logger-otel\[grpc\]'"):
        OTelExporter(protocol="grpc")


def test_credentials_stay_out_of_the_repr() -> None:
    exporter = OTelExporter(headers={"Authorization": "Bearer secret"})
    assert "secret" not in repr(exporter) + repr(vars(exporter)["_connection"])


def test_exporter_is_made_without_a_thread() -> None:
    threads = threading.active_count()
    OTelExporter(endpoint="http://127.0.0.1:1")
    assert threading.active_count() == threads
