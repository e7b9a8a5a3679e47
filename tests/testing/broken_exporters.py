"""Exporters that are broken in one way each, and the conformance tests that have to notice.

Not collected by itself: ``test_conformance.py`` runs it and compares what failed with what each class says it breaks.
"""

from __future__ import annotations

import os
import threading
from typing import Any, ClassVar, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import BaseExporter, Exporter, ExportError, RecordWriteError
from nv_one_logger.host import hookimpl
from nv_one_logger.testing.conformance import Arrival, ExporterContract

MAIN = threading.main_thread()


class Backend:
    """Keeps what arrives; may refuse it, be full, or not answer."""

    def __init__(self) -> None:
        self.arrivals: List[Arrival] = []
        self.trouble = ""
        self.answers = threading.Event()

    def take(self, kind: str, name: str) -> None:
        if self.trouble == "refuse":
            raise ExportError("refused")
        if self.trouble == "full":
            raise RecordWriteError("no space")
        if self.trouble == "hang":
            self.answers.wait(30)
        self.arrivals.append((kind, name))


class Good(BaseExporter):
    """What the broken ones are made of: delivers every call at once."""

    def __init__(self) -> None:
        super().__init__()
        self.backend = Backend()

    def export_start(self, span: Any) -> None:
        super().export_start(span)
        self.deliver("start", span.name_str, span.attributes_json())

    def export_stop(self, span: Any) -> None:
        super().export_stop(span)
        self.deliver("stop", span.name_str, span.attributes_json())

    def export_event(self, event: Any, span: Any) -> None:
        super().export_event(event, span)
        self.deliver("event", event.name_str, event.attributes_json())

    def export_error(self, event: Any, span: Any) -> None:
        super().export_error(event, span)
        self.deliver("error", event.error_message, {})

    def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
        self.backend.take(kind, name)


class Contract(ExporterContract):
    """Overrides every hook, so that every test runs that can."""

    breaks: ClassVar[Set[str]] = set()
    Broken: ClassVar[type] = Good
    deadline_sec = 2.0
    longest_call_sec = 0.1

    def make_exporter(self, tmp_path: Any) -> Exporter:
        return self.Broken()  # type: ignore[no-any-return]

    def read_back(self, exporter: Any) -> Iterable[Arrival]:
        return list(exporter.backend.arrivals)

    def break_backend(self, exporter: Any) -> None:
        exporter.backend.trouble = "refuse"

    def fill_backend(self, exporter: Any) -> None:
        exporter.backend.trouble = "full"

    def mend_backend(self, exporter: Any) -> None:
        exporter.backend.trouble = ""
        exporter.backend.answers.set()

    def make_config(self, tmp_path: Any) -> Dict[str, Any]:
        return {"class_name": "nv_one_logger.testing.recording_exporter.RecordingExporter"}


class Background(BackgroundExporter):
    """The same behind a thread, so that a backend that hangs holds up nobody."""

    def __init__(self) -> None:
        self.backend = Backend()
        inner = Good()
        inner.backend = self.backend
        super().__init__(inner, close_timeout_sec=0.3)


class BackgroundContract(Contract):
    Broken = Background

    def hang_backend(self, exporter: Any) -> None:
        exporter.backend.trouble = "hang"


# --- nothing is wrong with these -------------------------------------------------------------------------------------


class TestGood(Contract):
    pass


class TestGoodInTheBackground(BackgroundContract):
    pass


class TestOnlyMakeExporter(ExporterContract):
    breaks: ClassVar[Set[str]] = set()

    def make_exporter(self, tmp_path: Any) -> Exporter:
        return Good()


class TestOnlyStopsAndNotWhileOpen(Contract):
    delivers = ("stop",)
    can_read_while_open = False


class TestSingleUse(Contract):
    class Broken(Good):
        def initialize(self) -> None:
            if self.closed:
                raise ExportError("make a new one")
            super().initialize()


# --- life cycle ------------------------------------------------------------------------------------------------------


class TestMisspeltHook(Contract):
    breaks = {"test_host_accepts_it"}

    class Broken(Good):
        @hookimpl
        def export_strat(self, span: Any) -> None:
            pass


class TestDropsWhatComesTooEarly(Contract):
    breaks = {"test_refuses_to_export_before_initialize"}

    class Broken(Good):
        def export_start(self, span: Any) -> None:
            if self.ready or self.closed:
                super().export_start(span)


class TestFailsOddlyTooEarly(Contract):
    breaks = {"test_refuses_to_export_before_initialize"}

    class Broken(Good):
        connection: Any = None

        def initialize(self) -> None:
            super().initialize()
            self.connection = str

        def export_stop(self, span: Any) -> None:
            self.connection.strip("")
            super().export_stop(span)


class TestDropsWhatComesTooLate(Contract):
    breaks = {"test_refuses_to_export_after_close"}

    class Broken(Good):
        def export_stop(self, span: Any) -> None:
            if not self.closed:
                super().export_stop(span)


class TestRefusesSecondInitialize(Contract):
    breaks = {"test_second_initialize_loses_nothing"}

    class Broken(Good):
        def initialize(self) -> None:
            if self.ready:
                raise ExportError("initialized already")
            super().initialize()


class TestSecondInitializeBeginsAnew(Contract):
    breaks = {"test_second_initialize_loses_nothing"}

    class Broken(Good):
        def initialize(self) -> None:
            super().initialize()
            self.backend.arrivals.clear()


class TestClosesOnlyWhatIsOpen(Contract):
    breaks = {"test_close_without_initialize"}

    class Broken(Good):
        def close(self) -> None:
            if not self.ready and not self.closed:
                raise AttributeError("connection")
            super().close()


class TestClosesOnce(Contract):
    breaks = {"test_second_close"}

    class Broken(Good):
        def close(self) -> None:
            if self.closed:
                raise ExportError("closed already")
            super().close()


class TestForgetsHeldBackStart(Contract):
    breaks = {"test_close_with_open_span"}

    class Broken(Good):
        def __init__(self) -> None:
            super().__init__()
            self.held_back: List[Tuple[str, str]] = []
            self.lock = threading.RLock()

        def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
            with self.lock:
                self.write_held_back()
                if kind == "start":
                    self.held_back.append((kind, name))
                else:
                    self.backend.take(kind, name)

        def write_held_back(self) -> None:
            while self.held_back:
                self.backend.take(*self.held_back.pop(0))

        @hookimpl
        def flush(self, timeout_sec: float) -> None:
            with self.lock:
                self.write_held_back()


class TestDropsInSecondLife(Contract):
    breaks = {"test_initialize_after_close"}

    class Broken(Good):
        was_closed = False

        def close(self) -> None:
            super().close()
            self.was_closed = True

        def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
            if not self.was_closed:
                super().deliver(kind, name, values)


class TestFailsOddlyInSecondLife(Contract):
    breaks = {"test_initialize_after_close"}

    class Broken(Good):
        def initialize(self) -> None:
            if self.closed:
                raise AttributeError("connection")
            super().initialize()


# --- order -----------------------------------------------------------------------------------------------------------


class TestReversesEvents(Contract):
    breaks = {"test_nested_spans_arrive_in_order"}

    class Broken(Good):
        def __init__(self) -> None:
            super().__init__()
            self.events: List[str] = []
            self.lock = threading.Lock()

        def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
            if kind == "event":
                self.events.append(name)
                return
            self.flush(0)
            super().deliver(kind, name, values)

        @hookimpl
        def flush(self, timeout_sec: float) -> None:
            with self.lock:
                while self.events:
                    self.backend.take("event", self.events.pop())


class TestDeliversTwice(Contract):
    breaks = {"test_nested_spans_arrive_in_order"}

    class Broken(Good):
        def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
            super().deliver(kind, name, values)
            if name == "after_inner":
                super().deliver(kind, name, values)


class TestStartOfChildComesLate(Contract):
    breaks = {"test_nested_spans_arrive_in_order"}

    class Broken(Good):
        def export_start(self, span: Any) -> None:
            self._check_ready()
            if span.parent_span is None:
                super().export_start(span)

        def export_stop(self, span: Any) -> None:
            super().export_stop(span)
            if span.parent_span is not None:
                self.backend.arrivals.insert(1, self.backend.arrivals.pop())
                self.deliver("start", span.name_str, {})


class TestTakesTheLatestSpanForTheStoppedOne(Contract):
    breaks = {"test_overlapping_spans_arrive_in_order"}

    class Broken(Good):
        def __init__(self) -> None:
            super().__init__()
            self.open: Dict[int, List[Any]] = {}

        def export_start(self, span: Any) -> None:
            self._check_ready()
            self.open.setdefault(threading.get_ident(), []).append(span)
            super().export_start(span)

        def export_stop(self, span: Any) -> None:
            stack = self.open.get(threading.get_ident())
            super().export_stop(stack.pop() if stack else span)


class TestSwapsArgumentsOfErrors(Contract):
    breaks = {"test_error_arrives"}

    class Broken(Good):
        def export_error(self, span: Any, event: Any) -> None:
            super().export_error(event, span)


class TestRaisesForTelemetryDataErrors(Contract):
    breaks = {"test_telemetry_data_error_is_accepted"}

    class Broken(Good):
        def export_telemetry_data_error(self, error: Any) -> None:
            super().export_telemetry_data_error(error)
            raise ExportError("no place for it")


class TestMarksSpans(Contract):
    breaks = {"test_spans_and_events_are_not_changed"}

    class Broken(Good):
        def export_start(self, span: Any) -> None:
            super().export_start(span)
            span.add_attribute("exported", True)


# --- unusual values --------------------------------------------------------------------------------------------------


class Picky(Good):
    """Refuses attributes with some values."""

    def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            if self.refuses(key, value):
                raise ExportError(f"cannot encode {key!r}")
        super().deliver(kind, name, values)

    def refuses(self, key: str, value: Any) -> bool:
        return False


class TestRefusesNan(Contract):
    breaks = {"test_non_finite_floats"}

    class Broken(Picky):
        def refuses(self, key: str, value: Any) -> bool:
            return type(value) is float and value != value


class TestRefusesNumpy(Contract):
    breaks = {"test_numpy_scalars"}

    class Broken(Picky):
        def refuses(self, key: str, value: Any) -> bool:
            return hasattr(value, "item")


class TestRefusesLongText(Contract):
    breaks = {"test_long_text"}

    class Broken(Picky):
        def refuses(self, key: str, value: Any) -> bool:
            return isinstance(value, str) and len(value) > 65_536


class TestRefusesSurrogates(Contract):
    breaks = {"test_surrogates"}

    class Broken(Picky):
        def refuses(self, key: str, value: Any) -> bool:
            return isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value[:100])


class TestRefusesDepth(Contract):
    breaks = {"test_deep_nesting"}

    class Broken(Picky):
        def refuses(self, key: str, value: Any) -> bool:
            depth = 0
            while isinstance(value, (list, dict)) and value and depth < 100:
                value = next(iter(value.values() if isinstance(value, dict) else value))
                depth += 1
            return depth == 100


class TestRefusesDots(Contract):
    breaks = {"test_reserved_names"}

    class Broken(Picky):
        def refuses(self, key: str, value: Any) -> bool:
            return "." in key


class TestDropsForeignObjects(Contract):
    breaks = {"test_foreign_objects"}

    class Broken(Picky):
        def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
            if not any(isinstance(value, bytes) for value in values.values()):
                super().deliver(kind, name, values)


# --- threads and forks -----------------------------------------------------------------------------------------------


class TestRefusesCallsAtOnce(Contract):
    breaks = {"test_many_threads"}

    class Broken(Good):
        def __init__(self) -> None:
            super().__init__()
            self.overlap = threading.Barrier(2)

        def export_event(self, event: Any, span: Any) -> None:
            super().export_event(event, span)
            if threading.current_thread() is MAIN:
                return
            try:
                self.overlap.wait(1)
            except threading.BrokenBarrierError:
                return
            raise ExportError("two calls at once")


class TestStartsComeLateInThreads(Contract):
    breaks = {"test_many_threads"}

    class Broken(Good):
        def export_start(self, span: Any) -> None:
            self._check_ready()
            if not span.name_str.startswith("thread"):
                super().export_start(span)

        def export_stop(self, span: Any) -> None:
            super().export_stop(span)
            if span.name_str.startswith("thread"):
                self.deliver("start", span.name_str, {})


class TestKnowsTheSpansOfOneThread(Contract):
    breaks = {"test_span_stopped_by_another_thread"}

    class Broken(Good):
        def __init__(self) -> None:
            super().__init__()
            self.threads: Dict[Any, int] = {}

        def export_start(self, span: Any) -> None:
            self.threads[span] = threading.get_ident()
            super().export_start(span)

        def export_stop(self, span: Any) -> None:
            super().export_stop(span)
            if self.threads.get(span) not in (None, threading.get_ident()):
                raise ExportError("not of this thread")


class InFork(Good):
    """Does something else in a process that is not its own."""

    def __init__(self) -> None:
        super().__init__()
        self.pid = os.getpid()

    def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
        if os.getpid() == self.pid:
            super().deliver(kind, name, values)
        else:
            self.in_fork()

    def in_fork(self) -> None:
        """Drop it."""


class TestDropsInFork(Contract):
    breaks = {"test_fork"}
    Broken = InFork


class TestRaisesInFork(Contract):
    breaks = {"test_fork"}

    class Broken(InFork):
        def in_fork(self) -> None:
            raise ExportError("not of this process")


class TestHangsInFork(Contract):
    breaks = {"test_fork"}
    deadline_sec = 0.5

    class Broken(InFork):
        def in_fork(self) -> None:
            threading.Event().wait(60)


class TestDiesInFork(Contract):
    breaks = {"test_fork"}

    class Broken(InFork):
        def in_fork(self) -> None:
            os._exit(0)


class TestCannotBeReadInFork(Contract):
    breaks = {"test_fork"}
    pid = os.getpid()

    def read_back(self, exporter: Any) -> Iterable[Arrival]:
        if os.getpid() != self.pid:
            raise ValueError("half a record")
        return super().read_back(exporter)


# --- flush and a backend in trouble ----------------------------------------------------------------------------------


class TestFlushDoesNothing(Contract):
    breaks = {"test_flush_delivers_everything"}

    class Broken(Good):
        def __init__(self) -> None:
            super().__init__()
            self.buffer: List[Arrival] = []

        def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
            self.buffer.append((kind, name))

        @hookimpl
        def flush(self, timeout_sec: float) -> None:
            pass

        def close(self) -> None:
            super().close()
            buffer, self.buffer = self.buffer, []
            for arrival in buffer:
                self.backend.take(*arrival)


class TestFlushFailsWhileSpansAreOpen(Contract):
    breaks = {"test_flush_delivers_everything", "test_fork"}

    class Broken(Good):
        def __init__(self) -> None:
            super().__init__()
            self.open_spans: Set[Any] = set()

        def export_start(self, span: Any) -> None:
            super().export_start(span)
            self.open_spans.add(span)

        def export_stop(self, span: Any) -> None:
            super().export_stop(span)
            self.open_spans.discard(span)

        @hookimpl
        def flush(self, timeout_sec: float) -> None:
            if self.open_spans:
                raise ExportError(f"{len(self.open_spans)} spans are open")


class InTrouble(Good):
    """Does something else when the backend does not take a delivery."""

    trouble: ClassVar[str] = "refuse"
    was_in_trouble = False

    def deliver(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
        if self.backend.trouble == self.trouble:
            self.was_in_trouble = True
            self.in_trouble()
        elif self.was_in_trouble:
            self.after_trouble(kind, name)
        else:
            self.backend.take(kind, name)

    def in_trouble(self) -> None:
        raise ExportError("not taken")

    def after_trouble(self, kind: str, name: str) -> None:
        self.backend.take(kind, name)


class TestRaisesWhatTheBackendRaises(Contract):
    breaks = {"test_refusing_backend_raises_export_error"}

    class Broken(InTrouble):
        def in_trouble(self) -> None:
            raise ConnectionError("connection refused")


class TestKeepsQuietWhenRefused(Contract):
    breaks = {"test_refusing_backend_loses_nothing_silently"}

    class Broken(InTrouble):
        def in_trouble(self) -> None:
            pass


class TestGivesUpWhenRefused(Contract):
    breaks = {"test_refusing_backend_may_come_back"}

    class Broken(InTrouble):
        def after_trouble(self, kind: str, name: str) -> None:
            raise ExportError("given up")


class TestKeepsQuietWhenFull(Contract):
    breaks = {"test_full_backend_loses_nothing_silently"}

    class Broken(InTrouble):
        trouble = "full"

        def in_trouble(self) -> None:
            pass


class TestGluesTheNextRecordToHalfOfTheLast(Contract):
    breaks = {"test_full_backend_may_have_space_again"}

    class Broken(InTrouble):
        trouble = "full"
        half: Optional[str] = None

        def in_trouble(self) -> None:
            self.half = "half a record"
            super().in_trouble()

        def after_trouble(self, kind: str, name: str) -> None:
            half, self.half = self.half, None
            self.backend.take(kind, f"{half}{name}" if half else name)


class TestWaitsForTheBackend(BackgroundContract):
    breaks = {"test_hanging_backend_does_not_hold_up_the_application"}

    class Broken(Background):
        def export_start(self, span: Any) -> None:
            super().export_start(span)
            if self.backend.trouble == "hang":
                self.backend.answers.wait(30)


class TestFlushWaitsForever(BackgroundContract):
    breaks = {"test_hanging_backend_and_the_deadline_of_flush"}

    class Broken(Background):
        @hookimpl
        def flush(self, timeout_sec: float) -> None:
            if self.backend.trouble == "hang":
                self.backend.answers.wait(30)
            super().flush(timeout_sec)


class TestFlushPretends(BackgroundContract):
    breaks = {"test_hanging_backend_and_the_deadline_of_flush"}

    class Broken(Background):
        @hookimpl
        def flush(self, timeout_sec: float) -> None:
            if self.backend.trouble != "hang":
                super().flush(timeout_sec)


class TestHasNoFlush(BackgroundContract):
    """Allowed, but what waits is then not delivered when somebody asks."""

    breaks = {"test_flush_delivers_everything"}
    break_backend = ExporterContract.break_backend  # what has arrived before the trouble is a matter of chance here
    fill_backend = ExporterContract.fill_backend

    class Broken(Background):
        flush = None  # type: ignore[assignment]

        def export_start(self, span: Any) -> None:
            if span.name_str == "just_started":
                self.backend.trouble = "hang"
            super().export_start(span)


class TestCloseWaitsForever(BackgroundContract):
    breaks = {"test_hanging_backend_and_the_deadline_of_close"}

    class Broken(Background):
        def close(self) -> None:
            if self.backend.trouble == "hang":
                self.backend.answers.wait(30)
            super().close()


# --- configuration ---------------------------------------------------------------------------------------------------


class TestConfigurationWithFunction(Contract):
    breaks = {"test_configuration_is_plain"}

    def make_config(self, tmp_path: Any) -> Dict[str, Any]:
        return {**super().make_config(tmp_path), "config": {"clock": lambda: 0}}


class TestConfigurationWithTuple(Contract):
    breaks = {"test_configuration_is_plain", "test_configuration_makes_the_exporter"}

    def make_config(self, tmp_path: Any) -> Dict[str, Any]:
        return {**super().make_config(tmp_path), "config": {"hosts": ("a", "b")}}


class TestConfigurationOfNothing(Contract):
    breaks = {"test_configuration_makes_the_exporter"}

    def make_config(self, tmp_path: Any) -> Dict[str, Any]:
        return {"class_name": "nv_one_logger.no_such_module.Exporter"}
