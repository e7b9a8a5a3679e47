"""What a class is called: catalogue names, import paths and the aliases of one class."""

from __future__ import annotations

from typing import Dict, FrozenSet, List, Mapping, Tuple

from nv_one_logger.config.models import Merged
from nv_one_logger.host.catalogue import BUILTIN_ALIASES, BUILTIN_EXPORTERS, Catalogue

__all__ = ["Names"]


class Names:
    """Compares class names as text: nothing is imported to find out whether two of them are one class."""

    def __init__(self, paths: Mapping[str, str], ambiguous: FrozenSet[str] = frozenset()) -> None:
        """Create the table.

        Args:
            paths: Catalogue name -> import path.
            ambiguous: Catalogue names that several distributions publish.
        """
        self._paths = {name: _canonical(path) for name, path in paths.items()}
        self._ambiguous = ambiguous
        self._builtins = frozenset(_canonical(path) for path in BUILTIN_EXPORTERS.values())

    @classmethod
    def of_builtins(cls) -> Names:
        """Know this library's own exporters only, without looking at what is installed."""
        return cls(BUILTIN_EXPORTERS)

    @classmethod
    def from_catalogue(cls, catalogue: Catalogue) -> Names:
        """Collect the names of all installed exporters."""
        paths: Dict[str, List[str]] = {}
        for entry in catalogue.exporters():
            paths.setdefault(entry.name, []).append(entry.import_path)
        unique = {name: found[0] for name, found in paths.items() if len(found) == 1}
        return cls(unique, frozenset(paths) - frozenset(unique))

    def key(self, class_name: str) -> str:
        """The text that identifies the class behind a catalogue name or an import path."""
        return self._paths.get(class_name) or _canonical(class_name)

    def is_known(self, name: str) -> bool:
        """Whether it is a catalogue name."""
        return name in self._paths or name in self._ambiguous

    def is_builtin(self, key: str) -> bool:
        """Whether the class is one of this library's own exporters."""
        return key in self._builtins

    def catalogue_names(self, key: str) -> Tuple[str, ...]:
        """The names under which a class is published."""
        return tuple(name for name, path in self._paths.items() if path == key)

    def all_names(self) -> Tuple[str, ...]:
        """All catalogue names."""
        return (*self._paths, *sorted(self._ambiguous))

    def class_key(self, merged: Merged) -> str:
        """What identifies the class of a merged entry; ``""`` when its package default was not read."""
        mentions = merged.field("class_name")
        return self.key(str(mentions[0].value)) if mentions else ""

    def answers_to(self, merged: Merged) -> Tuple[str, ...]:
        """All names a merged entry answers to, the best one first; never empty."""
        key = self.class_key(merged)
        own = [layer.own_name for layer in reversed(merged.layers) if layer.own_name]
        return tuple(dict.fromkeys([*own, *self.names_of_class(key)]))

    def names_of_class(self, key: str) -> Tuple[str, ...]:
        """Catalogue names and path of a class, the best one first."""
        return (*self.catalogue_names(key), key) if key else ()

    def matches(self, name: str, answers: Tuple[str, ...]) -> bool:
        """Whether ``name``, in any of its spellings, is one of ``answers``."""
        return name in answers or self.key(name) in answers


def _canonical(path: str) -> str:
    dotted = path.split("[")[0].strip().replace(":", ".")
    return BUILTIN_ALIASES.get(dotted, dotted)
