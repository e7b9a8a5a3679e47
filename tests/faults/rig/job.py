"""A small training job, as an application does it, with one plugin that meets faults and two that must not notice."""

from __future__ import annotations

import atexit
import json
import sys
import time
from pathlib import Path
from typing import Any, Dict

import mutations
from injector import Injector, break_file_system
from victims import make_victim

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import (
    application,
    checkpoint_save,
    dataloader_init,
    training_iteration,
    training_loop,
    validation_loop,
)
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

VICTIM = "victim"
EXIT_STATUS = 3


def run(case: Dict[str, Any]) -> None:
    """Run the job once and leave with its own exit status, or with its own error."""
    folder = Path(case["folder"])
    injector = Injector(case.get("point"), case.get("nth", 1), case.get("fault", ""), case.get("times", 1))
    if case.get("mutation"):
        mutations.apply(case["mutation"])
    (folder / "victim").mkdir()
    break_file_system(injector, folder / "victim")
    began = time.monotonic()
    victim = make_victim(case, folder / "victim", injector)
    result: Dict[str, Any] = {"answer": None}
    # Before the library registers its own, so that it runs after that: what is written down is how things end.
    atexit.register(lambda: _write_result(folder, result, victim, injector, began))
    try:
        _configure(case, folder, victim)
    except Exception as error:
        result["refused"] = f"{type(error).__name__}: {error}"
        raise
    result["answer"] = _train()
    if case.get("ends") == "error":
        raise RuntimeError("of the application")
    sys.exit(EXIT_STATUS)


def _configure(case: Dict[str, Any], folder: Path, victim: Any) -> None:
    quiet, propagate = (
        OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR,
        OneLoggerErrorHandlingStrategy.PROPAGATE_EXCEPTIONS,
    )
    provider = TrainingTelemetryProvider.instance()
    provider.with_base_config(
        TrainingTelemetryConfig(
            application_name="job",
            session_tag_or_fn="session",
            world_size_or_fn=1,
            perf_tag_or_fn="perf",
            global_batch_size_or_fn=8,
            log_every_n_train_iterations=2,
            error_handling_strategy=quiet if case.get("quiet") else propagate,
        )
    )
    provider.with_export_customization(ExportCustomizationMode.EXPORT_ALL_SPANS, None)
    # One in front of the plugin that meets faults, one behind it.
    provider.with_plugin(FileExporter(folder / "first.jsonl"), name="first")
    provider.with_plugin(victim, name=VICTIM)
    provider.with_plugin(FileExporter(folder / "last.jsonl"), name="last")
    provider.configure_provider()


def _train() -> int:
    provider = TrainingTelemetryProvider.instance()
    answer = 0
    with application() as job:
        with dataloader_init(), timed_span("shuffle"):
            answer += 1
        with training_loop(train_iterations_start=0, train_iterations_target_or_fn=3):
            for step in range(3):
                with training_iteration() as span:
                    answer = answer * 7 + step
                    provider.recorder.event(span, Event.create("loss", Attributes({"step": step, "loss": 1 / 3})))
            with validation_loop() as span:
                try:
                    raise ValueError("a bad sample")
                except ValueError as error:
                    provider.recorder.error(span, "sample left out", error)
            with checkpoint_save(global_step=3):
                answer *= 2
        provider.flush(1.0)
        provider.recorder.event(job, Event.create("done", Attributes({"text": "x" * 5000})))
        with timed_span("report"):
            answer += 5
    return answer


def _write_result(folder: Path, result: Dict[str, Any], victim: Any, injector: Injector, began: float) -> None:
    result.update(
        calls=injector.calls,
        injected=injector.injected,
        writes=injector.writes,
        lost=injector.lost_calls,
        raised=injector.raised,
        hit=injector.hit,
        finished=injector.finished,
        status=[status._asdict() for status in TrainingTelemetryProvider.instance().exporter_status()],
        told=getattr(victim, "told", None),
        dropped=getattr(victim, "dropped", 0),
        seconds=time.monotonic() - began,
    )
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
