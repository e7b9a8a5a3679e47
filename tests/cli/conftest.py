"""Command line runs, and installed plugins made of nothing but files on the path."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path
from typing import Any, Callable, Dict, List, Protocol

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def one_logger(run_python: Run) -> Run:
    """Run ``one-logger ARGUMENTS`` in a fresh process: ``one_logger("demo", env={...}, code=130)``."""

    def run(*arguments: str, code: int = 0, **options: Any) -> subprocess.CompletedProcess[str]:
        done = run_python(["-m", "nv_one_logger.cli.main", *arguments], check=False, **options)
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


class Install(Protocol):
    """See the fixture."""

    def __call__(self, distribution: str, entry_points: Dict[str, str], modules: Dict[str, str]) -> None:
        """Make one more distribution."""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Make a distribution with commands, visible to child processes: names to object references, modules to source."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=":")

    def install(distribution: str, entry_points: Dict[str, str], modules: Dict[str, str]) -> None:
        info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines: List[str] = ["[nv_one_logger.commands]", *(f"{name} = {value}" for name, value in entry_points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for name, source in modules.items():
            (site / f"{name}.py").write_text(textwrap.dedent(source))

    return install
