"""What is measured beyond ``_TrainingState``: intervals between metrics events, and earlier loops of the job."""

from __future__ import annotations

import math
from typing import Dict, Optional

from nv_one_logger.core.span import SpanName
from nv_one_logger.core.time import TracingTimestamp
from nv_one_logger.training_telemetry.api._scalars import ScalarWindow
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName

__all__ = ["STEP_SPANS", "Durations", "Interval", "Progress"]

STEP_SPANS: Dict[SpanName, str] = {
    StandardTrainingJobSpanName.MODEL_FORWARD: "forward",
    StandardTrainingJobSpanName.MODEL_BACKWARD: "backward",
    StandardTrainingJobSpanName.DATA_LOADING: "dataloader",
}
"""Spans within a training step whose time is reported per iteration, with their names in the attributes."""


class Durations:
    """Count, sum, smallest and largest of durations, in seconds."""

    __slots__ = ("count", "max", "min", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.min = math.inf
        self.max = 0.0

    def add(self, seconds: float) -> None:
        """Add one duration."""
        self.count += 1
        self.total += seconds
        if seconds < self.min:
            self.min = seconds
        if seconds > self.max:
            self.max = seconds

    def as_attributes(self, prefix: str) -> Dict[str, object]:
        """Return number, mean, smallest, largest and sum under their attribute names, nothing before the first."""
        if not self.count:
            return {}
        return {
            f"{prefix}num_iterations": self.count,
            f"{prefix}avg_iteration_time_sec": self.total / self.count,
            f"{prefix}min_iteration_time_sec": self.min,
            f"{prefix}max_iteration_time_sec": self.max,
            f"{prefix}total_iteration_time_sec": self.total,
        }


class Interval:
    """Training iterations since the last metrics event, or since the loop began.

    A quantity is ``None`` once it is unknown for one of the iterations.
    """

    __slots__ = ("flops", "iterations", "samples", "start", "step_sec", "tflops_max", "tflops_min", "tokens")

    def __init__(self, start: Optional[TracingTimestamp] = None) -> None:
        self.start = start
        self.iterations = Durations()
        self.samples: Optional[int] = 0
        self.tokens: Optional[int] = 0
        self.flops: Optional[int] = 0
        self.tflops_max: Optional[float] = None
        self.tflops_min: Optional[float] = None
        self.step_sec: Dict[str, float] = {}

    def add(self, seconds: float, samples: Optional[int], tokens: Optional[int], flops: Optional[int]) -> None:
        """Add one iteration and what was processed in it."""
        self.iterations.add(seconds)
        self.samples = None if samples is None or self.samples is None else self.samples + samples
        self.tokens = None if tokens is None or self.tokens is None else self.tokens + tokens
        self.flops = None if flops is None or self.flops is None else self.flops + flops

    def add_throughput(self, tflops: float) -> None:
        """Add the throughput of one iteration, 10^12 operations per second and rank."""
        if self.tflops_max is None or tflops > self.tflops_max:
            self.tflops_max = tflops
        if self.tflops_min is None or tflops < self.tflops_min:
            self.tflops_min = tflops

    def add_step_time(self, kind: str, seconds: float) -> None:
        """Add the duration of a span within a step, see :data:`STEP_SPANS`."""
        self.step_sec[kind] = self.step_sec.get(kind, 0.0) + seconds


class Progress:
    """The current interval, the training loop up to it, the loops before, and the loops of validation and testing."""

    def __init__(self) -> None:
        self.interval = Interval()
        self.loop = Interval()  # the whole loop, the current interval included
        self.scalars = ScalarWindow()
        self.validation = Durations()  # of the current validation loop
        self.testing = Durations()  # of the current testing loop
        self.is_samples_start_known = True
        # Of the training loops before the current one.
        self.earlier_iterations = 0
        self.earlier_samples: Optional[int] = 0
        self.earlier_iterations_sec = 0.0

    def begin_loop(self, start: TracingTimestamp, is_samples_start_known: bool) -> None:
        """Begin a training loop; what was done before it counts as an earlier one."""
        done = self.loop
        self.earlier_iterations += done.iterations.count
        self.earlier_iterations_sec += done.iterations.total
        known = self.earlier_samples is not None and done.samples is not None
        self.earlier_samples = (self.earlier_samples or 0) + (done.samples or 0) if known else None
        self.interval, self.loop = Interval(start), Interval(start)
        self.is_samples_start_known = is_samples_start_known

    def add_iteration(
        self, seconds: float, samples: Optional[int], tokens: Optional[int], flops: Optional[int]
    ) -> None:
        """Add a training iteration and what was processed in it."""
        self.interval.add(seconds, samples, tokens, flops)
        self.loop.add(seconds, samples, tokens, flops)

    def add_throughput(self, tflops: float) -> None:
        """Add the throughput of the last iteration, 10^12 operations per second and rank."""
        self.interval.add_throughput(tflops)
        self.loop.add_throughput(tflops)

    def add_step_time(self, kind: str, seconds: float) -> None:
        """Add the duration of a span within a step, see :data:`STEP_SPANS`."""
        self.interval.add_step_time(kind, seconds)
        self.loop.add_step_time(kind, seconds)

    def begin_interval(self, start: TracingTimestamp) -> None:
        """Begin the next interval where the one just reported ended."""
        self.interval = Interval(start)
