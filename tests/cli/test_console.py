from __future__ import annotations

import io
import sys
from typing import Optional

import pytest

from nv_one_logger.cli.console import format_msec, make_console, printable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return screen


def test_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    make_console().print("done", style="red")
    assert "\x1b[" in terminal.getvalue()


def test_no_color_takes_the_colours_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    make_console().print("done", style="red")
    assert terminal.getvalue() == "done\n"


def test_pipe_gets_plain_text_of_ample_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    make_console().print("x " * 90, style="red")
    make_console(stderr=True).print("remark")
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1
    assert "\x1b" not in captured.out
    assert captured.err == "remark\n"


def test_columns_sets_the_width(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert make_console().width == 40


def test_names_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    make_console().print("[bold]name[/bold] :smile:")
    assert capsys.readouterr().out == "[bold]name[/bold] :smile:\n"


@pytest.mark.parametrize(
    ("msec", "text"),
    [
        (None, "-"),
        (0, "<1 ms"),
        (12, "12 ms"),
        (1.25, "1.2 ms"),
        (1250, "1.25 s"),
        (61_000, "1 min 01 s"),
        (3_660_000, "1 h 01 min"),
    ],
)
def test_duration_reads_well_at_every_size(msec: Optional[float], text: str) -> None:
    assert format_msec(msec) == text


def test_control_characters_are_shown_and_not_obeyed() -> None:
    assert printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"
    assert printable("Zoë 企鹅") == "Zoë 企鹅"
