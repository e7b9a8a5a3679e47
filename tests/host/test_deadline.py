from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, List

import pytest

from nv_one_logger.host import ExporterHost, deadline
from nv_one_logger.host import host as host_module
from nv_one_logger.host.deadline import BoundedCall, Reserve, call_within
from nv_one_logger.testing import RecordingExporter


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse new threads, as an interpreter that is shutting down does."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)


def fail(error: BaseException) -> None:
    raise error


def test_call_that_ends_in_time_is_done() -> None:
    seen: List[Any] = []
    call = call_within(60, seen.append, "argument")
    assert (seen, call.is_done, call.error) == (["argument"], True, None)


def test_call_that_hangs_is_left_behind_and_may_end_later() -> None:
    release = threading.Event()
    call = call_within(0.0, release.wait, 60)
    assert not call.is_done
    release.set()
    assert call.wait(60)


def test_hanging_call_does_not_keep_the_process_alive() -> None:
    daemons: List[bool] = []
    call_within(60, lambda: daemons.append(threading.current_thread().daemon))
    assert daemons == [True]


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3)])
def test_error_of_the_call_is_kept_and_does_not_reach_the_caller(error: BaseException) -> None:
    assert call_within(60, fail, error).error is error


def test_timeout_below_zero_is_no_timeout() -> None:
    release = threading.Event()
    call = call_within(-5, release.wait, 60)
    assert not call.wait(-1)
    release.set()
    assert call.wait(60)


@pytest.mark.usefixtures("no_threads")
def test_call_is_made_inline_where_no_thread_can_start() -> None:
    threads: List[threading.Thread] = []
    call = BoundedCall(lambda: threads.append(threading.current_thread()))
    assert threads == [threading.current_thread()]
    assert call.is_done


@pytest.mark.usefixtures("no_threads")
def test_error_of_an_inline_call_is_kept_too() -> None:
    error = ValueError("broken")
    assert BoundedCall(fail, error).error is error


@pytest.mark.usefixtures("no_threads")
def test_interrupt_of_an_inline_call_reaches_the_user() -> None:
    with pytest.raises(KeyboardInterrupt):
        BoundedCall(fail, KeyboardInterrupt())


# --- the reserve -----------------------------------------------------------------------------------------------------


def test_call_is_made_by_a_thread_that_was_kept_where_no_thread_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Reserve()
    kept.keep(2)
    kept.keep(1)  # there are enough
    monkeypatch.setattr(deadline, "reserve", lambda: kept)
    monkeypatch.setattr(threading.Thread, "start", lambda self: fail(RuntimeError("at interpreter shutdown")))
    release = threading.Event()
    hanging = [call_within(0.0, release.wait, 60) for _ in range(2)]
    assert [call.is_done for call in hanging] == [False, False]
    here: List[threading.Thread] = []
    call_within(60, lambda: here.append(threading.current_thread()))
    assert here == [threading.current_thread()], "there is none left"
    release.set()
    assert all(call.wait(60) for call in hanging)


@pytest.mark.usefixtures("no_threads")
def test_no_thread_is_kept_where_none_can_start() -> None:
    kept = Reserve()
    kept.keep(1)
    assert not kept.run(lambda: None)


def test_forked_child_has_no_thread_in_reserve() -> None:
    kept = Reserve()
    kept.keep(1)
    kept._renew_after_fork()
    assert not kept.run(lambda: None)


def test_host_keeps_a_thread_for_each_plugin_where_it_will_need_them(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: List[int] = []
    monkeypatch.setattr(host_module, "NEEDS_RESERVE", True)
    monkeypatch.setattr(host_module, "reserve", lambda: SimpleNamespace(keep=kept.append))
    host = ExporterHost()
    host.register(RecordingExporter())
    host.register(RecordingExporter())
    assert kept == [1, 2]
