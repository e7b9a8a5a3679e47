"""What stands between pluggy and one plugin: pausing, catching up, counting, telling it that its data is bad."""

from __future__ import annotations

import logging
import threading
import types
from typing import Any, List

import pytest

from nv_one_logger.core.event import TelemetryDataError
from nv_one_logger.core.internal.log_limiter import mark_logged
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import ExportError, RecordWriteError
from nv_one_logger.host import ExporterHost, PluginStatus, hookimpl
from nv_one_logger.host import guard as guard_module
from nv_one_logger.host.backlog import MAX_OWED_STOPS

TIMEOUT = 30.0


@pytest.fixture
def add(host: ExporterHost, exporter: Any, request: pytest.FixtureRequest) -> None:
    """Register the exporter under a name of its own, so that its log lines are not taken for another test's."""
    host.register(exporter, name=request.node.name)
    host.initialize()
    exporter.calls.clear()


def status_of(host: ExporterHost) -> PluginStatus:
    return host.status()[0]


def fail_five_times(spans: Any, exporter: Any) -> List[Span]:
    """Have five starts fail, which opens the breaker; forget the calls."""
    exporter.fail_always(ExportError("down"))
    failed = [spans.start(f"failed{number}") for number in range(5)]
    exporter.failing = None
    exporter.calls.clear()
    return failed


# --- pausing ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("add")
def test_plugin_that_fails_from_the_start_is_called_five_times(host: ExporterHost, spans: Any, exporter: Any) -> None:
    exporter.fail_always(ExportError("down"))
    for number in range(20):
        spans.start(f"{number}")
    exports = [call for call in exporter.calls if not call.startswith("telemetry")]
    assert exports == [f"start {number}" for number in range(5)]
    status = status_of(host)
    assert (status.state, status.calls, status.failures, status.skipped) == ("paused", 5, 5, 15)
    assert status.retry_in_sec == 60


@pytest.mark.usefixtures("add")
def test_sporadic_failures_pause_nothing(host: ExporterHost, spans: Any, exporter: Any) -> None:
    for number in range(400):
        exporter.failing = (lambda call: ExportError("hiccup")) if number % 25 == 0 else None
        spans.run(f"{number}")
    assert status_of(host).state == "on"
    assert status_of(host).failures > 5


@pytest.mark.usefixtures("add")
def test_lost_record_is_counted_and_pauses_nothing(host: ExporterHost, spans: Any, exporter: Any) -> None:
    exporter.fail_always(RecordWriteError("disk full"))
    for number in range(20):
        spans.start(f"{number}")
    exporter.failing = None
    spans.start("space again")
    assert exporter.calls[-1] == "start space again"
    assert (status_of(host).state, status_of(host).failures) == ("on", 20)


@pytest.mark.usefixtures("add")
def test_paused_plugin_is_left_alone_until_the_pause_is_over(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any
) -> None:
    fail_five_times(spans, exporter)
    clock.advance(59.9)
    spans.start("early")
    assert exporter.calls == []
    assert status_of(host).retry_in_sec == pytest.approx(0.1)
    clock.advance(0.1)
    spans.start("due")
    assert exporter.calls == ["start early", "start due"]
    assert status_of(host).state == "on"
    assert status_of(host).retry_in_sec is None


@pytest.mark.usefixtures("add")
def test_failed_trials_double_the_pause_and_a_good_one_ends_that(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any
) -> None:
    fail_five_times(spans, exporter)
    exporter.fail_always(ExportError("still down"))
    clock.advance(60)
    spans.run("trial")
    assert status_of(host).retry_in_sec == 120
    clock.advance(120)
    spans.run("another trial")
    assert status_of(host).retry_in_sec == 240
    exporter.failing = None
    clock.advance(240)
    spans.run("good trial")
    assert status_of(host).state == "on"
    fail_five_times(spans, exporter)
    assert status_of(host).retry_in_sec == 60


@pytest.mark.usefixtures("add")
def test_one_failure_is_enough_while_on_trial(host: ExporterHost, spans: Any, exporter: Any, clock: Any) -> None:
    for span in fail_five_times(spans, exporter):
        spans.stop(span)
    clock.advance(60)
    exporter.failing = lambda call: ExportError("still down") if call == "start trial" else None
    spans.start("trial")
    spans.start("not called")
    assert exporter.calls[-1] == "start trial"
    assert status_of(host).retry_in_sec == 120


@pytest.mark.usefixtures("add")
def test_other_plugins_do_not_notice(host: ExporterHost, spans: Any, exporter: Any, other: Any, clock: Any) -> None:
    host.register(other)
    other.calls.clear()
    fail_five_times(spans, exporter)
    assert other.calls == [f"start failed{number}" for number in range(5)]


# --- coming back -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("add")
def test_recovered_plugin_gets_owed_stops_then_missed_starts_then_the_call(
    spans: Any, exporter: Any, clock: Any
) -> None:
    known = spans.start("known")
    stays = spans.start("stays")
    fail_five_times(spans, exporter)
    spans.stop(known)
    parent = spans.start("parent")
    spans.run("came and went")
    child = spans.start("child", parent)
    spans.event(child, "skipped")
    clock.advance(60)
    spans.event(child, "told")
    spans.stop(stays)
    assert exporter.calls == [
        "stop known",
        "start parent",
        "start child",
        "event told on child",
        "stop stays",
    ]


@pytest.mark.usefixtures("add")
def test_start_that_failed_is_not_told_again(spans: Any, exporter: Any, clock: Any) -> None:
    failed = fail_five_times(spans, exporter)
    clock.advance(60)
    spans.stop(failed[0])
    spans.event(failed[1], "e")
    assert exporter.calls == ["stop failed0", "event e on failed1"]


@pytest.mark.usefixtures("add")
def test_recovery_that_fails_half_way_goes_on_there_the_next_time(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any
) -> None:
    known = [spans.start(f"known{number}") for number in range(2)]
    fail_five_times(spans, exporter)
    for span in known:
        spans.stop(span)
    opened = [spans.start(f"open{number}") for number in range(3)]
    exporter.failing = lambda call: ExportError("down again") if call == "start open0" else None
    clock.advance(60)
    spans.start("first try")
    assert exporter.calls == ["stop known0", "stop known1", "start open0"]
    assert status_of(host).state == "paused"

    spans.stop(opened[1])
    exporter.failing = None
    exporter.calls.clear()
    clock.advance(120)
    spans.start("second try")
    spans.stop(opened[0])
    assert exporter.calls == ["start open2", "start first try", "start second try", "stop open0"]


@pytest.mark.usefixtures("add")
def test_owed_stop_that_fails_is_not_tried_again(spans: Any, exporter: Any, clock: Any) -> None:
    known = [spans.start(f"known{number}") for number in range(2)]
    fail_five_times(spans, exporter)
    for span in known:
        spans.stop(span)
    exporter.failing = lambda call: ExportError("down again") if call == "stop known0" else None
    clock.advance(60)
    spans.run("first try")
    exporter.failing = None
    clock.advance(120)
    spans.run("second try")
    assert exporter.calls == ["stop known0", "stop known1", "start second try", "stop second try"]


@pytest.mark.usefixtures("add")
def test_lost_records_do_not_end_a_recovery(host: ExporterHost, spans: Any, exporter: Any, clock: Any) -> None:
    fail_five_times(spans, exporter)
    spans.start("missed1")
    spans.start("missed2")
    exporter.failing = lambda call: RecordWriteError("disk full") if call == "start missed1" else None
    clock.advance(60)
    spans.start("now")
    assert exporter.calls == ["start missed1", "start missed2", "start now"]
    assert status_of(host).state == "on"


@pytest.mark.usefixtures("add")
def test_owed_stops_are_bounded_and_the_rest_counted(host: ExporterHost, spans: Any, exporter: Any, clock: Any) -> None:
    known = [spans.start(f"{number}") for number in range(MAX_OWED_STOPS + 2)]
    fail_five_times(spans, exporter)
    for span in known:
        spans.stop(span)
    clock.advance(60)
    spans.start("now")
    assert [call for call in exporter.calls if call.startswith("stop")] == [
        f"stop {number}" for number in range(MAX_OWED_STOPS)
    ]
    assert status_of(host).lost_stops == 2
    assert not status_of(host).is_clean


@pytest.mark.usefixtures("add")
def test_what_happens_while_it_catches_up_is_told_in_order(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any
) -> None:
    fail_five_times(spans, exporter)
    missed = spans.start("missed")

    def meanwhile(call: str) -> None:
        if call == "start missed":
            spans.stop(missed)
            spans.run("came and went")
            spans.start("new")

    exporter.acting = meanwhile
    clock.advance(60)
    spans.start("now")
    assert exporter.calls == ["start missed", "stop missed", "start new", "start now"]
    assert status_of(host).state == "on"


@pytest.mark.usefixtures("add")
def test_span_that_ends_while_the_recovery_fails_is_forgotten(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any
) -> None:
    fail_five_times(spans, exporter)
    spans.start("told")
    untold = spans.start("untold")

    def fail(call: str) -> Any:
        if call == "start told":
            spans.stop(untold)
            return ExportError("down again")
        return None

    exporter.failing = fail
    clock.advance(60)
    spans.start("first try")
    exporter.failing = None
    exporter.calls.clear()
    clock.advance(120)
    spans.start("second try")
    assert exporter.calls == ["start first try", "start second try"]


@pytest.mark.usefixtures("add")
def test_interrupted_recovery_loses_nothing(host: ExporterHost, spans: Any, exporter: Any, clock: Any) -> None:
    fail_five_times(spans, exporter)
    spans.start("first")
    second = spans.start("second")
    exporter.failing = lambda call: KeyboardInterrupt() if call == "start first" else None
    clock.advance(60)
    with pytest.raises(KeyboardInterrupt):
        spans.start("now")
    exporter.failing = None
    spans.stop(second)
    spans.start("later")
    assert exporter.calls == ["start first", "start second", "stop second", "start later"]


@pytest.mark.usefixtures("add")
def test_failure_of_a_call_that_began_before_the_pause_does_not_prolong_it(
    host: ExporterHost, spans: Any, exporter: Any
) -> None:
    """A call on its way in another thread, as told from within one that opens the breaker."""
    failing = 0

    def fail(call: str) -> Any:
        nonlocal failing
        failing += 1
        if failing < 8:
            spans.start(f"nested{failing}")
        return ExportError("down")

    exporter.failing = fail
    spans.start("outer")
    assert status_of(host).state == "paused"
    assert status_of(host).retry_in_sec == 60


@pytest.mark.usefixtures("add")
def test_plugin_that_is_always_busy_ends_its_catching_up(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any
) -> None:
    """Other threads that go on recording do not keep the one that catches up for ever."""
    fail_five_times(spans, exporter)
    spans.start("missed")
    ready, stop = threading.Semaphore(0), threading.Event()
    tick = threading.Semaphore(0)

    def record() -> None:
        while not stop.is_set():
            span = Span.create("busy")
            host.hook.export_start(span=span)
            ready.release()
            tick.acquire(timeout=0.05)  # as slow as the plugin is told
            host.hook.export_stop(span=span)

    def wait_for_the_other_thread(call: str) -> None:
        tick.release()
        ready.acquire(timeout=0.05)

    thread = threading.Thread(target=record)
    thread.start()
    try:
        assert ready.acquire(timeout=TIMEOUT)
        exporter.acting = wait_for_the_other_thread
        clock.advance(60)
        spans.start("now")  # would go on as long as the other thread does
        exporter.acting = None
        assert exporter.calls.count("start busy") < 20
    finally:
        stop.set()
        tick.release()
        thread.join()
    assert status_of(host).state == "on"


@pytest.mark.usefixtures("add")
def test_thread_that_waits_for_a_hanging_catch_up_goes_on_after_a_while(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "FREE_ROUNDS", 0)
    monkeypatch.setattr(guard_module, "MAX_WAIT_SEC", 0.0)
    fail_five_times(spans, exporter)
    spans.start("missed")
    hangs, release = threading.Event(), threading.Event()

    def hang(call: str) -> None:
        if call == "start missed":
            hangs.set()
            release.wait(TIMEOUT)

    exporter.acting = hang
    clock.advance(60)
    thread = threading.Thread(target=spans.start, args=("now",))
    thread.start()
    assert hangs.wait(TIMEOUT)
    spans.start("meanwhile")
    assert "start meanwhile" not in exporter.calls
    release.set()
    thread.join()
    assert exporter.calls == ["start missed", "start meanwhile", "start now"]


@pytest.mark.usefixtures("add")
def test_plugin_may_record_while_it_is_told_in_the_last_round(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "FREE_ROUNDS", 0)
    monkeypatch.setattr(guard_module, "MAX_WAIT_SEC", TIMEOUT)
    fail_five_times(spans, exporter)
    spans.start("missed")
    exporter.acting = lambda call: spans.start("from within") if call == "start missed" else None
    clock.advance(60)
    spans.start("now")
    assert exporter.calls == ["start missed", "start from within", "start now"]


# --- telling a plugin that its data is bad ---------------------------------------------------------------------------


def reports(exporter: Any) -> List[str]:
    return [call.split(":")[0] for call in exporter.calls if call.startswith("telemetry")]


@pytest.mark.usefixtures("add")
def test_plugin_that_never_got_anything_is_told_so_once(spans: Any, exporter: Any) -> None:
    exporter.fail_always(ExportError("down"))
    spans.start("a")
    spans.start("b")
    assert reports(exporter) == ["telemetry no_telemetry_data"]
    assert exporter.calls[1].endswith("export_start failed: ExportError: down")


@pytest.mark.usefixtures("add")
def test_plugin_that_got_something_is_told_that_the_data_is_incomplete(spans: Any, exporter: Any) -> None:
    spans.start("a")
    exporter.fail_always(ExportError("down"))
    spans.start("b")
    spans.start("c")
    assert reports(exporter) == ["telemetry incomplete_telemetry_data"]


def test_each_plugin_gets_the_type_that_is_true_for_it(
    host: ExporterHost, spans: Any, exporter: Any, other: Any
) -> None:
    host.register(exporter)
    spans.start("a")
    host.register(other)
    error_type = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
    for _ in range(2):
        host.hook.export_telemetry_data_error(error=TelemetryDataError.create(error_type, "doubt"))
    assert exporter.calls[1:] == ["telemetry incomplete_telemetry_data: doubt"]
    assert other.calls == ["telemetry no_telemetry_data: doubt"]


@pytest.mark.usefixtures("add")
def test_failure_of_the_report_is_logged_and_not_counted(
    host: ExporterHost, exporter: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exporter.failing = lambda call: ExportError("no") if call.startswith("telemetry") else None
    error_type = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
    host.hook.export_telemetry_data_error(error=TelemetryDataError.create(error_type, "doubt"))
    assert status_of(host).failures == 0
    assert "failed in export_telemetry_data_error" in caplog.text


def test_plugin_without_the_hook_is_not_told_and_none_the_worse(host: ExporterHost, spans: Any) -> None:
    def export_start(span: Span) -> None:
        raise RecordWriteError("lost")

    host.register(types.SimpleNamespace(export_start=hookimpl(export_start)), name="without the hook")
    spans.start("a")
    assert status_of(host).failures == 1


@pytest.mark.usefixtures("add")
def test_plugin_that_is_paused_is_told_nothing(host: ExporterHost, spans: Any, exporter: Any) -> None:
    fail_five_times(spans, exporter)
    error_type = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
    host.hook.export_telemetry_data_error(error=TelemetryDataError.create(error_type, "doubt"))
    assert exporter.calls == []


@pytest.mark.usefixtures("add")
def test_threads_that_fail_together_report_once(host: ExporterHost, exporter: Any) -> None:
    barrier = threading.Barrier(2)

    class Meeting(frozenset):  # type: ignore[type-arg]
        """The hooks of the plugin; two threads that look into them wait for each other."""

        def __contains__(self, hook: object) -> bool:
            if hook == "export_telemetry_data_error":
                barrier.wait(TIMEOUT)
            return super().__contains__(hook)

    guard = host.guard_of(exporter)
    assert guard is not None
    guard.hooks = Meeting(guard.hooks)
    threads = [threading.Thread(target=guard.report_telemetry_error, args=("doubt",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports(exporter)) == 1


# --- logging ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("add")
def test_failure_is_logged_once_for_all_hooks_with_its_traceback(
    spans: Any, exporter: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exporter.fail_always(RecordWriteError("disk full"))
    for _ in range(10):
        spans.run("a")
    lines = [record for record in caplog.records if record.name == "nv_one_logger.host"]
    assert [record.getMessage().split(": ")[0].split(" failed in ")[1] for record in lines] == ["export_start"]
    assert all(record.exc_info for record in lines)


@pytest.mark.usefixtures("add")
def test_failure_that_the_exporter_has_logged_is_not_logged_again(
    spans: Any, exporter: Any, caplog: pytest.LogCaptureFixture
) -> None:
    error = RecordWriteError("disk full")
    mark_logged(error)
    exporter.fail_always(error)
    spans.run("a")
    assert not caplog.records


@pytest.mark.usefixtures("add")
def test_pause_is_logged(spans: Any, exporter: Any, caplog: pytest.LogCaptureFixture) -> None:
    fail_five_times(spans, exporter)
    assert "is left alone for 60 seconds. Last error: export_start: ExportError: down" in caplog.text


@pytest.mark.usefixtures("add")
def test_log_handler_that_records_does_not_block(host: ExporterHost, spans: Any, exporter: Any, clock: Any) -> None:
    """An application may turn its log into telemetry, also while the plugin that is logged about is being paused."""

    class Recording(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            spans.start("from the log")

    logger, handler = logging.getLogger("nv_one_logger.host"), Recording()
    logger.addHandler(handler)
    try:
        thread = threading.Thread(target=fail_five_times, args=(spans, exporter), daemon=True)
        thread.start()
        thread.join(TIMEOUT)
        is_blocked = thread.is_alive()
    finally:
        logger.removeHandler(handler)
    assert not is_blocked
    assert status_of(host).state == "paused"


# --- fork ------------------------------------------------------------------------------------------------------------


def test_forked_child_opens_the_gate_that_only_the_parent_would_open(
    host: ExporterHost, spans: Any, exporter: Any
) -> None:
    """As after a fork in one thread while another one registers a plugin."""
    host.initialize()

    def fork(call: str) -> None:
        if call == "initialize":
            guard = host.guard_of(exporter)
            assert guard is not None
            spans.start("of the parent")
            guard.renew_after_fork()
            spans.start("of the child")

    exporter.acting = fork
    host.register(exporter)
    assert "start of the child" in exporter.calls


@pytest.mark.usefixtures("add")
def test_forked_child_of_a_paused_plugin_owes_nothing_of_the_parent(
    host: ExporterHost, spans: Any, exporter: Any, clock: Any
) -> None:
    known = spans.start("known")
    fail_five_times(spans, exporter)
    spans.stop(known)
    spans.start("missed by the parent")
    guard = host.guard_of(exporter)
    assert guard is not None
    guard.renew_after_fork()
    clock.advance(60)
    spans.start("of the child")
    assert exporter.calls == ["start of the child"]
