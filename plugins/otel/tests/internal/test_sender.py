from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import context
from opentelemetry.sdk.trace.export import SpanExportResult

from nv_one_logger.otel.exporter.internal.sender import Answers, Outcome, Sender, run_within


class Exporter:
    def __init__(self, result: Any = SpanExportResult.SUCCESS, answers: Answers | None = None) -> None:
        self.result = result
        self.contexts: list[Any] = []

    def export(self, batch: Sequence[int], /) -> Any:
        self.contexts.append(context.get_current())
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def shutdown(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (SpanExportResult.SUCCESS, Outcome(True)),
        (None, Outcome(True)),
        (RuntimeError("broken"), Outcome(False, 0, "RuntimeError: broken")),
    ],
)
def test_outcome(result: Any, expected: Outcome) -> None:
    assert Sender(Exporter(result)).send([1]) == expected


def test_failure_has_a_reason() -> None:
    assert "cannot be reached or refuses" in Sender(Exporter(SpanExportResult.FAILURE)).send([1]).reason


def test_answers_of_the_backend_are_told_once() -> None:
    answers = Answers()
    sender = Sender(Exporter(), answers)
    answers.taken(SimpleNamespace(partial_success=SimpleNamespace(rejected_spans=2, error_message="full")))
    assert sender.send([1, 2, 3]) == Outcome(True, 2, "full")
    assert sender.send([1, 2, 3]) == Outcome(True)


def test_requests_are_not_traced_and_the_context_is_left_as_it_was() -> None:
    exporter = Exporter()
    before = context.get_current()
    Sender(exporter).send([1])
    assert context.get_current() == before
    assert context._SUPPRESS_INSTRUMENTATION_KEY in exporter.contexts[0]


def test_flush_reaches_an_exporter_that_buffers() -> None:
    exporter = Exporter()
    Sender(exporter).flush(1.0)  # one that does not
    timeouts: list[int] = []
    exporter.force_flush = timeouts.append  # type: ignore[attr-defined]
    Sender(exporter).flush(1.5)
    assert timeouts == [1500]


def test_run_within_does_not_wait_for_ever() -> None:
    goes_on = threading.Event()
    assert not run_within(0.01, lambda: goes_on.wait(20))
    goes_on.set()
    assert run_within(5.0, lambda: None)
    assert not run_within(5.0, lambda: 1 / 0)
