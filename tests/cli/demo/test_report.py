from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nv_one_logger.cli.demo.report import read_report


def accuracy(count: int, **attributes: Any) -> str:
    event = {"name": "held_out_accuracy", "attributes": attributes}
    return json.dumps({"type": "event", "span_id": "s", "event": event, "count": count, "pid": 7}) + "\n"


def test_report_tells_the_last_accuracy(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(accuracy(1, accuracy=0.5, samples=10) + accuracy(2, accuracy=0.75, samples=10))
    report = read_report(path)
    assert (report.accuracy, report.held_out) == (0.75, 10)
    assert report.summary.events == {"held_out_accuracy": 2}
    assert report.account.is_clean


def test_report_of_a_run_without_validation_has_no_accuracy(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"type":"start","id":"a","name":"application","count":1,"pid":7}\n')
    report = read_report(path)
    assert report.accuracy is None
    assert [span.name for span in report.still_open] == ["application"]


def test_accuracy_that_is_no_number_is_none(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(accuracy(1, accuracy="high", samples=None))
    assert (read_report(path).accuracy, read_report(path).held_out) == (None, None)
