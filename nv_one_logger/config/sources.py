"""Reads what a configuration comes from: arguments, file and environment. The only place that opens files."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Mapping, Optional, Sequence, Tuple, Union, cast

from nv_one_logger.config.document import Node, Place, from_python
from nv_one_logger.config.entries import parse_entries, parse_file
from nv_one_logger.config.json_reader import read_json
from nv_one_logger.config.models import Entry, Origin, OriginKind, Problem, Setting
from nv_one_logger.config.reading import MAX_BYTES, DocumentError
from nv_one_logger.config.substitute import substitute
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.exporter.exporter_config import ExporterConfig

__all__ = [
    "DEFAULT_FILE_NAMES",
    "PATH_VARIABLE",
    "FileSource",
    "LoadedSources",
    "find_file",
    "load_entries",
    "load_sources",
    "node_of",
    "read_file",
    "read_found",
]

PATH_VARIABLE = "ONE_LOGGER_EXPORTER_CONFIG_PATH"

#: Looked for in the working directory, in this order, when nobody names a file.
DEFAULT_FILE_NAMES = (
    "one_logger_exporters_config.yaml",
    "one_logger_exporters_config.yml",
    "one_logger_exporters_config.json",
)

_Content = Tuple[Optional[Node], List[DocumentError]]


def _read_yaml(text: str) -> _Content:
    from nv_one_logger.config.yaml_reader import read_yaml  # PyYAML takes a while, and many jobs have no such file

    return read_yaml(text)


_READERS: Mapping[str, Callable[[str], _Content]] = {".yaml": _read_yaml, ".yml": _read_yaml, ".json": read_json}

ExportersConfig = Sequence[Union[ExporterConfig, Mapping[str, object]]]
PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class FileSource:
    """A configuration file that was looked at.

    Attributes:
        path: The file.
        origin: How messages call it, and whether somebody named it.
        entries: Its entries. They take effect only when the whole file has no mistake.
        inherit: What it says about package defaults.
        problems: Its mistakes.
    """

    path: Path
    origin: Origin
    entries: Tuple[Entry, ...] = ()
    inherit: Optional[Setting] = None
    problems: Tuple[Problem, ...] = ()

    @property
    def is_broken(self) -> bool:
        """Whether it has a mistake; it is then left out as a whole, never applied in part."""
        return bool(self.problems)


@dataclass(frozen=True)
class LoadedSources:
    """What one call of ``with_export_config`` brought, read and checked, with nothing imported.

    Attributes:
        code: Entries given in code, also those with a mistake.
        file: The file that was given, named by the environment, or found; ``None`` without any.
        problems: Mistakes in the entries given in code.
    """

    code: Tuple[Entry, ...] = ()
    file: Optional[FileSource] = None
    problems: Tuple[Problem, ...] = ()

    def all_problems(self) -> Tuple[Problem, ...]:
        """Mistakes of both, code first."""
        return (*self.problems, *(self.file.problems if self.file is not None else ()))


def load_sources(
    exporters_config: Optional[ExportersConfig] = None,
    config_file_path: Optional[PathLike] = None,
    *,
    environ: Optional[Mapping[str, str]] = None,
    cwd: Optional[PathLike] = None,
    call_site: str = "",
) -> LoadedSources:
    """Read code entries, the configuration file and the environment variables it refers to.

    Args:
        exporters_config: Entries from code, dicts or ``ExporterConfig``, also mixed. Copied; never changed.
        config_file_path: The file; without it the variable ``ONE_LOGGER_EXPORTER_CONFIG_PATH``, then the default names.
        environ: Environment; that of the process by default.
        cwd: Where to look for the default names; the working directory by default.
        call_site: ``file:line`` of the call, for messages.

    Returns:
        Entries and mistakes. A mistake in the content never raises here.

    Raises:
        ConfigError: An argument is of the wrong type.
    """
    environ = os.environ if environ is None else environ
    entries, problems = load_entries(exporters_config, call_site=call_site)
    _check_path(config_file_path)
    return LoadedSources(entries, read_file(config_file_path, environ=environ, cwd=cwd), problems)


def load_entries(
    exporters_config: Optional[ExportersConfig], *, call_site: str = ""
) -> Tuple[Tuple[Entry, ...], Tuple[Problem, ...]]:
    """Check the entries given in code, and return them with their mistakes.

    Raises:
        ConfigError: It is no list.
    """
    origin = Origin(OriginKind.CODE, f"code at {call_site}" if call_site else "code")
    if exporters_config is not None and not isinstance(exporters_config, (list, tuple)):
        raise origin.error(
            f"is a {type(exporters_config).__name__}, not a list of entries",
            key="exporters_config",
            remedy="Give a list of dicts or ExporterConfig objects",
        )
    nodes = [node_of(entry) for entry in exporters_config or ()]
    entries, mistakes = parse_entries(nodes, "exporters_config", origin)
    return entries, tuple(Problem(mistake, asked=True) for mistake in mistakes)


def read_file(
    path: Optional[PathLike], *, environ: Mapping[str, str], cwd: Optional[PathLike] = None
) -> Optional[FileSource]:
    """Find and read the configuration file; ``None`` when nobody named one and none lies in the working directory."""
    found = find_file(path, environ=environ, cwd=cwd)
    if found is None:
        return None
    return read_found(*found, environ=environ)


def read_found(file: Path, origin: Origin, *, environ: Mapping[str, str]) -> FileSource:
    """Read a file that was found; whatever is wrong with it, that it does not exist included, becomes a problem."""
    try:
        root, mistakes = _READERS[_format_of(file)](_read_text(file))
    except DocumentError as error:
        root, mistakes = None, [error]
    if root is None and mistakes:
        return FileSource(file, origin, problems=_problems(mistakes, (), origin))
    if root is not None:
        root, undefined = substitute(root, environ)
        mistakes.extend(undefined)
    parsed = parse_file(root, origin)
    return FileSource(file, origin, parsed.entries, parsed.inherit, _problems(mistakes, parsed.mistakes, origin))


def find_file(
    path: Optional[PathLike], *, environ: Mapping[str, str], cwd: Optional[PathLike] = None
) -> Optional[Tuple[Path, Origin]]:
    """Decide which file is meant, whether it exists or not: argument, then variable, then default names that exist."""
    if path is not None:
        return Path(path), Origin(OriginKind.FILE, os.fspath(path), file=os.fspath(path))
    named = environ.get(PATH_VARIABLE, "")
    if named:
        return Path(named), Origin(OriginKind.FILE, f"{named} (named by {PATH_VARIABLE})", file=named)
    folder = Path("." if cwd is None else cwd)
    for name in DEFAULT_FILE_NAMES:
        if os.path.lexists(folder / name):
            return folder / name, Origin(OriginKind.FILE, name, file=str(folder / name), asked=False)
    return None


def _check_path(path: object) -> None:
    if path is None or (isinstance(path, (str, os.PathLike)) and os.fspath(path)):
        return
    raise ConfigError(
        "is empty" if path == "" else f"is a {type(path).__name__}, not a path",
        source="code",
        key="config_file_path",
        value=path,
        remedy="Give a str or a Path, or None to look for the file in the usual places",
    )


def node_of(entry: object) -> Node:
    """Make a tree of an entry given in code, its containers copied."""
    if issubclass(type(entry), ExporterConfig):
        entry = cast(ExporterConfig, entry)
        fields = {"class_name": entry.class_name, "config": entry.config, "enabled": entry.enabled}
        if entry.name is not None:
            fields["name"] = entry.name
        if entry.background is not None:
            fields["background"] = entry.background
        return from_python(fields, depth=2)
    return from_python(entry, depth=2)


def _format_of(file: Path) -> str:
    suffix = file.suffix.lower()
    if suffix not in _READERS:
        raise DocumentError("has a name that tells no format", Place(), remedy=f"Let it end in {', '.join(_READERS)}")
    return suffix


def _read_text(file: Path) -> str:
    _format_of(file)  # before opening: a wrong path may be a device or a gigabyte
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise DocumentError("is not a regular file", Place(), remedy="Name a YAML or JSON file")
        with open(file, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DocumentError("does not exist", Place(), remedy="Correct the path or create the file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "Correct the path or its permissions"
        raise DocumentError(f"cannot be read ({reason})", Place(), remedy=remedy) from error
    if len(content) > MAX_BYTES:
        raise DocumentError(f"is larger than {MAX_BYTES} bytes", Place(), remedy="Name the right file or shorten it")
    return _decoded(content)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Place(before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        raise DocumentError("is not UTF-8 text", place, remedy="Save it as UTF-8") from error


def _problems(mistakes: Sequence[DocumentError], errors: Sequence[ConfigError], origin: Origin) -> Tuple[Problem, ...]:
    # Aliases show one mistake several times; and a mistaken form is often a mistaken entry too: the first one counts.
    found = {(mistake.place, mistake.key): _error_of(mistake, origin) for mistake in reversed(mistakes)}
    unique = {error.key: error for error in errors}
    unique.update({error.key: error for error in found.values()})
    # A file nobody named is left out with an error in the log, so that a stray one cannot stop a job.
    return tuple(Problem(error, asked=origin.asked, is_error=not origin.asked) for error in unique.values())


def _error_of(mistake: DocumentError, origin: Origin) -> ConfigError:
    return origin.at(mistake.place).error(mistake.problem, key=mistake.key, remedy=mistake.remedy)
