from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


def plain(value: Any) -> Any:
    """Return what an AnyValue of OTLP holds."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)


def attributes_of(message: Any) -> dict[str, Any]:
    return {pair.key: plain(pair.value) for pair in message.attributes}


class Backend:
    """What receivers of both protocols have in common: what arrived, and how they behave."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.spans: list[Any] = []
        self.records: list[Any] = []
        self.resources: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.requests = 0
        self.is_refusing = False
        self.takes_at_most: int | None = None
        self.answers = threading.Event()
        self.answers.set()

    def receive_spans(self, request: Any, headers: dict[str, str]) -> tuple[bool, int]:
        groups = [
            (item.resource, [s for scope in item.scope_spans for s in scope.spans]) for item in request.resource_spans
        ]
        return self._receive(groups, self.spans, headers)

    def receive_records(self, request: Any, headers: dict[str, str]) -> tuple[bool, int]:
        groups = [
            (item.resource, [r for scope in item.scope_logs for r in scope.log_records])
            for item in request.resource_logs
        ]
        return self._receive(groups, self.records, headers)

    def _receive(self, groups: Any, into: list[Any], headers: dict[str, str]) -> tuple[bool, int]:
        """Return whether the request is taken, and how many items of it are not."""
        with self.changed:
            self.requests += 1
            self.changed.notify_all()
        self.answers.wait(30)
        with self.changed:
            if self.is_refusing:
                return False, 0
            self.headers.append(headers)
            self.resources += [attributes_of(resource) for resource, _ in groups]
            items = [item for _, group in groups for item in group]
            taken = items if self.takes_at_most is None else items[: self.takes_at_most]
            if self.takes_at_most is not None:
                self.takes_at_most = None
                self.is_refusing = True
            into += taken
            self.changed.notify_all()
            return True, len(items) - len(taken)

    def wait_for(self, condition: Callable[[], bool], timeout_sec: float = 20.0) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, timeout_sec)

    def span(self, name: str) -> Any:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def refuse(self) -> None:
        self.is_refusing = True

    def hang(self) -> None:
        self.answers.clear()

    def fill(self) -> None:
        self.takes_at_most = 1

    def mend(self) -> None:
        self.is_refusing = False
        self.takes_at_most = None
        self.answers.set()


class HttpReceiver(Backend):
    """An OTLP receiver over HTTP; :meth:`down` and :meth:`up` take it off the network and back."""

    protocol = "http/protobuf"

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []
        self.status = 503
        self.port = 0
        self.up()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.backend = self
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def down(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    backend: HttpReceiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that do not wait for the answer."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        backend = self.server.backend
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): text for name, text in self.headers.items()}
        backend.paths.append(self.path)
        if self.path == "/v1/traces":
            is_taken, rejected = backend.receive_spans(
                trace_service_pb2.ExportTraceServiceRequest.FromString(body), headers
            )
            answer: Any = trace_service_pb2.ExportTraceServiceResponse()
            answer.partial_success.rejected_spans = rejected
        elif self.path == "/v1/logs":
            is_taken, rejected = backend.receive_records(
                logs_service_pb2.ExportLogsServiceRequest.FromString(body), headers
            )
            answer = logs_service_pb2.ExportLogsServiceResponse()
            answer.partial_success.rejected_log_records = rejected
        else:
            self.send_error(404)
            return
        if rejected:
            answer.partial_success.error_message = "no space left"
        content = answer.SerializeToString() if is_taken else b""
        self.send_response(200 if is_taken else backend.status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


class GrpcReceiver(Backend):
    """An OTLP receiver over gRPC."""

    protocol = "grpc"

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.up()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        self._pool = ThreadPoolExecutor(8)
        self._server = grpc.server(self._pool)
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_TraceService(self), self._server)
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(_LogsService(self), self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def down(self) -> None:
        self._server.stop(0).wait(5)
        self._pool.shutdown(wait=False)


def _answer(answer: Any, field: str, outcome: tuple[bool, int], context: grpc.ServicerContext) -> Any:
    is_taken, rejected = outcome
    if not is_taken:
        context.abort(grpc.StatusCode.UNAVAILABLE, "try later")
    setattr(answer.partial_success, field, rejected)
    if rejected:
        answer.partial_success.error_message = "no space left"
    return answer


def _headers(context: grpc.ServicerContext) -> dict[str, str]:
    return {name: str(text) for name, text in context.invocation_metadata()}


class _TraceService(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802  # gRPC's name
        outcome = self.backend.receive_spans(request, _headers(context))
        return _answer(trace_service_pb2.ExportTraceServiceResponse(), "rejected_spans", outcome, context)


class _LogsService(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802  # gRPC's name
        outcome = self.backend.receive_records(request, _headers(context))
        return _answer(logs_service_pb2.ExportLogsServiceResponse(), "rejected_log_records", outcome, context)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("OTEL_", "ONE_LOGGER_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def healthy_receiver() -> Iterator[HttpReceiver]:
    """One that has no trouble in any test."""
    receiver = HttpReceiver()
    yield receiver
    receiver.down()


@pytest.fixture
def http_receiver() -> Iterator[HttpReceiver]:
    receiver = HttpReceiver()
    yield receiver
    receiver.mend()
    receiver.down()


@pytest.fixture
def grpc_receiver() -> Iterator[GrpcReceiver]:
    receiver = GrpcReceiver()
    yield receiver
    receiver.mend()
    receiver.down()


@pytest.fixture(params=["http", "grpc"])
def receiver(request: pytest.FixtureRequest) -> Any:
    """A receiver of each protocol."""
    return request.getfixturevalue(f"{request.param}_receiver")
