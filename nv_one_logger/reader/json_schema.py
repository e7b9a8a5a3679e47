"""The layout of records as a JSON Schema that is shipped with the reader."""

from __future__ import annotations

import json
import pkgutil
from typing import Any, Dict, cast

__all__ = ["RECORD_SCHEMA_VERSION", "record_schema"]

RECORD_SCHEMA_VERSION = 1
"""Version of the layout, as session records have it; grows when something is added."""


def record_schema() -> Dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one record, that is, of one line of a file.

    It describes every type of record that this version writes, and holds for the files of release 2.3 too. Keys and
    types that it does not know are allowed. Each call returns a dict of its own.
    """
    # pkgutil rather than importlib.resources, whose functions differ between Python 3.8 and 3.13.
    text = cast(bytes, pkgutil.get_data(__package__, f"schema/records-v{RECORD_SCHEMA_VERSION}.json"))
    return cast(Dict[str, Any], json.loads(text))
