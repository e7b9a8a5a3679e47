"""Tells objects that they now live in a forked child, so that they renew what must not be shared."""

from __future__ import annotations

import os
import threading
import weakref
from typing import List, Tuple

__all__ = ["after_fork_in_child"]

# Weak, so that registering an object does not keep it alive. Guarded by _lock.
_registered: List[Tuple[weakref.ReferenceType[object], str]] = []  # one entry per object and method
_lock = threading.Lock()
_handler_installed = False


def after_fork_in_child(target: object, method_name: str) -> None:
    """Have ``target.method_name()`` called in every child that this process forks, while ``target`` lives.

    Calls come in the order of registration. An exception of one is swallowed: the child is the application's, and it
    must start. Where the platform cannot fork, this does nothing.
    """
    global _handler_installed, _registered
    with _lock:
        _registered = [entry for entry in _registered if entry[0]() is not None]
        _registered.append((weakref.ref(target), method_name))
        if not _handler_installed and hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_tell_all)
            _handler_installed = True


def _tell_all() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it, and does not exist here
    for reference, method_name in list(_registered):
        target = reference()
        if target is None:
            continue
        try:
            getattr(target, method_name)()
        except Exception:  # noqa: S110  # nothing can be logged here safely: logging's own locks may be held
            pass
