"""What a plugin still has to be told: of spans that started or stopped while it was not called."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Deque, Dict, Iterable, NamedTuple

from nv_one_logger.core.internal.tally import Tally
from nv_one_logger.core.span import Span

__all__ = ["MAX_OWED_STOPS", "Backlog", "MissedCall"]

MAX_OWED_STOPS = 1000
"""How many stops of one pause are kept for the plugin; more are counted as lost."""

# Below zero, so that none of them equals the number of a call; each of them is drawn once in the process.
_marks = itertools.count(-1, -1)


class MissedCall(NamedTuple):
    """One call that the plugin missed."""

    hook: str
    span: Span


class Backlog:
    """Keeps the starts that a plugin missed and the stops it is owed, so that each span is told in the right order.

    Not locked: the guard that owns it is. Only ``started`` is shared with the calls that go straight to the plugin.

    Args:
        started: The spans whose start the plugin was told, or is about to be told, and not yet their stop; the value is
            the number of the call that told, or a mark of :meth:`take`.
    """

    def __init__(self, started: Dict[Span, int]) -> None:
        self.started = started
        self.lost_stops = Tally()
        self._missed_starts: Dict[Span, None] = {}
        self._owed_stops: Deque[Span] = deque()

    def add_start(self, span: Span) -> None:
        """Note a start that the plugin was not told, unless it was told meanwhile, as one of the open spans."""
        if span not in self.started:
            self._missed_starts[span] = None

    def add_stop(self, span: Span) -> None:
        """Note a stop that the plugin was not told: owed if it knows the start, else nothing is left to tell."""
        self._missed_starts.pop(span, None)
        if span not in self.started:
            return
        if len(self._owed_stops) < MAX_OWED_STOPS:
            self._owed_stops.append(span)
        else:
            self.started.pop(span, None)
            self.lost_stops.tick()

    def set_open(self, open_spans: Iterable[Span]) -> None:
        """Note the starts of all open spans, given oldest first, so that parents come before children, and no others.

        What is noted and no longer open is over, and its stop may have gone by: pluggy registers hook by hook, so that
        a thread may find a plugin for the start of a span and not yet for the stop.
        """
        self._missed_starts = dict.fromkeys(open_spans)

    def take(self) -> Deque[MissedCall]:
        """Hand over all there is to tell, stops first. A stop that comes meanwhile is noted for the next time."""
        mark = next(_marks)
        calls = deque(MissedCall("export_stop", span) for span in self._owed_stops)
        # One indivisible step: the same start may be on its way to the plugin in another thread.
        calls.extend(
            MissedCall("export_start", span)
            for span in self._missed_starts
            if self.started.setdefault(span, mark) == mark
        )
        self._owed_stops.clear()
        self._missed_starts.clear()
        return calls

    def put_back(self, calls: Iterable[MissedCall]) -> None:
        """Keep what was taken and not told, for the next time."""
        calls = list(calls)
        untold = {call.span for call in calls if call.hook == "export_start"}
        ended = untold.intersection(self._owed_stops)
        for span in untold:
            self.started.pop(span, None)
        missed = [call.span for call in calls if call.hook == "export_start" and call.span not in ended]
        owed = [call.span for call in calls if call.hook == "export_stop"]
        self._missed_starts = {**dict.fromkeys(missed), **self._missed_starts}
        self._owed_stops = deque([*owed, *(span for span in self._owed_stops if span not in ended)])

    def clear(self) -> None:
        """Forget all there is to tell."""
        self._missed_starts.clear()
        self._owed_stops.clear()
