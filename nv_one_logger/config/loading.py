"""Imports what a class name refers to, and lets nothing through that is no exporter and no plugin."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from types import ModuleType
from typing import Tuple

from nv_one_logger.config.entries import did_you_mean
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host import has_hookimpls
from nv_one_logger.host.catalogue import Catalogue

__all__ = ["LoadError", "import_object", "is_buildable", "load_plugin"]


class LoadError(Exception):
    """A class name leads to nothing that can be used.

    Attributes:
        problem: Why.
        remedy: What to do.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def load_plugin(class_name: str, catalogue: Catalogue) -> object:
    """Return the class, module or object that a catalogue name or import path refers to.

    Raises:
        LoadError: It cannot be imported, or is neither an exporter nor a plugin. Nothing of it was called.
        CatalogueError: It is a catalogue name whose entry point is broken, or that several distributions publish.
    """
    entry = catalogue.find(class_name)
    if entry is not None:
        found = entry.load()
    elif "." in class_name or ":" in class_name or _is_top_level_module(class_name):
        found = _guarded_import(class_name)
    else:
        known = [installed.name for installed in catalogue.exporters()]
        otherwise = "Install the distribution that publishes it, or give the path package.module.Class"
        raise LoadError("is no installed exporter", did_you_mean(class_name, known, otherwise))
    _check_is_plugin(found)
    return found


def is_buildable(found: object) -> bool:
    """Whether it is called to get the plugin (a class), as opposed to being the plugin (a module or an object)."""
    return isinstance(found, type)


def import_object(path: str) -> object:
    """Import ``package.module.Class``, ``package.module:Outer.Inner`` or ``package.module``."""
    if ":" in path:
        module_name, _, attributes = path.partition(":")
        found: object = importlib.import_module(module_name)
        names = tuple(attributes.split("."))
    else:
        found, names = _nearest_module(path)
    for name in names:
        if not hasattr(found, name):
            where = getattr(found, "__name__", repr(found))
            known = [known for known in dir(found) if not known.startswith("_")]
            raise LoadError(f"cannot be found: {where} has no {name}", did_you_mean(name, known, "Correct the path"))
        found = getattr(found, name)
    return found


def _nearest_module(path: str) -> Tuple[ModuleType, Tuple[str, ...]]:
    """Import the longest leading part of a dotted path that is a module; the rest are attributes."""
    parts = path.split(".")
    # The longest part that is loaded already is taken as it is; what follows may still be a module nobody imported yet.
    loaded = [end for end in range(len(parts), 1, -1) if sys.modules.get(".".join(parts[:end])) is not None]
    end = loaded[0] if loaded else 1
    module = sys.modules[".".join(parts[:end])] if loaded else importlib.import_module(parts[0])
    for position, part in enumerate(parts[end:], start=end):
        name = f"{module.__name__}.{part}"
        if not hasattr(module, "__path__") or importlib.util.find_spec(name) is None:
            return module, tuple(parts[position:])
        module = importlib.import_module(name)
    return module, ()


def _is_top_level_module(name: str) -> bool:
    return name.isidentifier() and (name in sys.modules or importlib.util.find_spec(name) is not None)


def _guarded_import(path: str) -> object:
    try:
        return import_object(path)
    except LoadError:
        raise
    except ModuleNotFoundError as error:
        package = path.replace(":", ".").partition(".")[0]
        is_missing = error.name == package
        remedy = f"Run 'pip install {package}'" if is_missing else "Correct the path"
        raise LoadError(f"cannot be imported ({error})", f"{remedy} or set enabled: false") from error
    except (Exception, SystemExit) as error:
        problem = f"cannot be imported ({type(error).__name__}: {error})"
        raise LoadError(problem, "Repair that module or set enabled: false") from error


def _check_is_plugin(found: object) -> None:
    remedy = "Name a subclass of Exporter, or an object or module with @hookimpl functions"
    if isinstance(found, type) and issubclass(found, Exporter):
        if inspect.isabstract(found):
            missing = ", ".join(sorted(getattr(found, "__abstractmethods__", ())))
            raise LoadError(f"is abstract: it does not implement {missing}", "Name a complete subclass")
    elif not isinstance(found, Exporter) and not has_hookimpls(found):
        raise LoadError(f"is {_kind(found)}, neither an exporter nor a plugin", remedy)


def _kind(found: object) -> str:
    if isinstance(found, type):
        return "a class"
    if isinstance(found, ModuleType):
        return "a module"
    return "a function" if callable(found) else f"an object of type {type(found).__name__}"
