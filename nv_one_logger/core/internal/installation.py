"""Finds an installation that pip has left inconsistent, and says how to mend it."""

from __future__ import annotations

from importlib import metadata
from typing import Optional

__all__ = ["version_conflict"]

_CORE = "nv-one-logger-core"
_TRAINING_TELEMETRY = "nv-one-logger-training-telemetry"


def version_conflict() -> Optional[str]:
    """Return a message when training telemetry of another version is installed beside core, else None.

    Since 2.4.0 both distributions own the files of ``nv_one_logger.training_telemetry``. With different versions,
    whichever was installed last has overwritten files of the other, and removing one removes files of both. Reads the
    metadata of two distributions: call it once, when a provider is configured, not at import.
    """
    core, training_telemetry = _installed_version(_CORE), _installed_version(_TRAINING_TELEMETRY)
    if core is None or training_telemetry is None or core == training_telemetry:
        return None
    return (
        f"{_TRAINING_TELEMETRY} {training_telemetry} is installed beside {_CORE} {core}, but both own the files of "
        f"nv_one_logger.training_telemetry and must have one version. "
        f"Run 'pip install -U {_CORE} {_TRAINING_TELEMETRY}'."
    )


def _installed_version(distribution: str) -> Optional[str]:
    """Return None as well for what runs from a source tree, or whose metadata pip has left broken."""
    try:
        headers = metadata.distribution(distribution).metadata
    except metadata.PackageNotFoundError:
        return None
    # Asked first, as reading a missing header returns None, warns or raises, depending on the Python.
    return headers["Version"] if "Version" in headers else None  # noqa: SIM401  # their type has no get()
