from __future__ import annotations

import io
import json
import sys
import types
from pathlib import Path
from typing import Any, Callable

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from nv_one_logger.report import Report, analyze
from nv_one_logger.report.commands.report import report
from nv_one_logger.report.view import show


def run(*arguments: object) -> Result:
    return CliRunner().invoke(report, [str(argument) for argument in arguments])


def test_answers_come_in_sentences_with_names_and_figures(reference: Path) -> None:
    result = run(reference)
    assert result.exit_code == 0
    for part in (
        "digits_4x · digits-run-7",
        "4 ranks on node-0, 2 attempts, 3.68 s",
        "Rank 1 vanished in training_loop",
        "The buckets add up exactly: 4 ranks x 3,682,000 us = 14,728,000 us.",
        "Rank 2 on node-0, chronic: 2.96 x its peers",
        "RuntimeError",
        "wrote no session record",
    ):
        assert part in result.output


def test_json_holds_the_whole_report(reference: Path) -> None:
    data = json.loads(run("--json", reference).stdout)
    assert data["schema_version"] == 1
    (one,) = data["reports"]
    whole = analyze([reference])
    assert set(one) == set(whole.__dataclass_fields__)
    assert one["ledger"]["adds_up"] is True
    assert sum(entry["total"] for entry in one["ledger"]["entries"]) == one["ledger"]["total"] == whole.ledger.total
    assert one["attempts"][0]["cause"] == "vanished"
    assert one["stragglers"][0]["rank"] == 2
    assert len(one["timeline"]) == len(whole.timeline)


@pytest.mark.parametrize("width", [80, 200])
def test_terminal_of_any_width_shows_whole_lines(reference: Path, width: int) -> None:
    file = io.StringIO()
    console = Console(width=width, force_terminal=True, color_system=None, file=file, markup=False)
    show(analyze([reference]), console)
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    for part in ("training_loop", "lost iterations", "exactly", "Remarks on precision", "chronic"):
        assert part in text


def test_pipe_gets_one_line_for_each_row(reference: Path) -> None:
    lines = run(reference).output.splitlines()
    (row,) = [line for line in lines if line.startswith("lost iterations")]
    assert row.split()[2:] == ["412.0", "ms", "2.80%"]
    assert not any("\x1b" in line for line in lines)


def test_sessions_follow_each_other_and_one_can_be_chosen(recording: Callable[..., Any], tmp_path: Path) -> None:
    for number, tag in enumerate(("a", "b")):
        one = recording(0, session_tag=tag, file=tag)
        one.begin(number)
        one.stop("application", 100)
    assert len(json.loads(run("--json", tmp_path).stdout)["reports"]) == 2
    (chosen,) = json.loads(run("--json", "--session", "b", tmp_path).stdout)["reports"]
    assert chosen["session"]["tag"] == "b"
    assert run(tmp_path).output.count("Where ") == 2
    refused = run("--html", tmp_path / "page.html", tmp_path)
    assert refused.exit_code == 2
    assert "Choose one for the page with --session" in refused.output


def page_of(monkeypatch: pytest.MonkeyPatch, render: Callable[[Report], str]) -> None:
    module = types.ModuleType("nv_one_logger.report.html")
    module.render = render  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nv_one_logger.report.html", module)


def test_html_is_written_and_nothing_printed(monkeypatch: pytest.MonkeyPatch, reference: Path, tmp_path: Path) -> None:
    page_of(monkeypatch, lambda one: f"<p>{one.session.tag}</p>")
    result = run("--html", tmp_path / "page.html", reference)
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "<p>digits-run-7</p>"
    refused = run("--html", tmp_path / "no" / "page.html", reference)
    assert refused.exit_code == 1
    assert "cannot be written: No such file or directory" in refused.output


def test_path_without_records_is_a_wrong_command_line(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    for path in (tmp_path / "absent", tmp_path):
        result = run(path)
        assert result.exit_code == 2
        assert "Traceback" not in result.output
    assert "one-logger verify" in result.output


def test_text_of_records_cannot_command_the_terminal(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording(0, session_tag="\x1b[31mred")
    one.begin(0)
    one.error("\x1b]0;title\x07", 1, exception_type="\x1b[2J")
    one.start("\x1b[H", 2)
    output = run(tmp_path).output
    assert "\x1b" not in output
    assert "\\x1b[31mred" in output
