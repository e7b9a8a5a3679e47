from __future__ import annotations

from unittest.mock import MagicMock

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from nv_one_logger.otel.exporter.internal.processor import DeliveryProcessor


def span(flags: int) -> ReadableSpan:
    return ReadableSpan("name", SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(flags)))


def test_only_sampled_spans_are_delivered() -> None:
    delivery = MagicMock()
    processor = DeliveryProcessor(delivery, lambda: 1.5)
    sampled = span(TraceFlags.SAMPLED)
    processor.on_end(span(TraceFlags.DEFAULT))
    processor.on_end(sampled)
    delivery.put.assert_called_once_with(sampled)


def test_times_are_passed_on() -> None:
    delivery = MagicMock()
    processor = DeliveryProcessor(delivery, lambda: 1.5)
    processor.force_flush(2500)
    processor.shutdown()
    delivery.flush.assert_called_once_with(2.5)
    delivery.close.assert_called_once_with(1.5)
