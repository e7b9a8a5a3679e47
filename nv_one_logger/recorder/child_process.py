"""The end of processes that ``multiprocessing`` starts: they end by ``os._exit`` and run no ``atexit`` function."""

from __future__ import annotations

import functools
import sys
from typing import Callable, TypeVar

__all__ = ["when_child_process_ends", "when_forked_child_ends"]

T = TypeVar("T")


def when_child_process_ends(subject: T, action: Callable[[T], object]) -> None:
    """In a process that ``multiprocessing`` has started, have ``action(subject)`` called at its end."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None and sys.modules["multiprocessing"].parent_process() is not None:
        util.Finalize(subject, action, args=(subject,), exitpriority=0)


def when_forked_child_ends(subject: T, action: Callable[[T], object]) -> None:
    """Right after a fork, in case it is one of ``multiprocessing``: have ``action(subject)`` called at the child's end.

    The finalizers of the child are cleared after this, hence the detour over what is called after that.
    """
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(subject, functools.partial(when_child_process_ends, action=action))
