"""The source tree as data: what the tests in this folder are computed from."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import List, NamedTuple, Tuple

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Module(NamedTuple):
    """One source file of the library."""

    path: Path  # relative to the root of the repository
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Return the dotted name by which it is imported."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def layer(self) -> str:
        """Return the part of the library that it belongs to, such as ``core``."""
        return self.path.parts[1]

    @property
    def is_package(self) -> bool:
        """Return whether it is an ``__init__.py``."""
        return self.path.name == "__init__.py"


@pytest.fixture(scope="session")
def modules() -> Tuple[Module, ...]:
    """Return every module of the library, read once."""
    found = []
    for path in sorted((ROOT / "nv_one_logger").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Module(path.relative_to(ROOT), text, ast.parse(text)))
    return tuple(found)


@pytest.fixture(scope="session")
def tracked_files() -> List[Path]:
    """Return the files that a clone of the repository would have."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=str(ROOT),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    paths = (ROOT / name for name in done.stdout.decode("utf-8").split("\0") if name)
    return [path for path in paths if path.is_file()]
