"""Whatever happens to spans, in whatever order: the records of an exporter tell it, and each line of them is JSON."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter
from nv_one_logger.exporter.exporter import ExportError
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.internal.encoder import encode_record
from nv_one_logger.exporter.logger_exporter import LoggerExporter

INCOMPLETE = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA


def strict(line: bytes) -> Any:
    """Parse as a strict reader does."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(line.decode("utf-8"), parse_constant=refuse)


class Lines(BaseJsonExporter):
    """Keeps the lines that a file would hold; fails the next writes when told so."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: List[bytes] = []
        self.attempts: List[int] = []
        self.is_failing = False

    def _write(self, json_dict: Dict[str, Any]) -> None:
        self.attempts.append(json_dict["count"])
        if self.is_failing:
            raise ExportError("disk full")
        self.lines.append(encode_record(json_dict))


class Story:
    """Tells an exporter what happens, and remembers it."""

    def __init__(self, exporter: Any) -> None:
        self.exporter = exporter
        self.spans: List[Span] = []
        self.open: List[Span] = []
        self.events: List[Tuple[str, str]] = []  # span id and event name, in order
        self.failures = 0

    def tell(self, action: str, place: int, attributes: Dict[str, Any]) -> None:
        try:
            self._tell(action, place, attributes)
        except ExportError:
            self.failures += 1

    def _tell(self, action: str, place: int, attributes: Dict[str, Any]) -> None:
        span = self.open[place % len(self.open)] if self.open else None
        if action == "start" or (span is None and action in ("stop", "event", "error", "attribute")):
            parent = self.spans[place % len(self.spans)] if self.spans and place % 3 else None
            started = Span.create(f"s{len(self.spans)}", parent, Attributes(attributes))
            self.spans.append(started)
            self.open.append(started)
            self.exporter.export_start(started)
        elif span is not None and action == "stop":
            self.open.remove(span)
            span.stop(Attributes(attributes) if attributes else None)
            self.exporter.export_stop(span)
        elif span is not None and action == "event":
            self._event(span, Event.create(f"e{len(self.events)}", Attributes(attributes)), self.exporter.export_event)
        elif span is not None and action == "error":
            error = ErrorEvent.create(f"m{len(self.events)}", ValueError("v"), attributes=Attributes(attributes))
            self._event(span, error, self.exporter.export_error)
        elif span is not None and action == "attribute":
            span.add_attribute("later", place)
        elif action == "doubt":
            self.exporter.export_telemetry_data_error(TelemetryDataError.create(INCOMPLETE, "m"))
        elif action == "flush":
            self.exporter.flush(1.0)
        elif action == "a second passes":
            self.exporter.write_pending_start_if_due(self.exporter._clock() + 100)
        elif action == "initialize":
            self.exporter.initialize()

    def _event(self, span: Span, event: Event, export: Any) -> None:
        span.add_event(event)
        self.events.append((span.id_str, event.name_str))
        export(event, span)


names = st.text(max_size=6)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=8),
    st.text(st.characters(categories=["Cs"]), min_size=1, max_size=2),
    st.lists(st.floats(), max_size=3),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=4), st.floats() | st.text(max_size=3), max_size=3),
)
attribute_dicts = st.dictionaries(names, values, max_size=3)
ACTIONS = (
    *("start", "start", "stop", "stop", "event", "error", "attribute"),
    *("doubt", "flush", "a second passes", "initialize"),
)
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 20), attribute_dicts), max_size=40)


def check_grammar(records: List[Dict[str, Any]], story: Story) -> None:
    kinds: Dict[str, List[str]] = {}
    events: List[Tuple[str, str]] = []
    for record in records:
        kind = record["type"]
        if kind in ("start", "stop", "complete"):
            kinds.setdefault(record["id"], []).append(kind)
            assert record.get("parent_id", record["id"]) in kinds, "a parent comes before its children"
        elif kind in ("event", "application_error"):
            assert kinds[record["span_id"]] == ["start"], "what happens on a span stands between its start and stop"
            events.append((record["span_id"], record["event"]["name"]))
    for span in story.spans:
        stopped = [["complete"], ["start", "stop"]]
        assert kinds.get(span.id_str) in ([["start"]] if span.active else stopped)
    assert len(kinds) == len(story.spans)
    assert events == story.events


@given(steps=steps)
def test_every_span_is_complete_or_a_start_and_then_a_stop(steps: List[Tuple[str, int, Dict[str, Any]]]) -> None:
    exporter = Lines()
    exporter.initialize()
    story = Story(exporter)
    for action, place, attributes in steps:
        story.tell(action, place, attributes)
    exporter.close()
    records = [strict(line) for line in exporter.lines]
    assert story.failures == 0
    assert [record["count"] for record in records] == list(range(1, len(records) + 1))
    check_grammar(records, story)


@given(steps=steps, failing=st.lists(st.integers(0, 40), max_size=10))
def test_number_that_is_missing_is_a_record_that_was_lost(
    steps: List[Tuple[str, int, Dict[str, Any]]], failing: List[int]
) -> None:
    exporter = Lines()
    exporter.initialize()
    story = Story(exporter)
    for number, (action, place, attributes) in enumerate(steps):
        exporter.is_failing = number in failing
        story.tell(action, place, attributes)
    exporter.is_failing = False
    exporter.flush(1.0)
    story.tell("doubt", 0, {})  # surfaces what failed in the background
    written = [strict(line)["count"] for line in exporter.lines]
    assert exporter.attempts == list(range(1, len(exporter.attempts) + 1))
    assert written == sorted(set(written))
    assert (len(written) < len(exporter.attempts)) == (story.failures > 0)
    starts = [record["id"] for record in map(strict, exporter.lines) if record["type"] in ("start", "complete")]
    assert len(starts) == len(set(starts))


class Kept:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.messages: List[str] = []

    def info(self, message: str) -> None:
        self.messages.append(message)


class Both:
    """Two exporters that are told the same."""

    def __init__(self, *exporters: BaseJsonExporter) -> None:
        self._exporters = exporters
        self._clock = exporters[0]._clock

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> None:
            for exporter in self._exporters:
                getattr(exporter, name)(*arguments)

        return call


@given(steps=steps, prefix=st.sampled_from(["", "[INFO] ", "[rank=3] ", "2026-01-01 12:00:00 ["]))
def test_file_and_log_tell_the_same(steps: List[Tuple[str, int, Dict[str, Any]]], prefix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, kept = Path(folder) / "run.jsonl", Kept()
        both = Both(FileExporter(path), LoggerExporter(kept))
        both.initialize()
        story = Story(both)
        for action, place, attributes in steps:
            story.tell(action, place, attributes)
        both.close()
        records = [strict(line) for line in path.read_bytes().splitlines()]
    assert [LoggerExporter.deserialize_log(prefix + message) for message in kept.messages] == records
    check_grammar(records, story)


@given(attributes=attribute_dicts, later=st.none() | attribute_dicts)
def test_record_shows_what_was_there_when_it_happened(
    attributes: Dict[str, Any], later: Optional[Dict[str, Any]]
) -> None:
    exporter = Lines()
    exporter.initialize()
    mine = Attributes(attributes)
    span = Span.create("s", span_attributes=mine, start_event_attributes=Attributes(attributes))
    exporter.export_start(span)
    for name, value in (later or {}).items():
        mine.add(name, value)
        span.add_attribute(name, value)
    exporter.flush(1.0)
    span.stop()
    exporter.export_stop(span)
    start, stop = (strict(line) for line in exporter.lines)
    shown = strict(encode_record({"attributes": attributes}))["attributes"]
    assert start.get("attributes", {}) == shown
    shown.pop("timestamp_msec", None)
    start["start_event"]["attributes"].pop("timestamp_msec")
    assert start["start_event"]["attributes"] == shown
    assert set(stop["attributes"]) == {*strict(encode_record({**attributes, **(later or {})})), "duration_msec"}
