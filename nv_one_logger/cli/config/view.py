"""How mistakes and explanations are shown."""

from __future__ import annotations

import re
from typing import Dict, List, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from nv_one_logger.cli.config.checking import Mistake
from nv_one_logger.cli.config.marking import mark_line, read_lines
from nv_one_logger.cli.console import printable
from nv_one_logger.cli.plugins.view import STATE_STYLES

__all__ = ["print_explanation", "print_mistakes"]

# Where nobody looks at a screen, long lines of the file stay whole up to here.
_PIPE_WIDTH = 500
_STATE = re.compile(r"^  (?P<state>on|off|blocked|broken) ")


def print_mistakes(console: Console, mistakes: Sequence[Mistake]) -> None:
    """Print each mistake with the line it stands in, a caret, and what to do."""
    files: Dict[str, Sequence[str]] = {}
    for mistake in mistakes:
        file = mistake.error.file
        if file not in files:
            files[file] = read_lines(file) if file else ()
        _print_mistake(console, mistake, files[file])


def print_explanation(console: Console, text: str) -> None:
    """Print what ``Explanation.render()`` wrote; on a terminal, long lines go on below where they begin."""
    for line in text.split("\n"):
        content = line.lstrip(" ")
        style = _style_of(line)
        if console.is_terminal:
            console.print(Padding(Text(printable(content), style=style), (0, 0, 0, len(line) - len(content))))
        else:
            console.print(printable(line), soft_wrap=True)


def _print_mistake(console: Console, mistake: Mistake, lines: Sequence[str]) -> None:
    error = mistake.error
    word, style = ("warning", "bold yellow") if mistake.is_warning else ("error", "bold red")
    heading = Text.assemble((f"{_place(mistake)}: ", "bold"), (word, style))
    heading.append(f": {printable(error.subject if error.key else '')} {printable(error.problem)}".replace(":  ", ": "))
    console.print(heading, soft_wrap=not console.is_terminal)
    number = str(error.line or "")
    marked = mark_line(error, lines, (console.width if console.is_terminal else _PIPE_WIDTH) - len(number) - 5)
    if marked is not None:
        console.print(Text.assemble((f"  {number} | ", "dim"), marked.text), no_wrap=True, soft_wrap=True)
        console.print(Text.assemble((f"  {' ' * len(number)} | ", "dim"), (marked.caret, style)), soft_wrap=True)
    if error.remedy:
        remedy = Text(printable(error.remedy) + ("" if error.remedy.endswith(("?", ".")) else "."), style="cyan")
        if console.is_terminal:
            console.print(Padding(remedy, (0, 0, 0, len(number) + 5)))
        else:
            console.print(Text(" " * (len(number) + 5)) + remedy, soft_wrap=True)


def _place(mistake: Mistake) -> str:
    error = mistake.error
    parts: List[object] = [error.file or error.source or "configuration"]
    if error.file and error.line is not None:
        parts.extend((error.line, error.column))
    return printable(":".join(map(str, parts)))


def _style_of(line: str) -> str:
    state = _STATE.match(line)
    if state is not None:
        return STATE_STYLES[state["state"]]
    return "dim" if line.lstrip().startswith("beats ") else ""
