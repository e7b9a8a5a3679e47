"""Conformance tests: from construction to the second close, and the order of what is recorded."""

from __future__ import annotations

from typing import Callable, Dict

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError, PluginError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import Exporter, ExportError
from nv_one_logger.host import ExporterHost
from nv_one_logger.testing._contract_base import ContractBase, OpenSession
from nv_one_logger.testing._session import fail

__all__ = ["LifeCycleContract", "OrderContract"]

_LIFE_CYCLE = "Life cycle"
_ORDER = "Order"


def _calls(exporter: Exporter) -> Dict[str, Callable[[], None]]:
    """Return one call of each method that exports, by the method's name."""
    span = Span.create("call_out_of_turn")
    stopped = Span.create("call_out_of_turn")
    stopped.stop()
    error_type = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
    return {
        "export_start": lambda: exporter.export_start(span),
        "export_stop": lambda: exporter.export_stop(stopped),
        "export_event": lambda: exporter.export_event(Event.create("event"), span),
        "export_error": lambda: exporter.export_error(ErrorEvent.create("error"), span),
        "export_telemetry_data_error": lambda: exporter.export_telemetry_data_error(
            TelemetryDataError.create(error_type, "telemetry data error")
        ),
    }


def _check_refusal(calls: Dict[str, Callable[[], None]], when: str, why: str) -> None:
    __tracebackhide__ = True
    for name, call in calls.items():
        expected = f"{name}() {when} raises ExportError"
        try:
            call()
        except ExportError:
            continue
        except Exception as error:
            fail(expected, f"{type(error).__name__}: {error}", why, _LIFE_CYCLE, error)
        fail(expected, "it returns", why, _LIFE_CYCLE)


def _check_passes(call: Callable[[], None], expected: str, why: str) -> None:
    __tracebackhide__ = True
    try:
        call()
    except Exception as error:
        fail(expected, f"{type(error).__name__}: {error}", why, _LIFE_CYCLE, error)


class LifeCycleContract(ContractBase):
    """Not initialized, ready, closed."""

    def test_host_accepts_it(self, exporter: Exporter) -> None:
        """The host registers it: its hookimpls, if it has any, fit the hookspecs."""
        try:
            ExporterHost().register(exporter)
        except PluginError as error:
            fail(
                "the host registers the exporter",
                f"PluginError: {error}",
                "everything that is recorded reaches an exporter through the host",
                _LIFE_CYCLE,
                error,
            )

    def test_refuses_to_export_before_initialize(self, exporter: Exporter) -> None:
        """What comes too early is refused, not dropped."""
        why = "what is accepted and then not delivered is lost silently; call super() first, or use BaseExporter"
        _check_refusal(_calls(exporter), "before initialize()", why)

    def test_refuses_to_export_after_close(self, exporter: Exporter) -> None:
        """What comes too late is refused, not dropped."""
        exporter.initialize()
        exporter.close()
        why = "what is accepted and then not delivered is lost silently; call super() first, or use BaseExporter"
        _check_refusal(_calls(exporter), "after close()", why)

    def test_second_initialize_loses_nothing(self, open_session: OpenSession) -> None:
        """Initializing twice is tolerated."""
        session = open_session()
        session.span("before_second_initialize")
        why = "a recorder initializes also an exporter that a program has initialized before"
        _check_passes(session.exporter.initialize, "a second initialize() is tolerated", why)
        session.span("after_second_initialize")
        self._end_cleanly(session, "a second initialize() leaves the exporter working", why, _LIFE_CYCLE)
        if self._overrides("read_back"):
            names = ("before_second_initialize", "after_second_initialize")
            expected = [(kind, name) for name in names for kind in ("start", "stop")]
            self._check_arrivals(session.exporter, expected, _LIFE_CYCLE)

    def test_close_without_initialize(self, exporter: Exporter) -> None:
        """Closing is legal in every state."""
        why = "when one plugin cannot be initialized, those that were not yet are closed too"
        _check_passes(exporter.close, "close() before initialize() does nothing", why)

    def test_second_close(self, exporter: Exporter) -> None:
        """Closing twice is tolerated."""
        exporter.initialize()
        exporter.close()
        why = "a program may close what its provider closes at exit"
        _check_passes(exporter.close, "a second close() does nothing", why)

    def test_close_with_open_span(self, open_session: OpenSession) -> None:
        """A span that was never stopped does not stand in the way, and its start is not lost."""
        session = open_session()
        session.start("never_stopped")
        why = "a program that is ended from outside leaves spans open; their starts say what it was doing"
        session.close()
        self._check_clean(session, "close() succeeds while a span is open", why, _LIFE_CYCLE)
        if self._overrides("read_back"):
            self._check_arrivals(session.exporter, [("start", "never_stopped")], _LIFE_CYCLE)

    def test_initialize_after_close(self, exporter: Exporter) -> None:
        """A closed exporter works again after initialize(), or says that it does not."""
        exporter.initialize()
        exporter.close()
        expected = "initialize() after close() raises an OneLoggerError, or the exporter works again"
        why = "a plugin that was unregistered may be registered again; what it accepts must not be lost silently"
        span = Span.create("second_life")
        try:
            exporter.initialize()
            exporter.export_start(span)
            span.stop()
            exporter.export_stop(span)
            exporter.close()
        except OneLoggerError:
            return
        except Exception as error:
            fail(expected, f"{type(error).__name__}: {error}", why, _LIFE_CYCLE, error)
        if self._overrides("read_back"):
            self._check_arrivals(exporter, [("start", "second_life"), ("stop", "second_life")], _LIFE_CYCLE)


class OrderContract(ContractBase):
    """What is recorded arrives, in order, and unchanged."""

    def test_nested_spans_arrive_in_order(self, open_session: OpenSession) -> None:
        """A span inside another one, and an event after it."""
        session = open_session()
        outer = session.start("outer")
        inner = session.start("inner", parent=outer)
        session.stop(inner)
        session.event(outer, "after_inner")
        session.event(outer, "later")
        session.stop(outer)
        why = "spans are nested in every training loop"
        self._end_cleanly(session, "nested spans are exported", why, _ORDER)
        if self._overrides("read_back"):
            expected = [("start", "outer"), ("start", "inner"), ("stop", "inner")]
            expected += [("event", "after_inner"), ("event", "later"), ("stop", "outer")]
            self._check_arrivals(session.exporter, expected, _ORDER)
            self._check_order(session.exporter, expected, _ORDER)

    def test_overlapping_spans_arrive_in_order(self, open_session: OpenSession) -> None:
        """Spans that end in the order in which they began."""
        session = open_session()
        first, second = session.start("first"), session.start("second")
        session.stop(first)
        third = session.start("third")
        session.stop(second)
        session.stop(third)
        why = "asynchronous work, such as saving a checkpoint, overlaps with the loop"
        self._end_cleanly(session, "overlapping spans are exported", why, _ORDER)
        if self._overrides("read_back"):
            expected = [("start", "first"), ("start", "second"), ("stop", "first")]
            expected += [("start", "third"), ("stop", "second"), ("stop", "third")]
            self._check_arrivals(session.exporter, expected, _ORDER)
            self._check_order(session.exporter, expected, _ORDER)

    def test_error_arrives(self, open_session: OpenSession) -> None:
        """An error is passed as ``export_error(event, span)``, by position."""
        session = open_session()
        span = session.start("failing")
        session.error(span, "bad_batch")
        session.stop(span)
        why = "the arguments come by position: first the event, then the span, whatever their names"
        self._end_cleanly(session, "export_error(event, span) is accepted", why, _ORDER)
        if self._overrides("read_back"):
            expected = [("start", "failing"), ("error", "bad_batch"), ("stop", "failing")]
            self._check_arrivals(session.exporter, expected, _ORDER)

    def test_telemetry_data_error_is_accepted(self, exporter: Exporter) -> None:
        """A problem of the telemetry itself belongs to no span."""
        exporter.initialize()
        error_type = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
        error = TelemetryDataError.create(error_type, "something was lost")
        why = "it tells readers that the data of this run must not be trusted"
        try:
            exporter.export_telemetry_data_error(error)
        except Exception as raised:
            expected = "export_telemetry_data_error(error) is accepted"
            fail(expected, f"{type(raised).__name__}: {raised}", why, _ORDER, raised)

    def test_spans_and_events_are_not_changed(self, open_direct_session: OpenSession) -> None:
        """An exporter reads what it is given."""
        exporter = open_direct_session().exporter
        span, event = Span.create("untouched", None, Attributes({"size": 1})), Event.create("untouched_event")

        def check(call: Callable[[], None]) -> None:
            before = (span.to_json(), event.to_json())
            call()
            after = (span.to_json(), event.to_json())
            if after != before:
                why = "all exporters get the same objects, and so does the application"
                fail(f"span and event stay as they are: {before}", f"{after}", why, _ORDER)

        check(lambda: exporter.export_start(span))
        span.add_event(event)
        check(lambda: exporter.export_event(event, span))
        span.stop()
        check(lambda: exporter.export_stop(span))
