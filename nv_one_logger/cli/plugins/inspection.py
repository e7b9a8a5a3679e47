"""Imports plugins and looks at them, without constructing any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

from nv_one_logger.cli.in_force import output_kept_apart
from nv_one_logger.cli.plugins.listing import BLOCKED, PluginRow
from nv_one_logger.config.loading import LoadError, load_plugin
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.exporter.exporter import BaseExporter, Exporter
from nv_one_logger.host.catalogue import Catalogue, CatalogueError
from nv_one_logger.host.inspection import EXPORTER_METHODS
from nv_one_logger.host.target import find_parts

__all__ = ["LoadedPlugin", "load_all", "load_one"]


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin after it was imported.

    Attributes:
        row: What was known before.
        found: Its class, module or object; ``None`` when it could not be had.
        hooks: The hooks it implements. Of an exporter, those it does not leave to ``BaseExporter``.
        problem: What is broken; ``""`` when nothing is.
        is_left_alone: Whether it was not imported, because a switch keeps it out.
    """

    row: PluginRow
    found: object = None
    hooks: Tuple[str, ...] = ()
    problem: str = ""
    is_left_alone: bool = False

    def as_dict(self) -> Dict[str, object]:
        """Return plain data."""
        return {
            **self.row.as_dict(),
            "loaded": self.found is not None,
            "hooks": list(self.hooks),
            "problem": self.problem,
        }


def load_all(rows: Tuple[PluginRow, ...], catalogue: Catalogue) -> Tuple[LoadedPlugin, ...]:
    """Import every plugin that no switch keeps out."""
    return tuple(
        LoadedPlugin(row, is_left_alone=True) if row.state == BLOCKED else load_one(row, catalogue) for row in rows
    )


def load_one(row: PluginRow, catalogue: Catalogue) -> LoadedPlugin:
    """Import one plugin; whatever goes wrong is told in ``problem``."""
    if not row.reference:
        return LoadedPlugin(row, problem=row.reason)
    try:
        with output_kept_apart():
            found = row.entry.load() if row.entry is not None else load_plugin(row.reference, catalogue)
            return LoadedPlugin(row, found, hooks_of(found))
    except (LoadError, CatalogueError) as error:
        return LoadedPlugin(row, problem=f"{error.problem}. {error.remedy}.")
    except OneLoggerError as error:
        return LoadedPlugin(row, problem=error.message)
    except Exception as error:  # of a stranger's class that cannot even be looked at
        return LoadedPlugin(row, problem=f"{type(error).__name__}: {error}")


def hooks_of(found: object) -> Tuple[str, ...]:
    """Return the hooks that a class, module or object implements.

    Raises:
        OneLoggerError: It is no plugin, or does not fit the hookspecs.
        TypeError: It is an abstract class.
    """
    # Methods can only be checked where `self` is bound; the constructor, which would want arguments, is passed over.
    plugin = object.__new__(found) if isinstance(found, type) else found
    parts = find_parts(plugin)
    hooks = [*parts.hooks, *(wrapper.hook for wrapper in parts.wrappers)]
    if isinstance(plugin, Exporter):
        hooks = [hook for hook in hooks if hook not in EXPORTER_METHODS or _does_itself(type(plugin), hook)]
    return tuple(dict.fromkeys(hooks))


def _does_itself(exporter: type, method: str) -> bool:
    return getattr(exporter, method) is not getattr(BaseExporter, method)
