"""Forks a fresh process for each case of a program, which has everything imported and nothing configured.

Reads one JSON object a line from standard input (``folder``, ``timeout_sec`` and what the program needs),
and writes one a line when that process has ended: ``folder``, ``status`` (as of ``subprocess``) and ``is_hung``. The
child leaves :func:`serve` and runs to the natural end of the interpreter, ``atexit`` functions included; importing the
library takes half a second, which every case would pay otherwise.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
import threading
import time
from typing import Any, Dict, Optional, Tuple

from nv_one_logger.core.internal.version import get_version

MOST_AT_ONCE = 4


def serve() -> Optional[Dict[str, Any]]:
    """Fork a process for each line; return its case in the child, ``None`` at the end of the input."""
    running: Dict[int, Tuple[Dict[str, Any], float]] = {}
    waiting = b""
    is_over = False
    while not is_over or running or b"\n" in waiting:
        while b"\n" in waiting and len(running) < MOST_AT_ONCE:
            line, waiting = waiting.split(b"\n", 1)
            case = json.loads(line)
            pid = os.fork()
            if pid == 0:
                return case
            running[pid] = (case, time.monotonic() + case.get("timeout_sec", 60.0))
        _reap(running)
        if not is_over and select.select([0], [], [], 0.002 if running else 1.0)[0]:
            piece = os.read(0, 1 << 16)
            waiting += piece
            is_over = not piece
        elif is_over and running:
            threading.Event().wait(0.002)
    return None


def _reap(running: Dict[int, Tuple[Dict[str, Any], float]]) -> None:
    for pid, (case, deadline) in list(running.items()):
        is_hung = time.monotonic() > deadline
        if is_hung:
            os.kill(pid, signal.SIGKILL)
        ended, status = os.waitpid(pid, 0 if is_hung else os.WNOHANG)
        if ended:
            del running[pid]
            code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            answer = {"folder": case["folder"], "status": code, "is_hung": is_hung}
            os.write(1, (json.dumps(answer) + "\n").encode())


def _redirect(folder: str) -> None:
    for fd, name, flags in ((0, os.devnull, os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
        path = name if fd == 0 else os.path.join(folder, name)
        file = os.open(path, flags | os.O_CREAT, 0o600)
        os.dup2(file, fd)
        os.close(file)


if __name__ == "__main__":
    program = importlib.import_module(sys.argv[1])
    get_version("nv-one-logger-training-telemetry")  # looked up once in a process, slowly
    gc.freeze()
    found = serve()
    if found is not None:
        _redirect(found["folder"])
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  # as long as the process
        program.run(found)
