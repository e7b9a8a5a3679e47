"""The current span of a recorder in this thread or asyncio task: the parent of the next one."""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from typing import List, Optional

from nv_one_logger.core.span import Span

__all__ = ["current_span_of"]

# Variables of recorders that are gone. A context variable is never collected, so each of them is used again; what one
# still holds is no open span of its next recorder, which therefore ignores it.
_free: List[ContextVar[Optional[Span]]] = []


def current_span_of(recorder: object) -> ContextVar[Optional[Span]]:
    """Return a context variable that is the recorder's alone while it lives."""
    try:
        variable = _free.pop()
    except IndexError:
        variable = ContextVar("nv_one_logger_current_span", default=None)
    weakref.finalize(recorder, _free.append, variable).atexit = False
    return variable
