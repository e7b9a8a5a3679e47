"""Calls a function that may hang, and goes on after a while if it does."""

from __future__ import annotations

import queue
import sys
import threading
from typing import Any, Callable, Dict, Optional

from nv_one_logger.core.internal.fork import after_fork_in_child

__all__ = ["NEEDS_RESERVE", "BoundedCall", "Reserve", "call_within", "reserve"]

NEEDS_RESERVE = (3, 12) <= sys.version_info < (3, 13)
"""Whether this Python starts no thread any more when the functions of ``atexit`` run; others do."""


class Reserve:
    """Daemon threads that were started while that was possible, asleep until the end of the process needs them."""

    def __init__(self) -> None:
        self._renew_after_fork()
        after_fork_in_child(self, "_renew_after_fork")

    def _renew_after_fork(self) -> None:
        self._lock = threading.Lock()  # guards the count
        self._ready = 0
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def keep(self, number: int) -> None:
        """Have at least so many threads ready, as far as threads can be started."""
        with self._lock:
            while self._ready < number:
                thread = threading.Thread(target=self._run, name="one-logger-reserve", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return
                self._ready += 1

    def run(self, function: Callable[[], None]) -> bool:
        """Run a function in one of the threads; tell whether there was one left."""
        with self._lock:
            if self._ready == 0:
                return False
            self._ready -= 1
        self._calls.put(function)
        return True

    def _run(self) -> None:
        self._calls.get()()


_of_this_process: Dict[str, Reserve] = {}


def reserve() -> Reserve:
    """Return the threads of this process; there are none until somebody keeps some."""
    existing = _of_this_process.get("reserve")
    # One indivisible step instead of a lock, which a fork could inherit in a locked state.
    return existing if existing is not None else _of_this_process.setdefault("reserve", Reserve())


class BoundedCall:
    """A call in a daemon thread of its own, so that one that hangs blocks neither the caller nor the exit.

    Where no thread can be started any more, as while the interpreter exits, one of the :func:`reserve` makes it; where
    there is none, it is made at once.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._function = function
        self._arguments = arguments
        self._done = threading.Event()
        self._error: Optional[BaseException] = None
        thread = threading.Thread(target=self._run, name="one-logger-bounded-call", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if reserve().run(self._run):
                return
            self._run()
            # In the caller's own thread a KeyboardInterrupt is the user's.
            error = self.error
            if error is not None and not isinstance(error, Exception):
                raise error from None

    def _run(self) -> None:
        try:
            self._function(*self._arguments)
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def wait(self, timeout_sec: float) -> bool:
        """Wait for the end of the call, at most so many seconds; tell whether it has ended."""
        return self._done.wait(max(0.0, timeout_sec))

    @property
    def is_done(self) -> bool:
        """Whether the call has ended."""
        return self._done.is_set()

    @property
    def error(self) -> Optional[BaseException]:
        """What the call raised, if it has ended with an error."""
        return self._error


def call_within(timeout_sec: float, function: Callable[..., Any], *arguments: Any) -> BoundedCall:
    """Call a function and wait for it, at most so many seconds. The call may go on after that."""
    call = BoundedCall(function, *arguments)
    call.wait(timeout_sec)
    return call
