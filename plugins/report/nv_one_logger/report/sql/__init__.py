"""The queries of the report, one file each, in standard SQL."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["load"]


def load(name: str) -> str:
    """Return the query ``name``."""
    return (files(__name__) / f"{name}.sql").read_text(encoding="utf-8")
