"""Writes the demo's checkpoints so that a file is either whole or not there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, cast

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: Path, content: Dict[str, Any]) -> int:
    """Write ``content`` as JSON; return the size in bytes.

    The bytes go to a file beside it, reach the disk, and take the name in one step: whoever reads ``path``, even after
    the job was killed meanwhile, finds the old content or the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    return path.stat().st_size


def load_checkpoint(path: Path) -> Dict[str, Any]:
    """Read what :func:`save_checkpoint` wrote."""
    return cast("Dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
