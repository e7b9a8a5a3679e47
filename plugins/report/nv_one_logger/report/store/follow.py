"""Follows one process through its records, and turns them into rows."""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from nv_one_logger.reader.session import heartbeat_of
from nv_one_logger.report.store.identity import INITIALIZATION, Identity
from nv_one_logger.report.store.values import MOST, MOST_MSEC, fraction, json_text, mapping, micros, moment, text, whole
from nv_one_logger.report.vocabulary import APPLICATION, COUNTERS, ITERATION, LOAD, SAVES, SUMS, TRAINING_LOOP, UNITS

__all__ = ["Follower", "Rows"]

_CHECKPOINTS = frozenset([*SAVES, LOAD])
# Spans that say more than that something took its time.
_SPECIAL = frozenset([*SAVES, LOAD, TRAINING_LOOP, APPLICATION])
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")
_PREFIXES = {
    "training_metrics_update": "",
    "validation_metrics_update": "validation_",
    "testing_metrics_update": "testing_",
}
_LOGGED = re.compile(r"metric_(?P<name>.+)_(?P<statistic>mean|min|max|last|count)")
_MOST_TEXT = 20_000
# An event with more numbers than that is no measurement; nor are names that never repeat.
_MOST_MEASURES = 64

Row = Tuple[object, ...]


class Rows(NamedTuple):
    """The lists that rows are appended to, by table (see ``schema.TABLES``)."""

    spans: List[Row]
    events: List[Row]
    windows: List[Row]
    measures: List[Row]
    errors: List[Row]


class _OpenSpan:
    __slots__ = ("attributes", "has_error", "is_saved", "name", "parent_id", "start_us")

    def __init__(self, name: str, start_us: Optional[int], parent_id: Optional[str]) -> None:
        self.name = name
        self.start_us = start_us
        self.parent_id = parent_id
        self.attributes: Mapping[str, object] = {}
        self.is_saved = False
        self.has_error = False


class Follower:
    """Holds the open spans of one process and what its records say about it.

    Args:
        number: Of the process, for the rows.
        path: The file it began in.
        pid: Its id.
        run: Which process of that id it is in its source.
        rows: Where rows go.
        is_whole: Keep ids, attributes and spans that the report does not need.
        needed: Names of the spans that it does.
    """

    def __init__(
        self,
        number: int,
        path: str,
        pid: Optional[int],
        run: int,
        rows: Rows,
        *,
        is_whole: bool,
        needed: frozenset[str],
    ) -> None:
        self.missing = 0
        self.identity = Identity(path)
        self._number, self._pid, self._run = number, pid, run
        self._path = path
        self._rows = rows
        self._is_whole, self._needed = is_whole, needed
        self._open: Dict[str, _OpenSpan] = {}
        self._records = 0
        self._first_us: Optional[int] = None
        self._last_us: Optional[int] = None
        self._iteration = 0  # number of the one that is due or at work
        self._iterations_recorded = 0
        self._loop_first: Optional[int] = None
        self._is_application_ended = False
        self._heartbeats = 0
        self._last_error: Optional[str] = None
        self._last_exception = ("", "")
        self._is_error_last = False

    def take(self, kind: str, data: Dict[str, object]) -> None:
        """Take one record."""
        self._records += 1
        if kind == "complete":
            if self._is_whole or not self._complete_quickly(data):
                self._stop(data, is_whole_span=True)
        elif kind == "stop":
            self._stop(data, is_whole_span=False)
        elif kind == "start":
            self._start(data)
        else:
            self._take_other(kind, data)

    # --- spans -------------------------------------------------------------------------------------------------------

    def _complete_quickly(self, data: Dict[str, object]) -> bool:
        """Take a span of a step, as nearly all records are, like :meth:`_stop` would; return whether it is one."""
        span_id, name = data.get("id"), data.get("name")
        if type(span_id) is not str or span_id in self._open or type(name) is not str or name in _SPECIAL:
            return False
        try:
            begun: object = data["start_event"]["attributes"]["timestamp_msec"]  # type: ignore[index]
            ended: object = data["stop_event"]["attributes"]["timestamp_msec"]  # type: ignore[index]
        except (KeyError, TypeError, IndexError):
            return False
        if type(begun) is not int or type(ended) is not int or not 0 <= begun <= ended < MOST_MSEC:
            return False
        start_us, stop_us = begun * 1000, ended * 1000
        self._is_error_last = False
        if self._last_us is None or stop_us > self._last_us:
            self._last_us = stop_us
        if self._first_us is None or start_us < self._first_us:
            self._first_us = start_us
        if name == ITERATION:
            self._rows.spans.append((self._number, "", None, name, start_us, stop_us, self._iteration, True, None))
            self._iteration += 1
            self._iterations_recorded += 1
        elif name in self._needed:
            self._rows.spans.append((self._number, "", None, name, start_us, stop_us, self._iteration, None, None))
        return True

    def _start(self, data: Mapping[str, object]) -> None:
        self._is_error_last = False
        span_id = text(data.get("id"))
        start_us = moment(data, "start_event")
        self._note(start_us)
        if span_id is None or span_id in self._open:
            return
        span = _OpenSpan(text(data.get("name")) or "", start_us, text(data.get("parent_id")))
        span.attributes = mapping(data.get("attributes"))
        self._open[span_id] = span
        if span.name == TRAINING_LOOP:
            self._begin_loop(span.attributes)

    def _begin_loop(self, attributes: Mapping[str, object]) -> None:
        first = whole(attributes.get("train_iterations_start"))
        if first is not None:
            self._iteration = first
        if self._loop_first is None:
            self._loop_first = self._iteration

    def _stop(self, data: Mapping[str, object], is_whole_span: bool) -> None:
        span_id = text(data.get("id"))
        stop_us = moment(data, "stop_event")
        self._note(stop_us)
        if span_id is None:
            return
        span = self._open.pop(span_id, None)
        if is_whole_span:
            self._is_error_last = False
            start_us = moment(data, "start_event")
            self._note(start_us)
        else:
            start_us = span.start_us if span is not None else None
        name = text(data.get("name")) or (span.name if span is not None else "")
        attributes = mapping(data.get("attributes"))
        if start_us is None and stop_us is not None:
            start_us = _start_by_duration(stop_us, attributes)
        if name == TRAINING_LOOP and span is None:
            self._begin_loop(attributes)
        elif name == APPLICATION:
            self._is_application_ended = True
            self.identity.take_end(attributes)
        self._add_span(span_id, name, start_us, stop_us, attributes, span, text(data.get("parent_id")))
        if name == ITERATION and not (span is not None and span.has_error):
            self._iteration += 1
            self._iterations_recorded += 1

    def _add_span(
        self,
        span_id: str,
        name: str,
        start_us: Optional[int],
        stop_us: Optional[int],
        attributes: Mapping[str, object],
        span: Optional[_OpenSpan],
        parent_id: Optional[str],
    ) -> None:
        if start_us is None or not (self._is_whole or name in self._needed):
            return
        if stop_us is not None and stop_us < start_us:
            stop_us = start_us  # a clock that was set back
        iteration: Optional[int] = self._iteration
        is_successful: Optional[bool] = None
        if name == ITERATION:
            is_successful = stop_us is not None and not (span is not None and span.has_error)
        elif name == TRAINING_LOOP:
            iteration = whole(attributes.get("train_iterations_start"))
        elif name in _CHECKPOINTS:
            iteration = whole(attributes.get("current_iteration"))
            if name == LOAD:
                is_successful = stop_us is not None and not (span is not None and span.has_error)
            else:
                is_successful = span is not None and span.is_saved
        if self._is_whole:
            if parent_id is None and span is not None:
                parent_id = span.parent_id
            said = json_text(attributes, "duration_msec")
        else:
            span_id, parent_id, said = "", None, None
        self._rows.spans.append(
            (self._number, span_id, parent_id, name, start_us, stop_us, iteration, is_successful, said)
        )

    # --- everything else ---------------------------------------------------------------------------------------------

    def _take_other(self, kind: str, data: Mapping[str, object]) -> None:
        if kind == "heartbeat":
            self._take_heartbeat(data)
            return
        if kind == "session":
            said = mapping(data.get("session"))
            self._note(micros(said.get("timestamp_msec")))
            self.identity.take_session(said)
            return
        content = mapping(data.get("event", data.get("error")))
        attributes = mapping(content.get("attributes"))
        time_us = micros(attributes.get("timestamp_msec"))
        self._note(time_us)
        span_id = text(data.get("span_id"))
        span = self._open.get(span_id) if span_id is not None else None
        name = text(content.get("name")) or ""
        if kind == "event":
            # The metrics of the last window are told while an exception is on its way out.
            if name != "training_metrics_update":
                self._is_error_last = False
            self._take_event(name, attributes, time_us, span)
        elif kind in ("application_error", "telemetry_data_error"):
            self._take_error(kind, attributes, time_us, span)
        if self._is_whole or name == "save_checkpoint_success":
            iteration = whole(attributes.get("current_iteration"))
            said_text = json_text(attributes, "timestamp_msec") if self._is_whole else None
            self._rows.events.append((self._number, span_id, kind, name, time_us, iteration, said_text))

    def _take_heartbeat(self, data: Mapping[str, object]) -> None:
        self._heartbeats += 1
        heartbeat = heartbeat_of(data)
        self._note(micros(heartbeat.timestamp_msec))
        for named in heartbeat.open_spans:
            span_id = text(named.id) or ""
            # Of others the start is held back for a second; should the process end before, this is all there is.
            if span_id not in self._open:
                self._open[span_id] = _OpenSpan(text(named.name) or "", micros(named.start_msec), text(named.parent_id))

    def _take_event(
        self, name: str, attributes: Mapping[str, object], time_us: Optional[int], span: Optional[_OpenSpan]
    ) -> None:
        if name == INITIALIZATION:
            self.identity.take_initialization(attributes)
            return
        if name == "update_training_telemetry_config":
            self.identity.take_training_config(attributes)
            return
        if name == "save_checkpoint_success":
            if span is not None:
                span.is_saved = True
            return
        if name == "sync_checkpoint_metrics_update" or time_us is None:
            return
        iteration = _step_of(attributes)
        if name == "training_metrics_update":
            self._take_window(attributes, time_us)
        for attribute, value in list(attributes.items())[:_MOST_MEASURES]:
            number = fraction(value)
            if number is None or attribute in COUNTERS or attribute.startswith(SUMS):
                continue
            measured = _name_of_measure(name, attribute)
            if measured is None:
                continue
            unit = UNITS.get(attribute, "s" if attribute.endswith("_sec") else "")
            self._rows.measures.append((self._number, text(measured), unit, time_us, iteration, number))

    def _take_window(self, attributes: Mapping[str, object], time_us: int) -> None:
        total_sec = fraction(attributes.get("total_iteration_time_sec"))
        done = whole(attributes.get("num_iterations"))
        current = whole(attributes.get("current_iteration"))
        if total_sec is None or done is None or current is None or not 0 <= total_sec < 1e9:
            return
        self._rows.windows.append((self._number, time_us, current, done, round(total_sec * 1e6)))

    def _take_error(
        self, kind: str, attributes: Mapping[str, object], time_us: Optional[int], span: Optional[_OpenSpan]
    ) -> None:
        if kind == "application_error" and span is not None:
            span.has_error = True
        said = text(attributes.get("exception_type")) or text(attributes.get("telemetry_data_error_type")) or kind
        exception = text(attributes.get("exception_message")) or ""
        same = (said, exception)
        if self._is_error_last and same == self._last_exception:
            return  # one exception on its way out, recorded by every span that it leaves
        message = (exception or text(attributes.get("error_message")) or "")[:_MOST_TEXT]
        trace = (text(attributes.get("exception_traceback")) or "")[:_MOST_TEXT]
        pattern = _NUMBER.sub("#", message)
        self._rows.errors.append((self._number, time_us, said[:200], message, pattern, trace))
        if kind == "application_error":
            where = f" in {span.name}" if span is not None else ""
            self._last_error = f"{said}{where}: {exception[:_MOST_TEXT]}" if exception else f"{said}{where}"
            self._last_exception = same
            self._is_error_last = "exception_type" in attributes

    def _note(self, moment_us: Optional[int]) -> None:
        if moment_us is None:
            return
        if self._last_us is None or moment_us > self._last_us:
            self._last_us = moment_us
        if self._first_us is None or moment_us < self._first_us:
            self._first_us = moment_us

    # --- the end -----------------------------------------------------------------------------------------------------

    def finish(self, path: str) -> Row:
        """Write the spans that are still open, and return the row of the process (``schema.TABLES["processes"]``)."""
        still_open = [(span.name, span.start_us) for span in self._open.values() if span.start_us is not None]
        still_open.sort(key=lambda item: item[1] or 0, reverse=True)
        for span_id, span in self._open.items():
            self._add_span(span_id, span.name, span.start_us, None, span.attributes, span, span.parent_id)
        who = self.identity
        return (
            self._number, path, self._pid, self._run, self._records, min(self.missing, MOST),
            self._first_us, self._last_us, who.process_start_us,
            who.application, who.session_tag, who.attempt, who.rank, who.world_size, who.host,
            who.has_session_record, self._heartbeats, self._is_application_ended, who.tells_exit,
            who.exit_reason, who.exit_detail,
            self._last_error, self._is_error_last, json_text({"spans": still_open[:64]}, "") or "",
            who.global_batch_size, self._loop_first, self._iterations_recorded,
        )  # fmt: skip


def _start_by_duration(stop_us: int, attributes: Mapping[str, object]) -> Optional[int]:
    duration = fraction(attributes.get("duration_msec"))
    if duration is None or not 0 <= duration * 1000 <= stop_us:
        return None
    return stop_us - round(duration * 1000)


def _name_of_measure(event: str, attribute: str) -> Optional[str]:
    """Return the name under which a number is shown; ``None`` for one that another number says better."""
    prefix = _PREFIXES.get(event)
    if prefix is None:
        return f"{event}.{attribute}"
    logged = _LOGGED.match(attribute)
    if logged is None:
        return prefix + attribute
    # Of what the application logged, a window tells mean, extremes, the last one and how many there were.
    return prefix + logged.group("name") if logged.group("statistic") == "mean" else None


def _step_of(attributes: Mapping[str, object]) -> Optional[int]:
    for name in ("current_iteration", "iteration", "global_step", "step"):
        found = whole(attributes.get(name))
        if found is not None:
            return found
    return None
