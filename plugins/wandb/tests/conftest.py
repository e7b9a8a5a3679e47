from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

_BLOCK = 32768  # the file is a sequence of LevelDB log blocks behind a header of 7 bytes

Row = Dict[str, Any]


def _payloads(data: bytes) -> Iterator[bytes]:
    position, parts = 7, []
    while position + 7 <= len(data):
        left = _BLOCK - position % _BLOCK
        if left < 7:
            position += left
            continue
        _, length, kind = struct.unpack("<IHB", data[position : position + 7])
        if kind == 0 or position + 7 + length > len(data):
            return
        parts.append(data[position + 7 : position + 7 + length])
        position += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield b"".join(parts)
            parts = []


class OfflineRun:
    """What wandb wrote for one start of a run, read back from its own file."""

    def __init__(self, path: Path) -> None:
        from wandb.proto.wandb_internal_pb2 import Record

        self.rows: List[Row] = []
        self.exit_code: Any = None
        for payload in _payloads(path.read_bytes()):
            record = Record()
            record.ParseFromString(payload)
            kind = record.WhichOneof("record_type")
            if kind == "run" and not hasattr(self, "run"):
                self.run = record.run
            elif kind == "history":
                items = record.history.item
                self.rows.append({item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items})
            elif kind == "exit":
                self.exit_code = record.exit.exit_code

    @property
    def config(self) -> Dict[str, Any]:
        return {item.key: json.loads(item.value_json) for item in self.run.config.update}


def offline_runs(save_dir: Path) -> List[OfflineRun]:
    paths = sorted(save_dir.glob("wandb/offline-run-*/run-*.wandb"), key=lambda path: path.parent.name)
    return [OfflineRun(path) for path in paths]


@pytest.fixture(name="offline_runs")
def _offline_runs() -> Callable[[Path], List[OfflineRun]]:
    return offline_runs


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep wandb away from the files and settings of whoever runs the tests, and offline."""
    for name in list(os.environ):
        if name.startswith(("WANDB_", "ONE_LOGGER_", "SLURM_", "OMPI_")) or name in ("RANK", "WORLD_SIZE", "NETRC"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")  # nothing beyond loopback
    return home


class Programs:
    """Runs Python programs, and knows which processes they have left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.started: List[subprocess.Popen[str]] = []

    def start(self, code: str, **environ: str) -> subprocess.Popen[str]:
        path = self.folder / f"program{len(self.started)}.py"
        path.write_text(code, encoding="utf-8")
        env = {**os.environ, "MARK": self.mark, **environ}
        pipe = subprocess.PIPE
        program = subprocess.Popen(
            [sys.executable, str(path)], cwd=self.folder, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
        self.started.append(program)
        return program

    def run(self, code: str, **environ: str) -> subprocess.CompletedProcess[str]:
        program = self.start(code, **environ)
        out, err = program.communicate(timeout=60)
        assert program.returncode == 0, err
        return subprocess.CompletedProcess(program.args, program.returncode, out, err)

    def left(self) -> List[int]:
        """The processes that carry our mark in their environment."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                is_ours = self.mark.encode() in (folder / "environ").read_bytes()
            except OSError:
                continue
            if is_ours:
                found.append(int(folder.name))
        return found

    def wait_until_none_is_left(self, timeout_sec: float) -> None:
        deadline = time.monotonic() + timeout_sec
        while self.left() and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        assert self.left() == []


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    programs = Programs(tmp_path)
    yield programs
    for pid in programs.left():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for program in programs.started:
        program.communicate()
