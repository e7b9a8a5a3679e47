"""What a configuration consists of: origins, settings, entries, levels, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping, Optional, Tuple

from nv_one_logger.config.document import Node, Place, plain
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.core.internal.strenum import StrEnum

__all__ = ["Entry", "Level", "Merged", "Origin", "OriginKind", "Problem", "Setting"]


class OriginKind(StrEnum):
    """Where something in a configuration came from."""

    CODE = "code"
    FILE = "file"
    PACKAGE = "package"
    DEFAULT = "default"
    SWITCH = "switch"


@dataclass(frozen=True)
class Origin:
    """The place a value or a decision came from.

    Attributes:
        kind: Kind of source.
        label: The source for a person: a path, ``code at train.py:12``, ``acme 1.2 (entry point 'acme_file')``.
        file: The path, for files.
        line: Line in a file, counted from 1.
        column: Column in that line, counted from 1.
        variables: Environment variables whose values were put into it by ``${...}``.
        asked: Whether a person named this source; a mistake in it is then an error, otherwise a warning.
        distribution: Distribution, for package defaults.
        version: Version of that distribution.
    """

    kind: OriginKind
    label: str
    file: str = ""
    line: Optional[int] = None
    column: Optional[int] = None
    variables: Tuple[str, ...] = ()
    asked: bool = True
    distribution: str = ""
    version: str = ""

    @property
    def place(self) -> str:
        """Source, line and column, as error messages begin."""
        if self.line is None:
            return self.label
        return f"{self.label}, line {self.line}, column {self.column}"

    def at(self, place: Place) -> Origin:
        """The same source, at another place in it."""
        return replace(self, line=place.line, column=place.column, variables=())

    def error(self, problem: str, *, key: str = "", value: object = ..., remedy: str = "") -> ConfigError:
        """A mistake that stands here."""
        kwargs = {} if value is ... else {"value": value}
        return ConfigError(
            problem,
            source=str(self),
            key=key,
            remedy=remedy,
            file=self.file,
            line=self.line,
            column=self.column,
            **kwargs,
        )

    def __str__(self) -> str:
        filled = "".join(f", ${name} from the environment" for name in self.variables)
        return f"{self.place}{filled}"


@dataclass(frozen=True)
class Setting:
    """One value with its origin.

    Attributes:
        node: The value, with the places of what is inside it.
        origin: Where it stands.
        key_origin: Where its key stands.
        key: Its key in that source, such as ``exporters[0].config.file_path``.
    """

    node: Node
    origin: Origin
    key_origin: Optional[Origin] = None
    key: str = ""

    @property
    def value(self) -> object:
        """The value as plain Python data, new containers at each call."""
        return plain(self.node)


@dataclass(frozen=True)
class Entry:
    """One mention of an exporter in one source.

    Attributes:
        origin: Where the entry begins.
        path: Its key in that source, such as ``exporters[1]``.
        name: Its name, if it was given one.
        class_name: What to run; missing in an entry that only refers to a name.
        enabled: ``None`` when not mentioned, which means enabled.
        background: ``None`` when not mentioned.
        config: Arguments of the constructor.
        default_name: Entry-point name of the package default this entry is.
        is_sound: False when it has a mistake; it never takes effect then, and is only checked for further ones.
        is_loaded: False for a package default that was left unread because its name is switched off.
        failure: Why a package default could not be read.
    """

    origin: Origin
    path: str
    name: Optional[Setting] = None
    class_name: Optional[Setting] = None
    enabled: Optional[Setting] = None
    background: Optional[Setting] = None
    config: Mapping[str, Setting] = field(default_factory=dict)
    default_name: str = ""
    is_sound: bool = True
    is_loaded: bool = True
    failure: str = ""

    @property
    def is_enabled(self) -> bool:
        """Whether this mention asks for the exporter to run."""
        return self.enabled is None or bool(self.enabled.value)

    @property
    def own_name(self) -> str:
        """The name that identifies this entry, or ``""``."""
        return str(self.name.value) if self.name is not None else self.default_name


@dataclass(frozen=True)
class Level:
    """All entries of one priority: package defaults, files, or code."""

    kind: OriginKind
    entries: Tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Merged:
    """One exporter after merging: the entries it is made of and those it pushed aside.

    Attributes:
        layers: Contributing entries, the one with the highest priority first. Never empty.
        replaced: Entries that lost as a whole; nothing of them takes effect.
    """

    layers: Tuple[Entry, ...]
    replaced: Tuple[Entry, ...] = ()

    @property
    def top(self) -> Entry:
        """The entry that decides."""
        return self.layers[0]

    @property
    def own_name(self) -> str:
        """The name that identifies it, or ``""`` if its class does; a mention by an alias renames nothing."""
        return next((layer.own_name for layer in reversed(self.layers) if layer.own_name), "")

    @property
    def is_package_default(self) -> bool:
        """Whether a package default is part of it; such a one is reachable by its class as well as by its name."""
        return any(layer.origin.kind is OriginKind.PACKAGE for layer in self.layers)

    @property
    def is_enabled(self) -> bool:
        """What the highest mention says."""
        return self.top.is_enabled

    def with_layer(self, entry: Entry) -> Merged:
        """Put ``entry`` on top."""
        return Merged((entry, *self.layers), self.replaced)

    def settings_of(self, key: str) -> Tuple[Setting, ...]:
        """All settings of one argument, the effective one first."""
        return tuple(layer.config[key] for layer in self.layers if key in layer.config)

    def config(self) -> Mapping[str, Setting]:
        """The effective arguments: lowest source's keys first, the highest source's values."""
        keys = dict.fromkeys(key for layer in reversed(self.layers) for key in layer.config)
        return {key: self.settings_of(key)[0] for key in keys}

    def field(self, name: str) -> Tuple[Setting, ...]:
        """All mentions of ``class_name``, ``enabled``, ``background`` or ``name``, the effective one first."""
        return tuple(setting for setting in (getattr(layer, name) for layer in self.layers) if setting is not None)


@dataclass(frozen=True)
class Problem:
    """A mistake, and how it is to be treated.

    Attributes:
        error: The mistake.
        asked: Somebody named the thing, so it raises (unless in quiet mode); otherwise it is only logged.
        is_error: Logged as an error instead of a warning.
    """

    error: ConfigError
    asked: bool
    is_error: bool = False
