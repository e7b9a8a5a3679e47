"""Reads JSON with the standard parser, and finds the place of every key and value in a second pass over the text."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Dict, List, Optional, Tuple

from nv_one_logger.config.document import Fields, Items, Node, Place, Scalar
from nv_one_logger.config.reading import MAX_DEPTH, DocumentError

__all__ = ["read_json"]

_BLANK = re.compile(r"[ \t\r\n]*")


def read_json(text: str) -> Tuple[Optional[Node], List[DocumentError]]:
    """Read one JSON document.

    Returns:
        The tree (``None`` for an empty document or one that cannot be parsed) and all mistakes found.
    """
    if not text.strip():
        return None, []
    try:
        json.loads(text)  # proves the text well formed, so that the pass with places need not doubt it
    except json.JSONDecodeError as error:
        return None, [
            DocumentError(f"is not valid JSON ({error.msg})", Place(error.lineno, error.colno), remedy="Correct it")
        ]
    except RecursionError:
        return None, [DocumentError(f"is nested more than {MAX_DEPTH} deep", Place(1, 1), remedy="Write it flatter")]
    except ValueError as error:  # an integer of more digits than Python converts
        return None, [DocumentError(f"is not valid JSON ({error})", Place(1, 1), remedy="Correct it")]
    walk = _Walk(text)
    try:
        return walk.document(), walk.mistakes
    except DocumentError as error:
        return None, [*walk.mistakes, error]


class _Walk:
    """Walks over JSON text known to be well formed. Scalars are converted by the standard decoder."""

    def __init__(self, text: str) -> None:
        self.mistakes: List[DocumentError] = []
        self._text = text
        self._decoder = json.JSONDecoder()
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def document(self) -> Node:
        return self._node(self._skip(0), "", 0)[0]

    def _node(self, at: int, key: str, depth: int) -> Tuple[Node, int]:
        place = self._place(at)
        if depth > MAX_DEPTH:
            raise DocumentError(f"is nested more than {MAX_DEPTH} deep", place, remedy="Write it flatter")
        if self._text[at] == "{":
            return self._fields(at, key, depth)
        if self._text[at] == "[":
            return self._items(at, key, depth)
        value, end = self._decoder.raw_decode(self._text, at)
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            problem = f"is {self._text[at:end]}, which JSON does not have"
            self.mistakes.append(DocumentError(problem, place, key=key, remedy="Use a number"))
        return Scalar(value, place), end

    def _items(self, at: int, key: str, depth: int) -> Tuple[Node, int]:
        nodes: List[Node] = []
        end = self._skip(at + 1)
        while self._text[end] != "]":
            node, end = self._node(end, f"{key}[{len(nodes)}]", depth + 1)
            nodes.append(node)
            end = self._past_comma(end)
        return Items(tuple(nodes), self._place(at)), end + 1

    def _fields(self, at: int, key: str, depth: int) -> Tuple[Node, int]:
        pairs: List[Tuple[Scalar, Node]] = []
        first_line: Dict[str, Optional[int]] = {}
        end = self._skip(at + 1)
        while self._text[end] != "}":
            name_place = self._place(end)
            name, end = self._decoder.raw_decode(self._text, end)
            path = f"{key}.{name}" if key else name
            value, end = self._node(self._skip(self._skip(end) + 1), path, depth + 1)
            if name not in first_line:
                first_line[name] = name_place.line
                pairs.append((Scalar(name, name_place), value))
            else:
                self.mistakes.append(
                    DocumentError(
                        f"is there twice, first in line {first_line[name]}",
                        name_place,
                        key=path,
                        remedy="Keep one of the two",
                    )
                )
            end = self._past_comma(end)
        return Fields(tuple(pairs), self._place(at)), end + 1

    def _skip(self, at: int) -> int:
        match = _BLANK.match(self._text, at)
        return match.end() if match is not None else at

    def _past_comma(self, at: int) -> int:
        end = self._skip(at)
        return self._skip(end + 1) if self._text[end] == "," else end

    def _place(self, at: int) -> Place:
        line = bisect_right(self._line_starts, at)
        return Place(line, at - self._line_starts[line - 1] + 1)
