"""Small helpers: a temporary environment variable, values that may be callables, and patching."""

from __future__ import annotations

import functools
import os
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, TypeVar, Union, overload

__all__ = ["evaluate_value", "patch_function", "patch_method", "temporarily_modify_env"]

T = TypeVar("T")
Wrapper = Callable[..., Any]


@contextmanager
def temporarily_modify_env(var_name: str, new_var: Optional[str] = None) -> Iterator[None]:
    """Set an environment variable to ``new_var``, or remove it when that is ``None``, for the length of a block.

    Afterwards the variable is what it was before, also when it was absent and the block itself set it. The
    environment belongs to the whole process: other threads see the change.
    """
    previous = os.environ.get(var_name)
    _set_env(var_name, new_var)
    try:
        yield
    finally:
        _set_env(var_name, previous)


def _set_env(var_name: str, value: Optional[str]) -> None:
    if value is None:
        os.environ.pop(var_name, None)
    else:
        os.environ[var_name] = value


@overload
def evaluate_value(value: Callable[[], T]) -> T: ...


@overload
def evaluate_value(value: T) -> T: ...


def evaluate_value(value: Union[T, Callable[[], T]]) -> T:
    """Return what ``value`` returns when it is callable, else ``value`` itself."""
    return value() if callable(value) else value


def patch_function(original: Callable[..., Any]) -> Callable[[Wrapper], Callable[..., Any]]:
    """Return a decorator that turns ``wrapper(original, *args, **kwargs)`` into a replacement of ``original``.

    The replacement carries the name and the docstring of ``original``. Storing it in the place of ``original`` is
    left to the caller.
    """

    def decorate(wrapper: Wrapper) -> Callable[..., Any]:
        @functools.wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            return wrapper(original, *args, **kwargs)

        return replacement

    return decorate


def patch_method(original: Callable[..., Any]) -> Callable[[Wrapper], Callable[..., Any]]:
    """Return a decorator that turns ``wrapper(original, self, *args, **kwargs)`` into a replacement method.

    Stored in a class, the replacement works for all instances of it, those that exist already included. It carries
    the name and the docstring of ``original``.
    """

    def decorate(wrapper: Wrapper) -> Callable[..., Any]:
        @functools.wraps(original)
        def replacement(self: Any, *args: Any, **kwargs: Any) -> Any:
            return wrapper(original, self, *args, **kwargs)

        return replacement

    return decorate
