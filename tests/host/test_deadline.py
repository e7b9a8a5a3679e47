from __future__ import annotations

import threading
from typing import Any, List

import pytest

from nv_one_logger.host.deadline import BoundedCall, call_within


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
