"""Calls a function that may hang, and goes on after a while if it does."""

from __future__ import annotations

import threading
from typing import Any, Callable, Optional

__all__ = ["BoundedCall", "call_within"]


class BoundedCall:
    """A call in a daemon thread of its own, so that one that hangs blocks neither the caller nor the exit.

    Where no thread can be started any more, as while the interpreter exits, the call is made at once.
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
