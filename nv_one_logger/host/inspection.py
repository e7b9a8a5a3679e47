"""Looks at a plugin before it is registered: which hooks it implements, and whether they fit the hookspecs."""

from __future__ import annotations

import difflib
import inspect
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.exporter.internal.hookimpl import PROJECT_NAME
from nv_one_logger.host import spec

__all__ = [
    "EXPORTER_METHODS",
    "HOOK_ARGUMENTS",
    "HookImpl",
    "describe",
    "find_hookimpls",
    "has_hookimpls",
    "is_exporter",
]

EXPORTER_METHODS: Tuple[str, ...] = (
    "initialize",
    "export_start",
    "export_stop",
    "export_event",
    "export_error",
    "export_telemetry_data_error",
    "close",
)
"""The methods of an exporter that are hooks without being marked."""

_MARK = f"{PROJECT_NAME}_impl"
_SPEC_MARK = f"{PROJECT_NAME}_spec"

HOOK_ARGUMENTS: Dict[str, Tuple[str, ...]] = {
    name: tuple(inspect.signature(function).parameters)
    for name, function in vars(spec).items()
    if hasattr(function, _SPEC_MARK)
}
"""Hook name -> the names of its arguments, in order."""


class HookImpl(NamedTuple):
    """One marked function of a plugin."""

    name: str
    hook: str
    function: Callable[..., Any]
    arguments: Tuple[str, ...]
    is_wrapper: bool
    tryfirst: bool
    trylast: bool


def is_exporter(plugin: object) -> bool:
    """Whether a plugin is an exporter: an ``Exporter``, or an unmarked object with all seven of its methods."""
    if isinstance(plugin, Exporter):
        return True
    if isinstance(plugin, (type, ModuleType)) or has_hookimpls(plugin):
        return False
    return all(callable(getattr(plugin, name, None)) for name in EXPORTER_METHODS)


def has_hookimpls(plugin: object) -> bool:
    """Whether any function of an object, class or module is marked ``@hookimpl``."""
    return next(_marked(plugin), None) is not None


def find_hookimpls(plugin: object) -> List[HookImpl]:
    """Return the marked functions of a plugin, checked against the hookspecs.

    Raises:
        PluginError: One is named like no hook, takes an argument that its hook does not have, is an old-style wrapper
            or a wrapper that does not yield, two are for the same hook, or the plugin is a class where an instance is
            needed. The message names the nearest known name.
    """
    if isinstance(plugin, type) and issubclass(plugin, Exporter):
        raise PluginError(_needs_an_instance(plugin))
    found: List[HookImpl] = []
    names: Dict[str, str] = {}  # hook -> function, of the plain implementations
    for name, options in _marked(plugin):
        hook = options.get("specname") or name
        if hook not in HOOK_ARGUMENTS:
            if options.get("optionalhook"):
                continue
            raise PluginError(_unknown_hook(plugin, hook))
        if options.get("hookwrapper"):
            raise PluginError(
                f"Plugin {describe(plugin)}: {name} is an old-style wrapper. Use @hookimpl(wrapper=True), "
                "which yields once and returns the result."
            )
        found.append(_hookimpl_of(plugin, name, hook, options))
        if not found[-1].is_wrapper and names.setdefault(hook, name) != name:
            raise PluginError(
                f"Plugin {describe(plugin)} has two functions for {hook}: {names[hook]} and {name}. Merge them."
            )
    return found


def _hookimpl_of(plugin: object, name: str, hook: str, options: Dict[str, Any]) -> HookImpl:
    function = getattr(plugin, name)
    is_wrapper = bool(options.get("wrapper"))
    if is_wrapper and not inspect.isgeneratorfunction(function):
        raise PluginError(f"Plugin {describe(plugin)}: {name} is marked as a wrapper and has no yield. Yield once.")
    arguments = _arguments(plugin, hook, function)
    tryfirst, trylast = bool(options.get("tryfirst")), bool(options.get("trylast"))
    return HookImpl(name, hook, function, arguments, is_wrapper, tryfirst, trylast)


def describe(plugin: object) -> str:
    """Return the dotted path of a plugin's class, or of the plugin itself if it is a module or class."""
    if isinstance(plugin, ModuleType):
        return plugin.__name__
    cls = plugin if isinstance(plugin, type) else type(plugin)
    return f"{cls.__module__}.{cls.__qualname__}"


def _marked(plugin: object) -> Iterator[Tuple[str, Dict[str, Any]]]:
    # Static look-up: a plain getattr would run properties, and a mock would answer to every name.
    for name in dir(plugin):
        try:
            attribute = inspect.getattr_static(plugin, name)
        except AttributeError:
            continue
        if isinstance(attribute, (staticmethod, classmethod)):
            attribute = attribute.__func__
        if not inspect.isroutine(attribute):
            continue
        options = getattr(attribute, _MARK, None)
        if isinstance(options, dict):
            yield name, options


def _arguments(plugin: object, hook: str, function: Callable[..., Any]) -> Tuple[str, ...]:
    known = HOOK_ARGUMENTS[hook]
    required = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    named = tuple(parameter.name for parameter in required)
    if any(parameter.kind is parameter.KEYWORD_ONLY for parameter in required):
        raise PluginError(
            f"Plugin {describe(plugin)}: {hook} has keyword-only arguments, and hooks are called by position. "
            "Remove the '*' from its parameters."
        )
    for name in named:
        if name in known:
            continue
        if name == "self" and isinstance(plugin, type):
            raise PluginError(_needs_an_instance(plugin))
        takes = ", ".join(known) if known else "no arguments"
        raise PluginError(
            f"Plugin {describe(plugin)}: {hook} names an argument {name!r} that the hook does not have"
            f"{_nearest(name, known)}. The hook has: {takes}."
        )
    return named


def _needs_an_instance(plugin: object) -> str:
    return f"Plugin {describe(plugin)} is a class. Register an instance of it."


def _unknown_hook(plugin: object, hook: str) -> str:
    return (
        f"Plugin {describe(plugin)}: there is no hook {hook!r}{_nearest(hook, tuple(HOOK_ARGUMENTS))}. "
        f"The hooks are: {', '.join(HOOK_ARGUMENTS)}."
    )


def _nearest(name: str, known: Tuple[str, ...]) -> str:
    close: Optional[List[str]] = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
