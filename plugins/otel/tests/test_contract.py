"""What every exporter has to do (nv_one_logger.testing), against a receiver of each protocol and around an exporter."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nv_one_logger.exporter import Exporter
from nv_one_logger.otel.exporter.otel_exporter import OTelExporter
from nv_one_logger.testing.conformance import Arrival, ExporterContract


def attributes_of(message: Any) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in message.attributes
    }


class OtlpContract(ExporterContract):
    """Over OTLP. A backend orders what it has by time, as spans arrive when they end."""

    receiver: Any

    def make_exporter(self, tmp_path: Path) -> Exporter:
        return OTelExporter(**self._config(), close_timeout=2.0)

    def _config(self) -> dict[str, Any]:
        return {"endpoint": self.receiver.endpoint, "protocol": self.receiver.protocol, "timeout": 1.0}

    def read_back(self, exporter: Exporter) -> list[Arrival]:
        found: dict[tuple[Any, ...], Arrival] = {}
        for span in list(self.receiver.spans):
            found[span.start_time_unix_nano, 0, span.span_id] = ("start", span.name)
            if "one_logger_unfinished" not in attributes_of(span):
                found[span.end_time_unix_nano, 2, span.span_id] = ("stop", span.name)
        for number, record in enumerate(list(self.receiver.records)):
            time_ns, span_id = record.time_unix_nano, record.span_id
            if record.event_name == "span_start":
                found[time_ns, 0, span_id] = ("start", attributes_of(record)["one_logger_span_name"])
            elif record.event_name == "error":
                found[time_ns, 1, span_id, number] = ("error", record.body.string_value)
            else:
                found[time_ns, 1, span_id, number] = ("event", record.event_name)
        return [found[key] for key in sorted(found)]

    def break_backend(self, exporter: Exporter) -> None:
        self.receiver.refuse()

    def hang_backend(self, exporter: Exporter) -> None:
        self.receiver.hang()

    def fill_backend(self, exporter: Exporter) -> None:
        self.receiver.fill()

    def mend_backend(self, exporter: Exporter) -> None:
        self.receiver.mend()

    def make_config(self, tmp_path: Path) -> dict[str, Any]:
        return {"class_name": "otel", "config": self._config()}


class TestOverHttp(OtlpContract):
    @pytest.fixture(autouse=True)
    def _keep_receiver(self, http_receiver: Any) -> None:
        self.receiver = http_receiver


class TestOverGrpc(OtlpContract):
    @pytest.fixture(autouse=True)
    def _keep_receiver(self, grpc_receiver: Any) -> None:
        self.receiver = grpc_receiver


class TroubledExporter(InMemorySpanExporter):
    """An exporter of the SDK that may refuse or hang."""

    def __init__(self) -> None:
        super().__init__()
        self.is_refusing = False
        self.goes_on = threading.Event()
        self.goes_on.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.goes_on.wait(30)
        return SpanExportResult.FAILURE if self.is_refusing else super().export(spans)


class TestAroundAnExporter(ExporterContract):
    """Given an exporter of the SDK: everything is a marker, too, and arrives in order."""

    def make_exporter(self, tmp_path: Path) -> Exporter:
        self.sdk_exporter = TroubledExporter()
        return OTelExporter(self.sdk_exporter, close_timeout=2.0)

    def read_back(self, exporter: Exporter) -> list[Arrival]:
        found: list[Arrival] = []
        for span in self.sdk_exporter.get_finished_spans():
            name = span.name
            if name.startswith("span_start_event_for_"):
                found.append(("start", name.removeprefix("span_start_event_for_")))
            elif name.startswith("span_stop_event_for_"):
                found.append(("stop", name.removeprefix("span_stop_event_for_")))
            elif name.startswith("error_for_"):
                found.append(("error", str((span.attributes or {})["error_message"])))
            elif "_event_for_" in name:
                found.append(("event", name.partition("_event_for_")[0]))
        return found

    def break_backend(self, exporter: Exporter) -> None:
        self.sdk_exporter.is_refusing = True

    def hang_backend(self, exporter: Exporter) -> None:
        self.sdk_exporter.goes_on.clear()

    def mend_backend(self, exporter: Exporter) -> None:
        self.sdk_exporter.is_refusing = False
        self.sdk_exporter.goes_on.set()
