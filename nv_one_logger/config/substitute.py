"""Puts environment variables into strings of files: ``${VAR}``, ``${VAR:-default}``; ``$${`` is a literal ``${``."""

from __future__ import annotations

import re
from typing import List, Mapping, Tuple

from nv_one_logger.config.document import Fields, Items, Node, Place, Scalar
from nv_one_logger.config.masking import remember_secret_variable
from nv_one_logger.config.reading import DocumentError

__all__ = ["substitute"]

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<inside>[^{}]*)\}|(?P<open>\$\{)")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


def substitute(node: Node, environ: Mapping[str, str]) -> Tuple[Node, List[DocumentError]]:
    """Return the tree with all references in its values replaced, and the mistakes found. Keys stay as they are."""
    mistakes: List[DocumentError] = []
    return _replaced(node, "", environ, mistakes), mistakes


def _replaced(node: Node, key: str, environ: Mapping[str, str], mistakes: List[DocumentError]) -> Node:
    if isinstance(node, Items):
        nodes = tuple(_replaced(item, f"{key}[{i}]", environ, mistakes) for i, item in enumerate(node.nodes))
        return Items(nodes, node.place)
    if isinstance(node, Fields):
        pairs = tuple(
            (name, _replaced(value, f"{key}.{name.value}" if key else str(name.value), environ, mistakes))
            for name, value in node.pairs
        )
        return Fields(pairs, node.place)
    if not isinstance(node.value, str) or "${" not in node.value:
        return node
    return _filled(node, node.value, key, environ, mistakes)


def _filled(scalar: Scalar, text: str, key: str, environ: Mapping[str, str], mistakes: List[DocumentError]) -> Scalar:
    variables: List[str] = []

    def value_of(match: re.Match[str]) -> str:
        if match.group() == "$${":
            return "${"
        inside = _INSIDE.fullmatch(match.group("inside") or "")
        if match.group("open") or inside is None:
            mistakes.append(_malformed(match.group(), scalar.place, key))
            return match.group()
        name, default = inside.group("name"), inside.group("default")
        value = environ.get(name)
        if value is None and default is None:
            mistakes.append(_undefined(name, scalar.place, key))
            return match.group()
        if not value and default is not None:
            return str(default)
        variables.append(name)
        remember_secret_variable(name, value or "")
        return value or ""

    return Scalar(_REFERENCE.sub(value_of, text), scalar.place, None, tuple(variables), is_filled=True)


def _malformed(text: str, place: Place, key: str) -> DocumentError:
    return DocumentError(
        f"has a malformed reference {text}",
        place,
        key=key,
        remedy="Write ${VAR}, ${VAR:-default}, or $${ for a literal ${",
    )


def _undefined(name: str, place: Place, key: str) -> DocumentError:
    return DocumentError(
        f"needs the environment variable {name}, which is not set",
        place,
        key=key,
        remedy=f"Set {name}, or give a default: ${{{name}:-default}}",
    )
