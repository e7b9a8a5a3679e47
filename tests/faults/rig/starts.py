"""A job that starts processes in every way there is, inside an open span and beside threads that record.

``python starts.py WAY FOLDER PROCESSES``. Every process records to one file, and notes in ``started`` how many spans it
recorded, in ``closed`` that its plugins were closed.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, List

import mutations

from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host import hookimpl
from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import application
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

SPANS = 4
THREADS = 4
AT_ONCE = 2 if os.environ.get("CI") else 4


class Closings:
    """Notes each closing, with the process that it happened in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @hookimpl
    def close(self) -> None:
        note(self._folder, "closed", str(os.getpid()))


def note(folder: Path, name: str, line: str) -> None:
    file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def configure(folder: Path) -> None:
    if os.environ.get("MUTATION"):
        mutations.apply(os.environ["MUTATION"])
    provider = TrainingTelemetryProvider.instance()
    config = TrainingTelemetryConfig(
        application_name="job",
        session_tag_or_fn="session",
        world_size_or_fn=1,
        perf_tag_or_fn="perf",
        global_batch_size_or_fn=8,
        log_every_n_train_iterations=10,
    )
    provider.with_base_config(config).with_export_customization(ExportCustomizationMode.EXPORT_ALL_SPANS, None)
    provider.with_plugin(FileExporter(folder / "run.jsonl"), name="file").with_plugin(Closings(folder))
    provider.configure_provider()


def work(folder: Path) -> int:
    """Record a few spans, in whichever process this is."""
    if not TrainingTelemetryProvider.instance().one_logger_enabled:
        configure(folder)
    recorder = TrainingTelemetryProvider.instance().recorder
    for number in range(SPANS):
        with timed_span("of a child", Attributes({"text": "x" * 50 * number})) as span:
            recorder.event(span, Event.create("tick"))
    note(folder, "started", f"{os.getpid()} {SPANS}")
    return os.getpid()


def work_and_leave_open(folder: Path) -> None:
    """End as a process does that was told nothing about telemetry: without closing it, and within a span."""
    work(folder)
    TrainingTelemetryProvider.instance().recorder.start("left open")
    note(folder, "started", f"{os.getpid()} 1")


# --- the ways --------------------------------------------------------------------------------------------------------


def by_os_fork(folder: Path, processes: int) -> None:
    for number in range(processes):
        child = os.fork()
        if child == 0:
            if number % 5 == 0:
                work_and_leave_open(folder)
                sys.exit(0)  # past what the parent's code still has to do, and through atexit
            work(folder)
            TrainingTelemetryProvider.instance().flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0


def by_process(method: str) -> Callable[[Path, int], None]:
    def start(folder: Path, processes: int) -> None:
        context: Any = multiprocessing.get_context(method)
        for _ in range(0, processes, AT_ONCE):
            children = [context.Process(target=work_and_leave_open, args=(folder,)) for _ in range(AT_ONCE)]
            for child in children:
                child.start()
            for child in children:
                child.join()
            assert [child.exitcode for child in children] == [0] * AT_ONCE

    return start


def by_pool(method: str) -> Callable[[Path, int], None]:
    def start(folder: Path, processes: int) -> None:
        context = multiprocessing.get_context(method)
        pool = context.Pool(AT_ONCE)
        pool.map(work, [folder] * processes, chunksize=1)
        pool.close()
        pool.join()
        with concurrent.futures.ProcessPoolExecutor(AT_ONCE, mp_context=context) as executor:
            list(executor.map(work, [folder] * processes))

    return start


def by_subprocess(folder: Path, processes: int) -> None:
    for _ in range(processes):
        subprocess.run([sys.executable, __file__, "alone", str(folder), "0"], check=True)
    # Nor does a program that asks for all open files get the records' one.
    look = (
        "import os, sys; print([os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if fd != '3'])"
    )
    if os.path.exists("/proc/self/fd"):
        seen = subprocess.run([sys.executable, "-c", look], close_fds=False, capture_output=True, text=True, check=True)
        assert "run.jsonl" not in seen.stdout


WAYS = {
    "os.fork": by_os_fork,
    **{f"Process, {method}": by_process(method) for method in ("fork", "forkserver", "spawn")},
    **{f"pools, {method}": by_pool(method) for method in ("fork", "forkserver", "spawn")},
    "subprocess": by_subprocess,
}


def main(way: str, folder: Path, processes: int) -> None:
    configure(folder)
    if way == "alone":
        work_and_leave_open(folder)
        return
    is_over = threading.Event()
    ticks: List[int] = []
    with application() as outer:
        recorder = TrainingTelemetryProvider.instance().recorder

        def record() -> None:
            count = 0
            while not is_over.is_set():
                span = recorder.start("of a thread", parent_span=outer)
                recorder.event(span, Event.create("tick"))
                recorder.stop(span)
                count += 1
                is_over.wait(0.0005)
            ticks.append(count)

        threads = [threading.Thread(target=record) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            WAYS[way](folder, processes)
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
    note(folder, "started", f"{os.getpid()} {sum(ticks) + 1}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
