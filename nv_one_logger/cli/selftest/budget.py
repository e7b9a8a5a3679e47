"""What telemetry may cost, in proportion to what the machine itself needs: the one place where these figures stand.

They hold for one file exporter. Times in microseconds would say more about the machine than about us, so each budget
is a ratio to something measured in the same run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from nv_one_logger.core.internal.strenum import StrEnum

__all__ = ["BUDGETS", "Baseline", "Budget", "Operation"]


class Baseline(StrEnum):
    """What a cost is compared with.

    ``WRITE`` is the machine's limit for a record: a dict encoded as JSON and written with one ``write(2)``. ``SYNC`` is
    that and one ``fsync(2)``.
    """

    WRITE = "raw write"
    SYNC = "raw write and fsync"


class Operation(StrEnum):
    """What is measured."""

    SPAN = "span"
    EVENT = "event"
    DISABLED_SPAN = "disabled span"
    FLUSH = "flush"


@dataclass(frozen=True)
class Budget:
    """At most ``ratio`` times the baseline."""

    baseline: Baseline
    ratio: float


BUDGETS: Mapping[Operation, Budget] = {
    Operation.SPAN: Budget(Baseline.WRITE, 3.3),
    Operation.EVENT: Budget(Baseline.WRITE, 2.5),
    # 0.05 of what release 2.3 needs, which is 3.6 raw writes on the machine where the budgets were set.
    Operation.DISABLED_SPAN: Budget(Baseline.WRITE, 0.2),
    Operation.FLUSH: Budget(Baseline.SYNC, 2.0),
}
