"""Deliberately broken builds, one for each promise: a suite that cannot fail shows nothing."""

from __future__ import annotations

MUTATIONS = {}


def apply(name: str) -> None:
    """Break the library in this process."""
    MUTATIONS[name]()
