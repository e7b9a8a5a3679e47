from __future__ import annotations

from pathlib import Path

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.testing import RecordFile


@pytest.fixture
def record_file(tmp_path: Path) -> RecordFile:
    file = RecordFile(tmp_path / "run.jsonl")
    exporter = FileExporter(file)
    exporter.initialize()
    outer = Span.create("outer", None, Attributes({"text": "a\u2028b"}))
    exporter.export_start(outer)
    inner = Span.create("inner", outer)
    exporter.export_start(inner)
    for span in (inner, outer):
        span.stop()
        exporter.export_stop(span)
    exporter.close()
    return file


def test_file_that_is_not_there_has_no_records(tmp_path: Path) -> None:
    assert RecordFile(str(tmp_path / "none.jsonl")).records() == []


def test_records_are_read_in_order(record_file: RecordFile) -> None:
    assert [(record["type"], record["name"]) for record in record_file.records()] == [
        ("start", "outer"),
        ("complete", "inner"),
        ("stop", "outer"),
    ]
    assert record_file.records()[0]["attributes"] == {"text": "a\u2028b"}


def test_records_of_one_type(record_file: RecordFile) -> None:
    assert [record["name"] for record in record_file.records("complete")] == ["inner"]


def test_trees_show_which_span_is_in_which(record_file: RecordFile) -> None:
    (tree,) = record_file.trees()
    (outer,) = tree.roots
    assert (outer.name, [child.name for child in outer.children]) == ("outer", ["inner"])


def test_line_that_is_no_json_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text('{"type": "start"}\n{"type"')
    with pytest.raises(ValueError, match="delimiter"):
        RecordFile(tmp_path / "run.jsonl").records()
