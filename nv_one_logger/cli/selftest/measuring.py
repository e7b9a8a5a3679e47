"""Takes the times of telemetry and of the machine's limit, side by side in one run."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Union

from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.api.timed_span import get_recorder, timed_span
from nv_one_logger.cli.selftest.budget import BUDGETS, Baseline, Operation
from nv_one_logger.cli.selftest.delivery import EVENT_NAME, SPAN_NAME
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.exporter.internal.encoder import encode_record
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

__all__ = ["Cost", "measure"]

ROUNDS = 5
# The best of so many counts: the others show what else the machine did meanwhile.
_BATCHES = 3

_RECORD = {
    "type": "complete",
    "id": "b7a2d0f2-51a8-4d3e-8d1b-7f3c9b0e2a55",
    "name": SPAN_NAME,
    "attributes": {"shard": 3, "phase": "train", "duration_msec": 40},
    "start_event": {"name": "span_start", "attributes": {"timestamp_msec": 1750000000300}},
    "stop_event": {"name": "span_stop", "attributes": {"timestamp_msec": 1750000000340}},
    "count": 3,
    "pid": 4242,
}


@dataclass(frozen=True)
class Cost:
    """What one operation costs.

    Attributes:
        operation: What was measured.
        microseconds: Median time of one.
        ratio: Median of its proportion to the baseline, taken round by round.
    """

    operation: Operation
    microseconds: float
    ratio: float

    @property
    def is_within_budget(self) -> bool:
        """Whether it keeps what was published."""
        return self.ratio <= BUDGETS[self.operation].ratio

    def as_dict(self) -> Dict[str, Union[str, float, bool]]:
        """Return plain data."""
        budget = BUDGETS[self.operation]
        return {
            "operation": str(self.operation),
            "microseconds": round(self.microseconds, 3),
            "baseline": str(budget.baseline),
            "ratio": round(self.ratio, 3),
            "budget": budget.ratio,
            "within_budget": self.is_within_budget,
        }


def measure(provider: TrainingTelemetryProvider, spans: int) -> List[Cost]:
    """Measure with the plugins that are registered, which get about ``spans`` spans and as many events.

    Where telemetry is switched off, only that is measured.

    In each round everything is measured once, one right after the other, so that what slows the machine down for a
    while slows both sides of each ratio.

    Args:
        provider: A configured provider.
        spans: How many spans, shared out among the rounds.
    """
    count = max(1, spans // (ROUNDS * _BATCHES))
    with tempfile.TemporaryDirectory(prefix="one-logger-selftest-") as folder:
        descriptor = os.open(os.path.join(folder, "raw.jsonl"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            rounds = [_round(provider, descriptor, count) for _ in range(ROUNDS)]
        finally:
            os.close(descriptor)
    return [_cost(operation, rounds) for operation in Operation if operation in rounds[0]]


def _round(provider: TrainingTelemetryProvider, descriptor: int, count: int) -> Dict[str, float]:
    recorder = get_recorder()

    def write() -> None:
        os.write(descriptor, encode_record(dict(_RECORD)) + b"\n")

    def write_and_sync() -> None:
        write()
        os.fsync(descriptor)

    def span() -> None:
        with timed_span(SPAN_NAME, Attributes({"shard": 3, "phase": "train"})):
            pass

    times: Dict[str, float] = {Baseline.WRITE: _best(write, count), Operation.DISABLED_SPAN: _disabled(count)}
    if not provider.one_logger_enabled:
        return times
    times[Operation.SPAN] = _best(span, count)
    with timed_span(SPAN_NAME) as around:
        times[Operation.EVENT] = _best(
            lambda: recorder.event(around, Event.create(EVENT_NAME, Attributes({"rows": 128, "loss": 0.25}))), count
        )
    times[Baseline.SYNC] = _best(write_and_sync, 1)
    times[Operation.FLUSH] = _best(provider.flush, 1, before=span)
    return times


def _disabled(count: int) -> float:
    def span() -> None:
        with timed_span(SPAN_NAME):
            pass

    config = OneLoggerProvider.instance().config
    was_enabled, config.enable_for_current_rank = config.enable_for_current_rank, False
    try:
        return _best(span, count * 10)
    finally:
        config.enable_for_current_rank = was_enabled


def _best(operation: Callable[[], object], count: int, before: Optional[Callable[[], object]] = None) -> float:
    """Return the nanoseconds of one operation in the fastest batch; ``before`` prepares each, untimed."""
    times = []
    for _ in range(_BATCHES):
        if before is not None:
            before()
        begin = time.perf_counter_ns()
        for _ in range(count):
            operation()
        times.append((time.perf_counter_ns() - begin) / count)
    return min(times)


def _cost(operation: Operation, rounds: List[Dict[str, float]]) -> Cost:
    baseline = BUDGETS[operation].baseline
    return Cost(
        operation,
        statistics.median(times[operation] for times in rounds) / 1000,
        statistics.median(times[operation] / times[baseline] for times in rounds),
    )
