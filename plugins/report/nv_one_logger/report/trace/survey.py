"""The first reading: who the processes are, when they lived, and the moments that ranks have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

from nv_one_logger.reader import ProcessKey, Record
from nv_one_logger.reader.record import COMPLETE, EVENT, START, STOP
from nv_one_logger.report.store.identity import Identity
from nv_one_logger.report.store.values import micros, whole
from nv_one_logger.report.vocabulary import ITERATION, SAVES, TRAINING_LOOP

__all__ = ["CommonMoments", "ProcessFacts", "Survey"]

_MOST_MOMENTS = 2048
MomentKey = Tuple[str, int]


class CommonMoments:
    """Ends of numbered steps by which clocks are compared; of very many, every second, fourth, ... one is kept.

    All ranks keep the same numbers, those that are multiples of a power of two, so that what is kept can be compared.
    """

    def __init__(self) -> None:
        self.stride = 1
        self.by_key: Dict[MomentKey, int] = {}

    def add(self, kind: str, number: int, moment: int) -> None:
        """Keep the moment (microseconds) at which step ``number`` of a kind ended; the first one counts."""
        if number % self.stride or (kind, number) in self.by_key:
            return
        self.by_key[kind, number] = moment
        while len(self.by_key) > _MOST_MOMENTS:
            self.stride *= 2
            self.by_key = {key: value for key, value in self.by_key.items() if key[1] % self.stride == 0}


@dataclass
class ProcessFacts:
    """What the first reading learned about one process.

    Attributes:
        key: Which process.
        identity: Its rank, host, session.
        first: Its first moment (microseconds since the epoch); ``None`` when no record has one.
        last: Its last moment.
        moments: What it has in common with other ranks.
    """

    key: ProcessKey
    identity: Identity
    first: Optional[int] = None
    last: Optional[int] = None
    moments: CommonMoments = field(default_factory=CommonMoments)
    # Number of the next iteration; unknown before a training loop begins, and after a gap, lest all be off by one.
    next_iteration: Optional[int] = None
    last_count: int = 0

    def widen(self, moment: Optional[int]) -> None:
        """Take a moment into the time in which the process lived."""
        if moment is None:
            return
        self.first = moment if self.first is None else min(self.first, moment)
        self.last = moment if self.last is None else max(self.last, moment)


class Survey:
    """Takes all records once; memory is bounded by the number of processes."""

    def __init__(self) -> None:
        self.processes: Dict[ProcessKey, ProcessFacts] = {}

    def add(self, record: Record) -> None:
        """Take one record."""
        facts = self.processes.get(record.process)
        if facts is None:
            facts = ProcessFacts(record.process, Identity(record.process.source))
            self.processes[record.process] = facts
        _follow_numbers(facts, record)
        facts.widen(micros(record.start_msec))
        facts.widen(micros(record.timestamp_msec))
        facts.identity.take(record.type, record.data)
        if record.type == EVENT:
            _learn_from_event(facts, record)
        elif record.type in (START, STOP, COMPLETE):
            _learn_from_span(facts, record)

    def in_order(self) -> List[ProcessFacts]:
        """Return the processes by session, rank and time."""
        return sorted(
            self.processes.values(),
            key=lambda each: (each.identity.session_tag or "", _rank_or_last(each), each.first or 0),
        )


def _rank_or_last(facts: ProcessFacts) -> float:
    rank = facts.identity.rank
    return float("inf") if rank is None else rank


def _follow_numbers(facts: ProcessFacts, record: Record) -> None:
    count = record.count
    if count is None or count != facts.last_count + 1:
        facts.next_iteration = None
    facts.last_count = count or 0


def _learn_from_event(facts: ProcessFacts, record: Record) -> None:
    event = record.event
    if event.name == "training_metrics_update":
        _note(facts, "metrics", event.attributes.get("current_iteration"), event.timestamp_msec)


def _learn_from_span(facts: ProcessFacts, record: Record) -> None:
    name = record.name
    if name == TRAINING_LOOP and record.type == START:
        facts.next_iteration = whole(record.attributes.get("train_iterations_start")) or 0
    elif name == ITERATION and record.type in (STOP, COMPLETE):
        if facts.next_iteration is not None:
            _note(facts, "iteration", facts.next_iteration, record.stop_msec)
            facts.next_iteration += 1
    elif name in SAVES and record.type in (STOP, COMPLETE):
        _note(facts, name, record.attributes.get("current_iteration"), record.stop_msec)


def _note(facts: ProcessFacts, kind: str, number: object, msec: Optional[int]) -> None:
    step, moment = whole(number), micros(msec)
    if step is not None and moment is not None:
        facts.moments.add(kind, step, moment)
