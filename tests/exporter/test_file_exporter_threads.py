"""The whole way from a recorder to a file, from many threads; tests/faults does the same at full size."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any, Dict, List

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.recorder.default_recorder import DefaultRecorder

THREADS = 8
SPANS = 1000  # of each thread


def record_from_threads(exporter: Exporter) -> DefaultRecorder:
    recorder = DefaultRecorder([exporter])
    config = OneLoggerConfig(application_name="app", world_size_or_fn=1, session_tag_or_fn="s")
    OneLoggerProvider.instance().configure(config, recorder)

    def work(thread: int) -> None:
        for step in range(0, SPANS, 2):
            outer = recorder.start(f"outer{thread}", Attributes({"step": step}))
            recorder.stop(recorder.start("inner"))
            if step % 10 == 0:
                recorder.event(outer, Event.create("tick"))
            recorder.stop(outer)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        workers = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    recorder.close()
    return recorder


def check(path: Path) -> None:
    records: List[Dict[str, Any]] = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [record["count"] for record in records] == list(range(1, len(records) + 1))
    started = {record["id"]: record for record in records if record["type"] in ("start", "complete")}
    stopped = {record["id"]: record for record in records if record["type"] in ("stop", "complete")}
    kinds = [record["type"] for record in records]
    assert len(started) == THREADS * SPANS == kinds.count("start") + kinds.count("complete")
    assert started.keys() == stopped.keys()
    assert len(stopped) == kinds.count("stop") + kinds.count("complete")
    assert kinds.count("event") == THREADS * SPANS // 10
    parents = {started[record["parent_id"]]["name"] for record in started.values() if record["name"] == "inner"}
    assert parents == {f"outer{thread}" for thread in range(THREADS)}


def test_every_span_of_eight_threads_is_in_the_file_once(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    recorder = record_from_threads(FileExporter(path))
    check(path)
    assert all(status.is_clean for status in recorder.host.status())


def test_every_span_of_eight_threads_gets_there_in_the_background_too(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    background = BackgroundExporter(FileExporter(path), max_queue=500, when_full="block", close_timeout_sec=60.0)
    record_from_threads(background)
    assert background.dropped == 0
    check(path)
