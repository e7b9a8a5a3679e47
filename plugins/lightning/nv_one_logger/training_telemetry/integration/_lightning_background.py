"""Checkpoints that Lightning's ``AsyncCheckpointIO`` writes in a thread: when they really are on disk."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Optional

__all__ = ["BackgroundWrite", "background_io"]

Written = Callable[[Optional[BaseException]], None]
"""Called when a checkpoint is written, or with the reason why it was not."""

_MOST_WRAPPERS = 8


def background_io(trainer: Any) -> Optional[Any]:
    """Return the plugin of a trainer that writes checkpoints in the background, if it has one.

    It is known by its name, as each of Lightning's two packages has a class of its own.
    """
    plugin: Any = getattr(getattr(trainer, "strategy", None), "checkpoint_io", None)
    for _ in range(_MOST_WRAPPERS):
        names = [cls.__name__ for cls in type(plugin).__mro__]
        if "AsyncCheckpointIO" in names:
            return plugin
        if "_WrappingCheckpointIO" not in names:
            return None
        plugin = plugin.checkpoint_io
    return None


class BackgroundWrite:
    """One save through such a plugin, watched from its submission to the end of the write.

    Used around ``trainer.save_checkpoint``. Afterwards ``is_submitted`` tells whether anything was handed to the
    background; on ranks that write nothing, and where a strategy writes by itself, nothing was.

    Args:
        plugin: The ``AsyncCheckpointIO``.
        on_end: Called, in the plugin's thread, when the write has ended.
    """

    def __init__(self, plugin: Any, on_end: Written) -> None:
        self._plugin = plugin
        self._on_end = on_end
        self.is_submitted = False

    def __enter__(self) -> BackgroundWrite:
        self._before = vars(self._plugin).get("save_checkpoint")
        self._submit = self._plugin.save_checkpoint
        self._plugin.save_checkpoint = self._submit_watched
        return self

    def __exit__(self, *exc_info: object) -> None:
        del self._plugin.save_checkpoint
        if self._before is not None:  # somebody else had put it on the object
            self._plugin.save_checkpoint = self._before

    def _submit_watched(self, *args: Any, **kwargs: Any) -> Any:
        writer = self._plugin.checkpoint_io
        if writer is not None:
            path = _path_of(*args, **kwargs)
            _Writes.of(writer).expect(path, self._on_end)
            self.is_submitted = True
        return self._submit(*args, **kwargs)


class _Writes:
    """Stands in for ``save_checkpoint`` of the plugin that really writes, while writes are expected of it."""

    _lock = threading.Lock()

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._write = writer.save_checkpoint
        self._expected: Dict[str, List[Written]] = {}

    @classmethod
    def of(cls, writer: Any) -> _Writes:
        with cls._lock:
            found = vars(writer).get("save_checkpoint")
            if not isinstance(found, cls):
                found = writer.save_checkpoint = cls(writer)
            return found

    def expect(self, path: str, on_end: Written) -> None:
        with self._lock:
            self._expected.setdefault(path, []).append(on_end)
            self._writer.save_checkpoint = self  # taken away by a write that has just ended

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        on_end = self._next(_path_of(*args, **kwargs))
        try:
            result = self._write(*args, **kwargs)
        except BaseException as error:
            on_end(error)
            raise
        on_end(None)
        return result

    def _next(self, path: str) -> Written:
        with self._lock:
            waiting = self._expected.get(path)
            if not waiting:
                return _tell_nobody  # not saved through the trainer
            on_end = waiting.pop(0)
            if not waiting:
                del self._expected[path]
            if not self._expected:
                vars(self._writer).pop("save_checkpoint", None)
            return on_end


def _tell_nobody(error: Optional[BaseException]) -> None:
    """Nobody asked for the end of this write."""


def _path_of(checkpoint: object = None, path: object = None, *_: object, **__: object) -> str:
    """Return the path among the arguments of ``CheckpointIO.save_checkpoint``."""
    return str(path)
