"""Writers that note what has been acknowledged to them, and are killed at some moment.

An acknowledgement is a line that a writer appends, when a call has returned, to a file that nobody of the library
knows. Like the records it is in the hands of the operating system by then, so it outlives the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import mutations

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.recorder.default_recorder import DefaultRecorder

MOST_DELAY_SEC = 0.04
SPANS_A_FLUSH = 10


def run(case: Dict[str, Any]) -> None:
    """Start writers, kill them at a moment that the seed decides, and write down what became of them."""
    if case.get("mutation"):
        mutations.apply(case["mutation"])
    folder, chance = Path(case["folder"]), random.Random(case["seed"])
    writers = [_fork_writer(case, folder, number) for number in range(4 if case["mode"] == "processes" else 1)]
    # Of several processes sometimes only one dies, and the others go on in the same file.
    doomed = writers[: 1 if chance.random() < 0.5 else len(writers)]
    acknowledged = [folder / f"acknowledged.{writer}" for writer in writers]
    _wait_until(lambda: all(path.exists() and path.stat().st_size > 0 for path in acknowledged))
    threading.Event().wait(chance.uniform(0.0, MOST_DELAY_SEC))
    for writer in doomed:
        os.kill(writer, signal.SIGKILL)
    if len(doomed) < len(writers):
        threading.Event().wait(chance.uniform(0.0, MOST_DELAY_SEC))
    (folder / "enough").touch()
    statuses = {writer: os.waitpid(writer, 0)[1] for writer in writers}
    if case.get("tear"):  # which a kill seldom does
        with open(folder / "run.jsonl", "ab") as file:
            file.write(b'{"type":"start","id":')
    if case.get("restart"):
        again = _fork_writer(case, folder, len(writers))  # which finds that it is enough after its first span
        statuses[again] = os.waitpid(again, 0)[1]
        writers.append(again)
    killed = [writer for writer in writers if statuses[writer] == signal.SIGKILL]
    ended = [writer for writer in writers if statuses[writer] == 0]
    result = {"killed": killed, "ended": ended, "doomed": doomed}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    sys.exit(0 if len(killed) + len(ended) == len(writers) else 1)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "no writer gets anywhere"
        threading.Event().wait(0.001)


def _fork_writer(case: Dict[str, Any], folder: Path, number: int) -> int:
    pid = os.fork()
    if pid == 0:
        _write(case, folder, f"{case['seed']}.{number}")
        os._exit(0)
    return pid


def _write(case: Dict[str, Any], folder: Path, seed: str) -> None:
    exporter: Any = FileExporter(folder / "run.jsonl")
    if case["mode"] == "background":
        exporter = BackgroundExporter(exporter)
    recorder = DefaultRecorder([exporter])
    config = OneLoggerConfig(application_name="app", world_size_or_fn=1, session_tag_or_fn="s")
    OneLoggerProvider.instance().configure(config, recorder)
    acknowledge = _acknowledge_after_flush if case["mode"] == "background" else _acknowledge_at_once
    threads = 4 if case["mode"] == "threads" else 1
    work = [
        threading.Thread(target=_work, args=(recorder, folder, f"{seed}.{number}", acknowledge(recorder, folder)))
        for number in range(threads)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    recorder.close()


def _work(recorder: DefaultRecorder, folder: Path, seed: str, acknowledge: Callable[..., None]) -> None:
    chance = random.Random(seed)
    is_first = True
    while is_first or not (folder / "enough").exists():
        is_first = False
        # Longer ones do not fit into a page, so that the system writes them in several steps.
        size = chance.choice([0, 10, 300, 5_000, 200_000]) if chance.random() < 0.3 else 50
        span = recorder.start("step", Attributes({"text": "x" * size}))
        recorder.event(span, Event.create("half way", Attributes({"text": "y" * size})))
        acknowledge("start", span.id_str)
        acknowledge("event", span.id_str)
        recorder.stop(span)
        acknowledge("stop", span.id_str)
        with contextlib.suppress(OSError):
            if os.path.getsize(folder / "run.jsonl") > 200_000_000:
                break


def _file_of_acknowledgements(folder: Path) -> int:
    return os.open(folder / f"acknowledged.{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _acknowledge_at_once(recorder: DefaultRecorder, folder: Path) -> Callable[..., None]:
    file = _file_of_acknowledgements(folder)
    return lambda kind, span: os.write(file, f"{kind} {span}\n".encode()) and None


def _acknowledge_after_flush(recorder: DefaultRecorder, folder: Path) -> Callable[..., None]:
    file = _file_of_acknowledgements(folder)
    waiting: List[str] = []

    def acknowledge(kind: str, span: str) -> None:
        waiting.append(f"{kind} {span}\n")
        if kind == "stop" and len(waiting) >= 3 * SPANS_A_FLUSH and recorder.host.flush(30.0):
            os.write(file, "".join(waiting).encode())
            waiting.clear()

    return acknowledge
