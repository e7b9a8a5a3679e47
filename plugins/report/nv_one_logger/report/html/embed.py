"""Gets data and scripts into an HTML page so that nothing in them can end the element they stand in."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from typing import Sequence

from markupsafe import Markup

__all__ = ["json_for_html", "make_policy", "script_for_html"]

# `<` ends a script element (`</script>`) or hides its end (`<!--`); the two separators end a line for old parsers.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_END_OF_SCRIPT = re.compile(r"<(?=/script|!--)", re.IGNORECASE)


def json_for_html(value: object) -> Markup:
    """Return data as JSON that may stand in a script element; numbers that are not finite become ``null``."""
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    # Lone surrogates, which a record may hold, cannot be written as UTF-8.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return Markup(text)  # escaped above


def script_for_html(source: str) -> Markup:
    r"""Return a script that may stand in a script element: ``</script`` becomes ``\x3c/script``."""
    return Markup(_END_OF_SCRIPT.sub(r"\\x3c", source.replace("\r\n", "\n")))  # our own and plotly's


def make_policy(scripts: Sequence[str]) -> str:
    """Return the Content Security Policy of a page that loads nothing and runs these scripts and no others."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    # plotly adds style elements, and shows a figure as an image (blob:) to save it.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value
