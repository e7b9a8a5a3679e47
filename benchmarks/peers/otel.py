"""The same work through the OpenTelemetry SDK, with an exporter that writes one JSON line per span."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Sequence

from measure import Workload, count_lines, main
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult


class LineExporter(SpanExporter):
    """Writes each span as one line, unbuffered: what the other peers do."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            self._file.write(span.to_json(indent=None).encode() + b"\n")
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._file.close()


def provider_with(directory: Path, exporters: int) -> Any:
    provider = TracerProvider()
    paths = [directory / f"otel{number}.jsonl" for number in range(exporters)]
    for path in paths:
        provider.add_span_processor(SimpleSpanProcessor(LineExporter(path)))
    return provider, paths


def finishing(provider: Any, paths: List[Path]) -> Any:
    def finish() -> int:
        provider.shutdown()
        return count_lines(*paths)

    return finish


def span(directory: Path, exporters: int = 1) -> Workload:
    provider, paths = provider_with(directory, exporters)
    tracer = provider.get_tracer("bench")

    def operation() -> None:
        with tracer.start_as_current_span("work", attributes={"shard": 3, "phase": "train"}):
            pass

    return Workload(operation, finishing(provider, paths), exporters)


def start_stop(directory: Path) -> Workload:
    provider, paths = provider_with(directory, 1)
    tracer = provider.get_tracer("bench")

    def operation() -> None:
        tracer.start_span("work", attributes={"shard": 3, "phase": "train"}).end()

    return Workload(operation, finishing(provider, paths))


def span_with_child(directory: Path) -> Workload:
    provider, paths = provider_with(directory, 1)
    tracer = provider.get_tracer("bench")

    def operation() -> None:
        with tracer.start_as_current_span("outer", attributes={"shard": 3, "phase": "train"}):
            with tracer.start_as_current_span("inner", attributes={"shard": 3, "phase": "train"}):
                pass

    return Workload(operation, finishing(provider, paths), 2)


def event(directory: Path) -> Workload:
    """An event that is on disk at once: the SDK reports events with their span, so it takes a span of its own."""
    provider, paths = provider_with(directory, 1)
    tracer = provider.get_tracer("bench")

    def operation() -> None:
        one = tracer.start_span("batch")
        one.add_event("batch", {"rows": 128, "loss": 0.25, "phase": "train"})
        one.end()

    return Workload(operation, finishing(provider, paths))


def disabled_span(directory: Path) -> Workload:
    tracer = trace.NoOpTracerProvider().get_tracer("bench")

    def operation() -> None:
        with tracer.start_as_current_span("work"):
            pass

    return Workload(operation, lambda: None)


def background_span(directory: Path) -> Workload:
    provider = TracerProvider()
    path = directory / "otel.jsonl"
    provider.add_span_processor(BatchSpanProcessor(LineExporter(path), max_queue_size=10_000_000))
    tracer = provider.get_tracer("bench")

    def operation() -> None:
        tracer.start_span("work", attributes={"shard": 3, "phase": "train"}).end()

    return Workload(operation, finishing(provider, [path]))


def background_event(directory: Path) -> Workload:
    provider = TracerProvider()
    path = directory / "otel.jsonl"
    provider.add_span_processor(BatchSpanProcessor(LineExporter(path), max_queue_size=10_000_000))
    tracer = provider.get_tracer("bench")

    def operation() -> None:
        one = tracer.start_span("batch")
        one.add_event("batch", {"rows": 128, "loss": 0.25, "phase": "train"})
        one.end()

    return Workload(operation, finishing(provider, [path]))


def two_exporters(directory: Path) -> Workload:
    return span(directory, 2)


if __name__ == "__main__":
    main(
        {
            "span": span,
            "start_stop": start_stop,
            "span_with_child": span_with_child,
            "two_exporters": two_exporters,
            "event": event,
            "disabled_span": disabled_span,
            "background_span": background_span,
            "background_event": background_event,
        }
    )
