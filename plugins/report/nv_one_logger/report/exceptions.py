"""What can be wrong with a request for a report."""

from __future__ import annotations

from nv_one_logger.core.exceptions import OneLoggerError

__all__ = ["InputError", "SessionChoiceError"]


class InputError(OneLoggerError):
    """A path names nothing that could be read, or nothing that holds records."""


class SessionChoiceError(OneLoggerError):
    """The files hold several sessions and none was chosen, or not the one that was."""
