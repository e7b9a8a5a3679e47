from __future__ import annotations

import gzip
import importlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
        messages = importlib.import_module("wandb.proto.wandb_internal_pb2")
        self.rows: List[Row] = []
        self.exit_code: Any = None
        for payload in _payloads(path.read_bytes()):
            record = messages.Record()
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


@pytest.fixture
def offline_runs() -> Callable[[Path], List[OfflineRun]]:
    """Reads back what was written offline, in the order of the starts."""
    return _offline_runs


def _offline_runs(save_dir: Path) -> List[OfflineRun]:
    paths = sorted(save_dir.glob("wandb/offline-run-*/run-*.wandb"), key=lambda path: path.parent.name)
    return [OfflineRun(path) for path in paths]


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


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are gone are what some tests are about."""


class WandbServer:
    """As much of wandb's server as a run needs: takes rows, knows the runs it has seen, and can stop answering."""

    def __init__(self) -> None:
        self.rows: Dict[str, List[Row]] = {}
        self._answers = threading.Event()
        self._answers.set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server._answers.wait()
                packed = self.headers.get("Content-Encoding") == "gzip"
                answer = json.dumps(server._answer(self.path, gzip.decompress(body) if packed else body)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *arguments: object) -> None:
                """Stay silent."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def fall_silent(self) -> None:
        """Take connections and requests from now on, and answer none."""
        self._answers.clear()

    def answer_again(self) -> None:
        """Answer, also what is waiting for an answer."""
        self._answers.set()

    def close(self) -> None:
        self._answers.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, body: bytes) -> Dict[str, Any]:
        if path == "/graphql":
            request = json.loads(body)
            return {"data": self._data(request["query"], request.get("variables") or {})}
        stream = re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", path)
        if stream and body:
            rows = self.rows.setdefault(stream.group(1), [])
            history = json.loads(body).get("files", {}).get("wandb-history.jsonl")
            if history:
                rows[history["offset"] :] = map(json.loads, history["content"])
        return {"exitcode": None, "limits": {}}

    def _data(self, query: str, variables: Dict[str, Any]) -> Dict[str, Any]:
        project = {"id": "p", "name": "project", "entity": {"id": "e", "name": "team"}}
        found: Dict[str, Any] = {}
        if "viewer" in query:
            found["viewer"] = {"id": "u", "entity": "team", "username": "u", "flags": "{}", "teams": {"edges": []}}
        if "serverInfo" in query:
            found["serverInfo"] = {"cliVersionInfo": {}, "latestLocalVersionInfo": None, "features": []}
        found.update(dict.fromkeys(re.findall(r"(\w+): __type", query)))
        if "query RunResumeStatus" in query:
            found["model"] = {**project, "bucket": self._bucket(variables["name"])}
        if "upsertBucket" in query:
            name = variables.get("name")
            bucket = {"id": "b", "name": name, "displayName": name, "config": "{}", "project": project}
            found["upsertBucket"] = {"bucket": bucket, "inserted": name not in self.rows}
        if "createRunFiles" in query:
            found["createRunFiles"] = {"runID": "b", "uploadHeaders": [], "files": []}
        return found

    def _bucket(self, name: str) -> Any:
        rows = self.rows.get(name)
        if not rows:
            return None
        tail = json.dumps([json.dumps(rows[-1])])
        counts = {"historyLineCount": len(rows), "logLineCount": 0, "eventsLineCount": 0}
        seen = '{"t": 1}'  # without it, wandb takes the run for one that was announced but never started
        texts = {"summaryMetrics": "{}", "config": "{}", "wandbConfig": seen, "historyTail": tail, "eventsTail": "[]"}
        return {"id": "b", "name": name, "displayName": name, "tags": [], **counts, **texts}


@pytest.fixture
def wandb_server() -> Iterator[WandbServer]:
    server = WandbServer()
    yield server
    server.close()


@pytest.fixture(params=["refuses", "never answers"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that was never there, or takes every connection and never says a word."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    if request.param == "never answers":
        listener.listen(128)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
