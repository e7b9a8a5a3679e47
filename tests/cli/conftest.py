"""Command line runs, and installed plugins made of nothing but files on the path."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Protocol

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


PTY = """
import os, subprocess, sys
master, slave = os.openpty()
process = subprocess.Popen([sys.executable, "-m", "nv_one_logger.cli.main", *sys.argv[1:]], stdout=slave, stderr=slave)
os.close(slave)
try:
    while True:
        data = os.read(master, 65536)
        if not data:
            break
        sys.stdout.buffer.write(data)
except OSError:  # how Linux says that the other side has closed it
    pass
sys.exit(process.wait())
"""


@pytest.fixture
def on_terminal(run_python: Run) -> Callable[..., str]:
    """Run ``one-logger`` on a terminal and return what it wrote there: ``on_terminal(["demo"], columns=80)``."""
    if not hasattr(os, "openpty"):
        pytest.skip("no pseudo terminals on this platform")

    def run(arguments: List[str], *, columns: int, code: int = 0, **environ: str) -> str:
        env = {"TERM": "xterm", "COLUMNS": str(columns), **environ}
        done = run_python(["-c", PTY, *arguments], env=env, check=False)
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return str(done.stdout)

    return run


class Distribute(Protocol):
    """See the fixture."""

    def __call__(
        self,
        name: str,
        *,
        version: str = "1.0",
        exporters: Optional[Dict[str, str]] = None,
        defaults: Optional[Dict[str, str]] = None,
        commands: Optional[Dict[str, str]] = None,
        modules: Optional[Dict[str, str]] = None,
    ) -> None:
        """Make one more distribution."""


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distribute]:
    """Install a distribution with plugins, for this process and its children.

    ``distribution("acme", exporters={"acme": "acme:Exporter"}, defaults={...}, modules={"acme": source})``
    """
    site = tmp_path / "site"
    site.mkdir(exist_ok=True)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.syspath_prepend(str(site))
    installed_modules: List[str] = []

    def install(
        name: str,
        *,
        version: str = "1.0",
        exporters: Optional[Dict[str, str]] = None,
        defaults: Optional[Dict[str, str]] = None,
        commands: Optional[Dict[str, str]] = None,
        modules: Optional[Dict[str, str]] = None,
    ) -> None:
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines: List[str] = []
        for group, points in (("exporters", exporters), ("exporter_configs", defaults), ("commands", commands)):
            lines.append(f"[nv_one_logger.{group}]")
            lines.extend(f"{point} = {value}" for point, value in (points or {}).items())
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for module, source in (modules or {}).items():
            (site / f"{module}.py").write_text(textwrap.dedent(source))
            monkeypatch.delitem(sys.modules, module, raising=False)
            installed_modules.append(module)
        importlib.invalidate_caches()

    yield install
    for module in installed_modules:
        sys.modules.pop(module, None)


class Install(Protocol):
    """See the fixture."""

    def __call__(self, distribution: str, entry_points: Dict[str, str], modules: Dict[str, str]) -> None:
        """Make one more distribution."""


@pytest.fixture
def installed(distribution: Distribute) -> Install:
    """Make a distribution with commands: names to object references, modules to source."""

    def install(name: str, entry_points: Dict[str, str], modules: Dict[str, str]) -> None:
        distribution(name, commands=entry_points, modules=modules)

    return install
