"""Public front of the config manager: which exporters are configured, and the objects built from that."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union, cast

from nv_one_logger.config.entries import parse_entries
from nv_one_logger.config.gate import Plan, plan_entries
from nv_one_logger.config.merge import merge_levels
from nv_one_logger.config.models import Entry, Level, Merged, Origin, OriginKind, Problem
from nv_one_logger.config.names import Names
from nv_one_logger.config.prepare import construct, prepare
from nv_one_logger.config.provenance import State
from nv_one_logger.config.report import report
from nv_one_logger.config.resolve import resolve
from nv_one_logger.config.sources import FileSource, LoadedSources, find_file, load_entries, node_of, read_found
from nv_one_logger.config.switches import Switches
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.exporter.exporter_config import ExporterConfig
from nv_one_logger.host.catalogue import DEFAULTS_GROUP, EXPORTERS_GROUP, Catalogue, CatalogueError, select_group

if sys.version_info >= (3, 10):
    from importlib.metadata import entry_points
else:
    from importlib_metadata import entry_points

__all__ = ["ExporterConfigManager"]

_logger = logging.getLogger(__name__)

ConfigLike = Union[ExporterConfig, Mapping[str, Any]]


class ExporterConfigManager:
    """Merges exporter configurations of code, file and installed packages, and builds the exporters.

    ``TrainingTelemetryProvider.with_export_config`` does the same with named plugins and provenance; this class is for
    programs that want the list itself.
    """

    ENTRY_POINT_NAME = DEFAULTS_GROUP

    def __init__(self) -> None:
        self._installed = _installed_entry_points()
        self._loaded: Optional[Dict[str, Any]] = None

    @property
    def entry_point_exporter_configs(self) -> Dict[str, Any]:
        """Package defaults by entry-point name: the objects with ``get_default_config``, imported at the first use."""
        if self._loaded is None:
            self._loaded = {}
            for point in Catalogue(lambda: self._installed).package_defaults():
                try:
                    self._loaded[point.name] = point.load()
                except CatalogueError as error:
                    _logger.warning("%s", error)
        return self._loaded

    @entry_point_exporter_configs.setter
    def entry_point_exporter_configs(self, configs: Dict[str, Any]) -> None:
        self._loaded = configs

    def generate_export_config(
        self, direct_config: Optional[Sequence[ConfigLike]] = None, config_file_path: Optional[str] = None
    ) -> List[ExporterConfig]:
        """Merge package defaults, file and ``direct_config``; the later wins, entry by entry.

        Args:
            direct_config: Entries from code, dicts or ``ExporterConfig``, also mixed. Never changed.
            config_file_path: The file; without it ``ONE_LOGGER_EXPORTER_CONFIG_PATH``, then the default names.

        Returns:
            One new entry per exporter, those that are off or switched off included as disabled.

        Raises:
            ConfigError: ``direct_config`` or a file that was named has mistakes; a ``ConfigErrors`` for several.
        """
        switches = Switches.from_environ(os.environ)
        code, problems = load_entries(direct_config)
        sources = LoadedSources(code, self._file_source(config_file_path), problems)
        resolution = resolve([sources], self._catalogue(), switches)
        report(resolution.problems, quiet=False, strict=switches.strict)
        return [
            _config_of(plan.merged, enabled=plan.decision.state is State.ON)
            for plan in resolution.plans
            if plan.merged.field("class_name")
        ]

    def create_exporters_from_config(
        self, exporters_config: Sequence[ConfigLike], training_telemetry_config: Optional[Any] = None
    ) -> List[Exporter]:
        """Build the exporters of all enabled entries, in order; what cannot be built is skipped with a warning.

        Args:
            exporters_config: The entries; each gives an exporter of its own.
            training_telemetry_config: An ``OneLoggerConfig``, for the one class that asks for it.
        """
        entries, problems = load_entries(exporters_config)
        _warn(problems)
        sound = [entry for entry in entries if entry.is_sound and entry.class_name is not None]
        plans = plan_entries(sound, self._catalogue(), Switches.from_environ(os.environ))
        built = [self._create(plan, training_telemetry_config) for plan in plans if plan.decision.state is State.ON]
        return [cast(Exporter, exporter) for exporter in built if exporter]

    def _create(self, plan: Plan, one_logger_config: Optional[Any]) -> object:
        prepared = prepare(plan, self._catalogue(), one_logger_config)
        _warn(prepared.problems)
        if prepared.problems:
            return None
        try:
            return construct(prepared)
        except ConfigError as error:
            _logger.warning("%s", error)
            return None

    def _find_config_file(self, path: Optional[str] = None) -> Optional[Path]:
        """Return the file that is meant; ``None`` when nobody names one and none lies in the working directory.

        Raises:
            ConfigError: The file that was named does not exist.
        """
        found = find_file(path, environ=os.environ)
        if found is None:
            return None
        file, origin = found
        if not file.exists() and origin.asked:
            report(read_found(file, origin, environ=os.environ).problems, quiet=False, strict=False)
        return file

    def _get_file_config(self, path: Optional[str] = None) -> List[ExporterConfig]:
        """Return the entries of the file; none without a file, or when one that nobody named is broken.

        Raises:
            ConfigError: A file that was named has mistakes.
        """
        file = self._find_config_file(path)
        if file is None:
            return _FileConfigs((), None)
        found = find_file(path, environ=os.environ)
        origin = found[1] if found is not None else Origin(OriginKind.FILE, str(file), file=str(file), asked=False)
        source = read_found(file, origin, environ=os.environ)
        report(source.problems, quiet=False, strict=Switches.from_environ(os.environ).strict)
        if source.is_broken:
            return _FileConfigs((), None)
        configs = [_config_of(Merged((entry,)), enabled=entry.is_enabled) for entry in source.entries]
        return _FileConfigs(configs, source)

    def _file_source(self, path: Optional[str]) -> Optional[FileSource]:
        configs = self._get_file_config(path)
        if isinstance(configs, _FileConfigs):
            return configs.source
        return FileSource(Path(path or ""), _FILE, _entries_of(configs, _FILE))

    def _merge_configs(self, base: Sequence[ConfigLike], override: Sequence[ConfigLike]) -> List[ExporterConfig]:
        """Overlay ``override`` on ``base``, entry by entry; neither is changed.

        Raises:
            ConfigError: An entry of ``override`` may mean several of ``base``.
        """
        levels = (
            Level(OriginKind.FILE, _entries_of(base, _FILE)),
            Level(OriginKind.CODE, _entries_of(override, Origin(OriginKind.CODE, "code"))),
        )
        result = merge_levels(levels, Names.from_catalogue(self._catalogue()))
        report(result.problems, quiet=False, strict=False)
        return [_config_of(merged, enabled=merged.is_enabled) for merged in result.merged]

    def _build_exporter_configs(self, configs: Sequence[ConfigLike]) -> List[ExporterConfig]:
        """Turn dicts into entries.

        Raises:
            ConfigError: One of them has a mistake.
        """
        entries = _entries_of(configs, Origin(OriginKind.CODE, "code"))
        return [_config_of(Merged((entry,)), enabled=entry.is_enabled) for entry in entries]

    def _catalogue(self) -> Catalogue:
        if self._loaded is None:
            return Catalogue(lambda: self._installed)
        given = [_GivenDefault(name, config) for name, config in self._loaded.items()]
        exporters = list(select_group(self._installed, EXPORTERS_GROUP))
        return Catalogue(lambda: {DEFAULTS_GROUP: given, EXPORTERS_GROUP: exporters})


_FILE = Origin(OriginKind.FILE, "configuration file")


class _FileConfigs(List[ExporterConfig]):
    """The entries of a file as a list, which remembers the places of everything in it."""

    def __init__(self, configs: Sequence[ExporterConfig], source: Optional[FileSource]) -> None:
        super().__init__(configs)
        self.source = source


class _GivenDefault:
    """An entry point for a package default that the program put into ``entry_point_exporter_configs``."""

    def __init__(self, name: str, config: object) -> None:
        self.name = name
        self._config = config

    def load(self) -> object:
        """Return the object with ``get_default_config``."""
        return self._config


def _installed_entry_points() -> object:
    try:
        return entry_points()
    except Exception as error:
        _logger.warning("The entry points of installed distributions cannot be read: %r.", error)
        return {}


def _entries_of(configs: Sequence[ConfigLike], origin: Origin) -> Tuple[Entry, ...]:
    entries, mistakes = parse_entries([node_of(config) for config in configs], "exporters", origin)
    report([Problem(mistake, asked=True) for mistake in mistakes], quiet=False, strict=False)
    return entries


def _config_of(merged: Merged, *, enabled: bool) -> ExporterConfig:
    names, classes, backgrounds = merged.field("name"), merged.field("class_name"), merged.field("background")
    return ExporterConfig(
        class_name=str(classes[0].value) if classes else str(names[0].value),
        config={key: setting.value for key, setting in merged.config().items()},
        enabled=enabled,
        name=str(names[0].value) if names else None,
        background=cast("Union[bool, Dict[str, Any]]", backgrounds[0].value) if backgrounds else None,
    )


def _warn(problems: Sequence[Problem]) -> None:
    report(problems, quiet=True, strict=False)
