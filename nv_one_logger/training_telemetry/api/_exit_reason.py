"""Why an application ended, as attributes of its span. A normal end leaves none."""

from __future__ import annotations

from typing import Optional

from nv_one_logger.core.span import Span

__all__ = ["EXIT_DETAIL", "EXIT_REASON", "note_exception", "note_exit"]

EXIT_REASON = "exit_reason"
"""``exception``, ``signal`` or ``interpreter_exit`` (without ``on_app_end``)."""

EXIT_DETAIL = "exit_detail"
"""Class of the exception with its text, or name of the signal."""

_MAX_DETAIL = 200


def note_exit(span: Optional[Span], reason: str, detail: str = "") -> None:
    """Put the reason on the application span, unless it has stopped or has one already: the first cause counts."""
    if span is None or not span.active or EXIT_REASON in span.updated_attributes:
        return
    span.add_attribute(EXIT_REASON, reason)
    if detail:
        span.add_attribute(EXIT_DETAIL, detail[:_MAX_DETAIL])


def note_exception(span: Optional[Span], exception: BaseException) -> None:
    """Note that an exception ends the application; ``sys.exit()`` without an error code is a normal end."""
    if isinstance(exception, SystemExit) and not exception.code:
        return
    try:
        text = str(exception)
    except Exception:  # of the user's own class
        text = ""
    name = type(exception).__name__
    note_exit(span, "exception", f"{name}: {text}" if text else name)
