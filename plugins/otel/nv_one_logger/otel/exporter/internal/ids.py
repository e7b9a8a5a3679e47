"""Trace and span ids that are the same wherever a span of ours is mentioned: in another thread, process or exporter."""

from __future__ import annotations

import hashlib
import os
import threading

from opentelemetry.sdk.trace.id_generator import IdGenerator

from nv_one_logger.core.span import Span

__all__ = ["SpanIds", "span_id_of", "trace_id_of"]


class SpanIds(IdGenerator):
    """Gives the next span started in this thread the ids it was told to, and random ones otherwise.

    The SDK's own generator uses the global ``random``, which training jobs seed: with the same number on every rank.
    """

    def __init__(self) -> None:
        self._next = threading.local()

    def use(self, trace_id: int, span_id: int) -> None:
        """Use these ids for the span that this thread starts next."""
        self._next.trace_id = trace_id
        self._next.span_id = span_id

    def generate_span_id(self) -> int:
        """Return the id of the span."""
        return self._take("span_id") or _random(8)

    def generate_trace_id(self) -> int:
        """Return the id of the trace, for a root."""
        return self._take("trace_id") or _random(16)

    def forget(self) -> None:
        """Forget ids that were not used, as those of the trace of a child."""
        self._next.trace_id = self._next.span_id = 0

    def _take(self, name: str) -> int:
        value: int = getattr(self._next, name, 0)
        setattr(self._next, name, 0)
        return value


def span_id_of(span: Span) -> int:
    """Return 64 bits derived from the id of a span, never 0.

    A hash, as samplers (TraceIdRatioBased) expect all bits to vary, and some of a UUID are fixed.
    """
    return _hashed(span, b"span", 8)


def trace_id_of(span: Span) -> int:
    """Return 128 bits derived from the topmost ancestor that exporters were shown, never 0."""
    topmost = span
    parent = span.exported_parent
    while parent is not None:
        topmost, parent = parent, parent.exported_parent
    return _hashed(topmost, b"trace", 16)


def _hashed(span: Span, person: bytes, size: int) -> int:
    return int.from_bytes(hashlib.blake2b(span.id.bytes, digest_size=size, person=person).digest(), "big") or 1


def _random(size: int) -> int:
    return int.from_bytes(os.urandom(size), "big") or 1
