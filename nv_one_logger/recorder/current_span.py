"""The current span of this thread or asyncio task: the parent of the next one."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Optional

from nv_one_logger.core.span import Span

__all__ = ["current_span"]

# One for all recorders: a context variable is never collected. Each recorder looks only at spans of its own.
current_span: ContextVar[Optional[Span]] = ContextVar("nv_one_logger_current_span", default=None)
