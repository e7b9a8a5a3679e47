from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import BaseExporter, ExportError, RecordWriteError
from nv_one_logger.host import ExporterHost, hookimpl


class Slow(BaseExporter):
    """Remembers its calls; each waits until the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: List[Tuple[str, str]] = []
        self.spans: List[Span] = []
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()
        self.error: Optional[Exception] = None
        self.flushed: List[float] = []
        self.configured: List[Any] = []

    def _note(self, what: str, name: str) -> None:
        self.reached.set()
        assert self.gate.wait(30)
        if self.error is not None:
            raise self.error
        self.calls.append((what, name))

    def export_start(self, span: Span) -> None:
        self.spans.append(span)
        self._note("start", span.name_str)

    def export_stop(self, span: Span) -> None:
        self._note("stop", span.name_str)

    def export_event(self, event: Event, span: Span) -> None:
        self._note("event", event.name_str)

    def export_error(self, event: ErrorEvent, span: Span) -> None:
        self._note("error", event.error_message)

    def export_telemetry_data_error(self, error: TelemetryDataError) -> None:
        self._note("data_error", error.error_message)

    @hookimpl
    def flush(self, timeout_sec: float) -> None:
        self.flushed.append(timeout_sec)

    @hookimpl
    def configure(self, config: Any) -> None:
        self.configured.append(config)

    def close(self) -> None:
        super().close()
        self.calls.append(("close", ""))

    def hold(self, background: BackgroundExporter) -> None:
        """Have the thread take one call and hang in it, so that the queue is the test's."""
        self.gate.clear()
        self.reached.clear()
        background.export_telemetry_data_error(data_error("held"))
        assert self.reached.wait(30)


def data_error(message: str = "m") -> TelemetryDataError:
    return TelemetryDataError.create(TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA, message)


def started(background: BackgroundExporter, name: str, parent: Optional[Span] = None) -> Span:
    span = Span.create(name, parent, Attributes({"k": 1}))
    background.export_start(span)
    return span


def stop(background: BackgroundExporter, span: Span) -> None:
    span.stop()
    background.export_stop(span)


def make(slow: Slow, **options: Any) -> BackgroundExporter:
    background = BackgroundExporter(slow, **options)
    background.initialize()
    return background


def test_calls_arrive_in_order_and_the_exporter_is_closed() -> None:
    slow = Slow()
    background = make(slow)
    assert slow.ready
    outer = started(background, "outer")
    inner = started(background, "inner", outer)
    background.export_event(Event.create("tick"), inner)
    background.export_error(ErrorEvent.create("bad"), inner)
    stop(background, inner)
    stop(background, outer)
    background.export_telemetry_data_error(data_error())
    background.close()
    background.close()
    assert slow.calls == [
        ("start", "outer"),
        ("start", "inner"),
        ("event", "tick"),
        ("error", "bad"),
        ("stop", "inner"),
        ("stop", "outer"),
        ("data_error", "m"),
        ("close", ""),
    ]
    assert (background.dropped, background.waiting) == (0, 0)
    assert background.exporter is slow


def test_exporter_sees_one_snapshot_per_span_with_the_parents_snapshot() -> None:
    slow = Slow()
    background = make(slow)
    slow.hold(background)
    outer = started(background, "outer")
    inner = started(background, "inner", outer)
    inner.add_attribute("later", 2)
    stop(background, inner)
    slow.gate.set()
    background.close()
    outer_seen, inner_seen = slow.spans
    assert (outer_seen.id, inner_seen.id) == (outer.id, inner.id)
    assert outer_seen is not outer
    assert inner_seen.parent_span is outer_seen
    assert inner_seen.attributes == inner.attributes


def test_start_is_seen_as_it_was() -> None:
    seen: List[Dict[str, Any]] = []

    class Looking(Slow):
        def export_start(self, span: Span) -> None:
            super().export_start(span)
            seen.append(span.attributes.to_json())

    slow = Looking()
    background = make(slow)
    slow.hold(background)
    span = started(background, "a")
    span.add_attribute("later", 2)
    slow.gate.set()
    background.close()
    assert seen == [{"k": 1}]


def test_oldest_calls_make_room_and_a_dropped_span_is_dropped_as_a_whole() -> None:
    slow = Slow()
    background = make(slow, max_queue=3)
    slow.hold(background)
    first = started(background, "first")
    background.export_event(Event.create("of first"), first)
    second = started(background, "second")
    third = started(background, "third")  # drops the start of first
    background.export_event(Event.create("late"), first)  # dropped at once or with it
    stop(background, first)
    stop(background, second)
    stop(background, third)
    slow.gate.set()
    background.close()
    assert ("start", "first") not in slow.calls
    assert ("stop", "first") not in slow.calls
    assert ("event", "of first") not in slow.calls
    assert slow.calls.count(("stop", "second")) == 1 == slow.calls.count(("stop", "third"))
    made = 8 + 1  # the calls above, and the held one
    delivered = len(slow.calls) - 1  # without close
    assert background.dropped == made - delivered


def test_child_of_a_dropped_span_looks_past_it() -> None:
    slow = Slow()
    background = make(slow, max_queue=2)
    slow.hold(background)
    outer = started(background, "outer")
    middle = started(background, "middle", outer)
    inner = started(background, "inner", middle)  # drops outer
    slow.gate.set()
    background.close()
    (seen_middle, seen_inner) = slow.spans
    assert seen_inner.exported_parent is seen_middle
    assert seen_middle.exported_parent is None
    assert inner.parent_span is middle


def test_newest_call_is_dropped_but_an_owed_stop_is_not() -> None:
    slow = Slow()
    background = make(slow, max_queue=1, when_full="drop_newest")
    slow.hold(background)
    span = started(background, "kept")
    started(background, "dropped")
    background.export_event(Event.create("dropped"), span)
    background.export_telemetry_data_error(data_error("dropped"))
    stop(background, span)
    slow.gate.set()
    background.close()
    assert slow.calls == [("data_error", "held"), ("start", "kept"), ("stop", "kept"), ("close", "")]
    assert background.dropped == 3


def test_child_of_a_span_that_was_not_let_in_looks_past_it() -> None:
    slow = Slow()
    background = make(slow, max_queue=1, when_full="drop_newest")
    slow.hold(background)
    outer = started(background, "outer")
    middle = started(background, "dropped", outer)
    slow.gate.set()
    background.flush(20.0)
    started(background, "inner", middle)
    stop(background, middle)
    background.close()
    outer_seen, inner_seen = slow.spans
    assert inner_seen.exported_parent is outer_seen
    assert background.dropped == 2  # start and stop of the one in between


@pytest.mark.parametrize("when_full", ["drop_oldest", "drop_newest"])
def test_every_call_is_either_delivered_or_counted(when_full: str) -> None:
    slow = Slow()
    background = make(slow, max_queue=4, when_full=when_full)
    slow.hold(background)
    made = 1
    spans: List[Span] = []
    for number in range(30):
        spans.append(started(background, f"s{number}", spans[-1] if spans else None))
        background.export_event(Event.create("e"), spans[-1])
        made += 2
        if number % 3 == 2:
            stop(background, spans.pop())
            stop(background, spans.pop(0))
            made += 2
    for span in spans:
        stop(background, span)
    made += len(spans)
    slow.gate.set()
    background.close()
    assert background.dropped + len(slow.calls) - 1 == made  # without the close
    for name in {name for what, name in slow.calls if what == "stop"}:
        assert slow.calls.index(("start", name)) < slow.calls.index(("stop", name))
    assert sorted(name for what, name in slow.calls if what == "start") == sorted(
        name for what, name in slow.calls if what == "stop"
    )


def test_stops_of_delivered_spans_outlive_a_full_queue() -> None:
    slow = Slow()
    background = make(slow, max_queue=2)
    spans = [started(background, f"s{number}") for number in range(2)]
    background.flush(10.0)
    slow.hold(background)
    for span in spans:
        stop(background, span)
    other = started(background, "other")
    background.export_event(Event.create("e"), other)
    slow.gate.set()
    background.close()
    assert [call for call in slow.calls if call[0] == "stop"] == [("stop", "s0"), ("stop", "s1")]


@pytest.mark.parametrize("when_full", ["drop_oldest", "drop_newest"])
def test_queue_stays_bounded_while_the_exporter_hangs(when_full: str) -> None:
    slow = Slow()
    background = make(slow, max_queue=10, when_full=when_full)
    slow.hold(background)
    for number in range(1000):
        span = started(background, f"s{number}")
        background.export_event(Event.create("e"), span)
        stop(background, span)
        # The stops of spans whose start is in the queue come on top, or in place of, what is in it.
        assert background.waiting <= 2 * 10
    slow.gate.set()
    background.close()
    assert background.dropped == 3 * 1000 + 1 - (len(slow.calls) - 1)
    starts, stops = ([name for what, name in slow.calls if what == kind] for kind in ("start", "stop"))
    assert starts == stops


def test_blocking_waits_for_room() -> None:
    slow = Slow()
    background = make(slow, max_queue=1, when_full="block")
    slow.hold(background)
    background.export_telemetry_data_error(data_error("fills"))
    done = threading.Event()

    def record() -> None:
        background.export_telemetry_data_error(data_error("waits"))
        done.set()

    worker = threading.Thread(target=record)
    worker.start()
    assert not done.is_set()
    slow.gate.set()
    assert done.wait(30)
    worker.join()
    background.close()
    assert [name for _, name in slow.calls] == ["held", "fills", "waits", ""]
    assert background.dropped == 0


def test_blocked_caller_is_released_by_close() -> None:
    slow = Slow()
    background = make(slow, max_queue=1, when_full="block", close_timeout_sec=0.01)
    slow.hold(background)
    background.export_telemetry_data_error(data_error("fills"))
    worker = threading.Thread(target=background.export_telemetry_data_error, args=(data_error("waits"),))
    worker.start()
    background.close()
    worker.join(30)
    assert not worker.is_alive()
    slow.gate.set()


def test_exporter_that_records_itself_does_not_wait_for_itself() -> None:
    class Recording(Slow):
        background: BackgroundExporter

        def export_event(self, event: Event, span: Span) -> None:
            super().export_event(event, span)
            self.background.export_telemetry_data_error(data_error("from within"))

    slow = Recording()
    slow.background = background = make(slow, max_queue=1, when_full="block")
    span = started(background, "a")
    background.flush(20.0)
    slow.gate.clear()
    slow.reached.clear()
    background.export_event(Event.create("e"), span)
    assert slow.reached.wait(30)
    background.export_telemetry_data_error(data_error("fills"))
    slow.gate.set()
    background.flush(20.0)
    background.close()
    assert [name for _, name in slow.calls] == ["a", "e", "fills", ""]
    assert background.dropped == 1


def test_call_that_comes_while_closing_is_counted() -> None:
    """It got past the check of the life cycle, and the thread has looked at the queue for the last time."""
    slow = Slow()
    background = make(slow)
    span = started(background, "a")
    background.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(background, "_check_ready", lambda: None)
        stop(background, span)
        background.export_telemetry_data_error(data_error())
        started(background, "late")
    assert background.dropped == 3
    assert background.waiting == 0


def test_flush_waits_until_all_is_delivered_and_flushes_the_exporter() -> None:
    slow = Slow()
    background = make(slow)
    started(background, "a")
    background.flush(20.0)
    assert slow.calls == [("start", "a")]
    assert 0 <= slow.flushed[0] <= 20.0
    background.close()


def test_flush_that_takes_too_long_is_an_error() -> None:
    slow = Slow()
    background = make(slow, close_timeout_sec=0.01)
    slow.hold(background)
    with pytest.raises(ExportError, match=r"still wait"):
        background.flush(0.01)
    slow.gate.set()
    background.close()


def test_close_leaves_a_hanging_exporter_behind_and_counts_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    slow = Slow()
    background = make(slow, close_timeout_sec=0.01)
    slow.hold(background)
    for _ in range(3):
        started(background, "lost")
    background.close()
    assert background.dropped == 4
    assert "did not finish" in caplog.text
    assert "dropped 4 call(s)" in caplog.text
    slow.gate.set()


@pytest.mark.parametrize(("error", "kind"), [(ValueError("x"), ExportError), (RecordWriteError("x"), RecordWriteError)])
def test_failure_in_the_background_is_raised_by_a_later_call(error: Exception, kind: Any) -> None:
    slow = Slow()
    slow.error = error
    background = make(slow)
    started(background, "a")
    with pytest.raises(kind, match=r"1 call\(s\) failed in the background"):
        flush_or_call(background)
    slow.error = None
    background.close()


def flush_or_call(background: BackgroundExporter) -> None:
    background.flush(20.0)
    background.export_telemetry_data_error(data_error())


def test_every_failure_in_the_background_is_told_once() -> None:
    slow = Slow()
    background = make(slow)
    slow.hold(background)
    slow.error = ValueError("x")
    for _ in range(4):
        background.export_telemetry_data_error(data_error())
    slow.gate.set()
    with pytest.raises(ExportError, match=r"5 call\(s\) failed in the background, the last with: x"):
        background.flush(20.0)
    background.flush(20.0)
    background._raise_failure()  # a thread that comes too late to tell it
    slow.error = None
    background.close()


def test_exporter_that_exits_ends_neither_its_thread_nor_the_job() -> None:
    class Exiting(Slow):
        def export_event(self, event: Event, span: Span) -> None:
            raise SystemExit(1)

        def close(self) -> None:
            super().close()
            raise SystemExit(1)

    slow = Exiting()
    background = make(slow)
    span = started(background, "a")
    background.export_event(Event.create("e"), span)
    with pytest.raises(ExportError, match="failed in the background"):
        background.flush(20.0)
    stop(background, span)
    with pytest.raises(ExportError, match="failed in the background"):
        background.close()
    assert [what for what, _ in slow.calls] == ["start", "stop", "close"]


def test_failures_count_against_the_plugin() -> None:
    slow = Slow()
    slow.error = ValueError("x")
    host = ExporterHost()
    background = BackgroundExporter(slow)
    host.register(background, "slow")
    host.initialize()
    for _ in range(20):
        host.hook.export_start(span=Span.create("a"))
        with background._changed:
            assert background._changed.wait_for(lambda: not (background.waiting or background._is_working), 20.0)
    assert host.status()[0].failures > 0
    assert host.status()[0].state == "paused"
    slow.error = None
    host.close()


def test_configuration_is_passed_on() -> None:
    slow = Slow()
    config = object()
    BackgroundExporter(slow).configure(config)
    assert slow.configured == [config]


def test_methods_that_are_not_marked_are_not_called() -> None:
    class Own(Slow):
        def flush(self) -> None:  # type: ignore[override]
            raise AssertionError("not a hookimpl")

        def configure(self, section: str, key: str) -> None:  # type: ignore[override]
            raise AssertionError("not a hookimpl")

    background = make(Own())
    background.configure(object())
    background.flush(20.0)
    background.close()


def test_hookimpl_may_leave_its_argument_out() -> None:
    class Short(Slow):
        @hookimpl
        def flush(self) -> None:  # type: ignore[override]
            self.calls.append(("flush", ""))

    slow = Short()
    background = make(slow)
    background.flush(20.0)
    background.close()
    assert slow.calls == [("flush", ""), ("close", "")]


def test_exporter_still_says_which_spans_it_wants() -> None:
    class Choosy(Slow):
        @hookimpl
        def should_export(self, span: Span) -> Optional[bool]:
            return False if span.name == "unwanted" else None

    host = ExporterHost()
    host.register(BackgroundExporter(Choosy()), "choosy")
    host.initialize()
    assert host.hook.should_export(span=Span.create("unwanted")) is False
    assert host.hook.should_export(span=Span.create("wanted")) is None
    host.close()


def test_closed_exporter_starts_anew_when_initialized_again() -> None:
    slow = Slow()
    background = make(slow)
    background.close()
    background.initialize()
    stop(background, started(background, "again"))
    background.close()
    assert [what for what, _ in slow.calls] == ["close", "start", "stop", "close"]


def test_exporter_that_hangs_cannot_be_initialized_again() -> None:
    slow = Slow()
    background = make(slow, close_timeout_sec=0.01)
    slow.hold(background)
    background.close()
    with pytest.raises(ExportError, match="closed while a call hangs"):
        background.initialize()
    slow.gate.set()
    assert background._finished.wait(30)
    background.initialize()
    assert background.ready
    background.close()


def test_closing_is_legal_before_initialize() -> None:
    slow = Slow()
    BackgroundExporter(slow).close()
    assert slow.calls == [("close", "")]


def test_failing_initialize_is_seen() -> None:
    class Broken(Slow):
        def initialize(self) -> None:
            raise ExportError("no backend")

    background = BackgroundExporter(Broken())
    with pytest.raises(ExportError, match="no backend"):
        background.initialize()
    assert not background.ready


def test_failing_close_of_the_exporter_is_told() -> None:
    class Broken(Slow):
        def close(self) -> None:
            raise ValueError("still open")

    background = make(Broken())
    with pytest.raises(ExportError, match="the last with: still open"):
        background.close()
    assert background.closed


def test_failure_after_the_last_call_is_told_by_close() -> None:
    slow = Slow()
    background = make(slow)
    slow.hold(background)
    slow.error = RecordWriteError("disk full")
    slow.gate.set()
    with pytest.raises(RecordWriteError, match=r"1 call\(s\) failed in the background, the last with: disk full"):
        background.close()
    assert slow.calls == [("close", "")]
    background.close()


def test_failure_after_the_last_call_counts_against_the_plugin() -> None:
    slow = Slow()
    host = ExporterHost()
    background = BackgroundExporter(slow)
    host.register(background, "slow")
    host.initialize()
    slow.hold(background)
    slow.error = RecordWriteError("disk full")
    slow.gate.set()
    host.close()
    assert host.status()[0].failures == 1


@pytest.mark.parametrize("options", [{"when_full": "drop_all"}, {"max_queue": 0}])
def test_wrong_options_are_refused(options: Dict[str, Any]) -> None:
    with pytest.raises(OneLoggerError, match="BackgroundExporter"):
        BackgroundExporter(Slow(), **options)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be an interpreter that is shutting down."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)


@pytest.mark.usefixtures("no_threads")
def test_where_threads_cannot_start_close_works_the_queue_off_itself() -> None:
    slow = Slow()
    background = make(slow)
    started(background, "a")
    background.close()
    assert slow.calls == [("start", "a"), ("close", "")]


@pytest.mark.usefixtures("no_threads")
def test_where_threads_cannot_start_flush_works_the_queue_off_itself() -> None:
    slow = Slow()
    background = make(slow)
    started(background, "a")
    background.flush(1.0)
    assert slow.calls == [("start", "a")]
    background.close()


@pytest.mark.usefixtures("no_threads")
def test_where_threads_cannot_start_a_full_queue_blocks_nobody() -> None:
    slow = Slow()
    background = make(slow, max_queue=2, when_full="block")
    for number in range(5):
        started(background, f"s{number}")
    background.close()
    assert [name for what, name in slow.calls if what == "start"] == [f"s{number}" for number in range(5)]
    assert background.dropped == 0


@pytest.mark.usefixtures("no_threads")
def test_where_threads_cannot_start_the_user_may_interrupt() -> None:
    slow = Slow()
    background = make(slow)
    started(background, "a")
    slow.error = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        background.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_forked_child_leaves_what_is_queued_to_its_parent() -> None:
    slow = Slow()
    background = make(slow)
    slow.hold(background)
    outer = started(background, "outer")
    child = os.fork()
    if child == 0:
        slow.gate.set()
        slow.calls.clear()
        inner = started(background, "inner", outer)
        stop(background, inner)
        background.close()
        os._exit(0 if slow.calls == [("start", "inner"), ("stop", "inner"), ("close", "")] else 1)
    assert os.waitpid(child, 0)[1] == 0
    slow.gate.set()
    background.close()
    assert ("start", "outer") in slow.calls


def test_renewed_exporter_knows_only_the_spans_that_were_delivered() -> None:
    """What a forked child does, without one."""
    slow = Slow()
    background = make(slow)
    outer = started(background, "outer")
    background.flush(20.0)
    slow.hold(background)
    queued = started(background, "queued")
    old_thread_has_finished = background._finished
    background._is_closing = True  # and ends, as it does not exist in a child
    background._hurry.set()
    slow.gate.set()
    assert old_thread_has_finished.wait(30)
    slow.calls.clear()

    background._queue.append(("export_start", background._snapshots[queued], None))
    background._renew_after_fork()
    background.export_event(Event.create("e"), outer)
    background.export_event(Event.create("of the parent's"), queued)
    background.close()
    assert (slow.calls, background.dropped) == ([("event", "e"), ("close", "")], 1)


@pytest.mark.parametrize("attempts", [2])
def test_thread_is_started_once(attempts: int) -> None:
    slow = Slow()
    background = make(slow)
    assert [background._start_thread() for _ in range(attempts)] == [True] * attempts
    background.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_forked_child_goes_on_with_the_open_spans_that_the_exporter_knows() -> None:
    slow = Slow()
    background = make(slow, max_queue=2, when_full="drop_newest")
    outer = started(background, "outer")
    background.flush(20.0)
    slow.hold(background)
    queued = started(background, "queued")
    for _ in range(3):
        background.export_event(Event.create("too many"), outer)
    assert background.dropped == 2
    child = os.fork()
    if child == 0:
        slow.gate.set()
        slow.calls.clear()
        background.export_event(Event.create("e"), outer)
        background.export_event(Event.create("of the parent's"), queued)
        background.close()
        os._exit(0 if (slow.calls, background.dropped) == ([("event", "e"), ("close", "")], 1) else 1)
    assert os.waitpid(child, 0)[1] == 0
    slow.gate.set()
    background.close()


def test_queue_is_worked_off_at_the_exit_of_the_interpreter(tmp_path: Path) -> None:
    target = tmp_path / "run.jsonl"
    program = (
        "import sys\n"
        "from nv_one_logger.exporter.background_exporter import BackgroundExporter\n"
        "from nv_one_logger.exporter.file_exporter import FileExporter\n"
        "from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig\n"
        "from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider\n"
        "from nv_one_logger.api.timed_span import timed_span\n"
        "config = TrainingTelemetryConfig(application_name='a', session_tag_or_fn='s')\n"
        "exporter = BackgroundExporter(FileExporter(sys.argv[1]))\n"
        "TrainingTelemetryProvider.instance().with_base_config(config).with_exporter(exporter).configure_provider()\n"
        "for _ in range(100):\n"
        "    with timed_span('work'): pass\n"
        "sys.exit(3)\n"
    )
    home = str(Path(sys.modules["nv_one_logger.core"].__file__ or "").parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program, str(target)], env={**os.environ, "PYTHONPATH": home}, check=False
    )
    assert done.returncode == 3
    assert len(target.read_text().splitlines()) == 100
