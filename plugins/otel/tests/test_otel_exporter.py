"""Around an exporter of the SDK: the mapping of nv-one-logger-otel 2.3, and what was wrong with it."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from enum import Enum
from typing import Any
from unittest.mock import MagicMock

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.exporter.exporter import ExportError, RecordWriteError
from nv_one_logger.otel.exporter.otel_exporter import OTelExporter


@pytest.fixture
def memory() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def exporter(memory: InMemorySpanExporter) -> Iterator[OTelExporter]:
    exporter = OTelExporter(memory)
    exporter.initialize()
    yield exporter
    exporter.close()


def finished(exporter: OTelExporter, memory: InMemorySpanExporter) -> list[Any]:
    assert exporter._processor.force_flush()
    return list(memory.get_finished_spans())


def run(exporter: OTelExporter, span: Span) -> Span:
    exporter.export_start(span)
    span.stop()
    exporter.export_stop(span)
    return span


def data_error(message: str) -> TelemetryDataError:
    return TelemetryDataError.create(TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA, message)


# --- the mapping -----------------------------------------------------------------------------------------------------


def test_span_with_nothing_in_between_is_three_spans_in_order(exporter: Any, memory: Any) -> None:
    span = run(exporter, Span.create("load", None, Attributes({"files": 3})))
    start, stop, real = finished(exporter, memory)
    assert [s.name for s in (start, stop, real)] == ["span_start_event_for_load", "span_stop_event_for_load", "load"]
    assert real.attributes["one_logger_span_id"] == span.id.int
    assert real.attributes["files"] == 3
    assert real.attributes["duration_msec"] == span.duration_msec()
    assert span.stop_event is not None
    assert real.start_time == exporter._convert_timestamp(span.start_event.timestamp)
    assert real.end_time == exporter._convert_timestamp(span.stop_event.timestamp)
    assert [event.name for event in real.events] == ["span_start", "span_stop"]
    assert real.status.status_code is StatusCode.UNSET
    assert real.parent is None
    assert real.kind is trace.SpanKind.INTERNAL
    assert (real.instrumentation_scope.name, real.instrumentation_scope.version) == ("one_logger", "")
    for marker, event in ((start, span.start_event), (stop, span.stop_event)):
        assert marker.parent.span_id == real.context.span_id
        assert marker.start_time == marker.end_time == exporter._convert_timestamp(event.timestamp)
        assert marker.events == ()
        assert dict(marker.attributes) == event.attributes.to_json()


def test_event_is_a_marker_and_an_event_with_equal_attributes(exporter: Any, memory: Any) -> None:
    span = Span.create("train")
    exporter.export_start(span)
    event = span.add_event(Event.create("log", Attributes({"loss": 0.5})))
    exporter.export_event(event, span)
    span.stop()
    exporter.export_stop(span)
    spans = finished(exporter, memory)
    assert len(spans) == 4
    marker, real = spans[1], spans[-1]
    assert marker.name == "log_event_for_train"
    assert dict(marker.attributes) == dict(real.events[1].attributes)
    assert real.events[1].name == "log"
    assert marker.attributes["loss"] == 0.5


def test_errors_give_marker_and_span_the_status(exporter: Any, memory: Any) -> None:
    span = Span.create("train")
    exporter.export_start(span)
    for message in ("first", "second"):
        exporter.export_error(ErrorEvent.create(message, ValueError("bad")), span)
    span.stop()
    exporter.export_stop(span)
    spans = finished(exporter, memory)
    assert len(spans) == 5
    assert [s.name for s in spans[1:3]] == ["error_for_train"] * 2
    assert spans[1].status.status_code is StatusCode.ERROR
    assert spans[1].status.description == "first"
    assert spans[1].attributes["exception_type"] == "ValueError"
    assert (spans[-1].status.status_code, spans[-1].status.description) == (StatusCode.ERROR, "second")
    assert [event.name for event in spans[-1].events] == ["span_start", "error", "error", "span_stop"]


def test_telemetry_data_error_is_a_span_of_its_own(exporter: Any, memory: Any) -> None:
    exporter.export_telemetry_data_error(data_error("half is missing"))
    (span,) = finished(exporter, memory)
    assert span.name == "span_for_telemetry_data_error"
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "half is missing")
    assert span.start_time == span.end_time
    assert not span.attributes
    (event,) = span.events
    assert event.name == "telemetry_data_error"
    assert event.attributes["error_message"] == "half is missing"


def test_times_assigned_to_events_afterwards_count(exporter: Any, memory: Any) -> None:
    span = Span.create("late")
    span.start_event._timestamp = TracingTimestamp(1000.5, 1.0)
    exporter.export_start(span)
    span.stop()
    assert span.stop_event is not None
    span.stop_event._timestamp = TracingTimestamp(1001.25, 2.0)
    exporter.export_stop(span)
    real = finished(exporter, memory)[-1]
    assert (real.start_time, real.end_time) == (1_000_500_000_000, 1_001_250_000_000)


def test_attributes_set_later_arrive_and_a_span_id_of_the_user_wins(exporter: Any, memory: Any) -> None:
    span = Span.create("train", None, Attributes({"epoch": 0}))
    exporter.export_start(span)
    span.add_attributes(Attributes({"epoch": 1, "one_logger_span_id": "mine"}))
    span.stop()
    exporter.export_stop(span)
    real = finished(exporter, memory)[-1]
    assert (real.attributes["epoch"], real.attributes["one_logger_span_id"]) == (1, "mine")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (True, True),
        (1 << 70, 1 << 70),
        (0.5, 0.5),
        ([1, 2], [1, 2]),
        ((1, 2), (1, 2)),
        ([], []),
        ({"key": "value"}, "{'key': 'value'}"),
        (None, "None"),
        ([[1]], "[[1]]"),
        ((1, "a"), "(1, 'a')"),
        (b"raw", b"raw"),
        (TracingTimestamp(1.0, 2.0), str(TracingTimestamp(1.0, 2.0))),
    ],
)
def test_conversion_of_attributes(value: Any, expected: Any) -> None:
    assert OTelExporter._convert_attributes(Attributes({"name": value})) == {"name": expected}


def test_conversion_of_enum_names_and_of_nothing() -> None:
    class Name(str, Enum):
        LOSS = "loss"

    assert OTelExporter._convert_attributes(Attributes({Name.LOSS: 1})) == {"loss": 1}
    assert OTelExporter._convert_attributes(Attributes()) is None
    assert OTelExporter._convert_attributes(None) is None


def test_close_shuts_the_provider_down_once(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = OTelExporter(memory)
    exporter.initialize()
    with monkeypatch.context() as patch:
        shutdown = MagicMock()
        patch.setattr(exporter._provider, "shutdown", shutdown)
        exporter.close()
        exporter.close()
    shutdown.assert_called_once_with()
    exporter._provider.shutdown()


def test_close_shuts_the_given_exporter_down(memory: Any) -> None:
    exporter = OTelExporter(memory)
    exporter.initialize()
    run(exporter, Span.create("load"))
    exporter.close()
    assert len(memory.get_finished_spans()) == 3
    assert memory.export([]) is SpanExportResult.FAILURE


@pytest.mark.parametrize("name", ["export_event", "export_error"])
def test_unknown_span_is_an_export_error(exporter: Any, name: str) -> None:
    event = Event.create("e") if name == "export_event" else ErrorEvent.create("e")
    with pytest.raises(ExportError, match="Cannot find the span"):
        getattr(exporter, name)(event, Span.create("unknown"))


def test_stop_of_an_unknown_or_running_span_is_an_export_error(exporter: Any) -> None:
    span = Span.create("running")
    with pytest.raises(ExportError, match="Cannot find the span"):
        exporter.export_stop(span)
    exporter.export_start(span)
    with pytest.raises(ExportError, match="no stop event"):
        exporter.export_stop(span)
    span.stop()
    exporter.export_stop(span)


# --- parents and traces ----------------------------------------------------------------------------------------------


def test_child_has_parent_and_trace(exporter: Any, memory: Any) -> None:
    outer = Span.create("outer")
    exporter.export_start(outer)
    run(exporter, Span.create("inner", outer))
    outer.stop()
    exporter.export_stop(outer)
    spans = {span.name: span for span in finished(exporter, memory)}
    assert spans["inner"].parent.span_id == spans["outer"].context.span_id
    assert {span.context.trace_id for span in spans.values()} == {spans["outer"].context.trace_id}


def test_roots_have_traces_of_their_own(exporter: Any, memory: Any) -> None:
    run(exporter, Span.create("one"))
    run(exporter, Span.create("two"))
    real = [span for span in finished(exporter, memory) if span.parent is None]
    assert len({span.context.trace_id for span in real}) == 2


def test_filtered_parent_is_passed_over(exporter: Any, memory: Any) -> None:
    outer = Span.create("outer")
    filtered = Span.create("filtered", outer)
    filtered._is_exported = False
    exporter.export_start(outer)
    run(exporter, Span.create("inner", filtered))
    outer.stop()
    exporter.export_stop(outer)
    spans = {span.name: span for span in finished(exporter, memory)}
    assert spans["inner"].parent.span_id == spans["outer"].context.span_id
    assert "one_logger_parent_id" not in spans["inner"].attributes


def test_child_of_a_parent_that_has_ended_stays_its_child(exporter: Any, memory: Any) -> None:
    outer = run(exporter, Span.create("outer"))
    run(exporter, Span.create("late", outer))
    spans = {span.name: span for span in finished(exporter, memory)}
    assert spans["late"].parent.span_id == spans["outer"].context.span_id
    assert spans["late"].context.trace_id == spans["outer"].context.trace_id


def test_child_of_an_unknown_parent_is_a_root_of_the_same_trace(exporter: Any, memory: Any) -> None:
    unknown = Span.create("unknown")
    for name in ("one", "two"):
        run(exporter, Span.create(name, unknown))
    one, two = (span for span in finished(exporter, memory) if span.name in ("one", "two"))
    assert one.parent is None
    assert one.attributes["one_logger_parent_id"] == unknown.id_str
    assert one.context.trace_id == two.context.trace_id


def test_known_grandparent_stands_in_for_an_unknown_parent(exporter: Any, memory: Any) -> None:
    outer = Span.create("outer")
    unknown = Span.create("unknown", outer)
    exporter.export_start(outer)
    run(exporter, Span.create("inner", unknown))
    outer.stop()
    exporter.export_stop(outer)
    spans = {span.name: span for span in finished(exporter, memory)}
    assert spans["inner"].parent.span_id == spans["outer"].context.span_id
    assert spans["inner"].attributes["one_logger_parent_id"] == unknown.id_str


def test_span_read_back_from_a_record_finds_its_parent(exporter: Any, memory: Any) -> None:
    outer = run(exporter, Span.create("outer"))
    child = Span.create("child", outer)
    child.stop()
    read_back = Span.from_json(child.to_json())
    exporter.export_start(read_back)
    exporter.export_stop(read_back)
    orphan = Span.from_json({**child.to_json(), "id": str(uuid.uuid4()), "parent_id": "none of ours"})
    exporter.export_start(orphan)
    exporter.export_stop(orphan)
    children = [span for span in finished(exporter, memory) if span.name == "child"]
    (real_outer,) = [span for span in memory.get_finished_spans() if span.name == "outer"]
    assert children[0].parent.span_id == real_outer.context.span_id
    assert children[1].parent is None
    assert children[1].attributes["one_logger_parent_id"] == "none of ours"


def test_ids_do_not_depend_on_the_seed_of_the_application(memory: Any) -> None:
    import random

    exporter = OTelExporter(memory)
    exporter.initialize()
    for _ in range(2):
        random.seed(42)  # as a training script does, on every rank
        run(exporter, Span.create("step"))
    spans = finished(exporter, memory)
    assert len({span.context.span_id for span in spans}) == len(spans) == 6
    exporter.close()


def test_two_exporters_agree_about_ids(memory: Any) -> None:
    span = Span.create("seen_by_both")
    ids = set()
    for _ in range(2):
        own = InMemorySpanExporter()
        exporter = OTelExporter(own)
        exporter.initialize()
        exporter.export_start(span)
        exporter.close()
        ids |= {(s.context.trace_id, s.context.span_id) for s in own.get_finished_spans() if s.name == span.name}
    assert len(ids) == 1


# --- defects of the reference ----------------------------------------------------------------------------------------


def test_ambient_context_is_neither_changed_nor_read(exporter: Any, memory: Any) -> None:
    application = TracerProvider(shutdown_on_exit=False).get_tracer("application")
    before = otel_context.get_current()
    with application.start_as_current_span("of_the_application") as current:
        span = Span.create("ours")
        exporter.export_start(span)
        exporter.export_event(Event.create("e"), span)
        assert trace.get_current_span() is current
        exporter.export_telemetry_data_error(data_error("x"))
        span.stop()
        exporter.export_stop(span)
    assert otel_context.get_current() == before
    for exported in finished(exporter, memory):
        assert exported.context.trace_id != current.get_span_context().trace_id
        assert exported.parent is None or exported.name != "ours"


class Sent(SpanExporter):
    """Encodes what it gets, as OTLP exporters do."""

    def __init__(self) -> None:
        self.encoded: list[Any] = []

    def export(self, spans: Any) -> SpanExportResult:
        for group in encode_spans(spans).resource_spans:
            self.encoded += [span for scope in group.scope_spans for span in scope.spans]
        return SpanExportResult.SUCCESS


def test_span_id_and_odd_values_can_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    class Color(Enum):
        RED = 1

    sent = Sent()
    exporter = OTelExporter(sent)
    exporter.initialize()
    values = {
        "big": 1 << 80,
        "bigs": [1, 1 << 80],
        "nan": float("nan"),
        "raw": b"\xff",
        "none": None,
        "color": Color.RED,
    }
    span = run(exporter, Span.create("odd \ud800", None, Attributes({**values, "path": "\udcff", "": 1})))
    exporter.close()
    attributes = {pair.key: pair.value for pair in sent.encoded[-1].attributes}
    assert sent.encoded[-1].name == "odd \\ud800"
    assert attributes["one_logger_span_id"].string_value == str(span.id.int)
    assert attributes["big"].string_value == str(1 << 80)
    assert attributes["bigs"].string_value == str([1, 1 << 80])
    assert attributes["nan"].string_value == "NaN"
    assert attributes["raw"].string_value == "\\xff"
    assert attributes["color"].int_value == 1
    assert attributes["path"].string_value == "\\udcff"
    assert attributes["_"].int_value == 1
    assert "none" not in attributes
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_open_spans_are_sent_at_the_end(memory: Any, caplog: pytest.LogCaptureFixture) -> None:
    exporter = OTelExporter(memory)
    exporter.initialize()
    outer = Span.create("outer")
    exporter.export_start(outer)
    outer.add_attribute("progress", 7)
    exporter.export_start(Span.create("inner", outer))
    exporter.close()
    spans = {span.name: span for span in memory.get_finished_spans()}
    assert spans["outer"].attributes["one_logger_unfinished"] is True
    assert spans["outer"].attributes["progress"] == 7
    assert spans["inner"].parent.span_id == spans["outer"].context.span_id
    assert "2 span(s) were open: outer, inner" in caplog.text


def test_burst_against_a_slow_backend_loses_nothing() -> None:
    goes_on = threading.Event()

    class Slow(InMemorySpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            goes_on.wait(20)
            return super().export(spans)

    memory = Slow()
    exporter = OTelExporter(memory)
    exporter.initialize()
    for number in range(2001):
        run(exporter, Span.create(f"span{number}"))
    goes_on.set()
    exporter.flush(20.0)
    assert len(memory.get_finished_spans()) == 6003
    exporter.close()


def test_many_events_and_attributes_are_kept(exporter: Any, memory: Any) -> None:
    span = Span.create("busy", None, Attributes({f"a{number}": number for number in range(200)}))
    exporter.export_start(span)
    for number in range(300):
        exporter.export_event(Event.create(f"e{number}"), span)
    span.stop()
    exporter.export_stop(span)
    real = finished(exporter, memory)[-1]
    assert len(real.events) == 302
    assert real.events[0].name == "span_start"
    assert real.attributes["one_logger_span_id"] == span.id.int
    assert len(real.attributes) == 202


def test_limits_of_the_environment_hold(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "2")
    exporter = OTelExporter(memory)
    exporter.initialize()
    span = Span.create("busy")
    exporter.export_start(span)
    for number in range(5):
        exporter.export_event(Event.create(f"e{number}"), span)
    span.stop()
    exporter.export_stop(span)
    assert len(finished(exporter, memory)[-1].events) == 2
    exporter.close()


def test_same_span_started_twice_is_one_span(exporter: Any, memory: Any) -> None:
    span = Span.create("once")
    exporter.export_start(span)
    run(exporter, span)
    assert len(finished(exporter, memory)) == 3


def test_second_initialize_keeps_the_provider(exporter: Any) -> None:
    provider = exporter._provider
    threads = threading.active_count()
    exporter.initialize()
    assert exporter._provider is provider
    assert threading.active_count() == threads


def test_failing_shutdown_raises_and_leaves_it_closed(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = OTelExporter(memory)
    exporter.initialize()
    with monkeypatch.context() as patch:
        patch.setattr(exporter._provider, "shutdown", MagicMock(side_effect=RuntimeError("broken")))
        with pytest.raises(ExportError, match="broken") as raised:
            exporter.close()
        assert isinstance(raised.value.__cause__, RuntimeError)
        assert exporter.closed
        exporter.close()
    exporter._provider.shutdown()


def test_failure_inside_opentelemetry_is_chained(exporter: Any) -> None:
    exporter._recording._tracer = MagicMock()
    exporter._recording._tracer.start_span.side_effect = RuntimeError("broken")
    with pytest.raises(ExportError, match="could not export a start: broken") as raised:
        exporter.export_start(Span.create("load"))
    assert isinstance(raised.value.__cause__, RuntimeError)


def test_initialize_after_close_says_that_the_exporter_is_gone(memory: Any) -> None:
    exporter = OTelExporter(memory)
    exporter.initialize()
    exporter.close()
    with pytest.raises(ExportError, match="Make a new one"):
        exporter.initialize()


def test_failing_setup_is_an_export_error(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "many")
    exporter = OTelExporter(memory)
    with pytest.raises(ExportError, match="OTEL_SPAN_EVENT_COUNT_LIMIT"):
        exporter.initialize()
    assert not exporter.ready


def test_loss_is_counted_raised_once_and_told_at_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
    refusing = MagicMock(spec=SpanExporter)
    refusing.export.return_value = SpanExportResult.FAILURE
    exporter = OTelExporter(refusing, close_timeout=2.0)
    exporter.initialize()
    raised = []
    for number in range(7):  # 21 spans of OpenTelemetry
        try:
            run(exporter, Span.create(f"span{number}"))
        except RecordWriteError as error:
            raised.append(str(error))
    assert "the queue of 10 was full" in raised[-1]
    with pytest.raises(ExportError, match="still waiting"):
        exporter.flush(0.1)
    (status,) = exporter.status()
    assert status.accepted == status.delivered + status.lost + status.waiting
    exporter.close()
    (status,) = exporter.status()
    assert (status.delivered, status.lost, status.waiting) == (0, status.accepted, 0)
    assert f"lost {status.accepted} of {status.accepted} spans" in caplog.text


def test_disabled_sdk_exports_nothing_and_says_so(
    memory: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    exporter = OTelExporter(memory)
    exporter.initialize()
    outer = Span.create("outer")
    exporter.export_start(outer)
    run(exporter, Span.create("inner", outer))
    exporter.close()
    assert memory.get_finished_spans() == ()
    assert "OTEL_SDK_DISABLED is true" in caplog.text


def test_sampler_of_the_environment_holds(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    exporter = OTelExporter(memory)
    exporter.initialize()
    for _ in range(400):
        run(exporter, Span.create("step"))
    exporter.close()
    sampled = len([span for span in memory.get_finished_spans() if span.name == "step"])
    assert 100 < sampled < 300


def test_threads_may_hand_spans_over(exporter: Any, memory: Any) -> None:
    spans = [Span.create(f"span{number}") for number in range(100)]
    for span in spans:
        exporter.export_start(span)

    def stop(part: int) -> None:
        for span in spans[part::4]:
            span.stop()
            exporter.export_stop(span)

    threads = [threading.Thread(target=stop, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(finished(exporter, memory)) == 300


def test_ended_spans_are_forgotten_some_time(exporter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nv_one_logger.otel.exporter.internal.recording._MOST_KNOWN", 10)
    kept = Span.create("open")
    exporter.export_start(kept)
    for number in range(50):
        run(exporter, Span.create(f"span{number}"))
    known = exporter._recording.known
    assert len(known) <= 12
    assert kept.id.int in known
    kept.stop()
    exporter.export_stop(kept)


def test_exporter_that_nobody_refers_to_is_collected(memory: Any) -> None:
    import gc
    import weakref

    exporter = OTelExporter(memory)
    reference = weakref.ref(exporter)
    del exporter
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("argument", [{"endpoint": "http://h"}, {"headers": {}}, {"logs": True}, {"insecure": False}])
def test_arguments_of_a_connection_beside_an_exporter_are_refused(memory: Any, argument: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="has no effect beside otel_span_exporter"):
        OTelExporter(memory, **argument)


def test_markers_can_be_left_out(memory: Any) -> None:
    exporter = OTelExporter(memory, markers=False)
    exporter.initialize()
    span = Span.create("train", None, None, Attributes({"why": "test"}))
    exporter.export_start(span)
    exporter.export_event(Event.create("log"), span)
    exporter.export_error(ErrorEvent.create("bad", ValueError("text")), span)
    span.stop()
    exporter.export_stop(span)
    (real,) = finished(exporter, memory)
    assert [event.name for event in real.events] == ["span_start", "log", "exception"]
    assert real.events[0].attributes["why"] == "test"
    assert real.events[2].attributes["exception.message"] == "text"
    exporter.close()
