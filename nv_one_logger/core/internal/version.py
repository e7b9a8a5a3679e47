"""Finds the version of an installed distribution, or of the project whose source is being run."""

from __future__ import annotations

import logging
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

__all__ = ["find_pyproject", "get_version", "get_version_from_pyproject"]

_logger = logging.getLogger(__name__)

# Enough TOML for Python 3.8 to 3.10: headers of tables, and the two keys where they stand as plain strings.
_TABLE = re.compile(r"^\s*\[(?P<name>[^\[\]]+)\]\s*(?:#.*)?$")
_ENTRY = re.compile(r"""^\s*(?P<key>name|version)\s*=\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)""")


def find_pyproject(start_dir: Optional[Path] = None) -> Optional[Path]:
    """Return the nearest ``pyproject.toml`` at or above a directory, by default this module's.

    The root of the file system is not looked at.
    """
    directory = (Path(__file__).parent if start_dir is None else Path(start_dir)).resolve()
    while directory != directory.parent:
        candidate = directory / "pyproject.toml"
        if candidate.is_file():
            return candidate
        directory = directory.parent
    return None


def get_version_from_pyproject(pkg_name: Optional[str] = None) -> Optional[str]:
    """Return the version that the nearest ``pyproject.toml`` declares for a package.

    Args:
        pkg_name: Name of the distribution; by default that of whichever project the file belongs to.

    Returns:
        ``project.version``, else ``tool.poetry.version``; ``None`` if there is no file, the file belongs to another
        project or cannot be read, or it declares no version.
    """
    path = find_pyproject()
    if path is None:
        _logger.debug("No pyproject.toml above %s.", __file__)
        return None
    try:
        data = _read(path)
    except (OSError, ValueError) as error:
        _logger.warning("%s cannot be read: %s", path, error)
        return None
    for table in (_table(data, "project"), _table(data, "tool", "poetry")):
        declared = table.get("version")
        if declared and (pkg_name is None or _normalised(str(table.get("name", ""))) == _normalised(pkg_name)):
            return str(declared)
    return None


def get_version(pkg_name: str) -> str:
    """Return the version of an installed distribution, else of the project of that name this code stands in.

    ``"unknown"``, with an error in the log, if there is neither.
    """
    found: Optional[str] = None
    try:
        found = version(pkg_name)
    except PackageNotFoundError:
        pass
    found = found or get_version_from_pyproject(pkg_name)
    if found is None:
        _logger.error("The version of %s is unknown: it is not installed. Install it with pip.", pkg_name)
        return "unknown"
    return found


def _read(path: Path) -> Dict[str, Any]:
    return _parse(path.read_text(encoding="utf-8"))


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()  # PEP 503


def _table(data: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    table: Any = data
    for key in keys:
        table = table.get(key, {}) if isinstance(table, dict) else {}
    return table if isinstance(table, dict) else {}


def _parse_names_and_versions(text: str) -> Dict[str, Any]:
    """Return the name and version of the tables ``project`` and ``tool.poetry``, nested as a TOML parser does."""
    tables: Dict[str, Dict[str, str]] = {"project": {}, "tool.poetry": {}}
    current: Dict[str, str] = {}
    for line in text.splitlines():
        header, entry = _TABLE.match(line), _ENTRY.match(line)
        if header:
            current = tables.get(re.sub(r"[\s\"']", "", header.group("name")), {})
        elif line.lstrip().startswith("[["):
            current = {}
        elif entry:
            current.setdefault(entry.group("key"), entry.group("value"))
    return {"project": tables["project"], "tool": {"poetry": tables["tool.poetry"]}}


def _parse(text: str) -> Dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib  # only a source tree has a pyproject.toml to read

        return tomllib.loads(text)
    return _parse_names_and_versions(text)
