"""The exit codes of ``one-logger``; a command may define others of its own from 4 to 63."""

from __future__ import annotations

__all__ = ["FAILURE", "INTERRUPTED", "INTERNAL_ERROR", "MISSING_EXTRA", "OK", "USAGE"]

OK = 0
FAILURE = 1
"""The command could not do what it was asked, and said why."""
USAGE = 2
"""The command line itself is wrong."""
MISSING_EXTRA = 3
"""click or rich is not installed."""
INTERNAL_ERROR = 70
"""A fault in a command (EX_SOFTWARE of sysexits.h); ``--debug`` shows the traceback."""
INTERRUPTED = 130
"""Ctrl-C (128 plus the signal's number, as shells report it)."""
