from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Iterator, List

import pytest


class Server(ThreadingHTTPServer):
    """Keeps the records that are posted to it; may refuse them, or not answer."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.records: List[Dict[str, Any]] = []
        self.headers: List[Dict[str, str]] = []
        self.is_refusing = False
        self.answers = threading.Event()
        self.answers.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/records"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        record = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.answers.wait(30)
        if not self.server.is_refusing:
            self.server.records.append(record)
            self.server.headers.append(dict(self.headers))
        self.send_response(503 if self.server.is_refusing else 204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.answers.set()
        server.shutdown()
        thread.join()
