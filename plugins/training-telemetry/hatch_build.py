"""Takes the packages of this distribution from the root of the repository, so that there is only one copy of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ("nv_one_logger/training_telemetry", "nv_one_logger/training_recorder")


class SharedFilesHook(BuildHookInterface):  # type: ignore[type-arg]  # generic only in newer releases of hatchling
    """Adds every file of ``PACKAGES`` to the wheel and to the sdist, under the same path."""

    def initialize(self, version: str, build_data: Dict[str, Any]) -> None:
        """Fill ``build_data["force_include"]``, the map from files on disk to paths in the distribution."""
        here = Path(self.root)
        # An unpacked sdist has its own copy; a checkout has none, and the root of the repository two levels up.
        home = here if (here / PACKAGES[0]).is_dir() else here.parent.parent
        for package in PACKAGES:
            files = [path for path in sorted((home / package).rglob("*")) if _belongs(path)]
            if not files:
                raise FileNotFoundError(
                    f"{home / package} has no files. Build from a checkout of the whole repository or from an sdist."
                )
            for path in files:
                build_data["force_include"][str(path)] = path.relative_to(home).as_posix()


def _belongs(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".pyc", ".pyo"}
