"""Closes the recorder when the process ends without ``on_app_end``, and notes why it ended."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, Callable, Dict, Iterable, Optional, Union

from nv_one_logger.core.span import StandardSpanName
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api._exit_reason import note_exception, note_exit
from nv_one_logger.training_telemetry.api.training_recorder import TrainingRecorder

__all__ = ["Shutdown"]

_logger = logging.getLogger(__name__)

CLOSE_TIMEOUT_SEC = 5.0
"""How long closing may hold up the end of the process."""

_Handler = Union[Callable[[int, Optional[FrameType]], Any], int, None]


class Shutdown:
    """Watches over the end of the process for one recorder.

    The recorder is closed at the exit of the interpreter, which does not change the exit code. Where the user asked for
    it, it is closed on a signal, too, if that would end the process; it then ends by the signal as before.

    Args:
        recorder: What to close.
        signals: The signals to watch, such as ``signal.SIGTERM``.
    """

    def __init__(self, recorder: TrainingRecorder, signals: Iterable[int] = ()) -> None:
        self._recorder = recorder
        self._pid = os.getpid()
        self._last_uncaught = _last_uncaught()  # left by an earlier exception of an interactive session
        self._previous: Dict[int, _Handler] = {}
        for number in signals:
            self._watch(number)
        # Functions registered last run first: before those of backends, which their plugins need.
        atexit.register(self._at_exit)

    def cancel(self) -> None:
        """Stop watching, and put the signal handlers back that were there before."""
        atexit.unregister(self._at_exit)
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, previous)
        self._previous = {}

    def _watch(self, number: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            _logger.warning("Signal %s is not watched: only the main thread can set signal handlers.", number)
            return
        previous = signal.getsignal(number)
        if previous is signal.SIG_IGN or previous is None:
            return  # it does not end the process, or is not Python's to handle
        self._previous[number] = previous
        signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: Optional[FrameType]) -> None:
        previous = self._previous.get(number, signal.SIG_DFL)
        note_exit(self._application(), "signal", signal.Signals(number).name)
        if callable(previous):  # the application's own handler decides what happens
            previous(number, frame)
            return
        if os.getpid() == self._pid:
            self._close_in_time()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _close_in_time(self) -> None:
        """Close in another thread: the interrupted one may hold a lock that closing needs."""
        try:
            closer = threading.Thread(target=self.close, name="one-logger-close", daemon=True)
            closer.start()
        except RuntimeError:  # the interpreter is ending already
            self.close()
            return
        closer.join(CLOSE_TIMEOUT_SEC)

    def _at_exit(self) -> None:
        uncaught = _last_uncaught()
        application = self._application()
        if uncaught is not None and uncaught is not self._last_uncaught:
            note_exception(application, uncaught)
        else:
            note_exit(application, "interpreter_exit")
        self.close()

    def _application(self) -> Any:
        return self._recorder._open_spans.get(StandardSpanName.APPLICATION)

    def close(self) -> None:
        """Stop what is open and close the exporters, if that was not done; never raises."""
        try:
            self._recorder._close_now(TracingTimestamp.now())
        except Exception:
            _logger.warning("Telemetry could not be closed at the end of the process.", exc_info=True)


def _last_uncaught() -> Optional[BaseException]:
    """Return the exception that the interpreter printed last, as it does before it exits with one."""
    return getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
