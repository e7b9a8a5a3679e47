"""Makes a trace of record files: reads them twice, and holds neither them nor the trace in memory."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple, Union
from typing import Counter as CounterType

from nv_one_logger.reader import FileAccount, ProcessKey, RecordReader, SpanTracker
from nv_one_logger.reader.record import START
from nv_one_logger.report.exceptions import InputError
from nv_one_logger.report.store.inputs import find_inputs
from nv_one_logger.report.streaming import reporting
from nv_one_logger.report.trace.clocks import ClockOffset, compare_clocks, shifts_of
from nv_one_logger.report.trace.events import ProcessTrack, TraceCounts, TraceEvent
from nv_one_logger.report.trace.survey import ProcessFacts, Survey
from nv_one_logger.report.trace.writer import TraceFile

__all__ = ["TraceSummary", "describe_clock", "write_trace"]


@dataclass(frozen=True)
class TraceSummary:
    """What was written.

    Attributes:
        processes: How many processes.
        counts: How many spans, events, errors and numbers.
        clocks: How the clocks compare.
        accounts: What was read of each file, and what could not be.
    """

    processes: int
    counts: TraceCounts
    clocks: Tuple[ClockOffset, ...]
    accounts: Tuple[FileAccount, ...]


def write_trace(
    paths: Sequence[Union[str, Path]],
    output: Union[str, Path],
    progress: Optional[Callable[[int], None]] = None,
) -> TraceSummary:
    """Write the records of all files as one trace.

    Args:
        paths: Files of records, folders of them, or globs.
        output: The trace; compressed if its name ends with ``.gz``.
        progress: Called with numbers of bytes read, which add up to twice the size of the files.

    Raises:
        InputError: A path names nothing, the files hold no record with a time, or the output is one of them.
        OSError: The output cannot be written.
    """
    files = [path for source in find_inputs(paths).sources for path in source]
    _check_output(files, Path(output))
    survey = Survey()
    reader = RecordReader(files)
    for record in reporting(reader, progress):
        survey.add(record)
    processes = survey.in_order()
    clocks = compare_clocks(processes)
    shifts = shifts_of(clocks)
    moments = [facts.first + shifts[facts.key] for facts in processes if facts.first is not None]
    if not moments:
        raise InputError(f"No record with a time in {len(files):,} files, so there is nothing to draw.")
    counts = TraceCounts()
    tracks = {
        facts.key: ProcessTrack(number, min(moments), shifts[facts.key], counts)
        for number, facts in enumerate(processes, start=1)
    }
    with TraceFile(Path(output)) as trace:
        trace.add(_names(processes, tracks, clocks))
        for events in _draw(files, tracks, progress):
            trace.add(events)
        trace.finish(_facts(processes, clocks, counts, min(moments)))
    return TraceSummary(len(processes), counts, tuple(clocks), tuple(reader.accounts))


def describe_clock(clock: ClockOffset) -> str:
    """Say how a clock compares with the reference, and how certain that is."""
    if clock.is_reference:
        return "the reference"
    if clock.offset is None or clock.error is None:
        return "no step in common with the reference, so its times are taken as they are"
    side = "ahead of" if clock.offset >= 0 else "behind"
    done = "corrected" if clock.is_corrected else "left as it is, being within the error"
    return (
        f"{abs(clock.offset) / 1000:.1f} ms {side} the reference, {done}; "
        f"error \u00b1{clock.error / 1000:.1f} ms, from {clock.moments:,} common moments"
    )


def _draw(
    files: Sequence[str], tracks: Mapping[ProcessKey, ProcessTrack], progress: Optional[Callable[[int], None]]
) -> Iterator[Iterator[TraceEvent]]:
    tracker = SpanTracker()
    for record in reporting(RecordReader(files), progress):
        nodes = tracker.add(record)
        for node in nodes:
            if node.is_open:  # left open by a process whose file another one continues
                yield tracks[node.process].leave_open(node)
        opened = tracker.find_open(record) if record.type == START else None
        yield tracks[record.process].take(record, opened, [node for node in nodes if not node.is_open])
    for node in tracker.finish():
        yield tracks[node.process].leave_open(node)


def _check_output(files: Sequence[str], output: Path) -> None:
    if any(output.exists() and os.path.samefile(output, path) for path in files if os.path.exists(path)):
        raise InputError(f"{output} is one of the files to read. Give --output another name.")


def _names(
    processes: Sequence[ProcessFacts], tracks: Mapping[ProcessKey, ProcessTrack], clocks: Sequence[ClockOffset]
) -> Iterator[TraceEvent]:
    labels = {key: describe_clock(clock) for clock in clocks for key in clock.members}
    times: CounterType[Tuple[Optional[str], Optional[int]]] = Counter()
    several = Counter((each.identity.session_tag, each.identity.rank) for each in processes)
    for facts in processes:
        track, identity = tracks[facts.key], facts.identity
        times[identity.session_tag, identity.rank] += 1
        name = f"rank {identity.rank}" if identity.rank is not None else f"process {facts.key.pid}"
        if max(several.values()) > 1:
            name += f", attempt {times[identity.session_tag, identity.rank]}"
        yield track.metadata("process_name", {"name": name})
        yield track.metadata("process_sort_index", {"sort_index": track.number})
        label = f"{identity.host or 'host unknown'}, pid {facts.key.pid}; clock: {labels[facts.key]}"
        yield track.metadata("process_labels", {"labels": label})


def _facts(
    processes: Sequence[ProcessFacts], clocks: Sequence[ClockOffset], counts: TraceCounts, base: int
) -> Dict[str, object]:
    errors = [clock.error for clock in clocks if clock.error is not None]
    return {
        "producer": "one-logger trace",
        "session_tags": sorted({each.identity.session_tag for each in processes if each.identity.session_tag}),
        "applications": sorted({each.identity.application for each in processes if each.identity.application}),
        "trace_start_unix_msec": base / 1000,
        "resolution_msec": 1,
        "clock_error_msec": max(errors, default=0) / 1000,
        "clocks": [_clock_facts(clock) for clock in clocks],
        "counts": asdict(counts),
    }


def _clock_facts(clock: ClockOffset) -> Dict[str, object]:
    return {
        "name": clock.name,
        "ranks": list(clock.ranks),
        "is_reference": clock.is_reference,
        "offset_msec": None if clock.offset is None else clock.offset / 1000,
        "error_msec": None if clock.error is None else clock.error / 1000,
        "common_moments": clock.moments,
        "is_corrected": clock.is_corrected,
    }
