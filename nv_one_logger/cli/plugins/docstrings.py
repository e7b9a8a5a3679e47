"""What docstrings say about the arguments of a constructor, in the styles that people write."""

from __future__ import annotations

import inspect
import re
from typing import Dict, List, Optional, Pattern, Tuple

__all__ = ["argument_texts", "summary"]

_GOOGLE_HEADING = re.compile(r"^(?:Args|Arguments|Parameters|Keyword Args|Keyword Arguments|Attributes):\s*$")
_GOOGLE_ITEM = re.compile(r"^\s+\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?:\s+(?P<text>.*)$")
_NUMPY_HEADING = re.compile(r"^(?:Parameters|Other Parameters|Attributes)\s*$")
_NUMPY_ITEM = re.compile(r"^\*{0,2}(?P<name>\w+)\s*(?::.*)?$")
_SPHINX_ITEM = re.compile(r"^:(?:param|parameter|arg|argument)\s+(?:[^:]*\s)?\*{0,2}(?P<name>\w+):\s*(?P<text>.*)$")


def summary(found: object) -> str:
    """Return the first paragraph of a docstring, as one line."""
    lines = _docstring(found).split("\n\n")[0].split("\n")
    return " ".join(line.strip() for line in lines).strip()


def argument_texts(found: type) -> Dict[str, str]:
    """Return the text about each argument, from the docstrings of the class and of its ``__init__``."""
    texts: Dict[str, str] = {}
    for owner in (getattr(found, "__init__", None), found):
        if owner is None or (owner is not found and owner is object.__init__):
            continue
        texts.update(_texts_in(_docstring(owner)))
    return texts


def _docstring(found: object) -> str:
    return inspect.getdoc(found) or "" if isinstance(getattr(found, "__doc__", None), str) else ""


def _texts_in(docstring: str) -> Dict[str, str]:
    lines = docstring.split("\n")
    texts = _items(lines, _SPHINX_ITEM)
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _GOOGLE_HEADING.match(line):
            texts.update(_items(_indented(lines[number + 1 :]), _GOOGLE_ITEM))
        elif _NUMPY_HEADING.match(line) and set(following.strip()) == {"-"}:
            texts.update(_items(_section(lines[number + 2 :]), _NUMPY_ITEM))
    return texts


def _indented(lines: List[str]) -> List[str]:
    """Return the lines of a Google section: all up to the next one that is not indented."""
    end = next((number for number, line in enumerate(lines) if line and not line[0].isspace()), len(lines))
    return lines[:end]


def _section(lines: List[str]) -> List[str]:
    """Return the lines of a numpy section: all up to the next heading, which is underlined."""
    for number in range(1, len(lines)):
        if lines[number].strip() and set(lines[number].strip()) == {"-"}:
            return lines[: number - 1]
    return lines


def _items(lines: List[str], pattern: Pattern[str]) -> Dict[str, str]:
    """Collect items with the more deeply indented lines below them."""
    texts: Dict[str, List[str]] = {}
    current: Optional[Tuple[str, int]] = None
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if current is not None and line.strip() and depth > current[1]:
            texts[current[0]].append(line.strip())
            continue
        item = pattern.match(line)
        current = None if item is None else (item["name"], depth)
        if item is not None:
            texts[item["name"]] = [item.groupdict().get("text") or ""]
    return {name: " ".join(part for part in parts if part) for name, parts in texts.items()}
