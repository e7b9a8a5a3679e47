"""Records for a long time and measures while it goes: ``python soaking.py WORKLOAD SIZE FOLDER``.

Prints one JSON list for each sample: calls made, CPU seconds spent in them, resident bytes, allocated blocks of the
interpreter, open files, threads. A span stays open for the whole run.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Tuple

import mutations

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import BaseExporter, ExportError
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host import ExporterHost
from nv_one_logger.recorder.default_recorder import DefaultRecorder
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import application
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

SAMPLES = 40
BYTES_A_FILE = 32 * 1024 * 1024

Call = Callable[[], object]
Workload = Tuple[Call, Call]  # what to repeat, and what to do at the end


def recorder_with(exporter: Any, **options: Any) -> DefaultRecorder:
    recorder = DefaultRecorder([exporter], **options)
    config = OneLoggerConfig(application_name="app", world_size_or_fn=1, session_tag_or_fn="s")
    OneLoggerProvider.instance().configure(config, recorder)
    return recorder


def events(folder: Path) -> Workload:
    recorder = recorder_with(FileExporter(folder / "run.jsonl", max_bytes=BYTES_A_FILE, backup_count=1))
    span = recorder.start("open for the whole run")
    return lambda: recorder.event(span, Event.create("tick", Attributes({"loss": 0.5}))), recorder.close


def spans(folder: Path) -> Workload:
    recorder = recorder_with(FileExporter(folder / "run.jsonl", max_bytes=BYTES_A_FILE, backup_count=1))
    recorder.start("open for the whole run")
    return lambda: recorder.stop(recorder.start("step", Attributes({"loss": 0.5}))), recorder.close


def queued_spans(folder: Path) -> Workload:
    """Behind a queue that is full most of the time."""
    exporter = FileExporter(folder / "run.jsonl", max_bytes=BYTES_A_FILE, backup_count=1)
    recorder = recorder_with(BackgroundExporter(exporter, max_queue=1000))
    recorder.start("open for the whole run")
    return lambda: recorder.stop(recorder.start("step", Attributes({"loss": 0.5}))), recorder.close


def full_disk(folder: Path) -> Workload:
    """Each call is a write that fails."""
    recorder = recorder_with(FileExporter("/dev/full"))
    span = recorder.start("open for the whole run")
    return lambda: recorder.event(span, Event.create("tick")), recorder.close


def failing_plugin(folder: Path) -> Workload:
    """Each call is a failure: the pause that the last one began is over when the next one comes."""

    class Failing(BaseExporter):
        def export_event(self, event: Event, span: Any) -> None:
            raise ExportError("the backend is away")

    now = [0.0]
    recorder = recorder_with(Failing(), host=ExporterHost(clock=lambda: now[0]))
    span = recorder.start("open for the whole run")

    def fail() -> None:
        now[0] += 7200.0
        recorder.event(span, Event.create("tick"))

    return fail, recorder.close


def cycles(folder: Path) -> Workload:
    """Configure, record, close, and forget it all."""
    numbers: Iterator[int] = iter(range(10**9))

    def cycle() -> None:
        number = next(numbers)
        provider = TrainingTelemetryProvider.instance()
        provider.with_base_config(
            TrainingTelemetryConfig(
                application_name="job",
                session_tag_or_fn="session",
                world_size_or_fn=1,
                perf_tag_or_fn="perf",
                global_batch_size_or_fn=8,
                log_every_n_train_iterations=10,
            )
        )
        provider.with_exporter(FileExporter(folder / f"{number % 10}.jsonl", max_bytes=BYTES_A_FILE, backup_count=1))
        provider.with_exporter(BackgroundExporter(FileExporter(os.devnull)))
        provider.configure_provider()
        with application(), timed_span("step") as span:
            provider.recorder.event(span, Event.create("tick"))
        provider.reset()

    return cycle, lambda: None


WORKLOADS: Dict[str, Callable[[Path], Workload]] = {
    "events": events,
    "spans": spans,
    "queued spans": queued_spans,
    "full disk": full_disk,
    "failing plugin": failing_plugin,
    "cycles": cycles,
}


def sample(calls: int, cpu_sec: float) -> None:
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    found = [
        calls,
        cpu_sec,
        resident,
        sys.getallocatedblocks(),
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
    ]
    os.write(1, (json.dumps(found) + "\n").encode())


def main(workload: str, size: int, folder: Path) -> None:
    logging.disable(logging.CRITICAL)  # what it says is tested elsewhere
    if os.environ.get("MUTATION"):
        mutations.apply(os.environ["MUTATION"])
    call, end = WORKLOADS[workload](folder)
    piece = max(1, size // SAMPLES)
    spent = 0.0
    for number in range(SAMPLES):
        begin = time.process_time()
        for _ in range(piece):
            call()
        spent += time.process_time() - begin
        sample((number + 1) * piece, spent)
    end()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
