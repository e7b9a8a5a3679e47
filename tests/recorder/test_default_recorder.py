"""The methods of the recorder, row by row of page 02, 6.1, and what misuse does, 6.3."""

from __future__ import annotations

import contextlib
import gc
import logging
import sys
import threading
import weakref
from typing import Any, Callable, Dict, List
from unittest.mock import MagicMock, call

import pytest

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.strenum import StrEnum
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host import ExporterHost, hookimpl
from nv_one_logger.recorder.default_recorder import DefaultRecorder, ExportCustomizationMode
from nv_one_logger.testing import RecordingExporter

QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR
TIMEOUT = 30.0

Configure = Callable[..., DefaultRecorder]
Lines = Callable[[], List[str]]


class Name(StrEnum):
    LOAD = "load"


# --- construction ----------------------------------------------------------------------------------------------------


def test_exporters_are_initialized_in_order_and_the_list_is_kept() -> None:
    parent = MagicMock()
    exporters: List[Any] = [parent.first, parent.second]
    recorder = DefaultRecorder(exporters)
    assert parent.mock_calls == [call.first.initialize(), call.second.initialize()]
    assert recorder._exporters is exporters
    assert not recorder._closed
    assert len(recorder._spans) == 0


def test_filter_is_kept_as_given() -> None:
    names = [Name.LOAD, "train"]
    recorder = DefaultRecorder([], ExportCustomizationMode.WHITELIST_SPANS, names)
    assert recorder._export_customization_mode is ExportCustomizationMode.WHITELIST_SPANS
    assert recorder._span_name_filter is names
    plain = DefaultRecorder([])
    assert plain._export_customization_mode is ExportCustomizationMode.EXPORT_ALL_SPANS
    assert plain._span_name_filter is None


def test_filter_that_does_not_go_with_the_mode_initializes_nothing() -> None:
    exporter = MagicMock(spec=Exporter)
    with pytest.raises(OneLoggerError):
        DefaultRecorder([exporter], ExportCustomizationMode.EXPORT_ALL_SPANS, [])
    exporter.initialize.assert_not_called()


def test_recorder_has_a_host_of_its_own_or_the_one_it_is_given(exporter: RecordingExporter) -> None:
    host = ExporterHost()
    host.register(exporter, name="registered before")
    other = MagicMock(spec=Exporter)
    recorder = DefaultRecorder([exporter, other], host=host)
    assert recorder.host is host
    assert [plugin for _, plugin in host.plugins()] == [exporter, other]
    assert DefaultRecorder([]).host is not host


def test_failed_initialize_raises_its_own_error_after_closing_the_others() -> None:
    first, broken, third = (MagicMock(spec=Exporter) for _ in range(3))
    error = ValueError("no connection")
    broken.initialize.side_effect = error
    with pytest.raises(ValueError, match="no connection") as caught:
        DefaultRecorder([first, broken, third])
    assert caught.value is error
    first.close.assert_called_once_with()
    third.close.assert_called_once_with()


def test_failed_initialize_leaves_the_exporter_out_in_the_quiet_strategy(configure: Configure) -> None:
    healthy, broken = MagicMock(spec=Exporter), MagicMock(spec=Exporter)
    broken.initialize.side_effect = ValueError("no connection")
    recorder = configure([broken, healthy], error_strategy=QUIET, quiet=True)
    recorder.stop(recorder.start("work"))
    healthy.export_stop.assert_called_once()
    broken.export_start.assert_not_called()
    assert recorder._exporter_state[broken].num_errors == 1


# --- start and stop --------------------------------------------------------------------------------------------------


def test_span_is_made_as_described_and_exported(recorder: DefaultRecorder, exporter: RecordingExporter) -> None:
    time = TracingTimestamp.now()
    span = recorder.start(Name.LOAD, Attributes({"rows": 3}), Attributes({"why": "test"}), time)
    assert exporter.spans() == [span]
    assert span.name is Name.LOAD
    assert span.active
    assert span.start_time is time
    assert span.attributes.to_json() == {"rows": 3}
    assert span.start_event.attributes.to_json()["why"] == "test"
    assert span.parent_span is None
    assert list(recorder._spans) == [span]


def test_stop_is_exported_with_attributes_and_time(recorder: DefaultRecorder, lines: Lines) -> None:
    span = recorder.start("work")
    time = TracingTimestamp.now()
    assert recorder.stop(span, Attributes({"result": "ok"}), time) is None  # type: ignore[func-returns-value]
    assert lines() == ["start work", "stop work"]
    assert not span.active
    assert span.stop_time is time
    assert span.stop_event is not None
    assert span.stop_event.attributes.to_json()["result"] == "ok"
    assert len(recorder._spans) == 0


def test_exporters_are_called_positionally_with_the_same_objects(configure: Configure) -> None:
    exporters = [MagicMock(spec=Exporter), MagicMock(spec=Exporter)]
    recorder = configure(exporters)
    span = recorder.start("work")
    event = recorder.event(span, Event.create("e"))
    error = recorder.error(span, "oops")
    recorder.stop(span)
    for exporter in exporters:
        assert exporter.method_calls == [
            call.initialize(),
            call.export_start(span),
            call.export_event(event, span),
            call.export_error(error, span),
            call.export_stop(span),
        ]


def test_parent_is_the_innermost_open_span_or_the_one_given(recorder: DefaultRecorder) -> None:
    outer = recorder.start("outer")
    inner = recorder.start("inner")
    given = recorder.start("given", parent_span=outer)
    assert inner.parent_span is outer
    assert given.parent_span is outer
    recorder.stop(given)
    recorder.stop(inner)
    assert recorder.start("after").parent_span is outer


def test_current_span_falls_back_to_the_closest_open_ancestor(recorder: DefaultRecorder) -> None:
    root = recorder.start("root")
    middle = recorder.start("middle")
    leaf = recorder.start("leaf")
    recorder.stop(middle)  # before its child
    recorder.stop(leaf)
    assert recorder.start("next").parent_span is root


def test_span_that_is_not_current_may_be_stopped_without_a_change(recorder: DefaultRecorder) -> None:
    outer = recorder.start("outer")
    inner = recorder.start("inner")
    recorder.stop(outer)
    assert recorder.start("next").parent_span is inner


def test_null_span_as_parent_means_none_given(recorder: DefaultRecorder) -> None:
    outer = recorder.start("outer")
    assert recorder.start("inner", parent_span=NULL_SPAN).parent_span is outer


def test_stopped_parent_may_be_given(recorder: DefaultRecorder) -> None:
    parent = recorder.start("parent")
    recorder.stop(parent)
    assert recorder.start("child", parent_span=parent).parent_span is parent


def test_active_spans_are_found_by_name_in_start_order(recorder: DefaultRecorder) -> None:
    first, _, third = recorder.start("load"), recorder.start("other"), recorder.start(Name.LOAD)
    assert recorder.get_active_spans_by_name("load") == [first, third]
    recorder.stop(first)
    assert recorder.get_active_spans_by_name(Name.LOAD) == [third]
    assert recorder.get_active_spans_by_name("unknown") == []


def test_two_recorders_do_not_see_each_others_spans() -> None:
    configured = DefaultRecorder([])
    other = DefaultRecorder([])
    config = MagicMock(enable_for_current_rank=True)
    OneLoggerProvider.instance()._config, OneLoggerProvider.instance()._recorder = config, configured
    mine = configured.start("mine")
    theirs = other.start("theirs")
    assert theirs.parent_span is None
    assert configured.start("child of mine").parent_span is mine
    other.stop(theirs)
    assert other.start("next").parent_span is None
    assert configured.start("grandchild of mine").parent_span is not None


# --- events and errors -----------------------------------------------------------------------------------------------


def test_event_is_added_exported_and_returned(recorder: DefaultRecorder, exporter: RecordingExporter) -> None:
    span, event = recorder.start("work"), Event.create("e")
    assert recorder.event(span, event) is event
    assert exporter.events() == [event]
    assert event in span.events


def test_error_keeps_the_exceptions_own_traceback(recorder: DefaultRecorder, exporter: RecordingExporter) -> None:
    span = recorder.start("work")
    try:
        raise ValueError("inner")
    except ValueError as error:
        kept = error
    try:
        raise KeyError("another that is being handled")
    except KeyError:
        event = recorder.error(span, "failed", kept)
    assert isinstance(event, ErrorEvent)
    assert exporter.errors == [event]
    assert (event.error_message, event.exception_type, event.exception_message) == ("failed", "ValueError", "inner")
    assert event.exception_traceback is not None
    assert 'raise ValueError("inner")' in event.exception_traceback
    assert "KeyError" not in event.exception_traceback


def test_error_without_an_exception_has_no_traceback(recorder: DefaultRecorder) -> None:
    event = recorder.error(recorder.start("work"), "failed")
    assert (event.exception_type, event.exception_traceback) == (None, None)


def test_exception_without_a_text_is_recorded(recorder: DefaultRecorder, exporter: RecordingExporter) -> None:
    with pytest.raises(ValueError, match=r"^$"), timed_span("work"):
        raise ValueError
    assert exporter.errors[0].exception_type == "ValueError"
    assert OneLoggerProvider.instance().one_logger_enabled


def test_error_message_may_be_any_object(recorder: DefaultRecorder) -> None:
    assert recorder.error(recorder.start("work"), ValueError("as message")).error_message == "as message"  # type: ignore[arg-type]


# --- telemetry data errors -------------------------------------------------------------------------------------------


def test_telemetry_data_error_reaches_each_exporter_once(configure: Configure) -> None:
    first, second = RecordingExporter(), RecordingExporter()
    recorder = configure([first], ExportCustomizationMode.WHITELIST_SPANS, ["nothing passes"])
    recorder.telemetry_data_error("doubt", Attributes({"why": "test"}))
    recorder.host.register(second)
    recorder.telemetry_data_error("more doubt")
    (error,) = first.telemetry_data_errors
    assert (error.error_type, error.error_message) == (TelemetryDataError.ErrorType.NO_TELEMETRY_DATA, "doubt")
    assert error.attributes.to_json()["why"] == "test"
    assert [error.error_message for error in second.telemetry_data_errors] == ["more doubt"]


def test_type_of_the_telemetry_data_error_tells_whether_anything_arrived(
    recorder: DefaultRecorder, exporter: RecordingExporter
) -> None:
    recorder.start("work")
    recorder.telemetry_data_error("doubt")
    (error,) = exporter.telemetry_data_errors
    assert error.error_type is TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
    assert recorder._exporter_state[exporter].telemetry_data_error_reported


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "names", "exported"),
    [
        (ExportCustomizationMode.EXPORT_ALL_SPANS, None, ["load", "train"]),
        (ExportCustomizationMode.WHITELIST_SPANS, [Name.LOAD], ["load"]),
        (ExportCustomizationMode.BLACKLIST_SPANS, ["load"], ["train"]),
    ],
)
def test_filter_drops_a_span_and_all_that_belongs_to_it(
    configure: Configure, exporter: RecordingExporter, mode: Any, names: Any, exported: List[str]
) -> None:
    recorder = configure([exporter], mode, names)
    for name in ("load", "train"):
        span = recorder.start(name)
        recorder.event(span, Event.create("e"))
        recorder.error(span, "x")
        recorder.stop(span)
    assert [(call.method, call.span and call.span.name) for call in exporter.calls] == [
        (method, name) for name in exported for method in ("start", "event", "error", "stop")
    ]


def test_filtered_span_is_tracked_and_skipped_as_exported_parent(
    configure: Configure, exporter: RecordingExporter
) -> None:
    recorder = configure([exporter], ExportCustomizationMode.BLACKLIST_SPANS, ["hidden"])
    shown = recorder.start("shown")
    hidden = recorder.start("hidden")
    assert recorder.get_active_spans_by_name("hidden") == [hidden]
    recorder.stop(recorder.start("child"))
    recorder.close()
    child = exporter.span("child")
    assert child.parent_span is hidden
    assert child.exported_parent is shown
    (record,) = [record for record in exporter.records if record["name"] == "child"]
    assert record["parent_id"] == shown.id_str


class Choosing:
    """A plugin that drops spans by name."""

    def __init__(self, *dropped: str) -> None:
        self.dropped = dropped
        self.asked: List[str] = []

    @hookimpl
    def should_export(self, span: Span) -> Any:
        self.asked.append(span.name_str)
        return False if span.name_str in self.dropped else None


def test_plugin_may_drop_a_span_but_not_its_children(recorder: DefaultRecorder, lines: Lines) -> None:
    choosing = Choosing("probe")
    recorder.host.register(choosing)
    probe = recorder.start("probe")
    recorder.event(probe, Event.create("dropped"))
    recorder.error(probe, "dropped")
    child = recorder.start("child")
    recorder.stop(child)
    recorder.stop(probe)
    assert lines() == ["start child", "stop child"]
    assert choosing.asked == ["probe", "child"]
    assert child.exported_parent is None


def test_plugin_is_asked_after_the_recorders_own_filter(configure: Configure, exporter: RecordingExporter) -> None:
    recorder = configure([exporter], ExportCustomizationMode.BLACKLIST_SPANS, ["hidden"])
    choosing = Choosing("probe")
    recorder.host.register(choosing)
    for name in ("hidden", "probe", "shown"):
        recorder.stop(recorder.start(name))
    assert choosing.asked == ["probe", "shown"]
    assert exporter.names("start") == ["shown"]


# --- late plugins ----------------------------------------------------------------------------------------------------


def test_late_plugin_gets_open_spans_that_pass_the_filters(configure: Configure) -> None:
    recorder = configure([], ExportCustomizationMode.BLACKLIST_SPANS, ["hidden"])
    recorder.start("outer")
    recorder.start("hidden")
    inner = recorder.start("inner")
    late = RecordingExporter()
    recorder.host.register(late)
    recorder.stop(inner)
    assert [f"{call.method} {call.name}" for call in late.calls] == ["start outer", "start inner", "stop inner"]


# --- misuse ----------------------------------------------------------------------------------------------------------


def stop_twice(recorder: DefaultRecorder) -> None:
    span = recorder.start("work")
    recorder.stop(span)
    recorder.stop(span)


MISUSE: Dict[str, Any] = {
    "stop None": (lambda recorder: recorder.stop(None), "which is no span"),
    "stop text": (lambda recorder: recorder.stop("work"), "which is no span"),
    "stop a stranger": (lambda recorder: recorder.stop(Span.create("work")), "never started by this recorder"),
    "stop twice": (stop_twice, "it was stopped before"),
    "event on None": (lambda recorder: recorder.event(None, Event.create("e")), "Cannot add an event to a span"),
    "event on text": (lambda recorder: recorder.event("work", Event.create("e")), "which is no span"),
    "event on a stranger": (lambda recorder: recorder.event(Span.create("x"), Event.create("e")), "never started"),
    "no event": (lambda recorder: recorder.event(recorder.start("work"), "text"), "it is no event"),
    "error on None": (lambda recorder: recorder.error(None, "x"), "Cannot add an event to a span that is not running"),
    "attributes as dict": (lambda recorder: recorder.start("work", {"a": 1}), "Found: dict"),
    "event attributes as dict": (lambda recorder: recorder.start("work", None, {"a": 1}), "Found: dict"),
    "time as float": (lambda recorder: recorder.start("work", start_time=1.5), "Found: float 1.5"),
    "parent as text": (lambda recorder: recorder.start("work", parent_span="outer"), "Found: str 'outer'"),
    "stop attributes as dict": (lambda recorder: recorder.stop(recorder.start("work"), {"a": 1}), "Found: dict"),
    "stop time as float": (lambda recorder: recorder.stop(recorder.start("work"), stop_time=1.5), "Found: float"),
}


@pytest.mark.parametrize(("act", "phrase"), MISUSE.values(), ids=MISUSE)
def test_misuse_raises_where_errors_propagate_and_recording_goes_on(
    recorder: DefaultRecorder, exporter: RecordingExporter, lines: Lines, act: Any, phrase: str
) -> None:
    with pytest.raises(OneLoggerError, match=phrase):
        act(recorder)
    with pytest.raises(OneLoggerError, match=phrase):
        act(recorder)
    assert len(exporter.telemetry_data_errors) == 1
    exporter.clear()
    recorder.stop(recorder.start("next"))
    assert lines() == ["start next", "stop next"]
    assert recorder.host.status()[0].failures == 0


@pytest.mark.parametrize(("act", "phrase"), MISUSE.values(), ids=MISUSE)
def test_misuse_is_reported_and_repaired_in_the_quiet_strategy(
    quiet_recorder: DefaultRecorder,
    exporter: RecordingExporter,
    lines: Lines,
    act: Any,
    phrase: str,
) -> None:
    act(quiet_recorder)
    act(quiet_recorder)
    (error,) = exporter.telemetry_data_errors
    assert phrase in error.error_message
    assert OneLoggerProvider.instance().one_logger_enabled
    exporter.clear()
    quiet_recorder.stop(quiet_recorder.start("next"))
    assert lines() == ["start next", "stop next"]
    assert quiet_recorder.host.status()[0].failures == 0


def test_usable_arguments_are_kept_beside_unusable_ones(quiet_recorder: DefaultRecorder) -> None:
    outer = quiet_recorder.start("outer")
    quiet_recorder.start("other")
    attributes: Any = {"a": 1}
    inner = quiet_recorder.start("inner", attributes, Attributes({"b": 2}), parent_span=outer)
    assert inner.parent_span is outer
    assert inner.start_event.attributes.to_json()["b"] == 2
    time = TracingTimestamp.now()
    quiet_recorder.stop(inner, attributes, time)
    assert inner.stop_time is time


def test_misuse_of_stop_leaves_the_span_open(recorder: DefaultRecorder) -> None:
    span = recorder.start("work")
    with pytest.raises(OneLoggerError):
        recorder.stop(span, stop_time=1.5)  # type: ignore[arg-type]
    assert span.active
    recorder.stop(span)
    assert not span.active


def test_misuse_while_an_exception_passes_is_only_logged(
    recorder: DefaultRecorder, exporter: RecordingExporter, caplog: pytest.LogCaptureFixture
) -> None:
    span = recorder.start("misused")
    recorder.stop(span)

    def fail() -> None:
        try:
            raise KeyError("the application's own")
        finally:
            recorder.stop(span)
            recorder.event(span, Event.create("e"))

    with pytest.raises(KeyError, match="the application's own"):
        fail()
    assert "Cannot stop span misused: it was stopped before" in caplog.text
    assert len(exporter.telemetry_data_errors) == 1


def test_misuse_after_the_provider_was_reset_by_another_thread_raises(recorder: DefaultRecorder) -> None:
    OneLoggerProvider.instance()._reset()
    with pytest.raises(OneLoggerError, match="a mistake"):
        recorder._misuse("a mistake")


def test_event_that_loses_the_race_against_the_stop_is_misuse_and_no_bug(
    quiet_recorder: DefaultRecorder, exporter: RecordingExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    span = quiet_recorder.start("work")
    add_event = Span.add_event

    def lose(self: Span, event: Event) -> Event:
        quiet_recorder.stop(self)
        return add_event(self, event)

    monkeypatch.setattr(Span, "add_event", lose)
    quiet_recorder.event(span, Event.create("late"))
    assert OneLoggerProvider.instance().one_logger_enabled
    assert exporter.names("event") == []


def test_null_span_accepts_everything_silently(
    recorder: DefaultRecorder, exporter: RecordingExporter, caplog: pytest.LogCaptureFixture
) -> None:
    event = Event.create("e")
    assert recorder.event(NULL_SPAN, event) is event
    assert recorder.error(NULL_SPAN, "x").error_message == "x"
    recorder.stop(NULL_SPAN)
    assert exporter.calls == []
    assert caplog.text == ""


# --- a bug of the library itself -------------------------------------------------------------------------------------


@pytest.fixture
def broken_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(Span, "create", fail)
    monkeypatch.setattr(Span, "add_event", fail)


BUGS: Dict[str, Any] = {
    "start": lambda recorder, span: recorder.start("next"),
    "event": lambda recorder, span: recorder.event(span, Event.create("e")),
    "error": lambda recorder, span: recorder.error(span, "x"),
}


@pytest.mark.parametrize("act", BUGS.values(), ids=BUGS)
def test_bug_propagates_and_is_reported(
    recorder: DefaultRecorder, exporter: RecordingExporter, request: pytest.FixtureRequest, act: Any
) -> None:
    span = recorder.start("work")
    request.getfixturevalue("broken_library")
    with pytest.raises(ZeroDivisionError, match="a bug of ours"):
        act(recorder, span)
    assert len(exporter.telemetry_data_errors) == 1


@pytest.mark.parametrize(("name", "act"), BUGS.items(), ids=BUGS)
def test_bug_switches_telemetry_off_in_the_quiet_strategy_after_closing_everything(
    quiet_recorder: DefaultRecorder,
    exporter: RecordingExporter,
    lines: Lines,
    request: pytest.FixtureRequest,
    name: str,
    act: Any,
) -> None:
    span = quiet_recorder.start("work")
    request.getfixturevalue("broken_library")
    assert act(quiet_recorder, span) is (NULL_SPAN if name == "start" else None)
    assert not OneLoggerProvider.instance().one_logger_enabled
    assert exporter.closed
    assert lines()[0] == "start work"
    assert lines()[-1] == "stop work"


def test_bug_in_stopping_exports_the_stop_all_the_same(
    recorder: DefaultRecorder, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    span = recorder.start("work")
    stop = Span.stop
    bugs = [ZeroDivisionError("a bug of ours")]

    def fail_once(self: Span, *args: Any, **kwargs: Any) -> None:
        if bugs:
            raise bugs.pop()
        stop(self, *args, **kwargs)

    monkeypatch.setattr(Span, "stop", fail_once)
    with pytest.raises(ZeroDivisionError):
        recorder.stop(span)
    assert lines()[:2] == ["start work", "stop work"]
    assert not span.active
    assert len(recorder._spans) == 0


def test_failure_keeps_nothing_of_the_application_alive(
    recorder: DefaultRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pytest would keep the traceback of what is logged.
    monkeypatch.setattr(logging.getLogger("nv_one_logger.core.internal.safe_execution"), "disabled", True)

    class Tensor:
        pass

    def step() -> weakref.ref[Tensor]:
        tensor = Tensor()
        with contextlib.suppress(OneLoggerError):
            recorder.stop(None)  # type: ignore[arg-type]
        return weakref.ref(tensor)

    gc.collect()
    gc.disable()
    try:
        assert step()() is None
    finally:
        gc.enable()


# --- telemetry that is off -------------------------------------------------------------------------------------------


def call_everything(recorder: DefaultRecorder) -> List[Any]:
    span = recorder.start("work")
    return [
        span,
        recorder.event(span, Event.create("e")),
        recorder.error(span, "x"),
        recorder.telemetry_data_error("doubt"),  # type: ignore[func-returns-value]
        recorder.stop(span),  # type: ignore[func-returns-value]
        recorder.close(),  # type: ignore[func-returns-value]
    ]


def test_nothing_is_recorded_before_telemetry_is_configured(exporter: RecordingExporter, lines: Lines) -> None:
    recorder = DefaultRecorder([exporter])
    assert call_everything(recorder) == [NULL_SPAN, None, None, None, None, None]
    assert lines() == []
    assert not recorder._closed


def test_nothing_is_recorded_on_a_disabled_rank(configure: Configure, lines: Lines) -> None:
    assert call_everything(configure(rank=False)) == [NULL_SPAN, None, None, None, None, None]
    assert lines() == []


def test_nothing_is_recorded_once_telemetry_is_switched_off(recorder: DefaultRecorder, lines: Lines) -> None:
    span = recorder.start("work")
    OneLoggerProvider.instance().force_disable_logging()
    assert call_everything(recorder) == [NULL_SPAN, None, None, None, None, None]
    assert lines() == ["start work"]
    recorder._close_now()
    assert lines() == ["start work", "stop work"]
    assert not span.active


def test_skipped_call_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    recorder = DefaultRecorder([])
    for _ in range(3):
        recorder.start("work")
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING


# --- close -----------------------------------------------------------------------------------------------------------


def test_close_stops_newest_first_closes_the_exporters_and_ends_recording(
    recorder: DefaultRecorder, exporter: RecordingExporter, lines: Lines
) -> None:
    for name in ("first", "second", "third"):
        recorder.start(name)
    recorder.close()
    recorder.close()
    assert lines() == ["start first", "start second", "start third", "stop third", "stop second", "stop first"]
    assert exporter.closed
    assert recorder._closed
    assert len(recorder._spans) == 0


def test_recorder_that_is_closed_starts_null_spans_and_reports_the_rest_as_misuse(
    recorder: DefaultRecorder, exporter: RecordingExporter
) -> None:
    span = recorder.start("work")
    recorder.close()
    exporter.clear()
    assert recorder.start("late") is NULL_SPAN
    with pytest.raises(OneLoggerError, match="the recorder is closed"):
        recorder.stop(span)
    with pytest.raises(OneLoggerError, match=r"\(the recorder is closed\)"):
        recorder.event(span, Event.create("e"))
    recorder.telemetry_data_error("too late")
    assert exporter.calls == []


def test_closed_recorder_is_quiet_in_the_quiet_strategy(quiet_recorder: DefaultRecorder) -> None:
    span = quiet_recorder.start("work")
    quiet_recorder.close()
    quiet_recorder.stop(span)
    assert quiet_recorder.error(span, "x").error_message == "x"
    assert OneLoggerProvider.instance().one_logger_enabled


def test_close_uses_the_overridable_stop_and_goes_on_after_failures(
    exporter: RecordingExporter, lines: Lines, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    stopped: List[str] = []

    class Careful(DefaultRecorder):
        def stop(self, span: Span, stop_event_attributes: Any = None, stop_time: Any = None) -> None:
            stopped.append(span.name_str)
            if span.name == "second":
                raise OneLoggerError("not this one")
            super().stop(span, stop_event_attributes, stop_time)

    recorder = configure()
    OneLoggerProvider.instance()._recorder = careful = Careful([exporter], host=recorder.host)
    for name in ("first", "second", "third"):
        careful.start(name)
    careful.close()
    assert stopped == ["third", "second", "first"]
    assert lines()[3:] == ["stop third", "stop second", "stop first"]
    assert "Span second could not be stopped: not this one" in caplog.text
    assert exporter.closed


def test_failure_of_one_exporter_to_close_does_not_keep_the_others_open(configure: Configure) -> None:
    broken, healthy = MagicMock(spec=Exporter), MagicMock(spec=Exporter)
    broken.close.side_effect = ValueError("no")
    configure([broken, healthy]).close()
    healthy.close.assert_called_once_with()


def test_paused_exporter_is_closed_too(configure: Configure) -> None:
    broken = MagicMock(spec=Exporter)
    broken.export_start.side_effect = ValueError("down")
    recorder = configure([broken])
    for _ in range(6):
        recorder.start("work")
    assert recorder._exporter_state[broken].force_disabled
    recorder.close()
    broken.close.assert_called_once_with()


def test_close_from_within_an_exporter_returns_at_once(recorder: DefaultRecorder, lines: Lines) -> None:
    class Closing:
        @hookimpl
        def export_stop(self, span: Span) -> None:
            recorder.close()

    recorder.host.register(Closing())
    recorder.start("first")
    recorder.start("second")
    recorder.close()
    assert lines()[2:] == ["stop second", "stop first"]


def test_close_in_a_second_thread_returns_at_once(recorder: DefaultRecorder, lines: Lines) -> None:
    stopping, release = threading.Event(), threading.Event()

    class Slow:
        @hookimpl
        def export_stop(self, span: Span) -> None:
            stopping.set()
            release.wait(TIMEOUT)

    recorder.host.register(Slow())
    recorder.start("work")
    closing = threading.Thread(target=recorder.close)
    closing.start()
    assert stopping.wait(TIMEOUT)
    recorder.close()
    release.set()
    closing.join()
    assert lines() == ["start work", "stop work"]
    assert recorder.host.is_closed


def test_span_that_another_thread_stops_or_starts_during_close_is_fine(
    recorder: DefaultRecorder, exporter: RecordingExporter, lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    class Meanwhile:
        def __init__(self) -> None:
            self.is_done = False

        @hookimpl
        def export_stop(self, span: Span) -> None:
            if not self.is_done:
                self.is_done = True
                recorder.stop(first)
                recorder.start("started meanwhile")

    first = recorder.start("first")
    recorder.start("second")
    recorder.host.register(Meanwhile())
    recorder.close()
    assert lines()[2:] == ["stop second", "stop first", "start started meanwhile", "stop started meanwhile"]
    assert exporter.telemetry_data_errors == []
    assert caplog.text == ""


def test_interrupted_close_is_finished_by_the_next(recorder: DefaultRecorder, lines: Lines) -> None:
    class Interrupting:
        def __init__(self) -> None:
            self.errors = [KeyboardInterrupt()]

        @hookimpl
        def export_stop(self, span: Span) -> None:
            if self.errors:
                raise self.errors.pop()

    recorder.host.register(Interrupting())
    recorder.start("first")
    recorder.start("second")
    with pytest.raises(KeyboardInterrupt):
        recorder.close()
    recorder.close()
    assert lines()[2:] == ["stop second", "stop first"]
    assert recorder.host.is_closed


def test_close_takes_the_time_it_is_given(recorder: DefaultRecorder) -> None:
    span, time = recorder.start("work"), TracingTimestamp.now()
    recorder._close_now(time)
    assert span.stop_time is time


def test_plugin_that_hangs_in_close_does_not_hold_up_the_others(configure: Configure, lines: Lines) -> None:
    release = threading.Event()
    hanging = MagicMock(spec=Exporter)
    hanging.close.side_effect = lambda: release.wait(TIMEOUT)
    healthy = RecordingExporter()
    recorder = configure([hanging, healthy])
    recorder.host.close(timeout_sec=0.02)
    assert healthy.closed
    release.set()


# --- interrupts ------------------------------------------------------------------------------------------------------


def test_interrupt_passes_through_the_recorder(configure: Configure) -> None:
    exporter = MagicMock(spec=Exporter)
    recorder = configure([exporter], quiet=True)
    exporter.export_start.side_effect = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        recorder.start("work")
    assert OneLoggerProvider.instance().one_logger_enabled


def test_recorder_does_not_change_the_exception_that_is_being_handled(recorder: DefaultRecorder) -> None:
    own = KeyError("the application's own")
    try:
        raise own
    except KeyError:
        recorder.stop(recorder.start("work"))
        handled = sys.exc_info()[1]
    assert handled is own


def test_thread_that_stops_its_span_or_adds_to_it_while_the_recorder_closes_makes_no_mistake(
    recorder: DefaultRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    span = recorder.start("of another thread")
    seen = []

    class Closing(RecordingExporter):
        def close(self) -> None:
            thread = threading.Thread(target=use_span)
            thread.start()
            thread.join(30)
            super().close()

    def use_span() -> None:
        recorder.event(span, Event.create("too late"))
        recorder.stop(span)
        seen.append("no error")

    recorder.host.register(Closing())
    recorder.close()
    assert seen == ["no error"]
    assert caplog.records == []
