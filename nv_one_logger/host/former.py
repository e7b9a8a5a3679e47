"""Remembers what unregistered plugins were told, for the case that they come back."""

from __future__ import annotations

import weakref
from typing import Callable, Dict, List, Optional, Tuple

from nv_one_logger.core.span import Span

__all__ = ["FormerPlugins"]

MAX_PLUGINS = 16
"""So many of those that were unregistered last are remembered."""


class FormerPlugins:
    """The spans whose start each unregistered plugin was told.

    A plugin that is registered again must not be told the same start twice, not even by a call that was on its way when
    it was removed. So both of its lives share one collection. Not locked: the host is.
    """

    def __init__(self) -> None:
        self._entries: List[Tuple[Callable[[], Optional[object]], Dict[Span, int]]] = []

    def remember(self, plugin: object, started: Dict[Span, int]) -> None:
        """Take note of a plugin that is being unregistered."""
        alive = [entry for entry in self._entries if entry[0]() is not None]
        self._entries = [*alive, (_weak(plugin), started)][-MAX_PLUGINS:]

    def recall(self, plugin: object) -> Optional[Dict[Span, int]]:
        """Return, and forget, what the plugin knows of the spans that are still open; ``None`` if it is a new one."""
        for entry in self._entries:
            get, started = entry
            if get() is plugin:
                self._entries.remove(entry)
                for span in list(started):
                    if not span.active:  # ended while the plugin was away
                        started.pop(span, None)
                return started
        return None


def _weak(plugin: object) -> Callable[[], Optional[object]]:
    try:
        return weakref.ref(plugin)
    except TypeError:  # an object with slots
        return lambda: plugin
