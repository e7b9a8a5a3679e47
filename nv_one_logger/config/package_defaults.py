"""Asks installed distributions what they want enabled: ``get_default_config()`` of their entry points."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from nv_one_logger.config.document import from_python
from nv_one_logger.config.entries import ENTRY_KEYS, parse_entry
from nv_one_logger.config.models import Entry, Origin, OriginKind, Problem
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.exporter.exporter_config import ExporterConfig
from nv_one_logger.host.catalogue import CatalogueEntry, CatalogueError

__all__ = ["duplicate_defaults", "origin_of", "read_default", "unread_default"]

_PATH = "get_default_config()"
_REMEDY = "Tell its authors; until then switch it off with ONE_LOGGER_DISABLE"


def origin_of(point: CatalogueEntry) -> Origin:
    """The origin of everything a package default says."""
    label = f"{point.publisher} (entry point '{point.name}')"
    return Origin(OriginKind.PACKAGE, label, asked=False, distribution=point.distribution, version=point.version)


def unread_default(point: CatalogueEntry) -> Entry:
    """Stand in for a package default that is switched off, so that its module need not be imported."""
    return Entry(origin_of(point), _PATH, default_name=point.name, is_loaded=False)


def read_default(point: CatalogueEntry) -> Tuple[Optional[Entry], List[Problem]]:
    """Import the module with the defaults, which is not the exporter's, and return them as an entry.

    Nothing a distribution does wrong here raises: the entry is ``None`` then and the problems say why.
    """
    origin = origin_of(point)
    reference = point.value or point.name
    try:
        loaded = point.load()
    except CatalogueError as error:
        cause = error.__cause__
        return None, [_problem(origin, f"cannot be loaded ({type(cause).__name__}: {cause})", reference)]
    get_default_config = getattr(loaded, "get_default_config", None)
    if not callable(get_default_config):
        return None, [_problem(origin, "has no get_default_config() to call", reference)]
    try:
        answer = get_default_config()
    except (Exception, SystemExit) as error:
        return None, [_problem(origin, f"raised {type(error).__name__}: {error}")]
    if isinstance(answer, ExporterConfig):
        answer = {"class_name": answer.class_name, "config": answer.config, "enabled": answer.enabled}
    if not isinstance(answer, Mapping):
        return None, [_problem(origin, f"returned a {type(answer).__name__}, not a dict")]
    return _entry_of(answer, point.name, origin)


def duplicate_defaults(points: Sequence[CatalogueEntry]) -> List[Problem]:
    """Report names that several distributions use: all take effect, but such a name no longer tells which is meant."""
    by_name: Dict[str, List[CatalogueEntry]] = {}
    for point in points:
        by_name.setdefault(point.name, []).append(point)
    return [
        Problem(
            ConfigError(
                f"is published by {' and '.join(point.publisher for point in same)}; all of them take effect",
                source="package defaults",
                key="entry point nv_one_logger.exporter_configs",
                value=name,
                remedy="Ask the authors for different names, or uninstall one",
            ),
            asked=False,
        )
        for name, same in by_name.items()
        if len(same) > 1
    ]


def _entry_of(answer: Mapping[object, object], name: str, origin: Origin) -> Tuple[Optional[Entry], List[Problem]]:
    allowed = [key for key in ENTRY_KEYS if key != "name"]  # it is known by its entry point's name
    unknown = [key for key in answer if key not in allowed]
    problems = [_problem(origin, f"has the unknown key {key!r}, which is ignored") for key in unknown]
    node = from_python({key: value for key, value in answer.items() if key in allowed}, depth=2)
    entry, mistakes = parse_entry(node, _PATH, origin)
    problems.extend(Problem(mistake, asked=False) for mistake in mistakes)
    if entry is None or not entry.is_sound:
        return None, problems
    return Entry(
        origin, _PATH, None, entry.class_name, entry.enabled, entry.background, entry.config, default_name=name
    ), problems


def _problem(origin: Origin, problem: str, key: str = _PATH) -> Problem:
    return Problem(origin.error(problem, key=key, remedy=_REMEDY), asked=False)
