"""A parsed document as a tree that remembers line and column of every key and value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Optional, Sequence, Tuple, Union, cast

from nv_one_logger.core.internal.held_values import text_of

__all__ = ["NOWHERE", "Fields", "Items", "Node", "Place", "Scalar", "from_python", "locate", "plain"]


@dataclass(frozen=True)
class Place:
    """Line and column, counted from 1; both ``None`` for what stands in no file."""

    line: Optional[int] = None
    column: Optional[int] = None


NOWHERE = Place()


@dataclass(frozen=True)
class Scalar:
    """A single value.

    Attributes:
        value: The value.
        place: Where it begins.
        text: How it is written, where its type follows from a rule of YAML and not from quotes.
        variables: Environment variables whose values were put into it.
        is_filled: Whether it had a reference to the environment, also one whose default was taken.
    """

    value: object
    place: Place = NOWHERE
    text: Optional[str] = None
    variables: Tuple[str, ...] = ()
    is_filled: bool = False


@dataclass(frozen=True)
class Items:
    """A list."""

    nodes: Tuple[Node, ...]
    place: Place = NOWHERE


@dataclass(frozen=True)
class Fields:
    """A mapping, in the order written."""

    pairs: Tuple[Tuple[Scalar, Node], ...]
    place: Place = NOWHERE


Node = Union[Scalar, Items, Fields]


def plain(node: Node) -> object:
    """Return the data of a tree in new lists and dicts."""
    if isinstance(node, Items):
        return [plain(item) for item in node.nodes]
    if isinstance(node, Fields):
        return {key.value: plain(value) for key, value in node.pairs}
    return _copy(node.value)


def from_python(value: object, depth: int = 1) -> Node:
    """Make a tree of plain data, ``depth`` mappings deep; what is below stays one value, its containers copied.

    Of an object that answers every question with an exception, as a proxy does that stands for nothing, only the text
    is taken, unless it is such a value below.
    """
    if not depth:
        return Scalar(_copy(value))
    try:
        return _looked_into(value, depth)
    except Exception:
        return Scalar(text_of(value))


def _looked_into(value: object, depth: int) -> Node:
    if isinstance(value, Mapping):
        return Fields(tuple((Scalar(_nameable(key)), from_python(item, depth - 1)) for key, item in value.items()))
    if issubclass(type(value), str):  # of a subclass the text, whatever else it can do
        return Scalar(str.__str__(cast(str, value)))
    return Scalar(_copy(value))


def locate(node: Node, path: Sequence[object]) -> Scalar:
    """Find what stands at ``path`` (keys and indexes), as a scalar that carries its place.

    Unknown steps are skipped: pydantic's error locations contain names of union members between the real keys.
    """
    for step in path:
        if isinstance(node, Items) and isinstance(step, int) and step < len(node.nodes):
            node = node.nodes[step]
        elif isinstance(node, Fields):
            node = next((value for key, value in node.pairs if key.value == step), node)
    return node if isinstance(node, Scalar) else Scalar(plain(node), node.place)


def _nameable(key: object) -> object:
    """Return a key as it is if messages can name it, else a text for it."""
    try:
        repr(key)
        str(key)
    except Exception:
        return text_of(key)
    return key


def _copy(value: object) -> object:
    try:
        return _copied(value, {})
    except RecursionError:  # nested more deeply than Python can follow
        return value


def _copied(value: object, seen: Dict[int, object]) -> object:
    # Only exact lists and dicts: what else code hands over is the caller's object and goes to the exporter as it is.
    if id(value) in seen:
        return seen[id(value)]
    if type(value) is list:
        items: list[object] = []
        seen[id(value)] = items
        items.extend(_copied(item, seen) for item in value)
        return items
    if type(value) is dict:
        fields: dict[object, object] = {}
        seen[id(value)] = fields
        fields.update((key, _copied(item, seen)) for key, item in value.items())
        return fields
    return value
