"""Reads YAML into a tree with places: safe tags only, no duplicate keys, aliases bounded, nothing ambiguous."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Tuple

import yaml

from nv_one_logger.config.document import Fields, Items, Node, Place, Scalar
from nv_one_logger.config.masking import MASK, is_secret, is_secret_path
from nv_one_logger.config.reading import MAX_DEPTH, MAX_NODES, MAX_NUMBER, DocumentError
from nv_one_logger.config.surprise import described

__all__ = ["read_yaml"]

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "binary", "timestamp", "str"))
_NUMBER_TAGS = frozenset({_TAG + "int", _TAG + "float"})
_TAG_REMEDY = "Only plain values are read, remove the tag"
_MERGE_TAG = _TAG + "merge"
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


def read_yaml(text: str) -> Tuple[Optional[Node], List[DocumentError]]:
    """Read one YAML document.

    Returns:
        The tree (``None`` for an empty document or one that cannot be parsed) and all mistakes found.
    """
    loader = yaml.SafeLoader("")
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        return None, [_syntax_error(error, text)]
    except RecursionError:
        return None, [_too_deep(Place(1, 1))]
    finally:
        loader.dispose()
    if root is None:
        return None, []
    walk = _Walk()
    try:
        tree: Optional[Node] = walk.convert(root, "", 0, ())
    except DocumentError as error:  # stops the walk: what follows would be a million times the same
        walk.mistakes.append(error)
        tree = None
    return tree, walk.mistakes


class _Walk:
    """One pass over the composed nodes, which counts what aliases multiply."""

    def __init__(self) -> None:
        self.mistakes: List[DocumentError] = []
        self._count = 0
        self._constructor = yaml.SafeLoader("")

    def convert(self, node: yaml.Node, key: str, depth: int, above: Tuple[int, ...]) -> Node:
        place = _place(node.start_mark)
        self._check_bounds(node, key, place, depth, above)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, key, place)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, key, place, _TAG + "seq")
            above = (*above, id(node))
            return Items(
                tuple(self.convert(item, f"{key}[{i}]", depth + 1, above) for i, item in enumerate(node.value)), place
            )
        assert isinstance(node, yaml.MappingNode)
        self._check_tag(node, key, place, _TAG + "map")
        return Fields(self._pairs(node, key, depth, (*above, id(node))), place)

    def _check_bounds(self, node: yaml.Node, key: str, place: Place, depth: int, above: Tuple[int, ...]) -> None:
        self._count += 1
        if id(node) in above:
            raise DocumentError("contains itself through an alias", place, key=key, remedy="Write the value out")
        if depth > MAX_DEPTH:
            raise _too_deep(place)
        if self._count > MAX_NODES:
            raise DocumentError(
                f"becomes more than {MAX_NODES} values when its aliases are followed",
                place,
                key=key,
                remedy="Use fewer aliases (*name)",
            )

    def _pairs(
        self, node: yaml.MappingNode, key: str, depth: int, above: Tuple[int, ...]
    ) -> Tuple[Tuple[Scalar, Node], ...]:
        pairs: List[Tuple[Scalar, Node]] = []
        first_line: Dict[object, Optional[int]] = {}
        merged: List[Tuple[Scalar, Node]] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE_TAG:
                merged.extend(self._merged(value_node, key, depth, above))
                continue
            name = self._key(key_node, key)
            if name is None:
                continue
            path = f"{key}.{name.value}" if key else str(name.value)
            if name.value in first_line:
                problem = f"is there twice, first in line {first_line[name.value]}"
                self._mistake(problem, name.place, path, "Keep one of the two")
                continue
            first_line[name.value] = name.place.line
            pairs.append((name, self.convert(value_node, path, depth + 1, above)))
        taken = set(first_line)
        for name, value in merged:  # `<<`: what stands in the mapping itself wins, then the first one merged
            if name.value not in taken:
                taken.add(name.value)
                pairs.append((name, value))
        return tuple(pairs)

    def _merged(self, node: yaml.Node, key: str, depth: int, above: Tuple[int, ...]) -> List[Tuple[Scalar, Node]]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        pairs: List[Tuple[Scalar, Node]] = []
        for source in sources:
            tree = self.convert(source, key, depth + 1, above)
            if isinstance(tree, Fields):
                pairs.extend(tree.pairs)
            else:
                self._mistake("merges what is not a mapping", tree.place, f"{key}.<<", "Give << an alias of a mapping")
        return pairs

    def _key(self, node: yaml.Node, parent: str) -> Optional[Scalar]:
        place = _place(node.start_mark)
        if not isinstance(node, yaml.ScalarNode):
            self._mistake("has a list or mapping as a key", place, parent, "Use a text as key")
            return None
        scalar = self._scalar(node, parent, place)
        if isinstance(scalar.value, str):
            return scalar
        path = f"{parent}.{node.value}" if parent else str(node.value)
        self._mistake(
            f"is not a text: YAML reads {node.value} without quotes as {described(scalar.value)}",
            place,
            path,
            f"Write '{node.value}' in quotes",
        )
        return None

    def _scalar(self, node: yaml.ScalarNode, key: str, place: Place) -> Scalar:
        if node.tag not in _SCALAR_TAGS:
            self._mistake(f"has the tag {_shown_tag(node.tag, key)}", place, key, _TAG_REMEDY)
            return Scalar(node.value, place)
        if node.tag in _NUMBER_TAGS and len(node.value) > MAX_NUMBER:
            # Before it is read: one to the base 60 takes the square of its length.
            self._mistake(
                f"is a number of {len(node.value)} characters, more than {MAX_NUMBER}",
                place,
                key,
                "Write it in quotes if it is a text",
            )
            return Scalar(node.value, place)
        try:
            value = self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            # PyYAML's own, and what escapes from its conversion of a value that a tag calls what it is not.
            reason = getattr(error, "problem", None) or str(error)
            if isinstance(error, (LookupError, AttributeError)):
                reason = f"it is no {_shown_tag(node.tag, key)}"
            shown = _shown(node.value, key)
            if is_secret_path(key):
                reason = type(error).__name__
            self._mistake(f"cannot be read ({reason})", place, key, f"Write {shown} in quotes if it is a text")
            return Scalar(node.value, place)
        is_plain = node.style is None
        if is_plain and isinstance(value, (int, float)):
            self._check_number(node.value, value, place, key)
        return Scalar(value, place, node.value if is_plain else None)

    def _check_number(self, text: str, value: object, place: Place, key: str) -> None:
        base = "8" if _OCTAL.fullmatch(text) else "60" if _SEXAGESIMAL.fullmatch(text) else ""
        if not base:
            return
        if is_secret_path(key):
            self._mistake(f"is read by YAML as a number to the base {base}", place, key, "Write it in quotes for text")
            return
        plain_number = f"{text.lstrip('+-0_') or '0'} for the number or " if base == "8" else ""
        self._mistake(
            f"is {text}, which YAML reads as the number {value} (to the base {base})",
            place,
            key,
            f"Write {plain_number}'{text}' in quotes for text",
        )

    def _check_tag(self, node: yaml.Node, key: str, place: Place, expected: str) -> None:
        if node.tag != expected:
            self._mistake(f"has the tag {_shown_tag(node.tag, key)}", place, key, _TAG_REMEDY)

    def _mistake(self, problem: str, place: Place, key: str, remedy: str) -> None:
        self.mistakes.append(DocumentError(problem, place, key=key, remedy=remedy))


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _syntax_error(error: yaml.YAMLError, text: str) -> DocumentError:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        problem = str(getattr(error, "problem", None) or error)
        tab = "\t" in problem or "'\\t'" in problem
        context = getattr(error, "context", None)
        if problem.startswith("found undefined alias") and _is_behind_secret_key(mark, text):
            problem = "found an undefined alias"  # a password that begins with an asterisk
        found = f"{context}, {problem}" if context else problem
        remedy = "Indent with blanks, not with tabs" if tab else "Correct it, or check the file with a YAML checker"
        return DocumentError(f"is not valid YAML ({found})", _place(mark), remedy=remedy)
    position = getattr(error, "position", 0)  # a ReaderError knows the offset only
    before = text[:position]
    place = Place(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
    return DocumentError("is not valid YAML (it contains a control character)", place, remedy="Remove that character")


def _is_behind_secret_key(mark: yaml.Mark, text: str) -> bool:
    line = text.splitlines()[mark.line] if mark.line < len(text.splitlines()) else ""
    return is_secret(line[: mark.column])


def _too_deep(place: Place) -> DocumentError:
    return DocumentError(f"is nested more than {MAX_DEPTH} deep", place, remedy="Write it flatter")


def _shown(text: str, key: str) -> str:
    return "it" if is_secret_path(key) else f"'{text}'"


def _shown_tag(tag: str, key: str) -> str:
    """Return a tag as it is written; one on a secret may be a password that begins with an exclamation mark."""
    if is_secret_path(key) and tag not in _SCALAR_TAGS:
        return MASK
    return tag.replace(_TAG, "!!", 1)
