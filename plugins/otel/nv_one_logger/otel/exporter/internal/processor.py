"""Puts finished spans of the SDK into a delivery."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from nv_one_logger.otel.exporter.internal.delivery import Delivery

__all__ = ["DeliveryProcessor"]


class DeliveryProcessor(SpanProcessor):
    """Takes the place of the SDK's batch processor, which drops what fails, and does not tell.

    Args:
        delivery: Where spans go.
        remaining_sec: How long a shutdown may take from now on, in seconds.
    """

    def __init__(self, delivery: Delivery[ReadableSpan], remaining_sec: Callable[[], float]) -> None:
        self._delivery = delivery
        self._remaining_sec = remaining_sec

    def on_end(self, span: ReadableSpan) -> None:
        """Accept a span, if it was sampled."""
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            self._delivery.put(span)

    def shutdown(self) -> None:
        """Deliver what waits, within the time that is left."""
        self._delivery.close(self._remaining_sec())

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what was accepted so far; tell whether that was done in time."""
        return self._delivery.flush(timeout_millis / 1000)
