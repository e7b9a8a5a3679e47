"""Turns Ctrl-C into a request that the job answers between two iterations."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Dict, Optional, Type

__all__ = ["InterruptRequest"]


class InterruptRequest:
    """Within ``with``, SIGINT and SIGTERM only ask; :meth:`check` then raises ``KeyboardInterrupt``.

    An exception that strikes in the middle of a record could tear it off; asked between two iterations, the job ends
    every span and closes every exporter. A second signal interrupts at once, for who does not want to wait.
    """

    def __init__(self) -> None:
        self._asked_by: Optional[int] = None
        self._previous: Dict[int, object] = {}

    @property
    def exit_code(self) -> int:
        """What a shell reports for a process that ended by that signal: 130 for SIGINT, 143 for SIGTERM."""
        return 128 + (self._asked_by if self._asked_by is not None else signal.SIGINT)

    def check(self) -> None:
        """Raise if a signal came.

        Raises:
            KeyboardInterrupt: It did.
        """
        if self._asked_by is not None:
            raise KeyboardInterrupt

    def __enter__(self) -> InterruptRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)  # type: ignore[arg-type]  # what signal() returned
        self._previous.clear()

    def _on_signal(self, number: int, frame: Optional[FrameType]) -> None:
        if self._asked_by is not None:
            raise KeyboardInterrupt
        self._asked_by = number
