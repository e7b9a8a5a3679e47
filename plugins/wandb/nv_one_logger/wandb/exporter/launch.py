"""Starts the child process as a fresh interpreter, whatever state the parent is in."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import pickle
import subprocess
import sys
from typing import Any, Dict, Optional, Protocol

from nv_one_logger.exporter import ExportError
from nv_one_logger.wandb.exporter.config import Config

__all__ = ["Process", "start"]

_PROGRAM = "import sys; sys.path[:] = {path!r}; from nv_one_logger.wandb.exporter.child import main; main({descriptor})"


class Process(Protocol):
    """What the parent needs of a child: the part of ``multiprocessing.Process`` that we use."""

    @property
    def exitcode(self) -> Optional[int]:
        """``None`` while it runs."""

    def join(self, timeout: Optional[float] = None) -> None:
        """Wait for its end, at most so many seconds."""

    def kill(self) -> None:
        """End it at once."""


def start(process: Any, child_end: Any, parent_end: Any, config: Config, run_config: Dict[str, Any]) -> Process:
    """Start the child and return its handle.

    What ``multiprocessing`` would start is either a fork, which inherits locks, CUDA and open pipes of the
    application, or runs the application's main module again, and a daemonic process could not start it at all. So a
    fresh interpreter is started instead, with nothing but its end of the pipe. A stand-in that somebody has put in
    the place of ``multiprocessing.Process`` is started as it is, and so is the process on Windows.

    Raises:
        ExportError: The process cannot be started.
    """
    is_replaced = type(process) is not multiprocessing.context.Process
    try:
        if is_replaced or os.name == "nt":
            process.start()
            return process  # type: ignore[no-any-return]  # by its interface
        return _Interpreter(child_end, parent_end, config, run_config)
    except (OSError, AssertionError, RuntimeError) as error:
        raise ExportError(
            f"The process for wandb cannot be started: {error}. Use the exporter 'wandb_sync' if it never can."
        ) from error


class _Interpreter:
    """A fresh interpreter that serves one end of a pipe; with a session of its own, so that no signal meant for the
    application's process group (Ctrl-C, pre-emption) ends it before it has logged the last record.
    """  # noqa: D205

    def __init__(self, child_end: Any, parent_end: Any, config: Config, run_config: Dict[str, Any]) -> None:
        descriptor = child_end.fileno()
        path = [os.path.abspath(entry) for entry in sys.path]
        self._popen = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM.format(path=path, descriptor=descriptor)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # whoever reads the application's output waits for all who hold it open
            stderr=subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,
        )
        # A few hundred bytes into an empty pipe: this does not wait for the child. Not in its arguments or
        # environment, which others can see.
        parent_end.send_bytes(pickle.dumps((config, run_config)))

    @property
    def exitcode(self) -> Optional[int]:
        """``None`` while it runs, negative after a signal."""
        return self._popen.poll()

    def join(self, timeout: Optional[float] = None) -> None:
        """Wait for its end, at most so many seconds."""
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return

    def kill(self) -> None:
        """End it at once."""
        self._popen.kill()
