"""Consoles that behave alike in all commands, and how quantities are written."""

from __future__ import annotations

import os
import sys
from typing import Optional, Union

from rich.console import Console

__all__ = ["format_msec", "make_console", "printable"]

# Where nobody looks at a screen, a table shall not be cut to the 80 columns that rich assumes.
_PIPE_WIDTH = 200


def make_console(*, stderr: bool = False) -> Console:
    """Return a console for results (standard output), or for progress and remarks (standard error).

    Colours and control codes appear on a terminal only, and never where ``NO_COLOR`` is set. ``COLUMNS`` sets the
    width; without it, output into a pipe is 200 columns wide.
    """
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH
    # Names and paths of users are shown as they are: no markup, no emoji codes, no guessed colours.
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def format_msec(msec: Optional[Union[int, float]]) -> str:
    """Write a duration for a person: ``-`` when unknown, else milliseconds, seconds, minutes or hours.

    Records hold whole milliseconds, the rest cut off, so 0 means less than one.
    """
    if msec is None:
        return "-"
    if msec == 0:
        return "<1 ms"
    if abs(msec) < 1000:
        return f"{msec:.0f} ms" if float(msec).is_integer() else f"{msec:.1f} ms"
    seconds = msec / 1000
    if abs(seconds) < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if abs(minutes) < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def printable(text: str) -> str:
    r"""Replace what a terminal would obey rather than show: control characters become ``\x1b`` and the like."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
