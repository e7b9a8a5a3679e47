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

    def and_those_of(self, other: Durations) -> Durations:
        """Return both together, as new ones."""
        both = Durations()
        both.count = self.count + other.count
        both.total = self.total + other.total
        both.min = min(self.min, other.min)
        both.max = max(self.max, other.max)
        return both

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
    """Some training iterations: since the last metrics event, or since the loop began.

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

    def add_throughput(self, tflops: float) -> None:
        """Add the throughput of one iteration, 10^12 operations per second and rank."""
        if self.tflops_max is None or tflops > self.tflops_max:
            self.tflops_max = tflops
        if self.tflops_min is None or tflops < self.tflops_min:
            self.tflops_min = tflops

    def add_step_time(self, kind: str, seconds: float) -> None:
        """Add the duration of a span within a step, see :data:`STEP_SPANS`."""
        self.step_sec[kind] = self.step_sec.get(kind, 0.0) + seconds

    def step_time(self, kind: str) -> Optional[float]:
        """Return the time in such spans per iteration, seconds; ``None`` where there were none."""
        seconds = self.step_sec.get(kind)
        return None if seconds is None or not self.iterations.count else seconds / self.iterations.count

    def followed_by(self, later: Interval) -> Interval:
        """Return both together, as a new one."""
        both = Interval(self.start)
        both.iterations = self.iterations.and_those_of(later.iterations)
        both.samples = _sum(self.samples, later.samples)
        both.tokens = _sum(self.tokens, later.tokens)
        both.flops = _sum(self.flops, later.flops)
        for one in (self, later):
            for tflops in (one.tflops_max, one.tflops_min):
                if tflops is not None:
                    both.add_throughput(tflops)
            for kind, seconds in one.step_sec.items():
                both.add_step_time(kind, seconds)
        return both


def _sum(one: Optional[int], other: Optional[int]) -> Optional[int]:
    return None if one is None or other is None else one + other


class Progress:
    """The current interval, the training loop up to it, the loops before, and the loops of validation and testing."""

    def __init__(self) -> None:
        self.interval = Interval()
        self.loop_sec = 0.0
        """Time of all iterations of the loop, added up one by one, so that the sum does not depend on intervals."""
        self._reported = Interval()  # of the loop, without the current interval
        self.scalars = ScalarWindow()
        self.validation = Durations()  # of the current validation loop
        self.testing = Durations()  # of the current testing loop
        self.is_samples_start_known = True
        # Of the training loops before the current one.
        self.earlier_iterations = 0
        self.earlier_samples: Optional[int] = 0
        self.earlier_iterations_sec = 0.0

    @property
    def loop(self) -> Interval:
        """The whole loop up to now, computed."""
        loop = self._reported.followed_by(self.interval)
        loop.iterations.total = self.loop_sec
        return loop

    def begin_loop(self, start: TracingTimestamp, is_samples_start_known: bool) -> None:
        """Begin a training loop; what was done before it counts as an earlier one."""
        done = self.loop
        self.earlier_iterations += done.iterations.count
        self.earlier_iterations_sec += self.loop_sec
        self.earlier_samples = _sum(self.earlier_samples, done.samples)
        self.interval, self._reported = Interval(start), Interval(start)
        self.loop_sec = 0.0
        self.is_samples_start_known = is_samples_start_known

    def begin_interval(self, start: TracingTimestamp) -> None:
        """Begin the next interval where the one just reported ended."""
        self._reported = self._reported.followed_by(self.interval)
        self.interval = Interval(start)

    def add_iteration(
        self, seconds: float, samples: Optional[int], tokens: Optional[int], flops: Optional[int]
    ) -> None:
        """Add a training iteration and what was processed in it."""
        # Written out: the path of every iteration.
        self.loop_sec += seconds
        interval = self.interval
        durations = interval.iterations
        durations.count += 1
        durations.total += seconds
        if seconds < durations.min:
            durations.min = seconds
        if seconds > durations.max:
            durations.max = seconds
        interval.samples = None if samples is None or interval.samples is None else interval.samples + samples
        interval.tokens = None if tokens is None or interval.tokens is None else interval.tokens + tokens
        interval.flops = None if flops is None or interval.flops is None else interval.flops + flops
