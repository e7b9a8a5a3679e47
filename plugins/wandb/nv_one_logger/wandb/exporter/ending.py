"""Ends a run of this process within a deadline, and at exit also what wandb would wait for without one."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from contextlib import suppress
from typing import Any, Callable, List, Optional, Set

from nv_one_logger.exporter import ExportError

__all__ = ["RunEnd"]

_logger = logging.getLogger("nv_one_logger.wandb.exporter.wandb_exporter")

_to_close: Set[RunEnd] = set()
_unfinished: Set[RunEnd] = set()


class RunEnd:
    """Ends one run, when its exporter is closed and at the latest when the interpreter exits.

    wandb's own handler at exit waits for its service process, which goes on trying to reach its server: in wandb
    versions without the setting ``finish_timeout`` without a limit, even if the run could not be started. So ours runs
    before it, and ends that process if a run of ours is all that it still works at.

    Args:
        close: Closes the exporter; called at exit.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close
        self.process_id = os.getpid()
        self._run: Optional[Any] = None
        self._exit_code = 0
        self._error: Optional[Exception] = None
        self._is_wanted = threading.Event()
        self._has_ended = threading.Event()
        # Started now: while the interpreter exits, no thread can be started any more.
        threading.Thread(target=self._finish_when_wanted, name="one-logger-wandb-finish", daemon=True).start()

    @property
    def run(self) -> Optional[Any]:
        """The run that is being finished."""
        return self._run

    def watch(self) -> None:
        """Close the exporter at exit. To be called when wandb was asked for the run, so that ours is called first."""
        _to_close.add(self)
        _unfinished.add(self)
        atexit.register(self._at_exit)

    def finish(self, run: Any, exit_code: int, timeout_sec: float) -> bool:
        """Finish the run; tell whether it has ended within so many seconds. If not, that goes on in the background.

        Raises:
            ExportError: wandb could not finish it.
        """
        self._run, self._exit_code = run, exit_code
        self._is_wanted.set()
        has_ended = self._has_ended.wait(timeout_sec)
        if has_ended:
            _to_close.discard(self)
            atexit.unregister(self._at_exit)
        if self._error is not None:
            raise ExportError(f"wandb could not finish its run: {self._error}") from self._error
        return has_ended

    def _finish_when_wanted(self) -> None:
        self._is_wanted.wait()
        try:
            if self._run is not None:
                self._run.finish(exit_code=self._exit_code)
        except Exception as error:
            self._error = error
        finally:
            _unfinished.discard(self)
            self._has_ended.set()

    def _at_exit(self) -> None:
        if os.getpid() != self.process_id:  # the service belongs to the process that this one was forked from
            return
        with suppress(Exception):
            self._close()
        _to_close.discard(self)
        unfinished = _ours(_unfinished)
        if unfinished and not _ours(_to_close):
            _end_service([end.run for end in unfinished])


def _ours(ends: Set[RunEnd]) -> List[RunEnd]:
    # A copy: threads that finish their run take themselves out meanwhile.
    return [end for end in list(ends) if end.process_id == os.getpid()]


def _end_service(runs: List[Any]) -> None:
    """End wandb's service process, unless a run other than these is active. wandb offers no function for that."""
    session = getattr(sys.modules.get("wandb.sdk.wandb_setup"), "_singleton", None)
    others = [run for run in getattr(session, "_active_runs", ()) if not any(run is own for own in runs)]
    if others:
        _logger.warning("The exit may have to wait for wandb's server: the application has runs that are not finished.")
        return
    connection = getattr(session, "_connection", None)
    owner = getattr(connection, "_proc", None)
    process = getattr(owner, "_process", None) or getattr(owner, "_internal_proc", None)
    if process is None or process.poll() is not None:
        return
    _logger.warning("wandb's service still waits for its server, and is ended. What it has written remains.")
    process.kill()
    forget_handler = getattr(connection, "_cleanup", None)  # it would find the connection broken, and say so at length
    if callable(forget_handler):
        forget_handler()
