"""Builds both distributions once, and makes virtual environments that can install them without a network."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {"core": ROOT, "training_telemetry": ROOT / "plugins" / "training-telemetry"}


class Built(NamedTuple):
    """What was built from one source folder."""

    sdist: Path
    wheel: Path  # made from the sdist, as an installer would
    direct_wheel: Path  # made from the checkout

    def files(self) -> Dict[str, bytes]:
        """Return the wheel's files by path, without its metadata."""
        return _read(self.wheel, lambda name: ".dist-info/" not in name)

    def direct_files(self) -> Dict[str, bytes]:
        """Return the same of the wheel made from the checkout."""
        return _read(self.direct_wheel, lambda name: ".dist-info/" not in name)

    def info(self) -> Dict[str, str]:
        """Return the texts of the wheel's ``dist-info`` folder by their path in it."""
        found = _read(self.wheel, lambda name: ".dist-info/" in name)
        return {name.split(".dist-info/")[1]: content.decode("utf-8") for name, content in found.items()}

    def headers(self) -> Message:
        """Return the wheel's core metadata."""
        return Parser().parsestr(self.info()["METADATA"])


def _read(wheel: Path, wanted: Callable[[str], bool]) -> Dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if wanted(name)}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Built]:
    """Build sdist and wheel of core and of training telemetry."""
    return {name: _build(source, tmp_path_factory.mktemp(f"dist-{name}")) for name, source in SOURCES.items()}


@pytest.fixture(scope="session")
def run_module() -> Callable[..., str]:
    """Return the function that runs a tool of this environment: ``run_module("build", "--wheel", folder)``."""
    return _run_module


def _run_module(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], env=_plain_environ(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _build(source: Path, folder: Path) -> Built:
    _run_module("build", "--no-isolation", "--outdir", str(folder), str(source))
    _run_module("build", "--no-isolation", "--wheel", "--outdir", str(folder / "direct"), str(source))
    (sdist,), (wheel,), (direct,) = (folder.glob(p) for p in ("*.tar.gz", "*.whl", "direct/*.whl"))
    return Built(sdist, wheel, direct)


def _plain_environ() -> Dict[str, str]:
    # Neither settings of the person who runs the tests nor the source tree may reach the child.
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON"))}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


# --- look-alikes of release 2.3.1 ------------------------------------------------------------------------------------

_OLD_CORE = {
    "nv_one_logger/api/__init__.py": "OLD = True\n",
    "nv_one_logger/core/__init__.py": "OLD = True\n",
    "nv_one_logger/core/only_in_2_3_1.py": "",
    "nv_one_logger/exporter/__init__.py": "OLD = True\n",
    "nv_one_logger/recorder/__init__.py": "OLD = True\n",
}
_OLD_TRAINING_TELEMETRY = {
    "nv_one_logger/training_recorder/__init__.py": "",
    "nv_one_logger/training_telemetry/api/__init__.py": "OLD = True\n",
    "nv_one_logger/training_telemetry/api/config.py": "OLD = True\n",
    "nv_one_logger/training_telemetry/api/only_in_2_3_1.py": "",
    "nv_one_logger/training_telemetry/api/training_recorder.py": "OLD = True\n",
    "nv_one_logger/training_telemetry/api/training_telemetry_provider.py": "OLD = True\n",
    "nv_one_logger/training_telemetry/docs/example/main.py": "OLD = True\n",
}


@pytest.fixture(scope="session")
def old_wheels(tmp_path_factory: pytest.TempPathFactory) -> List[Path]:
    """Make small wheels with the names, the version, the paths and the dependency of release 2.3.1."""
    folder = tmp_path_factory.mktemp("old")
    requires = ["nv-one-logger-core<3.0.0,>=2.3.1"]
    return [
        write_wheel(folder, "nv-one-logger-core", "2.3.1", _OLD_CORE),
        write_wheel(folder, "nv-one-logger-training-telemetry", "2.3.1", _OLD_TRAINING_TELEMETRY, requires),
    ]


def write_wheel(folder: Path, name: str, version: str, files: Mapping[str, str], requires: Iterable[str] = ()) -> Path:
    """Write a wheel of pure Python by hand, as quickly as a test wants it."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    content = {
        **files,
        f"{info}/METADATA": "\n".join([*lines, *(f"Requires-Dist: {item}" for item in requires), ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    wheel = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return wheel


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


# --- virtual environments --------------------------------------------------------------------------------------------


class Environment:
    """A virtual environment that holds pip and core's dependencies, and can install from local wheels only."""

    def __init__(self, folder: Path, shelf: Path, wheels: Path) -> None:
        venv.create(str(folder), with_pip=False, symlinks=os.name != "nt")
        self.python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        self._wheels = wheels
        self._cwd = folder
        self._site = Path(self.run("import sysconfig; print(sysconfig.get_paths()['purelib'])"))
        self.share("dependencies", shelf)

    def share(self, name: str, shelf: Path) -> None:
        """Make what is on a shelf importable too."""
        (self._site / f"{name}.pth").write_text(f"{shelf}\n", encoding="utf-8")

    def run(self, program: str, *, cwd: Optional[Path] = None, env: Optional[Mapping[str, str]] = None) -> str:
        """Run a program that sees nothing but this environment, and return what it printed."""
        return self._call("-I", "-W", "error", "-c", program, cwd=cwd, env=env)

    def pip(self, *arguments: str) -> str:
        """Run pip; it finds the distributions built here, and nothing else."""
        options = ["--find-links", str(self._wheels), "--no-compile"] if arguments[0] == "install" else []
        return self._call("-I", "-m", "pip", *arguments, *options)

    def pytest(self, folder: Path) -> str:
        """Run the tests of a project, which find nothing but what is installed."""
        return self._call("-I", "-m", "pytest", "-p", "no:cacheprovider", str(folder), cwd=folder)

    def version(self, distribution: str) -> str:
        """Return the version of an installed distribution."""
        return self.run(f"from importlib.metadata import version; print(version({distribution!r}))")

    def _call(self, *arguments: str, cwd: Optional[Path] = None, env: Optional[Mapping[str, str]] = None) -> str:
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=str(cwd or self._cwd),
            env={**_plain_environ(), **(env or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="session")
def make_shelf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Iterable[str]], Path]:
    """Link distributions, and what they need, out of the running environment into a folder."""

    def make(requirements: Iterable[str]) -> Path:
        folder = tmp_path_factory.mktemp("shelf")
        for distribution in _closure(requirements):
            tops = {Path(file.parts[0]) for file in distribution.files or () if file.parts[0] not in _NO_MODULES}
            for top in tops:
                (folder / top).symlink_to(str(distribution.locate_file(top)))
        return folder

    return make


_NO_MODULES = {"..", "__pycache__"}


@pytest.fixture(scope="session")
def shelf(built: Mapping[str, Built], make_shelf: Callable[[Iterable[str]], Path]) -> Path:
    """Return a folder with core's dependencies, and pip, without the library itself."""
    return make_shelf(["pip", *built["core"].headers().get_all("Requires-Dist", [])])


def _closure(requirements: Iterable[str]) -> List[metadata.Distribution]:
    """Return the installed distributions that the requirements need, without those of extras."""
    found: List[metadata.Distribution] = []
    waiting, seen = list(requirements), set()
    while waiting:
        requirement = Requirement(waiting.pop())
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name.lower() not in seen:
            seen.add(requirement.name.lower())
            found.append(metadata.distribution(requirement.name))
            waiting.extend(found[-1].requires or [])
    return found


@pytest.fixture(scope="session")
def wheels(built: Mapping[str, Built], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with both of our wheels, as ``pip install --find-links`` takes it."""
    folder = tmp_path_factory.mktemp("wheels")
    for item in built.values():
        shutil.copy(str(item.wheel), str(folder))
    return folder


@pytest.fixture(scope="session")
def new_environment(shelf: Path, wheels: Path) -> Callable[[Path], Environment]:
    """Make a virtual environment in which our wheels are on offer and not yet installed, in a given folder."""
    return lambda folder: Environment(folder, shelf, wheels)


@pytest.fixture
def make_environment(new_environment: Callable[[Path], Environment], tmp_path: Path) -> Callable[[], Environment]:
    """Make such an environment in a folder of the test's own."""
    return lambda: new_environment(tmp_path / "venv")


@pytest.fixture(scope="session")
def installed(new_environment: Callable[[Path], Environment], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment with core alone, shared by tests that install nothing."""
    environment = new_environment(tmp_path_factory.mktemp("installed") / "venv")
    environment.pip("install", "nv-one-logger-core")
    return environment


@pytest.fixture(scope="session")
def make_wheel() -> Callable[..., Path]:
    """Return the function that writes a wheel by hand: ``make_wheel(folder, name, version, files, requires=())``."""
    return write_wheel
