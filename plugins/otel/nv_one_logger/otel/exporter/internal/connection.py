"""Plain configuration, checked and turned into the official OTLP exporters."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
from opentelemetry.sdk.trace import ReadableSpan

from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.otel.exporter.internal.sender import Answers, BatchExporter, Sender

__all__ = ["Connection"]

_HTTP, _GRPC = "http/protobuf", "grpc"
_PATHS = {"trace": "v1/traces", "_log": "v1/logs"}
_CLASSES = {"trace": "OTLPSpanExporter", "_log": "OTLPLogExporter"}
_RESPONSES = {"trace": ExportTraceServiceResponse, "_log": ExportLogsServiceResponse}


@dataclass(frozen=True)
class Connection:
    """Where to send, and how. What is ``None`` is left to the ``OTEL_EXPORTER_OTLP_*`` variables.

    Args:
        endpoint: For HTTP the address that ``/v1/traces`` and ``/v1/logs`` are appended to, for gRPC the server's.
        protocol: ``"http/protobuf"`` or ``"grpc"``.
        headers: Sent with every request; not part of the repr, as they hold credentials.
        timeout: Seconds that one delivery may take, with the repetitions of the SDK.
        insecure: For gRPC, whether to do without TLS.

    Raises:
        ConfigError: A value makes no sense, or ``protocol`` needs an extra that is not installed.
    """

    endpoint: str | None = None
    protocol: str | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    timeout: float | None = None
    insecure: bool | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            raise ConfigError(
                "is no positive number", key="timeout", value=self.timeout, remedy="Give seconds, such as 10"
            )
        protocol = self.resolved_protocol()
        if protocol == _HTTP:
            self._check_http_endpoint()
        _exporter_class(protocol, "trace")  # now, and not when training begins

    def resolved_protocol(self) -> str:
        """Return the protocol: as given, else of the environment, else ``"http/protobuf"``.

        Raises:
            ConfigError: It is neither of the two.
        """
        source, protocol = "", self.protocol
        for variable in (OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL):
            if not protocol and os.environ.get(variable):
                source, protocol = f"environment variable {variable}", os.environ[variable].strip()
        protocol = protocol or _HTTP
        if protocol not in (_HTTP, _GRPC):
            remedy = f"Use {_HTTP} or {_GRPC}"
            raise ConfigError("is not supported", source=source, key="protocol", value=protocol, remedy=remedy)
        return protocol

    def span_sender(self) -> Sender[ReadableSpan]:
        """Connect, and return what sends spans."""
        return self._sender("trace")

    def log_sender(self) -> Sender[ReadableLogRecord]:
        """Connect, and return what sends log records."""
        return self._sender("_log")

    def _sender(self, signal: str) -> Sender[Any]:
        answers = Answers()
        protocol = self.resolved_protocol()
        make = _exporter_class(protocol, signal)
        if protocol == _HTTP:
            session = _watched_session(answers, _RESPONSES[signal])
            headers = dict(self.headers) if self.headers else None
            endpoint = self._http_endpoint(_PATHS[signal])
            exporter = make(endpoint=endpoint, headers=headers, timeout=self.timeout, session=session)
        else:
            headers = {name.lower(): text for name, text in self.headers.items()} if self.headers else None
            exporter = make(endpoint=self.endpoint, insecure=self.insecure, headers=headers, timeout=self.timeout)
            _watch_stub(exporter, answers)
        return Sender(exporter, answers)

    def _check_http_endpoint(self) -> None:
        if self.endpoint is None:
            return
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            remedy = "Give scheme, host and port, such as http://localhost:4318"
            raise ConfigError("is no http or https address", key="endpoint", value=self.endpoint, remedy=remedy)
        if self.insecure is not None and self.insecure is not (parts.scheme == "http"):
            remedy = "Leave insecure out: over HTTP the scheme of the endpoint decides about TLS"
            raise ConfigError(f"contradicts {parts.scheme}://", key="insecure", value=self.insecure, remedy=remedy)

    def _http_endpoint(self, path: str) -> str | None:
        if self.endpoint is None:
            return None
        base = self.endpoint.rstrip("/")
        for own_path in _PATHS.values():  # somebody gave the full address of one signal
            base = base.removesuffix(f"/{own_path}")
        return f"{base}/{path}"


def _exporter_class(protocol: str, signal: str) -> Callable[..., BatchExporter[Any]]:
    package = "http" if protocol == _HTTP else "grpc"
    try:
        module = importlib.import_module(f"opentelemetry.exporter.otlp.proto.{package}.{signal}_exporter")
    except ImportError as error:
        raise ConfigError(
            f"cannot be used ({error})",
            key="protocol",
            value=protocol,
            remedy="Run: pip install 'nv-one-logger-otel[grpc]'",
        ) from error
    found: Callable[..., BatchExporter[Any]] = getattr(module, _CLASSES[signal])
    return found


def _watched_session(answers: Answers, response_type: Callable[[], Any]) -> requests.Session | None:
    """Return a session that notes answers; ``None`` where the SDK is told to get one from a credential provider."""
    if any(name.startswith("OTEL_PYTHON_EXPORTER_OTLP_HTTP") and "CREDENTIAL" in name for name in os.environ):
        return None

    def note(response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        if not response.ok:
            answers.refused(f"{response.status_code} {response.reason} from {urlsplit(response.url).path}")
            return
        message = response_type()
        try:
            message.ParseFromString(response.content)
        except Exception:  # some backends answer with JSON or a page; the SDK takes any 2xx for success, too
            return
        answers.taken(message)

    session = requests.Session()
    session.hooks["response"].append(note)
    return session


class _WatchedStub:
    """Notes the answers to the one call that the exporters make."""

    def __init__(self, stub: Any, answers: Answers) -> None:
        self._stub = stub
        self._answers = answers

    def Export(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802  # gRPC's name
        try:
            response = self._stub.Export(*args, **kwargs)
        except Exception as error:
            code, details = getattr(error, "code", None), getattr(error, "details", None)
            if callable(code) and callable(details):
                self._answers.refused(f"{getattr(code(), 'name', code())}: {details()}")
            raise
        self._answers.taken(response)
        return response


def _watch_stub(exporter: Any, answers: Answers) -> None:
    """Have a gRPC exporter note the answers, which it drops; a partial success would be lost silently.

    The SDK offers no way in (1.39 to 1.45: ``_stub`` makes ``_client``, again after each lost connection). Should a
    later one have changed, the exporter works, and only these notes are missing.
    """
    make_stub, channel = getattr(exporter, "_stub", None), getattr(exporter, "_channel", None)
    if callable(make_stub) and channel is not None:
        exporter._stub = lambda channel: _WatchedStub(make_stub(channel), answers)
        exporter._client = exporter._stub(channel)
