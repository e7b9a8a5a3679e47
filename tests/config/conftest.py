"""Doubles for the configuration tests: installed distributions, plugin modules, and configuration files."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional

import pytest


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on ``sys.path``; modules imported from it are forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    known = set(sys.modules)
    yield folder
    for name in set(sys.modules) - known:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin is not None and str(origin).startswith(str(folder)):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def install(site: Path) -> Callable[..., Path]:
    """Lay a distribution on the path as pip would: a dist-info folder, and modules given by their text."""

    def make(
        name: str,
        version: str = "1.0",
        *,
        entry_points: Optional[Mapping[str, Mapping[str, str]]] = None,
        modules: Optional[Mapping[str, str]] = None,
    ) -> Path:
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines: List[str] = []
        for group, points in (entry_points or {}).items():
            lines.append(f"[{group}]")
            lines.extend(f"{point} = {value}" for point, value in points.items())
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for module, text in (modules or {}).items():
            (site / f"{module}.py").write_text(text)
        importlib.invalidate_caches()
        return info

    return make


@pytest.fixture
def module(site: Path) -> Callable[[str, str], str]:
    """Write an importable module and return its name."""

    def write(name: str, text: str) -> str:
        (site / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return name

    return write


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def acme(module: Callable[[str, str], str]) -> str:
    """A module of plugins, good and bad, named ``acme``."""
    module("acme_broken", "raise RuntimeError('no GPU here')\n")
    module("acme_exits", "import sys\nsys.exit(3)\n")
    return module("acme", _ACME)


@pytest.fixture
def environ() -> Dict[str, str]:
    """An environment of the test's own, to be handed over instead of that of the process."""
    return {}


_ACME = '''
from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Optional

from nv_one_logger.exporter.exporter import BaseExporter, Exporter
from nv_one_logger.host import hookimpl

if TYPE_CHECKING:
    from nowhere import Unknown

class Mode(enum.Enum):
    FAST = "fast"
    SAFE = "safe"

class AcmeExporter(BaseExporter):
    """Takes one argument of each kind."""

    def __init__(
        self,
        url: str,
        retries: int = 3,
        timeout_sec: float = 1.5,
        compress: bool = False,
        mode: Mode = Mode.SAFE,
        folder: Optional[Path] = None,
        labels: Optional[Dict[str, str]] = None,
        ports: Optional[List[int]] = None,
        api_key: Optional[str] = None,
        foreign: Optional[Unknown] = None,
    ) -> None:
        super().__init__()
        self.arguments = dict(locals())
        del self.arguments["self"], self.arguments["__class__"]

class Raises(BaseExporter):
    def __init__(self, api_key: str = "") -> None:
        super().__init__()
        raise ValueError(f"the server refused {api_key}")

class Exits(BaseExporter):
    def __init__(self) -> None:
        super().__init__()
        raise SystemExit(3)

class Incomplete(Exporter):
    def initialize(self) -> None: ...

class Tap:
    """A plugin that is no exporter."""

    def __init__(self, limit: int = 10) -> None:
        self.limit = limit

    @hookimpl
    def export_start(self, span): ...

class Settings(dict):
    pass

@hookimpl
def export_stop(span): ...

tap = Tap(7)
number = 7
'''
