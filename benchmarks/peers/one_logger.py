"""The workloads through the public API of nv-one-logger: run unchanged against this project and the reference."""

from __future__ import annotations

import enum
import gc
import json
import logging
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

from measure import Workload, best_batch_ns, count_lines, main


class Name(str, enum.Enum):
    """Names of the spans: the reference accepts no plain strings before Python 3.12."""

    WORK = "work"
    OUTER = "outer"
    INNER = "inner"


QUICK_START = """
from pathlib import Path
import logging
from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.api.timed_span import timed_span
"""

FIRST_SPAN = (
    QUICK_START
    + """
import sys
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName
config = OneLoggerConfig(application_name="bench", session_tag_or_fn="s", world_size_or_fn=1)
TrainingTelemetryProvider.instance().with_base_config(config).with_exporter(
    FileExporter(Path(sys.argv[1]))).configure_provider()
with timed_span(StandardTrainingJobSpanName.MODEL_FORWARD):
    pass
"""
)


def configure(directory: Path, exporters: int = 1, is_enabled: bool = True, **telemetry: Any) -> List[Path]:
    """Configure the provider with so many file exporters and return their files."""
    from nv_one_logger.api.config import OneLoggerConfig
    from nv_one_logger.exporter.file_exporter import FileExporter
    from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

    paths = [directory / f"records{number}.jsonl" for number in range(exporters)]
    config = OneLoggerConfig(
        application_name="bench",
        session_tag_or_fn="s",
        world_size_or_fn=1,
        enable_for_current_rank=is_enabled,
        telemetry_config=TrainingTelemetryConfig(perf_tag_or_fn="p", global_batch_size_or_fn=8, **telemetry),
    )
    provider = TrainingTelemetryProvider.instance().with_base_config(config)
    for path in paths:
        provider.with_exporter(FileExporter(path))
    provider.configure_provider()
    return paths


def recorder() -> Any:
    from nv_one_logger.api.timed_span import get_recorder

    return get_recorder()


def closing(paths: List[Path]) -> Callable[[], int]:
    """Return a function that closes the recorder and counts the lines of all files."""

    def finish() -> int:
        recorder().close()
        return count_lines(*paths)

    return finish


def attributes_of_span() -> Any:
    from nv_one_logger.core.attributes import Attributes

    return Attributes({"shard": 3, "phase": "train"})


def span(directory: Path, exporters: int = 1) -> Workload:
    paths = configure(directory, exporters)
    from nv_one_logger.api.timed_span import timed_span
    from nv_one_logger.core.attributes import Attributes

    def operation() -> None:
        with timed_span(Name.WORK, Attributes({"shard": 3, "phase": "train"})):
            pass

    return Workload(operation, closing(paths), exporters)


def two_exporters(directory: Path) -> Workload:
    return span(directory, 2)


def start_stop(directory: Path) -> Workload:
    paths = configure(directory)
    from nv_one_logger.core.attributes import Attributes

    one = recorder()

    def operation() -> None:
        one.stop(one.start(Name.WORK, Attributes({"shard": 3, "phase": "train"})))

    return Workload(operation, closing(paths))


def span_with_child(directory: Path) -> Workload:
    paths = configure(directory)
    from nv_one_logger.api.timed_span import timed_span
    from nv_one_logger.core.attributes import Attributes

    def operation() -> None:
        with timed_span(Name.OUTER, Attributes({"shard": 3, "phase": "train"})):
            with timed_span(Name.INNER, Attributes({"shard": 3, "phase": "train"})):
                pass

    return Workload(operation, closing(paths), 3)


def event(directory: Path) -> Workload:
    paths = configure(directory)
    from nv_one_logger.core.attributes import Attributes
    from nv_one_logger.core.event import Event

    one = recorder()
    outer = one.start(Name.OUTER)

    def operation() -> None:
        one.event(outer, Event.create("batch", Attributes({"rows": 128, "loss": 0.25, "phase": "train"})))

    return Workload(operation, closing(paths), lines_besides=2)


def disabled_span(directory: Path) -> Workload:
    configure(directory, 0, is_enabled=False)
    logging.disable(logging.CRITICAL)
    from nv_one_logger.api.one_logger_provider import OneLoggerProvider
    from nv_one_logger.api.timed_span import timed_span
    from nv_one_logger.recorder.default_recorder import DefaultRecorder

    # The reference's TrainingRecorder cannot be used while disabled (its stop() raises), its DefaultRecorder can.
    OneLoggerProvider.instance()._recorder = DefaultRecorder([])

    def operation() -> None:
        with timed_span(Name.WORK):
            pass

    return Workload(operation, lambda: None)


def child_of_busy_span(directory: Path) -> Workload:
    paths = configure(directory)
    from nv_one_logger.core.event import Event

    one = recorder()
    outer = one.start(Name.OUTER)
    for _ in range(2000):
        one.event(outer, Event.create("tick"))

    def operation() -> None:
        one.stop(one.start(Name.INNER, parent_span=outer))

    return Workload(operation, closing(paths), lines_besides=2002)


def iterations(directory: Path) -> Callable[[int], Dict[str, float]]:
    """Time training iterations at the beginning of a job and after many of them."""
    configure(directory)
    from nv_one_logger.training_telemetry.api.callbacks import (
        on_app_start,
        on_train_start,
        on_training_single_iteration_end,
        on_training_single_iteration_start,
    )

    on_app_start()
    on_train_start(0)

    def operation() -> None:
        on_training_single_iteration_start()
        on_training_single_iteration_end()

    def measure(operations: int) -> Dict[str, float]:
        early = best_batch_ns(operation, 1000)
        for _ in range(operations):
            operation()
        return {"ns": early, "late_ns": best_batch_ns(operation, 1000), "lost": 0}

    return measure


def memory_per_event(directory: Path) -> Callable[[int], Dict[str, float]]:
    """Return the bytes that each further event on one open span costs."""
    configure(directory)
    from nv_one_logger.core.attributes import Attributes
    from nv_one_logger.core.event import Event

    one = recorder()
    outer = one.start(Name.OUTER)

    def add(count: int) -> int:
        for number in range(count):
            one.event(outer, Event.create("tick", Attributes({"number": number})))
        gc.collect()
        return _resident_bytes()

    def measure(operations: int) -> Dict[str, float]:
        before = add(5000)
        return {"ns": max(1.0, (add(operations) - before) / operations), "lost": 0}

    return measure


def _resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def span_from_json(directory: Path) -> Workload:
    from nv_one_logger.core.attributes import Attributes
    from nv_one_logger.core.event import Event
    from nv_one_logger.core.span import Span

    one = Span.create(Name.WORK, None, Attributes({"shard": 3, "phase": "train"}))
    one.add_event(Event.create("batch", Attributes({"rows": 128})))
    one.stop()
    data = one.to_json()
    return Workload(lambda: Span.from_json(data), lambda: None)


def log_line_decoding(directory: Path) -> Workload:
    from nv_one_logger.core.attributes import Attributes
    from nv_one_logger.core.span import Span
    from nv_one_logger.exporter.logger_exporter import LoggerExporter

    lines: List[str] = []

    class Keeper(logging.Handler):
        def emit(self, log_record: logging.LogRecord) -> None:
            lines.append(log_record.getMessage())

    logger = logging.getLogger("bench.records")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(Keeper())
    exporter = LoggerExporter(logger)
    exporter.initialize()
    one = Span.create(Name.WORK, None, Attributes({"shard": 3, "phase": "train"}))
    exporter.export_start(one)
    one.stop()
    exporter.export_stop(one)
    return Workload(lambda: LoggerExporter.deserialize_log(lines[0]), lambda: None)


def import_quick_start(directory: Path) -> Workload:
    return Workload(lambda: subprocess.run([sys.executable, "-c", QUICK_START], check=True), lambda: None)


def first_span(directory: Path) -> Workload:
    target = str(directory / "first.jsonl")
    return Workload(lambda: subprocess.run([sys.executable, "-c", FIRST_SPAN, target], check=True), lambda: None)


def threads(directory: Path, count: int = 8) -> Callable[[int], Dict[str, float]]:
    """Time spans recorded by one thread, then the same number by eight at once: nanoseconds per span of the whole."""
    paths = configure(directory)
    one = recorder()

    def work(spans: int) -> None:
        for _ in range(spans):
            one.stop(one.start(Name.WORK, attributes_of_span()))

    def measure(operations: int) -> Dict[str, float]:
        work(500)
        begin = time.perf_counter_ns()
        work(operations)
        single = (time.perf_counter_ns() - begin) / operations
        workers = [threading.Thread(target=work, args=(operations // count,)) for _ in range(count)]
        begin = time.perf_counter_ns()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        together = (time.perf_counter_ns() - begin) / (operations // count * count)
        one.close()
        spans = set()
        for line in paths[0].open():
            found = json.loads(line)
            if found["type"] in ("complete", "stop"):
                spans.add(found["id"])
        return {
            "ns": single,
            "together_ns": together,
            "lost": 500 + operations + operations // count * count - len(spans),
        }

    return measure


WORKLOADS: Dict[str, Callable[[Path], Any]] = {
    "span": span,
    "start_stop": start_stop,
    "span_with_child": span_with_child,
    "two_exporters": two_exporters,
    "event": event,
    "disabled_span": disabled_span,
    "child_of_busy_span": child_of_busy_span,
    "iterations": iterations,
    "memory_per_event": memory_per_event,
    "span_from_json": span_from_json,
    "log_line_decoding": log_line_decoding,
    "import_quick_start": import_quick_start,
    "first_span": first_span,
    "threads": threads,
}

if __name__ == "__main__":
    main(WORKLOADS)
