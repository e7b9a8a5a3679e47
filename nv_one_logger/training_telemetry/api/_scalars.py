"""Scalars that a user logs step by step, aggregated until the next metrics event."""

from __future__ import annotations

import math
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from nv_one_logger.core.internal.held_values import text_of, type_name

__all__ = ["ScalarWindow", "unusable_metrics"]

_MAX_PENDING = 1000
"""Values of one metric that are kept unconverted at most; then they are converted, which may wait for a device."""

_MAX_METRICS = 500
"""Different names in one interval; further ones are dropped, so that a name made per step cannot fill the memory."""

_TOO_LARGE = 2**1000
"""An integer that may not fit a float: it is converted when the interval ends, and may prove unusable."""

_LOSS_NAMES = ("loss", "train_loss")


def unusable_metrics(metrics: object) -> Optional[str]:
    """Say in words what cannot be aggregated, ``None`` if everything can. ``None`` values are fine: not measured."""
    pairs = _pairs_of(metrics)
    if pairs is None:
        return f"metrics must be a mapping from names to numbers, found {type_name(type(metrics))}"
    for name, value in pairs:
        if type(value) is not float and not _is_number(value):
            return f"metrics[{text_of(name)}] must be a number or a scalar tensor, found {type_name(type(value))}"
    return None


def _pairs_of(metrics: object) -> Optional[Iterable[Tuple[object, object]]]:
    try:
        return metrics.items() if isinstance(metrics, Mapping) else None
    except Exception:  # of an object that answers no question
        return None


def _is_number(value: object) -> bool:
    try:
        return value is None or hasattr(value, "__float__") or hasattr(value, "__index__")
    except Exception:  # of an object that answers no question
        return False


class ScalarWindow:
    """The scalars logged since the last metrics event.

    Plain numbers are summed up at once. Anything else (a tensor, which may live on a device) is kept, detached from its
    graph and copied because a training loop may go on to change it, and converted when the interval ends: one
    wait for the device per interval instead of one per step.
    """

    def __init__(self) -> None:
        self._aggregates: Dict[str, _Aggregate] = {}
        self._dropped = 0

    def __bool__(self) -> bool:
        return bool(self._aggregates)

    def add(self, metrics: Mapping[str, Any]) -> None:
        """Add one step's values; see :func:`unusable_metrics` for what may be in them."""
        for name, value in metrics.items():
            if value is None:
                continue
            aggregate = self._aggregates.get(name)
            if aggregate is None:
                if len(self._aggregates) >= _MAX_METRICS:
                    self._dropped += 1
                    continue
                aggregate = self._aggregates[name] = _Aggregate()
            aggregate.add(value)

    def latest_loss(self) -> Optional[float]:
        """Return the last value of the metric ``loss``, else of ``train_loss``."""
        for name in _LOSS_NAMES:
            if name in self._aggregates:
                self._aggregates[name].convert()
                return self._aggregates[name].last
        return None

    def take(self) -> Dict[str, float]:
        """Return the attributes ``metric_<name>_<statistic>`` and begin a new window.

        Smallest, largest and mean are of the finite values; how many were not is told where there were any.
        """
        values: Dict[str, float] = {}
        for name, aggregate in self._aggregates.items():
            aggregate.convert()
            self._dropped += aggregate.unusable
            for statistic, value in aggregate.statistics().items():
                values[f"metric_{name}_{statistic}"] = value
        self._aggregates = {}
        return values

    def take_dropped(self) -> int:
        """Return how many values could not be used since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped


class _Aggregate:
    __slots__ = ("count", "finite", "last", "max", "min", "pending", "total", "unusable")

    def __init__(self) -> None:
        self.last: Optional[float] = None
        self.count = 0
        self.finite = 0
        self.total = 0.0
        self.min = math.inf
        self.max = -math.inf
        self.pending: List[Any] = []
        self.unusable = 0

    def add(self, value: Any) -> None:
        kind = type(value)
        if (kind is float or (kind is int and abs(value) < _TOO_LARGE)) and not self.pending:
            self._count(value)
            return
        # Behind an unconverted value also plain numbers wait, so that the last one stays the last.
        self.pending.append(_kept(value))
        if len(self.pending) >= _MAX_PENDING:
            self.convert()

    def convert(self) -> None:
        """Turn what was kept into numbers; this is where a device may have to be waited for."""
        pending, self.pending = self.pending, []
        for value in pending:
            try:
                self._count(_number(value))
            except Exception:  # a tensor of several elements, a deleted buffer: whatever the user's type raises
                self.unusable += 1

    def _count(self, number: float) -> None:
        self.last = number
        self.count += 1
        if not math.isfinite(number):
            return
        self.finite += 1
        self.total += number
        if number < self.min:
            self.min = number
        if number > self.max:
            self.max = number

    def statistics(self) -> Dict[str, float]:
        if self.last is None:
            return {}
        values: Dict[str, float] = {"last": self.last}
        if self.finite:
            values.update(mean=self.total / self.finite, min=self.min, max=self.max)
        values["count"] = self.count
        if self.finite < self.count:
            values["nonfinite_count"] = self.count - self.finite
        return values


def _number(value: Any) -> float:
    item = getattr(value, "item", None)  # takes a numpy array of shape (1,), too, which float() refuses since 2.4
    return float(item() if callable(item) else value)


def _kept(value: Any) -> Any:
    """Return what later changes of the value do not reach; on a device this is queued, not waited for."""
    try:
        if hasattr(value, "detach"):
            return value.detach().clone()
        return value.copy() if hasattr(value, "copy") else value
    except Exception:  # whatever the user's type raises; if it is unusable, the conversion counts it
        return value
