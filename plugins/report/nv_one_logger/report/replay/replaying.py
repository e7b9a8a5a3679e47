"""The replay itself: reads records, rebuilds what they tell, sends it, and counts every record exactly once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Optional, Sequence, Set, Tuple, TypeVar, Union
from typing import Counter as CounterType

from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.reader import FileAccount, ProcessKey, Record, RecordReader
from nv_one_logger.reader.record import APPLICATION_ERROR, COMPLETE, EVENT, START, STOP, TELEMETRY_DATA_ERROR
from nv_one_logger.report.replay.journal import Journal
from nv_one_logger.report.replay.rebuild import (
    KnownSpans,
    UnusableRecordError,
    rebuild_error,
    rebuild_event,
    rebuild_telemetry_error,
)
from nv_one_logger.report.replay.target import Target
from nv_one_logger.report.store.inputs import find_inputs
from nv_one_logger.report.streaming import reporting

__all__ = ["ReplaySummary", "Replayer", "replay_records"]

_MOST_KINDS = 20
_EventT = TypeVar("_EventT", bound=Event)


@dataclass
class ReplaySummary:
    """What became of the records; every one is counted in exactly one of before, sent, skipped and failed.

    Attributes:
        read: Records read.
        before: Records that an earlier replay had dealt with.
        sent: Records that the target took.
        skipped: Records that were not sent, by reason.
        failed: Records that the target refused, by error.
        open_spans: Spans that never ended, as the process was killed.
        is_stopped: The target refused so many in a row that the replay ended there.
        closing_error: Why the target could not deliver everything at the end; empty if it could.
        accounts: What was read of each file, and what could not be.
    """

    read: int = 0
    before: int = 0
    sent: int = 0
    skipped: CounterType[str] = field(default_factory=Counter)
    failed: CounterType[str] = field(default_factory=Counter)
    open_spans: int = 0
    is_stopped: bool = False
    closing_error: str = ""
    accounts: Tuple[FileAccount, ...] = ()

    @property
    def skipped_count(self) -> int:
        """How many were not sent."""
        return sum(self.skipped.values())

    @property
    def failed_count(self) -> int:
        """How many the target refused."""
        return sum(self.failed.values())


def replay_records(
    paths: Sequence[Union[str, Path]],
    target: Target,
    journal: Journal,
    *,
    most_failures: int = 20,
    progress: Optional[Callable[[int], None]] = None,
) -> ReplaySummary:
    """Send the records of all files, one file after the other, to a target that is open; it is flushed at the end.

    Args:
        paths: Files of records, folders of them, or globs.
        target: Where to send.
        journal: Remembers how far it came. Records that the target refused are dealt with, too, except for those at
            which the replay ended.
        most_failures: End when so many records in a row were refused.
        progress: Called with numbers of bytes read.

    Raises:
        InputError: A path names nothing.
        OSError: The journal cannot be written.
    """
    files = [path for source in find_inputs(paths).sources for path in source]
    reader = RecordReader(files)
    replayer = Replayer(target, journal, most_failures)
    try:
        for record in reporting(reader, progress):
            replayer.take(record)
            if replayer.summary.is_stopped:
                break
    finally:
        summary = replayer.finish()
        journal.close()
    summary.accounts = tuple(reader.accounts)
    return summary


class Replayer:
    """Takes records one by one."""

    def __init__(self, target: Target, journal: Journal, most_failures: int) -> None:
        self.summary = ReplaySummary()
        self._target = target
        self._journal = journal
        self._most_failures = most_failures
        self._known = KnownSpans()
        # Spans that the target does not know: it refused their starts, or did not want them.
        self._unknown: Dict[Span, str] = {}
        self._half_done: Set[ProcessKey] = set()
        self._last_started: Optional[Span] = None
        self._failures_in_row = 0
        self._actions: Dict[str, Callable[[Record, bool], None]] = {
            START: self._start,
            STOP: self._stop,
            COMPLETE: self._complete,
            EVENT: self._event,
            APPLICATION_ERROR: self._error,
            TELEMETRY_DATA_ERROR: self._telemetry_error,
        }

    def take(self, record: Record) -> None:
        """Send one record, unless it was dealt with before; then only its span is remembered."""
        summary = self.summary
        summary.read += 1
        is_new = not self._journal.is_done(record.path, record.offset)
        if not is_new:
            summary.before += 1
            self._half_done.add(record.process)
        action = self._actions.get(record.type)
        try:
            if is_new and record.process in self._half_done:
                self._catch_up(record.process)
            if action is None:
                raise UnusableRecordError(f"a record of type {record.type[:40]!r} is about its own exporter")
            action(record, is_new)
        except UnusableRecordError as reason:
            if is_new:
                _count(summary.skipped, reason.message)
                self._settle(record)
        except Exception as error:
            self._fail(record, error)
        else:
            if is_new:
                summary.sent += 1
                self._failures_in_row = 0
                self._settle(record)

    def finish(self) -> ReplaySummary:
        """Have the target deliver everything, and return the counts."""
        self.summary.open_spans = self._known.open_count
        try:
            self._target.flush()
        except Exception as error:
            self.summary.closing_error = _text(error)
        return self.summary

    def _catch_up(self, process: ProcessKey) -> None:
        """Tell the target of the spans that were open when the earlier replay ended: this one has not seen them.

        Exporters of records need it not: what they wrote of the start stands in the file.
        """
        self._half_done.discard(process)
        if not self._target.holds_starts_back:
            for span in self._known.open_in(process):
                self._target.start(span)

    def _settle(self, record: Record) -> None:
        if not self._failures_in_row:
            self._journal.note(record.path, record.offset)

    def _fail(self, record: Record, error: Exception) -> None:
        _count(self.summary.failed, _text(error))
        self._failures_in_row += 1
        self.summary.is_stopped = self._failures_in_row >= self._most_failures

    # -- one kind of record each ----------------------------------------------------------------------------------

    def _start(self, record: Record, is_new: bool) -> None:
        span = self._known.begin(record)
        if is_new:
            self._send_start(span)
            self._last_started = span

    def _stop(self, record: Record, is_new: bool) -> None:
        span, was_open = self._known.end(record)
        if not is_new:
            return
        if not was_open:
            self._send_start(span)
        elif span is self._last_started and self._target.holds_starts_back:
            # The file has start and stop apart, though nothing is between: the span took long. So shall the copy.
            self._target.flush()
        self._send_stop(span)

    def _complete(self, record: Record, is_new: bool) -> None:
        span = self._known.begin(record)
        started = False
        try:
            if is_new:
                self._send_start(span)
                started = True
        finally:
            self._known.end(record)
            if started:
                self._send_stop(span)

    def _event(self, record: Record, is_new: bool) -> None:
        self._add(record, is_new, rebuild_event, self._target.event)

    def _error(self, record: Record, is_new: bool) -> None:
        self._add(record, is_new, rebuild_error, self._target.error)

    def _add(
        self,
        record: Record,
        is_new: bool,
        rebuild: Callable[[Record], _EventT],
        send: Callable[[_EventT, Span], None],
    ) -> None:
        span = self._known.find(record)
        event = rebuild(record)
        if span.active:
            span.add_event(event)
        if is_new:
            self._check_known(span)
            self._last_started = None
            send(event, span)

    def _telemetry_error(self, record: Record, is_new: bool) -> None:
        error = rebuild_telemetry_error(record)
        if is_new:
            self._last_started = None
            self._target.telemetry_error(error)

    def _send_start(self, span: Span) -> None:
        self._last_started = None
        if not self._target.admits(span):
            self._unknown[span] = "the target does not want its span"
            raise UnusableRecordError(self._unknown[span])
        try:
            self._target.start(span)
        except BaseException:
            self._unknown[span] = "the target refused the start of its span"
            raise

    def _send_stop(self, span: Span) -> None:
        self._last_started = None
        self._check_known(span, forget=True)
        self._target.stop(span)

    def _check_known(self, span: Span, *, forget: bool = False) -> None:
        reason = self._unknown.pop(span, None) if forget else self._unknown.get(span)
        if reason is not None:
            raise UnusableRecordError(reason)


def _count(counter: CounterType[str], reason: str) -> None:
    counter[reason if reason in counter or len(counter) < _MOST_KINDS else "other reasons"] += 1


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"
