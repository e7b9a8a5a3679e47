from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, List

import pytest
from rich.console import Console

from nv_one_logger.cli.demo.display import ProgressDisplay, print_files, print_report
from nv_one_logger.cli.demo.report import DemoReport, read_report
from nv_one_logger.cli.demo.runs import RunFiles
from nv_one_logger.cli.demo.training import Progress


def console(width: int = 200, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, markup=False, highlight=False, _environ={})


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def at(msec: int) -> Any:
    return {"name": "x", "attributes": {"timestamp_msec": msec}}


def report_of(path: Path, *records: Any) -> DemoReport:
    lines: List[str] = [json.dumps({**each, "count": number, "pid": 7}) for number, each in enumerate(records, 1)]
    path.write_text("\n".join(lines) + "\n")
    return read_report(path)


SPAN = {"type": "complete", "id": "a", "name": "step", "start_event": at(0), "stop_event": at(1500)}
ERROR = {"exception_type": "ValueError", "error_message": "bad row"}


def test_pipe_gets_ten_lines(tmp_path: Path) -> None:
    plain = console()
    with ProgressDisplay(plain, 100) as display:
        for epoch in range(1, 101):
            display.show(Progress(epoch, 0.5, None if epoch < 50 else 0.9))
    lines = text(plain).splitlines()
    assert len(lines) == 10
    assert lines[0] == "epoch 10/100  loss 0.500"
    assert lines[-1] == "epoch 100/100  loss 0.500  accuracy 90.0%"


def test_terminal_gets_a_bar() -> None:
    screen = console(terminal=True)
    with ProgressDisplay(screen, 2) as display:
        display.show(Progress(1, 0.5, 0.9))
        display.show(Progress(2, 0.25, 0.95))
    assert "epoch 2/2" in text(screen)
    assert "accuracy 95.0%" in text(screen)


def test_report_sums_spans_events_and_errors_up(tmp_path: Path) -> None:
    plain = console()
    event = {"type": "event", "span_id": "a", "event": {"name": "saved", "attributes": {}}}
    error = {"type": "application_error", "span_id": "a", "event": {"name": "error", "attributes": ERROR}}
    print_report(plain, report_of(tmp_path / "r.jsonl", SPAN, event, event, error))
    lines = text(plain).splitlines()
    assert any(line.split("│")[1:-1] == [" step ", "     1 ", " 1.50 s ", " 1.50 s ", "  1.50 s "] for line in lines)
    assert any(line.split("│")[1:-1] == [" saved ", "     2 "] for line in lines)
    assert "Errors: ValueError (bad row) 1" in lines
    assert not any(line.startswith(("Accuracy", "Problem")) for line in lines)


def test_report_names_every_problem(tmp_path: Path) -> None:
    plain, path = console(), tmp_path / "r.jsonl"
    report_of(path, {"type": "start", "id": "a", "name": "loop", "start_event": at(0)})
    with path.open("a") as file:
        file.write('{"type":"stop","id":"b","count":3,"pid":7}\n{"torn')
    print_report(plain, read_report(path))
    problems = [line.split(": ", 1)[1] for line in text(plain).splitlines() if line.startswith("Problem")]
    assert len(problems) == 3
    assert problems[0].startswith(f"{path}, line 3")
    assert "record 2 of process 7" in problems[1]
    assert problems[2] == "span loop was never stopped"


@pytest.mark.parametrize("width", [80, 200])
def test_table_fits_the_terminal(tmp_path: Path, width: int) -> None:
    plain = console(width)
    print_report(plain, report_of(tmp_path / "r.jsonl", {**SPAN, "name": "a_very_long_name_" * 6}))
    table = [line for line in text(plain).splitlines() if line[:1] in "│┃┏┡└"]
    assert max(map(len, table)) <= width
    assert "1.50 s" in text(plain)


def test_path_stays_on_one_line_however_long(tmp_path: Path) -> None:
    plain, files = console(40), RunFiles(tmp_path / ("deep" * 12))
    files.directory.mkdir()
    files.records.write_text("")
    print_files(plain, files)
    assert text(plain) == f"Records: {files.records}\n"
