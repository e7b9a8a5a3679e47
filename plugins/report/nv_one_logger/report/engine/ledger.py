"""The goodput ledger: every microsecond of elapsed time x ranks in exactly one bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import pyarrow as pa

from nv_one_logger.report.engine.database import Database
from nv_one_logger.report.model import Bucket, Ledger, LedgerEntry, Segment
from nv_one_logger.report.vocabulary import SPAN_BUCKETS, TRAINING_LOOP

__all__ = ["Cell", "Gap", "cut", "declare_span_kinds", "make_ledger"]

# So many pieces of spans are cut at once; some 100 MB.
_SPANS_AT_ONCE = 300_000
_TIMELINE_PIECES = 20_000

_WEIGHTS: Mapping[Bucket, int] = {
    Bucket.CHECKPOINT_SAVE: 1024,
    Bucket.CHECKPOINT_LOAD: 512,
    Bucket.VALIDATION: 256,
    Bucket.TESTING: 128,
    Bucket.MODEL_INIT: 64,
    Bucket.OPTIMIZER_INIT: 32,
    Bucket.DATA_LOADER_INIT: 16,
    Bucket.DISTRIBUTED_INIT: 8,
    Bucket.DATA_WAIT: 4,
    Bucket.TRAINING: 1,  # 2 is an iteration that nobody finished
}
"""Of the classes that are open at a moment, the one of the greatest weight counts; see ``sql/segments.sql``."""


@dataclass(frozen=True)
class Cell:
    """One rank in one attempt, and the moments at which the meaning of its time changes.

    Attributes:
        attempt: Number of the attempt.
        rank: The rank.
        start: Where the attempt begins.
        stop: Where it ends.
        known_from: Start of the first span that says more than that the application runs; before, it starts up.
        alive_to: Its last record, or ``start`` for a rank that recorded nothing in this attempt.
        is_lost: Whether it ended early, or never began.
        lost_from: Start of the first iteration that a later attempt did again; ``None`` without one.
        spans: How many spans there are to look at, roughly.
    """

    attempt: int
    rank: int
    start: int
    stop: int
    known_from: int
    alive_to: int
    is_lost: bool
    lost_from: Optional[int]
    spans: int

    @property
    def cuts(self) -> Tuple[int, ...]:
        """The moments within it at which pieces have to end."""
        within = {self.start, self.stop, self.known_from, self.alive_to, self.lost_from or self.start}
        return tuple(sorted(moment for moment in within if self.start <= moment <= self.stop))


@dataclass(frozen=True)
class Gap:
    """The time between two attempts, of every rank."""

    attempt: int
    start: int
    stop: int


def declare_span_kinds(database: Database) -> None:
    """Make the table ``span_kinds``: which spans the ledger looks at, and what they weigh."""
    kinds = [(name, _WEIGHTS[bucket], False) for name, bucket in SPAN_BUCKETS]
    kinds.append((TRAINING_LOOP, _WEIGHTS[Bucket.TRAINING], True))
    database.fill("span_kinds", [("name", pa.string()), ("weight", pa.int64()), ("is_loop", pa.bool_())], kinds)


def cut(
    database: Database, cells: Sequence[Cell], origin: int, elapsed: int
) -> Tuple[Dict[Tuple[int, Bucket], int], List[Segment]]:
    """Cut the time of all cells into pieces.

    Args:
        database: Has the tables ``runs`` (with the index of the cell of each process) and ``span_kinds``.
        cells: The cells.
        origin: First moment of the session.
        elapsed: Its length.

    Returns:
        The length of each bucket, by index of the cell; and the pieces for a picture.
    """
    _declare_cells(database, cells)
    pixel = max(1, elapsed // max(100, _TIMELINE_PIECES // max(1, len({cell.rank for cell in cells}))))
    totals: Dict[Tuple[int, Bucket], int] = {}
    pieces: List[Segment] = []
    for first, last in _chunks(cells):
        low, high = database.select("process_range", first=first, last=last)[0]
        database.create("segments", "segments", first=first, last=last, first_process=low, last_process=high)
        for index, bucket, length in database.select("totals"):
            totals[_whole(index), Bucket(bucket)] = _whole(length)
        for index, bucket, start, stop in database.select("timeline", pixel_us=pixel, origin_us=origin):
            cell = cells[_whole(index)]
            pieces.append(Segment(cell.attempt, cell.rank, Bucket(bucket), _whole(start), _whole(stop)))
    return totals, merge(pieces)


def merge(pieces: Sequence[Segment]) -> List[Segment]:
    """Join neighbours of one bucket, attempt and rank."""
    merged: List[Segment] = []
    for piece in sorted(pieces, key=lambda piece: (piece.rank, piece.started)):
        last = merged[-1] if merged else None
        if (
            last is not None
            and (last.attempt, last.rank, last.bucket) == (piece.attempt, piece.rank, piece.bucket)
            and last.ended == piece.started
        ):
            merged[-1] = Segment(piece.attempt, piece.rank, piece.bucket, last.started, piece.ended)
        else:
            merged.append(piece)
    return merged


def make_ledger(
    cells: Sequence[Cell],
    totals: Mapping[Tuple[int, Bucket], int],
    gaps: Sequence[Gap],
    elapsed: int,
    iterations_kept: Optional[int],
) -> Ledger:
    """Add the pieces up.

    Args:
        cells: As given to :func:`cut`.
        totals: As returned by it.
        gaps: Between the attempts.
        elapsed: From the first to the last moment of the session.
        iterations_kept: Iterations whose result was kept; ``None`` when none is recorded.
    """
    ranks = tuple(sorted({cell.rank for cell in cells}))
    by_rank: Dict[Tuple[Bucket, int], int] = {}
    for (index, bucket), length in totals.items():
        key = (bucket, cells[index].rank)
        by_rank[key] = by_rank.get(key, 0) + length
    for rank in ranks:
        by_rank[Bucket.ATTEMPT_GAP, rank] = sum(gap.stop - gap.start for gap in gaps)
    whole = elapsed * len(ranks)
    entries = []
    for bucket in Bucket:
        lengths = tuple(by_rank.get((bucket, rank), 0) for rank in ranks)
        entries.append(LedgerEntry(bucket, sum(lengths), sum(lengths) / whole if whole else 0.0, lengths))
    goodput = next(entry.share for entry in entries if entry.bucket is Bucket.TRAINING)
    rate = None if iterations_kept is None or not elapsed else iterations_kept * 3.6e9 / elapsed
    return Ledger(ranks, elapsed, whole, tuple(entries), goodput, rate)


def _declare_cells(database: Database, cells: Sequence[Cell]) -> None:
    whole = pa.int64()
    columns = [
        ("cell", whole), ("from_us", whole), ("to_us", whole), ("known_from_us", whole), ("alive_to_us", whole),
        ("is_lost", pa.bool_()), ("lost_from_us", whole),
    ]  # fmt: skip
    rows = [
        (index, cell.start, cell.stop, cell.known_from, cell.alive_to, cell.is_lost, cell.lost_from)
        for index, cell in enumerate(cells)
    ]
    database.fill("cells", columns, rows)
    cuts = [(index, moment) for index, cell in enumerate(cells) for moment in cell.cuts]
    database.fill("cuts", [("cell", whole), ("at_us", whole)], cuts)


def _chunks(cells: Sequence[Cell]) -> Iterator[Tuple[int, int]]:
    first = spans = 0
    for index, cell in enumerate(cells):
        if index > first and spans + cell.spans > _SPANS_AT_ONCE:
            yield first, index - 1
            first, spans = index, 0
        spans += cell.spans
    if cells:
        yield first, len(cells) - 1


def _whole(value: object) -> int:
    # SUM of integers is a decimal or a wider integer in some engines.
    return int(value)  # type: ignore[call-overload, no-any-return]
