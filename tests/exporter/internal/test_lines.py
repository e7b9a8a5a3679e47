from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span, StandardSpanName
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.internal.lines import complete_line, event_line

VALUES = st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.lists(st.integers(), max_size=3))
ATTRIBUTES = st.dictionaries(st.text(max_size=8), VALUES, max_size=4)
NAMES = st.one_of(st.text(max_size=8), st.sampled_from([StandardSpanName.APPLICATION, 'a "name"\n', "\ud800"]))


def written(path: Path, monkeypatch: pytest.MonkeyPatch, *, by_lines: bool) -> Tuple[FileExporter, List[bytes]]:
    exporter = FileExporter(path)
    monkeypatch.setattr(exporter, "_makes_lines", by_lines)
    exporter.initialize()
    lines: List[bytes] = []
    monkeypatch.setattr(exporter, "_append", lines.append)
    return exporter, lines


def record(exporter: FileExporter, parent: Optional[Span], span: Span, event: Event) -> None:
    if parent is not None:
        exporter.export_start(parent)
    exporter.export_start(span)
    exporter.export_stop(span)
    if parent is not None:
        exporter.export_event(event, parent)


@given(NAMES, ATTRIBUTES, ATTRIBUTES, st.booleans(), st.booleans())
def test_line_is_what_the_general_way_makes_of_it(
    name: Any, values: Dict[str, Any], event_values: Dict[str, Any], has_parent: bool, is_parent_shown: bool
) -> None:
    parent = Span.create("parent") if has_parent else None
    if parent is not None:
        parent._is_exported = is_parent_shown
    span = Span.create(name, parent, Attributes(values))
    event = Event.create(name, Attributes(event_values))
    span.stop()
    with pytest.MonkeyPatch.context() as patch:
        direct, lines = written(Path(os.devnull), patch, by_lines=True)
        general, expected = written(Path(os.devnull), patch, by_lines=False)
        for exporter in (direct, general):
            record(exporter, parent, span, event)
            exporter.close()
    assert lines == expected
    assert all(json.loads(line) for line in lines)


def finished(**arguments: Any) -> Span:
    span = Span.create("x", **arguments)
    span.stop()
    return span


def with_foreign_id(identity: Any) -> Span:
    span = Span(identity, "x", Event.create("span_start"))
    span.stop()
    return span


def changed_later() -> Span:
    span = Span.create("x")
    span.add_attribute("a", 1)
    span.stop()
    return span


@pytest.mark.parametrize(
    "span",
    [
        finished(start_event_attributes=Attributes({"a": 1})),
        finished(span_attributes=Attributes({"text": "x" * 5000})),
        finished(span_attributes=Attributes({"number": 10**5000})),
        finished(span_attributes=Attributes({"text": "\ud800"})),
        finished(parent_span=with_foreign_id('a"b')),
        with_foreign_id('a"b'),
        with_foreign_id(uuid.uuid4()),
        changed_later(),
        Span.create("not stopped"),
    ],
)
def test_what_is_not_as_usual_gives_no_line(span: Span) -> None:
    assert complete_line(span, 1, 2) is None


@pytest.mark.parametrize(
    "event", [Event.create("e", Attributes({"text": "x" * 5000})), Event.create("e", Attributes({"text": "\ud800"}))]
)
def test_event_that_is_not_as_usual_gives_no_line(event: Event) -> None:
    assert event_line(event, Span.create("x"), 1, 2) is None
    assert event_line(Event.create("e"), with_foreign_id("y"), 1, 2) is None


def test_attributes_that_somebody_has_looked_at_and_changed_are_written(tmp_path: Path) -> None:
    exporter = FileExporter(tmp_path / "records.jsonl")
    exporter.initialize()
    span, event = Span.create("x"), Event.create("e")
    event.attributes["later"] = 1  # type: ignore[assignment]  # a raw value may be assigned
    exporter.export_event(event, span)
    exporter.close()
    (line,) = (tmp_path / "records.jsonl").read_text().splitlines()
    assert json.loads(line)["event"]["attributes"]["later"] == 1


class Annotated(FileExporter):
    """An exporter of a user, who puts something into every record."""

    def _write(self, json_dict: Dict[str, Any]) -> None:
        super()._write({**json_dict, "team": "a"})


def test_subclass_that_writes_otherwise_gets_every_record(tmp_path: Path) -> None:
    exporter = Annotated(tmp_path / "records.jsonl")
    exporter.initialize()
    span = Span.create("x")
    span.stop()
    record(exporter, Span.create("parent"), span, Event.create("e"))
    exporter.close()
    records = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]
    assert [(entry["type"], entry["team"]) for entry in records] == [("start", "a"), ("complete", "a"), ("event", "a")]
    assert [entry["count"] for entry in records] == [1, 2, 3]
