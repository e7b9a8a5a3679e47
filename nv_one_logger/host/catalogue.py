"""The entry-point catalogue: which plugins are installed and who ships them, without importing any of them."""

from __future__ import annotations

import sys
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Tuple

from nv_one_logger.core.exceptions import ConfigError, PluginError

if sys.version_info >= (3, 10):
    from importlib.metadata import distributions, entry_points
else:  # the standard one tells neither the distribution nor its version there
    from importlib_metadata import distributions, entry_points

__all__ = [
    "BUILTIN_ALIASES",
    "BUILTIN_EXPORTERS",
    "COMMANDS_GROUP",
    "DEFAULTS_GROUP",
    "EXPORTERS_GROUP",
    "Catalogue",
    "CatalogueEntry",
    "CatalogueError",
    "select_group",
]

EXPORTERS_GROUP = "nv_one_logger.exporters"
DEFAULTS_GROUP = "nv_one_logger.exporter_configs"
COMMANDS_GROUP = "nv_one_logger.commands"

OWN_DISTRIBUTION = "nv-one-logger-core"

#: Catalogue name -> object reference of the exporters shipped here; known without metadata, so a source tree works.
BUILTIN_EXPORTERS: Mapping[str, str] = {
    "file": "nv_one_logger.exporter.file_exporter:FileExporter",
    "logger": "nv_one_logger.exporter.logger_exporter:LoggerExporter",
}

#: Other import path of a built-in class -> the path that identifies it.
BUILTIN_ALIASES: Mapping[str, str] = {
    "nv_one_logger.exporter.FileExporter": "nv_one_logger.exporter.file_exporter.FileExporter",
    "nv_one_logger.exporter.LoggerExporter": "nv_one_logger.exporter.logger_exporter.LoggerExporter",
}


class CatalogueError(PluginError):
    """An installed plugin was asked for by its name and cannot be had.

    Attributes:
        problem: What is wrong, to be read after the name.
        remedy: What to do.
    """

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{name}' {problem}. {remedy}.")
        self.problem = problem
        self.remedy = remedy


class CatalogueEntry:
    """One entry point: its name, what it refers to and which distribution published it.

    Attributes:
        name: Name of the entry point.
        value: Object reference as published, such as ``acme.exporter:AcmeExporter``; ``""`` when unknown.
        group: Entry-point group.
        is_builtin: Whether it is one of the exporters of this library.
    """

    def __init__(self, name: str, value: str, group: str, entry_point: Optional[object] = None) -> None:
        self.name = name
        self.value = value
        self.group = group
        self.is_builtin = entry_point is None
        self._entry_point = entry_point
        self._identity: Optional[Tuple[str, str]] = None

    @property
    def distribution(self) -> str:
        """Name of the distribution that published it; ``""`` when that cannot be found out."""
        return self._published_by()[0]

    @property
    def version(self) -> str:
        """Version of that distribution; ``""`` when that cannot be found out."""
        return self._published_by()[1]

    @property
    def publisher(self) -> str:
        """Distribution and version in one text for a person, such as ``acme 1.2``."""
        return f"{self.distribution} {self.version}".strip() or "an unknown distribution"

    @property
    def import_path(self) -> str:
        """The object reference as a dotted path, which identifies a class in configurations."""
        return self.value.split("[")[0].strip().replace(":", ".")

    def load(self) -> object:
        """Import the module and return the object the entry point refers to.

        Raises:
            CatalogueError: Importing failed in any way, ``sys.exit()`` at import included.
        """
        try:
            return self._load()
        except (Exception, SystemExit) as error:
            raise CatalogueError(
                self.name,
                f"is an entry point of {self.publisher} ({self.value}) that cannot be loaded "
                f"({type(error).__name__}: {error})",
                "Repair or uninstall that distribution",
            ) from error

    def _load(self) -> object:
        if self._entry_point is None:
            module, _, attribute = self.value.partition(":")
            return getattr(__import__(module, fromlist=[attribute]), attribute)
        return self._entry_point.load()  # type: ignore[attr-defined]  # both libraries' EntryPoint, and doubles of it

    def _published_by(self) -> Tuple[str, str]:
        # Reading METADATA costs about 0.3 ms a distribution: done only when somebody asks, and once.
        if self._identity is None:
            self._identity = _builtin_identity() if self._entry_point is None else _identity(self._entry_point)
        return self._identity

    def __repr__(self) -> str:
        return f"<CatalogueEntry {self.name} = {self.value} of {self.publisher}>"


class Catalogue:
    """What is installed. Entry points are read at the first question and kept; nothing they refer to is imported."""

    def __init__(self, read: Optional[Callable[[], object]] = None) -> None:
        """Create a catalogue.

        Args:
            read: Returns what ``importlib.metadata.entry_points()`` returns; for programs that bring their own.
        """
        self._read = read
        self._found: Optional[object] = None
        self._problems: List[ConfigError] = []
        self._groups: Dict[str, Tuple[CatalogueEntry, ...]] = {}

    def exporters(self) -> Tuple[CatalogueEntry, ...]:
        """All exporter plugins that can be enabled, the built-in ones first; a name may occur twice."""
        return self._group(EXPORTERS_GROUP)

    def package_defaults(self) -> Tuple[CatalogueEntry, ...]:
        """What installed distributions want enabled (``get_default_config``), in the order they are found."""
        return self._group(DEFAULTS_GROUP)

    def commands(self) -> Tuple[CatalogueEntry, ...]:
        """Commands that installed distributions add to ``one-logger``."""
        return self._group(COMMANDS_GROUP)

    def problems(self) -> Tuple[ConfigError, ...]:
        """What is wrong with installed distributions, as far as reading their metadata shows it."""
        self.exporters(), self.package_defaults()
        return tuple(self._problems)

    def find(self, name: str) -> Optional[CatalogueEntry]:
        """Look an exporter up by its name; ``None`` when nobody publishes it.

        Raises:
            CatalogueError: Several distributions publish it.
        """
        found = [entry for entry in self.exporters() if entry.name == name]
        if len(found) > 1:
            publishers = " and ".join(f"{entry.publisher} ({entry.value})" for entry in found)
            raise CatalogueError(name, f"is published by {publishers}", "Use the class path")
        return found[0] if found else None

    def _group(self, group: str) -> Tuple[CatalogueEntry, ...]:
        if group not in self._groups:
            found = [
                CatalogueEntry(str(point.name), str(getattr(point, "value", "")), group, point)  # type: ignore[attr-defined]
                for point in select_group(self._entry_points(), group)
            ]
            self._groups[group] = self._without_repetition(found, group)
        return self._groups[group]

    def _entry_points(self) -> object:
        if self._found is None:
            self._found = self._read() if self._read is not None else self._read_installed()
        return self._found

    def _read_installed(self) -> object:
        try:
            return entry_points()
        except Exception:  # one malformed entry_points.txt spoils the list of all: read each by itself
            return self._read_one_by_one()

    def _read_one_by_one(self) -> Dict[str, List[object]]:
        groups: Dict[str, List[object]] = {}
        seen = set()
        for distribution in distributions():
            name = str(distribution.metadata["Name"])
            if name in seen:  # further back on sys.path, so hidden by the first
                continue
            seen.add(name)
            try:
                points = list(distribution.entry_points)
            except Exception as error:
                self._problems.append(
                    ConfigError(
                        f"cannot be read ({type(error).__name__}: {error})",
                        source=f"distribution {name}",
                        key="entry_points.txt",
                        remedy="Reinstall that distribution",
                    )
                )
                continue
            for point in points:
                groups.setdefault(point.group, []).append(point)
        return groups

    def _without_repetition(self, found: List[CatalogueEntry], group: str) -> Tuple[CatalogueEntry, ...]:
        kept: List[CatalogueEntry] = []
        if group == EXPORTERS_GROUP:
            kept = [CatalogueEntry(name, value, group) for name, value in BUILTIN_EXPORTERS.items()]
        for entry in found:
            builtin = BUILTIN_EXPORTERS.get(entry.name) if group == EXPORTERS_GROUP else None
            if builtin is not None and builtin != entry.value:
                self._problems.append(_shadowing(entry))
            elif builtin is None and not any(_same(entry, other) for other in kept):
                kept.append(entry)
        return tuple(kept)


def select_group(found: object, group: str) -> Iterable[object]:
    """Pick one group out of what ``entry_points()`` returned, whichever of its historic shapes that has."""
    if hasattr(found, "select"):
        return list(found.select(group=group))
    if hasattr(found, "get"):
        return list(found.get(group, []))
    return []


def _same(one: CatalogueEntry, other: CatalogueEntry) -> bool:
    # The same line of the same distribution, seen twice because sys.path reaches it twice.
    return (one.name, one.value) == (other.name, other.value) and one.publisher == other.publisher


def _shadowing(entry: CatalogueEntry) -> ConfigError:
    return ConfigError(
        "is ignored: it is the name of a built-in exporter",
        source=entry.publisher,
        key=f"entry point {EXPORTERS_GROUP}",
        value=entry.name,
        remedy="Ask its authors for another name, or use the class path",
    )


def _identity(entry_point: object) -> Tuple[str, str]:
    distribution = getattr(entry_point, "dist", None)
    try:
        name, version = distribution.metadata["Name"], distribution.version  # type: ignore[union-attr]
    except Exception:  # metadata of a stranger: missing, half deleted, or a double without any
        return "", ""
    return (name, version) if isinstance(name, str) and isinstance(version, str) else ("", "")


def _builtin_identity() -> Tuple[str, str]:
    for distribution in distributions(name=OWN_DISTRIBUTION):
        return OWN_DISTRIBUTION, str(distribution.version)
    return OWN_DISTRIBUTION, ""
