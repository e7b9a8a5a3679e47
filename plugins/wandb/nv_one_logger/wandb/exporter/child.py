"""The child process: owns the run, and logs what arrives through the pipe until the parent is gone or says so."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional

from nv_one_logger.wandb.exporter.config import Config
from nv_one_logger.wandb.exporter.run import log, start_run

__all__ = ["CONFIRMED", "FINISHING", "STARTED", "main", "serve"]

STARTED = "started"
"""Message to the parent: the run exists."""
CONFIRMED = "confirmed"
"""Message to the parent: one more record was handed to wandb."""
FINISHING = "finishing"
"""Message to the parent: the end was heard, and what remains is uploading."""

# How long a run whose parent is gone, or no longer waits, may take to upload what is left. Then the kernel ends the
# process, even if it hangs with the interpreter's lock held.
_FINISH_SEC = 30
_UPLOAD_SEC = 25.0


@dataclass
class _WandBExportAsyncErrorInfo:
    """What went wrong in the child, for the parent to tell.

    Attributes:
        message: What happened, in words.
        traceback: Where.
    """

    message: str
    traceback: str


def serve(
    conn: Any, config: Config, run_config: Optional[Dict[str, Any]] = None, at_end: Callable[[], None] = lambda: None
) -> None:
    """Log what arrives until ``None`` or the end of the connection, then finish the run.

    Args:
        conn: The connection to the parent.
        config: As which run.
        run_config: What the run's configuration shall say.
        at_end: Called when nothing more is to come, before the run is finished.

    Raises:
        SystemExit: With code 1, after an error; the parent was told.
    """
    run = None
    exit_code = 0
    try:
        run = start_run(config, run_config, _UPLOAD_SEC)
        _tell(conn, STARTED)
        _log_all(conn, run)
    except Exception as error:
        exit_code = 1
        info = _WandBExportAsyncErrorInfo(f"Unexpected error in child process: {error}", traceback.format_exc())
        with suppress(OSError):
            conn.send(info)
    finally:
        at_end()
        if run is not None:
            with suppress(Exception):
                run.finish(exit_code=exit_code)
        conn.close()
    if exit_code:
        sys.exit(exit_code)


def _log_all(conn: Any, run: Any) -> None:
    while True:
        try:
            metrics = conn.recv()
        except (EOFError, ConnectionError):
            return
        if metrics is None:
            _tell(conn, FINISHING)
            return
        log(run, metrics)
        _tell(conn, CONFIRMED)


def _tell(conn: Any, message: str) -> None:
    with suppress(OSError):  # the parent is gone; what it had sent before is worth logging all the same
        conn.send_bytes(pickle.dumps(message))


def main(descriptor: int) -> None:
    """Serve the parent at the other end of an inherited connection, whose first message is the configuration."""
    from multiprocessing.connection import Connection

    # Imported under the name that the parent's copy has: instances are sent from here to there.
    from nv_one_logger.wandb.exporter import child

    conn = Connection(descriptor)
    try:
        config, run_config = pickle.loads(conn.recv_bytes())
    except EOFError:
        return
    _use_own_environment(config)
    child.serve(conn, config, run_config, _limit_what_remains)


def _limit_what_remains() -> None:
    signal.alarm(_FINISH_SEC)


def _use_own_environment(config: Config) -> None:
    """Give wandb its server and key through the environment of this process, which nobody else ever sees."""
    os.environ["WANDB_SILENT"] = "true"
    if config.host:
        os.environ["WANDB_BASE_URL"] = config.host
    if config.api_key:
        os.environ["WANDB_API_KEY"] = config.api_key
