"""Adds a callback to every trainer of a class, and takes that back."""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Optional, Tuple, Type

from nv_one_logger.core.internal.utils import patch_method
from nv_one_logger.training_telemetry.integration._compat.lightning import callback_bases
from nv_one_logger.training_telemetry.integration._lightning_operations import recorded_save

__all__ = ["callback_of", "current_callback", "hook", "unhook", "with_callback"]

_NAMES = ("__init__", "save_checkpoint", "nv_one_logger_callback")


class Hook:
    """What the wrappers of one class share; the callback may be exchanged.

    Args:
        callback: The callback of trainers still to come.
        kind: The class of such callbacks, of which a trainer gets one.
    """

    def __init__(self, callback: Any, kind: type) -> None:
        self.callback = callback
        self.kind = kind
        self.replacements: Dict[str, Any] = {}


def with_callback(callbacks: object, callback: Any, kind: type) -> Tuple[List[Any], Any]:
    """Return a list that begins with our callback, and that callback.

    Args:
        callbacks: What a user gave to the trainer, which is not changed. A callback of ``kind`` in it is taken instead
            of ``callback``, as two would count everything twice.
        callback: Our callback.
        kind: Its class.

    Raises:
        ValueError: It is nothing that Lightning takes for callbacks.
    """
    given = _as_list(callbacks)
    own = next((one for one in given if isinstance(one, kind)), callback)
    return [own, *(one for one in given if one is not own)], own


def _as_list(callbacks: object) -> List[Any]:
    if callbacks is None:
        return []
    if isinstance(callbacks, (list, tuple)):
        return list(callbacks)
    if isinstance(callbacks, callback_bases):
        return [callbacks]
    raise ValueError(
        "The 'callbacks' argument must be a list. One callback, a tuple and None are taken, too; found "
        f"{type(callbacks).__name__}."
    )


def callback_of(trainer: Any) -> Optional[Any]:
    """Return the callback that a hook gave to a trainer; ``None`` if it was made before the hook."""
    return getattr(trainer, "_nv_one_logger_callback", None)


class _CallbackProperty(property):
    """``nv_one_logger_callback`` of a hooked class, told from a property of the class's own by its type."""


def _installed(cls: type, name: str) -> Optional[Hook]:
    """Return the hook that a method of the class belongs to; ``None`` where somebody has put another one there."""
    method = vars(cls).get(name)
    found = getattr(method, "_nv_one_logger_hook", None)
    # A wrapper of somebody else around ours carries our mark, too, if made with functools.wraps.
    return found if found is not None and found.replacements.get(name) is method else None


def current_callback(cls: type) -> Optional[Any]:
    """Return the callback that trainers of this class get now; ``None`` if the class is not hooked."""
    found = _installed(cls, "__init__")
    return None if found is None else found.callback


def hook(cls: Type[Any], callback: Any, kind: type) -> None:
    """Give the callback to all trainers of the class from now on. A class that is hooked is not wrapped again."""
    found = _installed(cls, "__init__") or _installed(cls, "save_checkpoint") or Hook(callback, kind)
    found.callback = callback
    for name, wrap in (("__init__", _wrap_init), ("save_checkpoint", _wrap_save)):
        if _installed(cls, name) is None:
            replacement = found.replacements[name] = wrap(getattr(cls, name), found)
            replacement._nv_one_logger_hook = found
            replacement._nv_one_logger_original = vars(cls).get(name)  # None: inherited
            setattr(cls, name, replacement)
    if not isinstance(vars(cls).get("nv_one_logger_callback"), property):
        cls.nv_one_logger_callback = _CallbackProperty(callback_of, doc=callback_of.__doc__)


def unhook(cls: Type[Any]) -> None:
    """Put back what :func:`hook` replaced, unless somebody has replaced it since."""
    for name in _NAMES:
        found = vars(cls).get(name)
        if not isinstance(found, _CallbackProperty) and _installed(cls, name) is None:
            continue
        original = getattr(found, "_nv_one_logger_original", None)
        if original is None:
            delattr(cls, name)
        else:
            setattr(cls, name, original)


def _wrap_init(original: Any, shared: Hook) -> Any:
    @patch_method(original)
    def init(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        callbacks, own = with_callback(kwargs.get("callbacks"), shared.callback, shared.kind)
        original(self, *args, **{**kwargs, "callbacks": callbacks})
        _make_sure_of(self, own)
        self._nv_one_logger_callback = own

    return init


def _make_sure_of(trainer: Any, callback: Any) -> None:
    """Add the callback where Lightning preferred a list given by position."""
    callbacks = getattr(trainer, "callbacks", None)
    if isinstance(callbacks, list) and callback not in callbacks:
        callbacks.insert(0, callback)


def _wrap_save(original: Any, _: Hook) -> Any:
    @patch_method(original)
    def save(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        return recorded_save(callback_of(self), self, functools.partial(original, self), *args, **kwargs)

    return save
