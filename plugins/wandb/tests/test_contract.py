"""The conformance suite of nv-one-logger, against wandb's own offline mode."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import pytest

from nv_one_logger.exporter import Exporter
from nv_one_logger.testing.conformance import Arrival, ExporterContract
from nv_one_logger.wandb.exporter.wandb_exporter import Config, WandBExporterAsync, WandBExporterSync

PATIENCE_SEC = 20.0  # the machine may be busy


def _arrivals(rows: List[Dict[str, Any]]) -> List[Arrival]:
    found: List[Arrival] = []
    for row in rows:
        kind = row.get("one_logger/record")
        if kind in ("start", "stop"):
            found.append((kind, row["one_logger/span"]))
        elif kind == "event":
            found.append((kind, row["one_logger/event"]))
        elif kind == "error":
            found.append((kind, row[f"{row['one_logger/span']}.error.error_message"]))
    return found


class _OfflineContract(ExporterContract):
    deadline_sec = PATIENCE_SEC
    can_read_while_open = False  # wandb writes its file when it sees fit

    @pytest.fixture(autouse=True)
    def _keep_reader(self, offline_runs: Any, tmp_path: Path) -> None:
        self.offline_runs = offline_runs
        self.save_dir = tmp_path / "telemetry"

    def config(self) -> Config:
        return Config(entity="team", save_dir=str(self.save_dir), span_details=True, close_timeout_sec=PATIENCE_SEC)

    def plain_config(self) -> Dict[str, Any]:
        return {"entity": "team", "save_dir": str(self.save_dir), "close_timeout_sec": PATIENCE_SEC}

    def read_back(self, exporter: Exporter) -> List[Arrival]:
        return _arrivals([row for run in self.offline_runs(self.save_dir) for row in run.rows])


class TestWandBExporterAsync(_OfflineContract):
    def make_exporter(self, tmp_path: Path) -> Exporter:
        return WandBExporterAsync(self.config())

    def make_config(self, tmp_path: Path) -> Dict[str, Any]:
        return {"class_name": "wandb", "config": {"config": self.plain_config()}}

    def break_backend(self, exporter: Any) -> None:
        exporter._config.close_timeout_sec = 4.0  # as it is without our patience
        link = exporter._link
        (self.save_dir.parent / "file").touch()
        link._config = replace(link._config, save_dir=str(self.save_dir.parent / "file" / "folder"))
        link._parent_end.send_bytes(pickle.dumps("no record"))
        link._child.join()

    def hang_backend(self, exporter: Any) -> None:
        exporter._config.close_timeout_sec = 4.0
        os.kill(exporter._link._child._popen.pid, signal.SIGSTOP)

    def mend_backend(self, exporter: Any) -> None:
        link = exporter._link
        link._config = replace(link._config, save_dir=str(self.save_dir))
        if link._child is not None and link._child.exitcode is None:
            os.kill(link._child._popen.pid, signal.SIGCONT)


class TestWandBExporterSync(_OfflineContract):
    def read_back(self, exporter: Exporter) -> List[Arrival]:
        deadline = time.monotonic() + 3.0
        # wandb's service, which is this process's own here, closes the file soon after it has said that it has.
        while any(run.exit_code is None for run in self.offline_runs(self.save_dir)) and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        return super().read_back(exporter)

    def make_exporter(self, tmp_path: Path) -> Exporter:
        return WandBExporterSync(self.config())

    def make_config(self, tmp_path: Path) -> Dict[str, Any]:
        return {"class_name": "wandb_sync", "config": {"config": self.plain_config()}}
