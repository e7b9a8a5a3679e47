"""The worked example of the reference, record by record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.core.internal.version import get_version
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.testing import FakeClock, RecordFile
from nv_one_logger.training_telemetry.api import callbacks
from nv_one_logger.training_telemetry.api.attributes import TrainingMetricsUpdateAttributes
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

T = 1_750_000_000_000  # milliseconds


def start(identity: str, name: str, msec: int, **attributes: Any) -> Dict[str, Any]:
    stamp = {"name": "span_start", "attributes": {"timestamp_msec": T + msec}}
    optional = {"attributes": attributes} if attributes else {}
    return {"type": "start", "id": identity, "name": name, **optional, "start_event": stamp}


def stop(identity: str, name: str, msec: int, **attributes: Any) -> Dict[str, Any]:
    stamp = {"name": "span_stop", "attributes": {"timestamp_msec": T + msec}}
    return {"type": "stop", "id": identity, "name": name, "attributes": attributes, "stop_event": stamp}


def event(identity: str, name: str, msec: int, **attributes: Any) -> Dict[str, Any]:
    content = {"name": name, "attributes": {**attributes, "timestamp_msec": T + msec}}
    return {"type": "event", "span_id": identity, "event": content}


LOOP = {
    "train_iterations_start": 0,
    "train_samples_start": 0,
    "train_tokens_target": 384,
    "completed_floating_point_operations_overall": 0,
    "train_iterations_target": 3,
    "train_samples_target": 24,
}
SAVE = {"checkpoint_strategy": "sync", "current_iteration": 3, "save_checkpoint_attempt_count": 1}

# As the reference writes it; identities shortened, `count` and `pid` left out.
REFERENCE: List[Dict[str, Any]] = [
    start("A", "application", 0),
    event(
        "A",
        "one_logger_initialization",
        0,
        world_size=2,
        one_logger_training_telemetry_version="2.3.1",
        enable_for_current_rank=True,
        session_tag="s1",
        is_baseline_run=False,
        summary_data_schema_version="1.0.0",
        node_name="node-7",
        rank=0,
    ),
    event(
        "A",
        "update_training_telemetry_config",
        0,
        perf_tag="a1",
        global_batch_size=8,
        log_every_n_train_iterations=3,
        seq_length=16,
        flops_per_sample=1000000000000,
        train_iterations_target=3,
        train_samples_target=24,
        checkpoint_strategy="sync",
        is_train_iterations_enabled=True,
        is_validation_iterations_enabled=True,
        is_test_iterations_enabled=True,
        is_save_checkpoint_enabled=True,
        is_log_throughput_enabled=True,
    ),
    start("B", "training_loop", 1000, **LOOP),
    event(
        "B",
        "training_metrics_update",
        7000,
        train_iterations_start=0,
        current_iteration=2,
        num_iterations=3,
        train_samples_start=0,
        num_train_samples=24,
        interval=3,
        avg_iteration_time_sec=2.0,
        min_iteration_time_sec=2.0,
        max_iteration_time_sec=2.0,
        total_iteration_time_sec=6.0,
        train_tokens=384,
        completed_floating_point_operations_overall=24000000000000,
        total_flops=24000000000000,
        train_throughput_per_gpu=2.0,
        train_throughput_per_gpu_max=2.0,
        train_throughput_per_gpu_min=2.0,
        first_logged_train_iterations_finish_timestamp_sec=1750000003.0,
        last_logged_train_iterations_finish_timestamp_sec=1750000007.0,
    ),
    start("C", "validation_loop", 7000),
    event(
        "C",
        "validation_metrics_update",
        8000,
        current_iteration=2,
        interval=3,
        avg_iteration_time_sec=0.5,
        min_iteration_time_sec=0.5,
        max_iteration_time_sec=0.5,
        total_iteration_time_sec=1.0,
    ),
    stop("C", "validation_loop", 8000, duration_msec=1000),
    start("D", "checkpoint_save_sync", 8000, **SAVE),
    event(
        "D",
        "save_checkpoint_success",
        9000,
        checkpoint_strategy="sync",
        current_iteration=3,
        first_successful_save_checkpoint_timestamp_sec=1750000009.0,
        latest_successful_save_checkpoint_timestamp_sec=1750000009.0,
        save_checkpoint_success_count=1,
        productive_train_iterations=3,
        productive_train_samples=24,
        productive_train_iterations_sec=6.0,
        productive_validation_iterations_sec=1.0,
        productive_train_tflops=24.0,
        training_start_timestamp_sec=1750000001.0,
    ),
    event(
        "D",
        "sync_checkpoint_metrics_update",
        9250,
        save_checkpoint_sync_time_total_sec=1.25,
        save_checkpoint_sync_time_min_sec=1.25,
        save_checkpoint_sync_time_max_sec=1.25,
    ),
    stop("D", "checkpoint_save_sync", 9250, **SAVE, duration_msec=1250),
    stop("B", "training_loop", 9250, **LOOP, duration_msec=8250),
    stop("A", "application", 10000, duration_msec=10000),
]

PARENTS = {"B": "A", "C": "B", "D": "B"}

# All that may differ: the version, `parent_id`, and these attributes, which 2.3.1 did not have or never set.
NEW_ATTRIBUTES: Dict[str, Set[str]] = {
    "one_logger_initialization": {"application_name", "local_rank"},
    "update_training_telemetry_config": {"app_type"},
    "training_metrics_update": {
        "avg_batch_size",
        "avg_tflops",
        "avg_tokens_per_second",
        "interval_avg_iteration_time_sec",
        "interval_elapsed_time_sec",
        "interval_iteration_throughput_per_gpu_max",
        "interval_iteration_throughput_per_gpu_min",
        "interval_max_iteration_time_sec",
        "interval_min_iteration_time_sec",
        "interval_num_iterations",
        "interval_num_train_samples",
        "interval_throughput_per_gpu",
        "interval_tokens_per_second",
        "interval_total_iteration_time_sec",
        "interval_train_tokens",
        "iteration_throughput_per_gpu_max",
        "iteration_throughput_per_gpu_min",
        "job_num_iterations",
        "job_num_train_samples",
        "job_total_iteration_time_sec",
    },
    "validation_metrics_update": {
        "interval_avg_iteration_time_sec",
        "interval_max_iteration_time_sec",
        "interval_min_iteration_time_sec",
        "interval_num_iterations",
        "interval_total_iteration_time_sec",
    },
    "save_checkpoint_success": {"productive_train_floating_point_operations"},
}


@pytest.fixture
def records(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> List[Dict[str, Any]]:
    monkeypatch.setattr("socket.gethostname", lambda: "node-7")
    monkeypatch.setattr(os, "getpid", lambda: 4242)
    file = RecordFile(tmp_path / "records.jsonl")
    telemetry = TrainingTelemetryConfig(
        perf_tag_or_fn="a1",
        global_batch_size_or_fn=8,
        seq_length_or_fn=16,
        flops_per_sample_or_fn=10**12,
        is_log_throughput_enabled_or_fn=True,
        train_iterations_target_or_fn=3,
        train_samples_target_or_fn=24,
        log_every_n_train_iterations=3,
    )
    config = OneLoggerConfig(
        application_name="a", session_tag_or_fn="s1", world_size_or_fn=2, telemetry_config=telemetry
    )
    exporter = FileExporter(file_path=file.path)
    TrainingTelemetryProvider.instance().with_base_config(config).with_exporter(exporter).configure_provider()
    callbacks.on_app_start()
    clock.advance(1)
    callbacks.on_train_start(0)
    for _ in range(3):
        callbacks.on_training_single_iteration_start()
        clock.advance(2)
        callbacks.on_training_single_iteration_end()
    callbacks.on_validation_start()
    for _ in range(2):
        callbacks.on_validation_single_iteration_start()
        clock.advance(0.5)
        callbacks.on_validation_single_iteration_end()
    callbacks.on_validation_end()
    callbacks.on_save_checkpoint_start(3)
    clock.advance(1)
    callbacks.on_save_checkpoint_success(3)
    clock.advance(0.25)
    callbacks.on_save_checkpoint_end()
    callbacks.on_train_end()
    clock.advance(0.75)
    callbacks.on_app_end()
    return file.records()


def shortened(records: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    names: Dict[str, str] = {}

    def short(identity: str) -> str:
        return names.setdefault(identity, chr(ord("A") + len(names)))

    return [{key: short(value) if key.endswith("id") else value for key, value in one.items()} for one in records]


def attributes_of(record: Dict[str, Any]) -> Dict[str, Any]:
    content: Dict[str, Any] = record.get("event", record)
    attributes: Dict[str, Any] = content.get("attributes", {})
    return attributes


def test_every_record_is_that_of_the_reference_but_for_what_is_listed(records: List[Dict[str, Any]]) -> None:
    assert [(record.pop("count"), record.pop("pid")) for record in records] == [(n, 4242) for n in range(1, 15)]
    found = shortened(records)
    for record in found:
        if record["type"] == "start":
            assert record.pop("parent_id", None) == PARENTS.get(record["id"])
        attributes = attributes_of(record)
        for name in NEW_ATTRIBUTES.get(record.get("event", {}).get("name", ""), set()):
            del attributes[name]
        if "one_logger_training_telemetry_version" in attributes:
            assert attributes["one_logger_training_telemetry_version"] == get_version("nv-one-logger-core")
            attributes["one_logger_training_telemetry_version"] = "2.3.1"
    assert found == REFERENCE
    order = [list(attributes_of(record)) for record in found]
    assert order == [list(attributes_of(record)) for record in REFERENCE]


def test_new_attributes_are_documented_fields(records: List[Dict[str, Any]]) -> None:
    fields = set(vars(TrainingMetricsUpdateAttributes))
    assert fields >= NEW_ATTRIBUTES["training_metrics_update"]
