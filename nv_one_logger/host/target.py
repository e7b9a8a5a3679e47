"""What is called for a plugin: an exporter itself, or the marked functions of any other plugin."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Tuple

from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.host.inspection import (
    EXPORTER_METHODS,
    HOOK_ARGUMENTS,
    HookImpl,
    describe,
    find_hookimpls,
    has_hookimpls,
    is_exporter,
)

__all__ = ["Parts", "find_parts", "positional"]


class Parts(NamedTuple):
    """A plugin taken apart."""

    target: Any
    """Has a method for each of ``hooks``, called with all arguments of the hookspec, by position."""
    hooks: Tuple[str, ...]
    tryfirst: Tuple[str, ...]
    """Hooks that the plugin wants to be called first for."""
    wrappers: Tuple[HookImpl, ...]


def find_parts(plugin: object) -> Parts:
    """Take a plugin apart.

    Raises:
        PluginError: It is no plugin, or one of its functions does not fit its hook.
    """
    implementations = find_hookimpls(plugin)
    wrappers = tuple(one for one in implementations if one.is_wrapper)
    plain = [one for one in implementations if not one.is_wrapper]
    tryfirst = tuple(one.hook for one in plain if one.tryfirst)
    if is_exporter(plugin):
        _check_exporter(plugin, implementations)
        target, hooks = _exporter_target(plugin, plain)
        return Parts(target, hooks, tryfirst, wrappers)
    if not has_hookimpls(plugin):
        raise PluginError(
            f"Plugin {describe(plugin)} is neither an exporter nor has it any function marked @hookimpl. "
            "Mark its functions with nv_one_logger.host.hookimpl."
        )
    functions = {one.hook: positional(one) for one in plain}
    return Parts(_Functions(functions), tuple(functions), tryfirst, wrappers)


def positional(implementation: HookImpl) -> Callable[..., Any]:
    """Return a function that takes all arguments of the hook and passes on those the implementation names."""
    function, named, known = implementation.function, implementation.arguments, HOOK_ARGUMENTS[implementation.hook]
    if named == known:
        return function
    places = [known.index(name) for name in named]

    def call(*arguments: Any) -> Any:
        return function(*[arguments[place] for place in places])

    return call


class _Functions:
    """The functions of a plugin by hook."""

    def __init__(self, functions: Dict[str, Callable[..., Any]]) -> None:
        self.__dict__.update(functions)


class _Renamed:
    """An exporter whose marked functions take fewer arguments than their hooks, or go by other names.

    The methods of the exporter are still looked up at each call, so that they may be replaced at any time.
    """

    def __init__(self, plugin: object, functions: Dict[str, Callable[..., Any]]) -> None:
        self._plugin = plugin
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        function = self._functions.get(name)
        return getattr(self._plugin, name) if function is None else function


def _exporter_target(plugin: object, plain: List[HookImpl]) -> Tuple[Any, Tuple[str, ...]]:
    more = [one for one in plain if one.hook not in EXPORTER_METHODS]
    functions = {one.hook: positional(one) for one in more}
    is_callable_directly = all(one.name == one.hook and functions[one.hook] is one.function for one in more)
    return (plugin if is_callable_directly else _Renamed(plugin, functions)), (*EXPORTER_METHODS, *functions)


def _check_exporter(plugin: object, implementations: List[HookImpl]) -> None:
    """Refuse marks that contradict the methods that every exporter has.

    Raises:
        PluginError: Another function than its method is marked for a hook, or the method is marked as a wrapper.
    """
    for one in implementations:
        is_method = one.name in EXPORTER_METHODS
        if is_method != (one.hook in EXPORTER_METHODS and not one.is_wrapper):
            raise PluginError(
                f"Exporter {describe(plugin)}: {one.name} cannot be marked for the hook {one.hook}, because an "
                "exporter is called through its methods. Put it into a plugin of its own."
            )
