from __future__ import annotations

import threading
import uuid

from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.otel.exporter.internal.ids import SpanIds, span_id_of, trace_id_of


def test_given_ids_are_used_once() -> None:
    ids = SpanIds()
    ids.use(5, 7)
    assert (ids.generate_trace_id(), ids.generate_span_id()) == (5, 7)
    assert ids.generate_trace_id() != ids.generate_trace_id()
    assert 0 < ids.generate_span_id() < 1 << 64


def test_ids_are_for_the_thread_they_were_given_in() -> None:
    ids = SpanIds()
    ids.use(5, 7)
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(ids.generate_span_id()))
    thread.start()
    thread.join()
    assert found != [7]
    ids.forget()
    assert ids.generate_trace_id() != 5


def test_ids_are_derived_from_the_span() -> None:
    identity = uuid.UUID(int=1)
    first, second = (Span(identity, "name", Event.create("span_start")) for _ in range(2))
    assert span_id_of(first) == span_id_of(second)
    assert trace_id_of(first) == trace_id_of(second)


def test_trace_is_that_of_the_topmost_exported_ancestor() -> None:
    filtered = Span.create("filtered")
    filtered._is_exported = False
    top = Span.create("top", filtered)
    leaf = Span.create("leaf", Span.create("middle", top))
    assert trace_id_of(leaf) == trace_id_of(top) != trace_id_of(filtered)
