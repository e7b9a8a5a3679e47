"""Turns the tree of one source into typed entries, and finds every mistake in it at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Tuple

from nv_one_logger.config.document import Fields, Items, Node, Scalar, plain
from nv_one_logger.config.models import Entry, Origin, Setting
from nv_one_logger.config.surprise import surprise
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.core.internal.held_values import type_name

__all__ = ["ENTRY_KEYS", "ParsedFile", "did_you_mean", "parse_entries", "parse_entry", "parse_file"]

ENTRY_KEYS = ("class_name", "name", "config", "enabled", "background")
FILE_KEYS = ("exporters", "inherit")

_LIST_REMEDY = "Write a list of exporters under the key 'exporters'"
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True)
class ParsedFile:
    """The content of one file.

    Attributes:
        entries: Its entries, also those with a mistake.
        inherit: Whether package defaults stay; with the place when the file says so.
        mistakes: Everything wrong with it.
    """

    entries: Tuple[Entry, ...] = ()
    inherit: Optional[Setting] = None
    mistakes: Tuple[ConfigError, ...] = ()


def parse_file(root: Optional[Node], origin: Origin) -> ParsedFile:
    """Check the top level of a configuration file and all its entries."""
    if root is None:
        return ParsedFile(mistakes=(origin.error("is empty", remedy=_LIST_REMEDY),))
    parser = _Parser(origin)
    if not isinstance(root, Fields):
        parser.mistake(f"is {_kind(root)}, not a mapping", root, "", remedy=_LIST_REMEDY, with_value=False)
        return ParsedFile(mistakes=tuple(parser.mistakes))
    fields = parser.known_fields(root, "", FILE_KEYS)
    inherit = parser.boolean(fields.get("inherit"), "inherit")
    exporters = fields.get("exporters")
    entries: Tuple[Entry, ...] = ()
    if exporters is None:
        parser.mistake("is missing", root, "exporters", remedy="Write 'exporters: []' for none", with_value=False)
    else:
        entries = parser.entries(exporters, "exporters")
    return ParsedFile(entries, inherit, tuple(parser.mistakes))


def parse_entries(
    nodes: Iterable[Node], path: str, origin: Origin
) -> Tuple[Tuple[Entry, ...], Tuple[ConfigError, ...]]:
    """Check the entries of a source that is no file; ``path`` is what error messages call the list."""
    parser = _Parser(origin)
    entries = parser.entries(Items(tuple(nodes)), path)
    return entries, tuple(parser.mistakes)


def parse_entry(node: Node, path: str, origin: Origin) -> Tuple[Optional[Entry], Tuple[ConfigError, ...]]:
    """Check a single entry that stands in no list."""
    parser = _Parser(origin)
    entry = parser.entry(node, path)
    return entry, tuple(parser.mistakes)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Remedy for an unknown word: the nearest known one, else ``otherwise``."""
    near = get_close_matches(word, list(known), n=1)
    return f"Did you mean '{near[0]}'?" if near else otherwise


class _Parser:
    """Collects the mistakes of one source while its entries are built."""

    def __init__(self, origin: Origin) -> None:
        self.mistakes: List[ConfigError] = []
        self._origin = origin

    def mistake(self, problem: str, node: Node, key: str, *, remedy: str, with_value: bool = True) -> None:
        origin = self._at(node)
        if with_value and isinstance(node, Scalar) and node.value is not None:
            self.mistakes.append(origin.error(problem, key=key, value=node.value, remedy=remedy))
        else:
            self.mistakes.append(origin.error(problem, key=key, remedy=remedy))

    def entries(self, node: Node, path: str) -> Tuple[Entry, ...]:
        if not isinstance(node, Items):
            remedy = "Write one entry per exporter, each beginning with '- class_name:', or [] for none"
            self.mistake(f"is {_kind(node)}, not a list", node, path, remedy=remedy)
            return ()
        found = [self.entry(item, f"{path}[{index}]") for index, item in enumerate(node.nodes)]
        return self._uniquely_named([entry for entry in found if entry is not None and _says_which(entry)])

    def entry(self, node: Node, path: str) -> Optional[Entry]:
        if not isinstance(node, Fields):
            self.mistake(f"is {_kind(node)}, not a mapping", node, path, remedy="Give it a class_name or a name")
            return None
        before = len(self.mistakes)
        fields = self.known_fields(node, path, ENTRY_KEYS)
        name = self.text(fields.get("name"), f"{path}.name")
        class_name = self.text(fields.get("class_name"), f"{path}.class_name")
        if "name" not in fields and "class_name" not in fields:
            self.mistake(
                "has neither a class_name nor a name",
                node,
                path,
                remedy="Say which exporter is meant, as in class_name: file",
                with_value=False,
            )
        entry = Entry(
            origin=self._at(node),
            path=path,
            name=name,
            class_name=class_name,
            enabled=self.boolean(fields.get("enabled"), f"{path}.enabled"),
            background=self.background(fields.get("background"), f"{path}.background"),
            config=self.config(fields.get("config"), f"{path}.config"),
        )
        return replace(entry, is_sound=len(self.mistakes) == before)

    def known_fields(self, node: Fields, path: str, known: Tuple[str, ...]) -> Dict[str, Node]:
        fields: Dict[str, Node] = {}
        for key, value in node.pairs:
            if key.value in known:
                fields[str(key.value)] = value
                continue
            where = f"{path}.{key.value}" if path else str(key.value)
            remedy = did_you_mean(str(key.value), known, f"Known keys are {', '.join(known)}")
            self.mistake("is not a known key", key, where, remedy=remedy, with_value=False)
        return fields

    def text(self, node: Optional[Node], key: str) -> Optional[Setting]:
        if node is None or (_is_absent(node) and key.endswith(".name")):
            return None
        value = plain(node) if isinstance(node, Scalar) and issubclass(type(node.value), str) else None
        if isinstance(value, str) and value.strip() and value == value.strip():
            return self._setting(node)
        problem = "is empty or has blanks around it" if isinstance(value, str) else f"is {_kind(node)}, not a text"
        hint = surprise(node, key) if isinstance(node, Scalar) else ""
        remedy = f"{hint}; write it in quotes" if hint else "Write a text"
        self.mistake(problem, node, key, remedy=remedy)
        return None

    def boolean(self, node: Optional[Node], key: str) -> Optional[Setting]:
        if node is None or _is_absent(node):
            return None
        value = plain(node)
        if type(value) is bool:
            return self._setting(node)
        if isinstance(node, Scalar) and node.is_filled and str(value).lower() in _TRUE | _FALSE:
            return self._setting(replace(node, value=str(value).lower() in _TRUE))
        self.mistake(f"is {_kind(node)}, not true or false", node, key, remedy="Write true or false, without quotes")
        return None

    def background(self, node: Optional[Node], key: str) -> Optional[Setting]:
        if isinstance(node, Fields):
            self.config(node, key)  # for the mistakes in its keys
            return self._setting(node, key=key)
        return self.boolean(node, key)

    def config(self, node: Optional[Node], key: str) -> Mapping[str, Setting]:
        if node is None or _is_absent(node):
            return {}
        if not isinstance(node, Fields):
            remedy = "Write one argument per line below it, as in file_path: run.jsonl"
            self.mistake(f"is {_kind(node)}, not a mapping", node, key, remedy=remedy)
            return {}
        settings: Dict[str, Setting] = {}
        for name, value in node.pairs:
            if isinstance(name.value, str):
                settings[name.value] = self._setting(value, name, f"{key}.{name.value}")
            else:
                problem = f"has the key {name.value!r}, which is not a text"
                self.mistake(problem, name, key, remedy="Use a text", with_value=False)
        return settings

    def _uniquely_named(self, entries: List[Entry]) -> Tuple[Entry, ...]:
        seen: Dict[str, Entry] = {}
        kept: List[Entry] = []
        for entry in entries:
            if entry.name is None or seen.setdefault(entry.own_name, entry) is entry:
                kept.append(entry)
                continue
            self.mistake(
                f"is also the name of {seen[entry.own_name].path}",
                entry.name.node,
                f"{entry.path}.name",
                remedy="Give each entry a name of its own",
            )
        return tuple(kept)

    def _setting(self, node: Node, name: Optional[Scalar] = None, key: str = "") -> Setting:
        return Setting(node, self._at(node), None if name is None else self._at(name), key)

    def _at(self, node: Node) -> Origin:
        origin = self._origin.at(node.place)
        return replace(origin, variables=node.variables) if isinstance(node, Scalar) and node.variables else origin


def _says_which(entry: Entry) -> bool:
    return entry.class_name is not None or entry.name is not None


def _is_absent(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


_KINDS: Tuple[Tuple[Callable[[object], bool], str], ...] = (
    (lambda value: value is None, "empty"),
    (lambda value: isinstance(value, bool), "a truth value"),
    (lambda value: isinstance(value, (int, float)), "a number"),
    (lambda value: isinstance(value, str), "a text"),
    (lambda value: isinstance(value, list), "a list"),
    (lambda value: isinstance(value, dict), "a mapping"),
)


def _kind(node: Node) -> str:
    value = plain(node)
    try:
        return next(name for test, name in _KINDS if test(value))
    except Exception:  # it is none of them, or an object that answers no question
        return f"an object of type {type_name(type(value))}"
