"""What a report says: the types that analysis fills and that terminal, JSON and HTML show.

Moments are microseconds since the epoch, lengths microseconds, both ``int``, so that sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Optional, Tuple

__all__ = [
    "SCHEMA_VERSION",
    "Attempt",
    "Bucket",
    "Checkpoint",
    "DistributionBin",
    "ErrorGroup",
    "FileFinding",
    "HeatMap",
    "IterationStats",
    "Ledger",
    "LedgerEntry",
    "OpenSpan",
    "ProcessRun",
    "Report",
    "Segment",
    "SeriesPoint",
    "SessionSummary",
    "StopCause",
    "Straggler",
]

SCHEMA_VERSION = 1
"""Version of the JSON form of :class:`Report`; raised when a field changes its meaning or goes away."""


class Bucket(str, Enum):
    """Where a second of a rank went. Each belongs to exactly one; the order is the one shown."""

    TRAINING = "training"
    """Iterations whose result the run kept."""
    LOST = "lost_iterations"
    """Iterations done again later, because the attempt ended before a checkpoint kept them."""
    DATA_WAIT = "data_wait"
    VALIDATION = "validation"
    TESTING = "testing"
    CHECKPOINT_SAVE = "checkpoint_save"
    CHECKPOINT_LOAD = "checkpoint_load"
    START_UP = "start_up"
    """From the start of the process to the first span that says more; imports, most of the time."""
    DISTRIBUTED_INIT = "distributed_init"
    DATA_LOADER_INIT = "data_loader_init"
    MODEL_INIT = "model_init"
    OPTIMIZER_INIT = "optimizer_init"
    ATTEMPT_GAP = "attempt_gap"
    """Between the end of one attempt and the first record of the next."""
    LOST_RANK = "lost_rank"
    """From the last record of a rank that ended early to the end of the attempt."""
    IDLE = "idle"
    """No record says what the rank did."""


class StopCause(str, Enum):
    """How a process ended, as far as its records tell."""

    NORMAL = "normal"
    EXCEPTION = "exception"
    SIGNAL = "signal"
    VANISHED = "vanished"
    """Its records end with spans still open and no word of a reason: killed, or the machine is gone."""
    RUNNING = "running"
    """Its last record is recent; it may still be at work."""


@dataclass(frozen=True)
class SessionSummary:
    """The run as a whole.

    Attributes:
        application: The application's name; ``None`` when no record says it.
        tag: The session tag that its attempts share.
        world_size: Ranks that an attempt should have.
        hosts: Names of the machines seen.
        started: First moment recorded.
        ended: Last moment recorded.
        records: Records read.
    """

    application: Optional[str]
    tag: Optional[str]
    world_size: int
    hosts: Tuple[str, ...]
    started: int
    ended: int
    records: int


@dataclass(frozen=True)
class Attempt:
    """One start of the job.

    Attributes:
        number: 1 for the first.
        started: First record of any of its ranks.
        ended: Last record of any of its ranks.
        ranks: The ranks that recorded anything.
        missing_ranks: Those of the world size that did not.
        first_iteration: Number of the first iteration it did; ``None`` when it did none.
        last_iteration: Number of the last iteration that any rank finished.
        last_common_iteration: Number of the last iteration that all of its ranks finished.
        lost_iterations: Iterations it did that the next attempt did again.
        cause: How it ended: the worst cause among its ranks.
        cause_text: The same in one sentence, naming rank, span and error.
    """

    number: int
    started: int
    ended: int
    ranks: Tuple[int, ...]
    missing_ranks: Tuple[int, ...]
    first_iteration: Optional[int]
    last_iteration: Optional[int]
    last_common_iteration: Optional[int]
    lost_iterations: int
    cause: StopCause
    cause_text: str


@dataclass(frozen=True)
class OpenSpan:
    """A span that had not ended at the last record of its process.

    Attributes:
        name: Its name.
        age: Length from its start to the end of the attempt.
    """

    name: str
    age: int


@dataclass(frozen=True)
class ProcessRun:
    """One rank in one attempt.

    Attributes:
        attempt: Number of the attempt.
        rank: The rank; ``None`` when no record says it.
        host: Its machine; ``None`` likewise.
        pid: Its process id.
        path: The file (of a rotated set, the newest).
        started: First record.
        ended: Last record.
        iterations: Iterations finished.
        last_iteration: Number of the last one; ``None`` when it finished none.
        open_spans: What it was doing at its last record, innermost first.
        cause: How it ended.
        cause_text: The same in one sentence.
        records_missing: Records that gaps in the numbers show to be missing.
    """

    attempt: int
    rank: Optional[int]
    host: Optional[str]
    pid: Optional[int]
    path: str
    started: int
    ended: int
    iterations: int
    last_iteration: Optional[int]
    open_spans: Tuple[OpenSpan, ...]
    cause: StopCause
    cause_text: str
    records_missing: int


@dataclass(frozen=True)
class LedgerEntry:
    """One bucket of the ledger.

    Attributes:
        bucket: Which.
        total: Length over all ranks.
        share: Part of the whole, 0 to 1.
        by_rank: Length of each rank, in the order of ``Ledger.ranks``.
    """

    bucket: Bucket
    total: int
    share: float
    by_rank: Tuple[int, ...]


@dataclass(frozen=True)
class Ledger:
    """Where elapsed time x ranks went.

    Attributes:
        ranks: The ranks, ascending.
        elapsed: From the first to the last moment of the session.
        total: ``elapsed`` times the number of ranks.
        entries: Every bucket once, in the order of :class:`Bucket`; their totals add up to ``total``.
        goodput: Share of ``Bucket.TRAINING``.
        productive_iterations_per_hour: Iterations kept, by elapsed hour; ``None`` without iterations.
    """

    ranks: Tuple[int, ...]
    elapsed: int
    total: int
    entries: Tuple[LedgerEntry, ...]
    goodput: float
    productive_iterations_per_hour: Optional[float]

    @property
    def adds_up(self) -> bool:
        """Whether the buckets add up to the whole, to the microsecond."""
        return sum(entry.total for entry in self.entries) == self.total


@dataclass(frozen=True)
class Segment:
    """A piece of the timeline: one rank in one bucket. Neighbours of one bucket are merged, tiny ones may be.

    Attributes:
        attempt: Number of the attempt; of a gap, of the attempt before it.
        rank: The rank.
        bucket: What it did.
        started: Where it begins.
        ended: Where it ends.
    """

    attempt: int
    rank: int
    bucket: Bucket
    started: int
    ended: int


@dataclass(frozen=True)
class IterationStats:
    """Lengths of training iterations.

    Attributes:
        rank: The rank they are of; ``None`` for all of them.
        count: How many.
        mean: Mean length.
        median: Median length.
        p90: 90th percentile.
        p99: 99th percentile.
        slowest: The longest.
        slowest_iteration: Number of that iteration.
        trend: Relative change of the length per 1,000 iterations, by least squares; ``None`` below 10 iterations.
        is_estimated: They come from averages that metrics events told, since single iterations were not recorded.
    """

    rank: Optional[int]
    count: int
    mean: int
    median: int
    p90: int
    p99: int
    slowest: int
    slowest_iteration: int
    trend: Optional[float]
    is_estimated: bool


@dataclass(frozen=True)
class DistributionBin:
    """One bar of the histogram of iteration lengths: from ``low`` to below ``high``."""

    low: int
    high: int
    count: int


@dataclass(frozen=True)
class HeatMap:
    """Median length of iterations by rank and step; steps are put together so that there are at most 400 columns.

    Attributes:
        ranks: The rows.
        steps: First step of each column.
        values: One row of lengths for each rank; ``None`` where it did none.
    """

    ranks: Tuple[int, ...]
    steps: Tuple[int, ...]
    values: Tuple[Tuple[Optional[int], ...], ...]


@dataclass(frozen=True)
class SeriesPoint:
    """A value over time, such as loss or throughput.

    Attributes:
        name: What is measured.
        unit: Its unit; empty when it has none.
        moment: When.
        iteration: At which iteration; ``None`` when unknown.
        value: The value.
    """

    name: str
    unit: str
    moment: int
    iteration: Optional[int]
    value: float


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint saved or loaded.

    Attributes:
        kind: ``save`` or ``load``.
        attempt: Number of the attempt.
        rank: The rank.
        iteration: The iteration it is of; ``None`` when not recorded.
        started: When it began.
        length: How long it took; ``None`` when it never ended.
        is_successful: Whether it is known to be complete.
    """

    kind: str
    attempt: int
    rank: Optional[int]
    iteration: Optional[int]
    started: int
    length: Optional[int]
    is_successful: bool


@dataclass(frozen=True)
class ErrorGroup:
    """Errors that are the same but for time, rank and numbers in their text.

    Attributes:
        type: Type of the exception, else the record's type.
        message: Message of the first one.
        count: How many.
        ranks: On which ranks.
        first: When the first happened.
        last: When the last happened.
        traceback: Of the first one; empty when not recorded.
    """

    type: str
    message: str
    count: int
    ranks: Tuple[int, ...]
    first: int
    last: int
    traceback: str


@dataclass(frozen=True)
class Straggler:
    """A rank slower than its peers.

    Attributes:
        rank: Which.
        host: Its machine; ``None`` when unknown.
        kind: ``chronic`` (in most steps) or ``one-off``.
        steps_slow: Steps in which it was the slowest by a clear margin.
        steps_compared: Steps compared.
        slowdown: Its median own time by the median of its peers; 1.25 is a quarter slower.
        cost: Time that the other ranks waited for it, summed over the ranks.
        evidence: One sentence with the figures.
    """

    rank: int
    host: Optional[str]
    kind: str
    steps_slow: int
    steps_compared: int
    slowdown: float
    cost: int
    evidence: str


@dataclass(frozen=True)
class FileFinding:
    """What could not be read, or is missing, in one file.

    Attributes:
        path: The file.
        records: Records read.
        missing: Records that gaps in the numbers show to be missing.
        corrupt_lines: Lines that are no record.
        torn_lines: 1 if the file ends in the middle of a record.
        error: Why it could not be read to its end; ``None`` if it was.
    """

    path: str
    records: int
    missing: int
    corrupt_lines: int
    torn_lines: int
    error: Optional[str]


@dataclass(frozen=True)
class Report:
    """All of it.

    Attributes:
        session: The run as a whole.
        attempts: In order of time.
        processes: By attempt, then rank.
        ledger: The goodput ledger.
        timeline: Pieces in order of rank, then time; at most some ten thousand.
        iterations: Of all ranks together first, then of each; empty when no iteration is recorded.
        distribution: Histogram of iteration lengths.
        heat_map: ``None`` when no iteration is recorded.
        series: Loss, throughput and other numbers logged, in order of name, then time; thinned to some thousand points.
        checkpoints: In order of time.
        errors: The most frequent first.
        stragglers: The most costly first.
        never_reached_last_common: Ranks of the last attempt that did not reach its last iteration.
        files: Only those with something to say.
        remarks: What makes the report less exact, in sentences (files without session records, clocks, ...).
    """

    session: SessionSummary
    attempts: Tuple[Attempt, ...]
    processes: Tuple[ProcessRun, ...]
    ledger: Ledger
    timeline: Tuple[Segment, ...]
    iterations: Tuple[IterationStats, ...]
    distribution: Tuple[DistributionBin, ...]
    heat_map: Optional[HeatMap]
    series: Tuple[SeriesPoint, ...]
    checkpoints: Tuple[Checkpoint, ...]
    errors: Tuple[ErrorGroup, ...]
    stragglers: Tuple[Straggler, ...]
    never_reached_last_common: Tuple[int, ...]
    files: Tuple[FileFinding, ...]
    remarks: Tuple[str, ...]
