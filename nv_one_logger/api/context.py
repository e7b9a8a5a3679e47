"""Carries the current span into threads, so that spans started there get the right parent."""

from __future__ import annotations

import contextvars
import functools
from typing import Any, Callable, TypeVar, cast

__all__ = ["propagate_span"]

F = TypeVar("F", bound=Callable[..., Any])


def propagate_span(func: F) -> F:
    """Return ``func`` such that it runs with the span that is current now, in whatever thread it is called.

    A new thread and a worker of a pool start without a current span, so what they record would have no parent. All
    other context variables are carried along too. The wrapper may be called many times and from several threads at
    once; what one call does to the current span is seen neither by the caller nor by another call.

    Asyncio needs no help: tasks and ``asyncio.to_thread`` copy the context themselves; ``loop.run_in_executor`` does
    not.

    Args:
        func: What will run elsewhere. Not a coroutine function: its coroutine follows the task that runs it.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with timed_span("preprocess"), ThreadPoolExecutor() as pool:  # doctest: +SKIP
        ...     results = list(pool.map(propagate_span(load), files))
    """
    context = contextvars.copy_context()

    @functools.wraps(func)
    def in_context(*args: Any, **kwargs: Any) -> Any:
        # A copy for each call, since a context can be entered by one thread at a time; copying takes constant time.
        return context.copy().run(func, *args, **kwargs)

    return cast(F, in_context)
