"""Lets the site read the docstrings of this library: part of the build of the documentation, see ``mkdocs.yml``.

The docstrings use what editors and ``help()`` show well: an ``Example:`` with a session of the interpreter, roles such
as ``:meth:`close```, and ``::`` before a block. The site's parser knows ``Examples:``, and Markdown.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
_BLOCK_FOLLOWS = re.compile(r"::$", re.MULTILINE)
_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`(~?)([\w.]+)`")


class Docstrings(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            text = _BLOCK_FOLLOWS.sub(":", _EXAMPLE.sub("Examples:", obj.docstring.value))
            obj.docstring.value = _ROLE.sub(lambda match: _reference(obj, match[1] == "~", match[2]), text)
        elif obj.is_attribute and _speaks_for_itself(obj):
            obj.docstring = griffe.Docstring("", parent=obj)  # what has none at all is not shown


def _speaks_for_itself(attribute: griffe.Object) -> bool:
    """Whether it is the member of an enum, the field of a tuple, or a type or constant of a module."""
    parent = attribute.parent
    if parent is None or attribute.name.startswith("_"):
        return False
    return parent.is_module or any(str(base).endswith(("Enum", "NamedTuple")) for base in getattr(parent, "bases", ()))


def _reference(obj: griffe.Object, is_short: bool, name: str) -> str:
    """Return a reference that becomes a link if the site has what it names, and else stays a name."""
    text = name.rpartition(".")[2] if is_short else name
    try:
        path = name if name.startswith("nv_one_logger.") else obj.resolve(name)
    except griffe.NameResolutionError:
        path = f"{obj.path}.{name}"
    return f'<autoref identifier="{path}" optional><code>{text}</code></autoref>'
