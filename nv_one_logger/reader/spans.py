"""Rebuilds spans from records: one by one as they finish, or the whole tree of each process."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Deque, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

from nv_one_logger.reader.record import (
    APPLICATION_ERROR,
    COMPLETE,
    EVENT,
    HEARTBEAT,
    START,
    STOP,
    TELEMETRY_DATA_ERROR,
    ProcessKey,
    Record,
    SpanEvent,
    duration_of,
)
from nv_one_logger.reader.session import OpenSpan

__all__ = ["ProcessTree", "SpanNode", "SpanTracker", "build_trees"]

_NONE: Tuple[SpanNode, ...] = ()
# The reference library, used by several threads, writes some starts twice, the second one even after the stop. So many
# ended spans are remembered, lest such a start open its span anew.
_REMEMBERED = 1024


@dataclass(eq=False)
class SpanNode:
    """One span as the records tell it.

    Attributes:
        id: The span's id.
        name: Its name.
        process: Who recorded it.
        parent_id: Id of its parent, ``None`` for a root and in files that do not record parents.
        enclosing_id: Id of the span that was the innermost open one of the process when this one began; it stands in
            for the parent where files do not record it (exact for one thread).
        attributes: The span's attributes, those of its last record first.
        start_msec: When it began, milliseconds since the epoch; ``None`` if unknown.
        stop_msec: When it ended; ``None`` while open or if unknown.
        is_open: No record says that it ended: the process was killed, or still runs.
        start_lost: Its start record is missing, only its end was read.
        event_count: Events attached to it.
        error_count: Application errors attached to it.
        events: The events and errors, in order, where the builder was asked to keep them.
        children: The spans below it, in order of their start, once a tree was built.
    """

    id: str
    name: str
    process: ProcessKey
    parent_id: Optional[str]
    enclosing_id: Optional[str]
    attributes: Mapping[str, object]
    start_msec: Optional[int]
    stop_msec: Optional[int] = None
    is_open: bool = True
    start_lost: bool = False
    event_count: int = 0
    error_count: int = 0
    events: List[SpanEvent] = field(default_factory=list)
    children: List[SpanNode] = field(default_factory=list, repr=False)

    @property
    def duration_msec(self) -> Optional[Union[int, float]]:
        """How long it took (milliseconds): as recorded, else from its ends; ``None`` if neither is there."""
        recorded = duration_of(self.attributes)
        if recorded is not None:
            return recorded
        if self.start_msec is None or self.stop_msec is None:
            return None
        return self.stop_msec - self.start_msec

    def walk(self) -> Iterator[SpanNode]:
        """Return this span and all below it, each before its children."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


class SpanTracker:
    """Follows records and returns each span when it ends, holding only the open ones.

    Args:
        keep_events: Keep the events of each span, not only their number; then memory grows with them.
    """

    def __init__(self, *, keep_events: bool = False) -> None:
        self._keep_events = keep_events
        self._open: Dict[ProcessKey, Dict[str, SpanNode]] = {}
        self._latest_run: Dict[Tuple[str, Optional[int]], ProcessKey] = {}
        self._ended: Deque[Tuple[ProcessKey, str]] = deque(maxlen=_REMEMBERED)
        self._ended_set: Set[Tuple[ProcessKey, str]] = set()

    def open_spans(self) -> List[SpanNode]:
        """Return the spans that have begun and not ended, per process in order of their start."""
        return [node for spans in self._open.values() for node in spans.values()]

    def find_open(self, record: Record) -> Optional[SpanNode]:
        """Return the open span that the record is attached to."""
        span_id = record.span_id
        return self._open.get(record.process, {}).get(span_id) if span_id is not None else None

    def opened_by(self, record: Record) -> Sequence[SpanNode]:
        """Return the open spans that this record tells of: a start its own, a heartbeat all that it names."""
        if record.type == HEARTBEAT:
            return tuple(self._open.get(record.process, {}).values())
        node = self.find_open(record) if record.type == START else None
        return (node,) if node is not None else _NONE

    def add(self, record: Record) -> Sequence[SpanNode]:
        """Take one record and return the spans that it ends, usually none or one.

        A process that continues the file of one with the same id ends what that one left open; those spans stay
        marked open. A heartbeat tells of open spans whose starts are not in the file. Records of unknown type, or about
        no span, change nothing.
        """
        if record.type not in (START, STOP, COMPLETE):
            return self._take_other(record)
        span_id = record.span_id
        if span_id is None:
            return _NONE
        abandoned = self._abandoned_by(record.process)
        spans = self._open.get(record.process)
        if spans is None:
            spans = self._open[record.process] = {}
        if record.type == START:
            known = spans.get(span_id)
            if known is not None:
                known.attributes = known.attributes or record.attributes  # a heartbeat told of it first
            elif (record.process, span_id) not in self._ended_set:
                spans[span_id] = self._begin(record, span_id, spans)
            return abandoned
        # Complete, or a stop; a stop without its start, which was lost, makes the span known after all.
        node = spans.pop(span_id, None) or self._begin(record, span_id, spans)
        _end(node, record)
        self._remember(record.process, span_id)
        return [*abandoned, node] if abandoned else (node,)

    def finish(self) -> List[SpanNode]:
        """Return the spans still open, and forget them."""
        left = self.open_spans()
        self._open.clear()
        return left

    def _begin(self, record: Record, span_id: str, spans: Dict[str, SpanNode]) -> SpanNode:
        return SpanNode(
            id=span_id,
            name=record.name,
            process=record.process,
            parent_id=record.parent_id,
            enclosing_id=next(reversed(spans), None),
            attributes=record.attributes,
            start_msec=record.start_msec,
            start_lost=record.type == STOP,
        )

    def _take_other(self, record: Record) -> Sequence[SpanNode]:
        """Take a record that is not about one span's start or end."""
        heartbeat = record.heartbeat
        if heartbeat is not None:
            return self._take_heartbeat(record.process, heartbeat.open_spans)
        if record.type in (EVENT, APPLICATION_ERROR):
            self._attach(record)
        return _NONE

    def _take_heartbeat(self, process: ProcessKey, named: Sequence[OpenSpan]) -> Sequence[SpanNode]:
        abandoned = self._abandoned_by(process)
        spans = self._open.setdefault(process, {})
        for one in named:
            if one.id not in spans and (process, one.id) not in self._ended_set:
                enclosing_id = next(reversed(spans), None)
                spans[one.id] = SpanNode(one.id, one.name, process, one.parent_id, enclosing_id, {}, one.start_msec)
        return abandoned

    def _remember(self, process: ProcessKey, span_id: str) -> None:
        if len(self._ended) == _REMEMBERED:
            self._ended_set.discard(self._ended[0])
        self._ended.append((process, span_id))
        self._ended_set.add((process, span_id))

    def _attach(self, record: Record) -> None:
        node = self.find_open(record)
        if node is None:
            return
        if record.type == EVENT:
            node.event_count += 1
        else:
            node.error_count += 1
        if self._keep_events:
            node.events.append(record.event)

    def _abandoned_by(self, process: ProcessKey) -> Sequence[SpanNode]:
        """Drop what an earlier run of the same process id left open, and return it."""
        owner = (process.source, process.pid)
        previous = self._latest_run.get(owner)
        if previous == process:
            return _NONE
        self._latest_run[owner] = process
        return list(self._open.pop(previous, {}).values()) if previous is not None else _NONE


def _end(node: SpanNode, record: Record) -> None:
    node.is_open = False
    node.stop_msec = record.stop_msec
    begun, ended = node.attributes, record.attributes
    if begun is not ended:  # they are one where the span began with this very record
        node.attributes = {**ended, **{name: value for name, value in begun.items() if name not in ended}}
    if node.parent_id is None:
        node.parent_id = record.parent_id
    duration = duration_of(node.attributes)
    if node.start_msec is None and node.stop_msec is not None and duration is not None:
        node.start_msec = node.stop_msec - round(duration)


@dataclass
class ProcessTree:
    """All that one process recorded.

    Attributes:
        process: Who.
        roots: Spans without a parent in this process, in order of their start. A parent that is not in the records
            (another process's, or lost) leaves its id in ``parent_id``.
        orphans: Events and errors whose span is not in the records.
        telemetry_errors: What the telemetry reported about itself.
        parents_inferred: No record names a parent, so the tree follows the order of starts and stops.
    """

    process: ProcessKey
    roots: List[SpanNode] = field(default_factory=list)
    orphans: List[SpanEvent] = field(default_factory=list)
    telemetry_errors: List[SpanEvent] = field(default_factory=list)
    parents_inferred: bool = False

    def walk(self) -> Iterator[SpanNode]:
        """Return every span of the process, each before its children."""
        for root in self.roots:
            yield from root.walk()


def build_trees(records: Iterable[Record]) -> List[ProcessTree]:
    """Rebuild the span tree of every process, in the order the processes appear; everything is kept in memory."""
    trees: Dict[ProcessKey, ProcessTree] = {}
    nodes: Dict[ProcessKey, Dict[str, SpanNode]] = {}
    tracker = SpanTracker(keep_events=True)
    for record in records:
        tree = trees.setdefault(record.process, ProcessTree(record.process))
        known = nodes.setdefault(record.process, {})
        if record.type == TELEMETRY_DATA_ERROR:
            tree.telemetry_errors.append(record.event)
        elif record.type in (EVENT, APPLICATION_ERROR) and tracker.find_open(record) is None:
            _attach_late(record, known, tree)
        for node in tracker.add(record):
            nodes[node.process].setdefault(node.id, node)
        for opened in tracker.opened_by(record):
            known.setdefault(opened.id, opened)
    for process, tree in trees.items():
        _link(tree, list(nodes[process].values()))
    return list(trees.values())


def _attach_late(record: Record, known: Mapping[str, SpanNode], tree: ProcessTree) -> None:
    """Attach an event to a span that has ended already, as an asynchronous checkpoint's success may."""
    node = known.get(record.span_id or "")
    if node is None:
        tree.orphans.append(record.event)
        return
    node.events.append(record.event)
    if record.type == EVENT:
        node.event_count += 1
    else:
        node.error_count += 1


def _link(tree: ProcessTree, nodes: Sequence[SpanNode]) -> None:
    tree.parents_inferred = len(nodes) > 1 and all(node.parent_id is None for node in nodes)
    by_id = {node.id: node for node in nodes}
    parents: Dict[str, SpanNode] = {}
    for node in nodes:
        parent = by_id.get((node.enclosing_id if tree.parents_inferred else node.parent_id) or "")
        if parent is not None:
            parents[node.id] = parent
    _cut_cycles(nodes, parents)
    for node in nodes:
        if node.id in parents:
            parents[node.id].children.append(node)
        else:
            tree.roots.append(node)


def _cut_cycles(nodes: Sequence[SpanNode], parents: Dict[str, SpanNode]) -> None:
    """Make one span of every cycle, which only a damaged file can hold, a root."""
    settled: Set[str] = set()
    for node in nodes:
        path: Set[str] = set()
        current = node.id
        while current in parents and current not in settled:
            if current in path:
                del parents[current]
                break
            path.add(current)
            current = parents[current].id
        settled |= path
