"""However a process ends: its status is its own, it ends in time, and the file says why where that can be known."""

from __future__ import annotations

import signal
import sys
from typing import Any, Callable, Dict

import pytest

BACKENDS = ["none", "close hangs", "three hang", "background over one that hangs", "raises"]
WAIT = "while True: time.sleep(0.01)"
OWN_HANDLER = """
def on_signal(number, frame):
    print("my handler")
    sys.exit(9)
signal.signal(signal.SIGTERM, on_signal)
"""

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@pytest.mark.parametrize("backend", BACKENDS)
def test_exit_status_is_that_of_the_application_whatever_its_backends_do(end: Callable[..., Any], backend: str) -> None:
    done = end("sys.exit(3)", backend)
    assert done.status == 3, done.stderr
    assert done.reason == {"exit_reason": "interpreter_exit"}
    assert [one["name"] for one in done.records if one["type"] == "complete"] == ["work"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("", 0, {"exit_reason": "interpreter_exit"}),
        ("sys.exit('message')", 1, {"exit_reason": "interpreter_exit"}),
        ("raise KeyError('mine')", 1, {"exit_reason": "exception", "exit_detail": "KeyError: 'mine'"}),
        ("raise MemoryError", 1, {"exit_reason": "exception", "exit_detail": "MemoryError"}),
    ],
)
def test_reason_of_the_end_is_recorded(end: Callable[..., Any], body: str, status: int, reason: Dict[str, str]) -> None:
    done = end(body)
    assert done.status == status, done.stderr
    assert done.reason == reason


def test_os_exit_ends_at_once_with_what_was_written(end: Callable[..., Any]) -> None:
    done = end("os._exit(6)", "three hang")
    assert done.status == 6
    assert done.records[-1]["name"] == "work"
    assert done.reason == {}


@needs_signals
@pytest.mark.parametrize("backend", ["none", "three hang"])
def test_ctrl_c_is_the_users(end: Callable[..., Any], backend: str) -> None:
    done = end(WAIT, backend, send=signal.SIGINT)
    assert done.status in (-signal.SIGINT, 130), done.stderr
    assert "KeyboardInterrupt\n" in done.stderr
    assert done.reason == {"exit_reason": "exception", "exit_detail": "KeyboardInterrupt"}


@needs_signals
def test_sigterm_ends_an_unprepared_process_at_once(end: Callable[..., Any]) -> None:
    done = end(WAIT, "three hang", send=signal.SIGTERM)
    assert done.status == -signal.SIGTERM
    assert done.reason == {}
    assert any(one.get("name") == "work" for one in done.records)


@needs_signals
@pytest.mark.parametrize("backend", ["none", "three hang"])
def test_sigterm_is_the_reason_where_the_application_asked_for_it(end: Callable[..., Any], backend: str) -> None:
    done = end(WAIT, backend, "provider.with_signal_handlers()", send=signal.SIGTERM)
    assert done.status == -signal.SIGTERM, done.stderr
    assert done.reason == {"exit_reason": "signal", "exit_detail": "SIGTERM"}


@needs_signals
@pytest.mark.parametrize("before", [OWN_HANDLER, OWN_HANDLER + "provider.with_signal_handlers()"], ids=["", "watched"])
def test_handler_of_the_application_decides_the_status(end: Callable[..., Any], before: str) -> None:
    done = end(WAIT, "raises", before, send=signal.SIGTERM)
    assert done.status == 9, done.stderr
    expected = {"exit_reason": "signal", "exit_detail": "SIGTERM"}
    assert done.reason == (expected if "with_signal" in before else {"exit_reason": "interpreter_exit"})


@pytest.mark.parametrize("backend", ["none", "three hang"])
def test_threads_that_record_while_the_interpreter_ends_neither_hang_nor_print(
    end: Callable[..., Any], backend: str
) -> None:
    body = """
def record():
    while True:
        with timed_span("in a thread"):
            pass
for _ in range(4):
    threading.Thread(target=record, daemon=True).start()
time.sleep(0.2)
sys.exit(8)
"""
    done = end(body, backend)
    assert done.status == 8, done.stderr
    assert "Traceback" not in done.stderr
    assert [one["count"] for one in done.records] == list(range(1, len(done.records) + 1))


def test_thread_of_the_application_that_ends_last_is_recorded(end: Callable[..., Any]) -> None:
    body = """
def record():
    threading.Event().wait(0.3)
    with timed_span("late"):
        pass
threading.Thread(target=record).start()
sys.exit(2)
"""
    done = end(body)
    assert done.status == 2
    assert any(one.get("name") == "late" for one in done.records)
