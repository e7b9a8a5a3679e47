"""A made-up run with everything that a report can show: two attempts of four ranks, one of them killed, one slow."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import DefaultDict, Dict, Iterator, List, Optional, Tuple

from nv_one_logger.report.model import (
    Attempt,
    Bucket,
    Checkpoint,
    DistributionBin,
    ErrorGroup,
    FileFinding,
    HeatMap,
    IterationStats,
    Ledger,
    LedgerEntry,
    OpenSpan,
    ProcessRun,
    Report,
    Segment,
    SeriesPoint,
    SessionSummary,
    StopCause,
    Straggler,
)

SEC = 1_000_000
START = 1_795_507_200 * SEC  # 2026-11-24 08:00:00 UTC
RANKS = (0, 1, 2, 3)
KILLED, SLOW = 2, 3
FIRST_DONE, RESUMED_AT, LAST = 463, 400, 1000
GAP = 230 * SEC
WATCHDOG = 300 * SEC

TRACEBACK = """Traceback (most recent call last):
  File "train.py", line 214, in train_step
    dist.all_reduce(gradients)
RuntimeError: NCCL timeout after 300 s on collective 5121
"""


@dataclass
class Simulation:
    """What the job did, written down while it runs."""

    timeline: List[Segment] = field(default_factory=list)
    lengths: Dict[Tuple[int, int], int] = field(default_factory=dict)
    series: List[SeriesPoint] = field(default_factory=list)
    checkpoints: List[Checkpoint] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))


def make_report() -> Report:
    """Return the report; it is the same each time."""
    job = Simulation()
    first_end = _attempt(job, 1, START, 0, FIRST_DONE)
    killed_at = max(each.ended for each in job.timeline if each.rank == KILLED)
    first_over = first_end + WATCHDOG
    for rank in RANKS:
        bucket = Bucket.LOST_RANK if rank == KILLED else Bucket.IDLE
        job.timeline.append(Segment(1, rank, bucket, first_end, first_over))
        job.timeline.append(Segment(1, rank, Bucket.ATTEMPT_GAP, first_over, first_over + GAP))
    end = _attempt(job, 2, first_over + GAP, RESUMED_AT, LAST)
    ledger = _ledger(job.timeline, end - START)
    attempts = _attempts(first_over, end)
    return Report(
        session=SessionSummary("digits-pretrain", "digits-run-7", 4, ("node-0", "node-1"), START, end, 41_872),
        attempts=attempts,
        processes=_processes(killed_at, first_over, end),
        ledger=ledger,
        timeline=tuple(sorted(job.timeline, key=lambda each: (each.rank, each.started))),
        iterations=tuple(_statistics(job, rank) for rank in (None, *RANKS)),
        distribution=_distribution(sorted(job.lengths.values())),
        heat_map=_heat_map(job),
        series=tuple(sorted(job.series, key=lambda each: (each.name, each.moment))),
        checkpoints=tuple(sorted(job.checkpoints, key=lambda each: each.started)),
        errors=_errors(first_over),
        stragglers=_stragglers(),
        never_reached_last_common=(),
        files=(
            FileFinding("runs/attempt1-rank2.jsonl", 4_870, 0, 0, 1, None),
            FileFinding("runs/attempt2-rank1.jsonl", 6_011, 12, 1, 0, None),
        ),
        remarks=("Files of rank 1 hold no session records: its host and process id come from its first event.",),
    )


def _attempt(job: Simulation, number: int, start: int, first: int, last: int) -> int:
    """Let all ranks start up and iterate in lock-step; return the end."""
    set_up = (
        (Bucket.START_UP, 41),
        (Bucket.DISTRIBUTED_INIT, 9),
        (Bucket.MODEL_INIT, 22),
        (Bucket.OPTIMIZER_INIT, 3),
        (Bucket.DATA_LOADER_INIT, 17),
        *(((Bucket.CHECKPOINT_LOAD, 26),) if first else ()),
    )
    now = start
    for bucket, seconds in set_up:
        length = int(seconds * SEC * job.chance.uniform(0.9, 1.1))
        _all(job, number, bucket, now, now + length)
        if bucket is Bucket.CHECKPOINT_LOAD:
            job.checkpoints += [Checkpoint("load", number, rank, first, now, length, True) for rank in RANKS]
        now += length
    for step in range(first, last, 10):
        now = _ten_steps(job, number, step, now, min(10, last - step))
    return now


def _ten_steps(job: Simulation, number: int, step: int, now: int, steps: int) -> int:
    base = 3.9 + 0.25 * (step / LAST)
    is_kept = number == 2 or step < RESUMED_AT
    own = {}
    for rank in RANKS:
        slow = 1.24 if rank == SLOW and number == 2 else 1.0
        hiccup = 2.6 if rank == 1 and step == 700 else 1.0
        own[rank] = [int(base * slow * hiccup * SEC * job.chance.lognormvariate(0, 0.04)) for _ in range(steps)]
        for index, length in enumerate(own[rank]):
            job.lengths[rank, step + index] = length
    end = now + max(sum(lengths) for lengths in own.values()) + int(0.1 * SEC)
    for rank in RANKS:
        wait = int(job.chance.uniform(0.6, 1.6) * SEC)
        job.timeline.append(Segment(number, rank, Bucket.DATA_WAIT, now, now + wait))
        kind = Bucket.TRAINING if is_kept else Bucket.LOST
        job.timeline.append(Segment(number, rank, kind, now + wait, end))
    loss = 2.6 * (1 + step / 60) ** -0.55 + job.chance.gauss(0, 0.012)
    job.series.append(SeriesPoint("loss", "", end, step + steps, loss))
    job.series.append(SeriesPoint("throughput", "samples/s", end, step + steps, 256 * steps / ((end - now) / SEC)))
    done = step + steps
    if done % 200 == 0:
        _all(job, number, Bucket.VALIDATION, end, end + 34 * SEC)
        end += 34 * SEC
    if done % 100 == 0:
        longest = 0
        for rank in RANKS:
            length = int(job.chance.uniform(11, 16) * SEC)
            longest = max(longest, length)
            job.checkpoints.append(Checkpoint("save", number, rank, done, end, length, not (done == 900 and rank == 1)))
        _all(job, number, Bucket.CHECKPOINT_SAVE, end, end + longest)
        end += longest
    return end


def _all(job: Simulation, number: int, bucket: Bucket, started: int, ended: int) -> None:
    job.timeline += [Segment(number, rank, bucket, started, ended) for rank in RANKS]


def _ledger(timeline: List[Segment], elapsed: int) -> Ledger:
    total = elapsed * len(RANKS)
    sums: DefaultDict[Tuple[Bucket, int], int] = defaultdict(int)
    for each in timeline:
        sums[each.bucket, each.rank] += each.ended - each.started
    entries = []
    for bucket in Bucket:
        by_rank = tuple(sums[bucket, rank] for rank in RANKS)
        entries.append(LedgerEntry(bucket, sum(by_rank), sum(by_rank) / total, by_rank))
    kept_per_hour = LAST / (elapsed / 3600 / SEC)
    return Ledger(RANKS, elapsed, total, tuple(entries), entries[0].share, kept_per_hour)


def _attempts(first_over: int, end: int) -> Tuple[Attempt, ...]:
    killed = (
        f"Rank {KILLED} vanished in training_single_iteration of iteration {FIRST_DONE}; ranks 0, 1 and 3 waited "
        "for it for 5 min and then ended with RuntimeError: NCCL timeout."
    )
    done = "All ranks ended normally after iteration 999."
    last = FIRST_DONE - 1
    return (
        Attempt(1, START, first_over, RANKS, (), 0, last, last, FIRST_DONE - RESUMED_AT, StopCause.VANISHED, killed),
        Attempt(2, first_over + GAP, end, RANKS, (), RESUMED_AT, 999, 999, 0, StopCause.NORMAL, done),
    )


def _processes(killed_at: int, first_over: int, end: int) -> Tuple[ProcessRun, ...]:
    return tuple(_first_processes(killed_at, first_over)) + tuple(
        ProcessRun(
            2, rank, f"node-{rank // 2}", 5100 + rank, f"runs/attempt2-rank{rank}.jsonl", first_over + GAP, end, 600,
            999, (), StopCause.NORMAL, "Its last record ends the application span.", 12 if rank == 1 else 0,
        )
        for rank in RANKS
    )  # fmt: skip


def _first_processes(killed_at: int, first_over: int) -> Iterator[ProcessRun]:
    for rank in RANKS:
        is_killed = rank == KILLED
        ended = killed_at if is_killed else first_over
        age = first_over - killed_at
        spans = tuple(OpenSpan(name, age) for name in ("training_single_iteration", "training_loop", "application"))
        text = (
            "No record after the start of training_single_iteration; no error, no signal."
            if is_killed
            else "RuntimeError: NCCL timeout after 300 s on collective 5121"
        )
        yield ProcessRun(
            1, rank, f"node-{rank // 2}", 4100 + rank, f"runs/attempt1-rank{rank}.jsonl", START, ended, FIRST_DONE,
            FIRST_DONE - 1, spans if is_killed else (),
            StopCause.VANISHED if is_killed else StopCause.EXCEPTION, text, 0,
        )  # fmt: skip


def _statistics(job: Simulation, rank: Optional[int]) -> IterationStats:
    chosen = {key: length for key, length in job.lengths.items() if rank is None or key[0] == rank}
    lengths = sorted(chosen.values())
    slowest = max(chosen, key=lambda key: chosen[key])

    def quantile(fraction: float) -> int:
        return lengths[int(fraction * (len(lengths) - 1))]

    return IterationStats(
        rank, len(lengths), sum(lengths) // len(lengths), quantile(0.5), quantile(0.9), quantile(0.99), lengths[-1],
        slowest[1], 0.031, False,
    )  # fmt: skip


def _distribution(lengths: List[int]) -> Tuple[DistributionBin, ...]:
    low, width, bars = lengths[0], (lengths[-1] - lengths[0]) // 60 + 1, 60
    counts = [0] * bars
    for length in lengths:
        counts[(length - low) // width] += 1
    return tuple(DistributionBin(low + i * width, low + (i + 1) * width, n) for i, n in enumerate(counts))


def _heat_map(job: Simulation) -> HeatMap:
    steps = range(0, LAST, 5)
    values = []
    for rank in RANKS:
        groups = [[job.lengths[rank, s] for s in range(step, step + 5) if (rank, s) in job.lengths] for step in steps]
        values.append(tuple(int(median(group)) if group else None for group in groups))
    values[1] = tuple(None if 60 <= index < 64 else value for index, value in enumerate(values[1]))
    return HeatMap(RANKS, tuple(steps), tuple(values))


def _errors(first_over: int) -> Tuple[ErrorGroup, ...]:
    late = first_over - 4 * SEC
    return (
        ErrorGroup(
            "UserWarning", "data worker 3 restarted", 14, (0, 1, 2, 3), START + 600 * SEC, first_over + 900 * SEC, ""
        ),
        ErrorGroup(
            "RuntimeError", "NCCL timeout after 300 s on collective 5121", 3, (0, 1, 3), late, first_over, TRACEBACK
        ),
    )


def _stragglers() -> Tuple[Straggler, ...]:
    return (
        Straggler(
            SLOW, "node-1", "chronic", 574, 600, 1.24, 1_720 * SEC,
            "Slowest in 574 of 600 steps of attempt 2: median 4.97 s before the collective, its peers 4.01 s.",
        ),
        Straggler(
            1, "node-0", "one-off", 10, 600, 1.0, 190 * SEC,
            "Steps 700 to 709 took 10.6 s, 2.6 times as long as those of its peers.",
        ),
    )  # fmt: skip
