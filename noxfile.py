"""The project's habits, one session each: ``nox -s tests``, ``nox -s demo``; ``nox --list`` shows all.

Every session installs what it needs with pip into an environment of its own. Tests run against the built wheel, never
against the source tree.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, List, Optional

import nox
from nox.command import CommandFailed
from packaging.specifiers import SpecifierSet

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests", "lint", "types", "docs", "plugins"]
nox.options.default_venv_backend = "venv"  # virtualenv no longer makes environments for Python 3.8
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False  # also in CI: a skipped session says which interpreter is missing

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
# PyTorch is in one environment only, that of the session of this name, which runs also the tests of what needs it.
WITH_PYTORCH = ["lightning"]
PLUGINS = sorted({path.parent.name for path in ROOT.glob("plugins/*/tests")} - set(WITH_PYTORCH))

# Suites too slow or too demanding for every run; each has a session once its folder exists.
DEMANDING = ["browser", "faults", "kill", "pytorch", "soak"]


# --- interpreters ----------------------------------------------------------------------------------------------------


def find_interpreter(version: str) -> Optional[str]:
    """Return a ``python3.x`` that really runs: from PATH, else one that pyenv has installed but not activated."""
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    installed = glob.glob(f"{pyenv}/versions/{version}.*/bin/python{version}")
    for candidate in [shutil.which(f"python{version}"), *sorted(installed)]:
        # A shim of pyenv is on PATH for every version and fails for those not activated.
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def interpreter(version: str) -> str:
    """Return what nox should start; when there is none, the bare version, so that nox skips the session and says so."""
    return find_interpreter(version) or f"python{version}"


OLDEST = next((version for version in PYTHONS if find_interpreter(version)), PYTHONS[0])


# --- steps that sessions share ---------------------------------------------------------------------------------------


def group(name: str) -> List[str]:
    """Return one list of ``[dependency-groups]`` in pyproject.toml, empty when there is none of that name."""
    return list(nox.project.dependency_groups(PROJECT, name)) if name in PROJECT["dependency-groups"] else []


def scratch(session: nox.Session) -> Path:
    """Return a folder for the session; ``create_tmp`` would also move the tests' files into the repository."""
    return Path(session.virtualenv.location)


def build_wheel(session: nox.Session, source: str = ".") -> str:
    """Build a wheel in the session's environment, which has the ``test`` group, and return its path."""
    name = "core" if Path(source).resolve() == ROOT else Path(source).name  # a clone may be called as a plugin is
    folder = scratch(session) / "wheels" / name
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), source, silent=True)
    (wheel,) = folder.glob("*.whl")
    return str(wheel)


def install_library(session: nox.Session, *more: str) -> None:
    """Install the wheel of this tree with every extra, and make sure that nothing else answers an import."""
    session.install(*group("test"))
    session.install(f"{build_wheel(session)}[cli]", *more)
    check = "import nv_one_logger.core as core; assert 'site-packages' in core.__file__, core.__file__"
    session.run("python", "-I", "-c", check, silent=True)


def run_suite(session: nox.Session, *options: str) -> None:
    """Run pytest by its own name: ``python -m pytest`` would put the source tree first."""
    ignored = [f"--ignore=tests/{name}" for name in DEMANDING]
    session.run("pytest", *options, *(session.posargs or ignored))


def lowest_dependencies() -> List[str]:
    """Return the constraints that pin every dependency of pyproject.toml to the lowest version it allows."""
    requirements = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["cli"]]
    found = (re.match(r"([\w.-]+)>=([\w.]+)", requirement) for requirement in requirements)
    return [f"{match.group(1)}=={match.group(2)}" for match in found if match]


# --- what a user does ------------------------------------------------------------------------------------------------


@nox.session
def demo(session: nox.Session) -> None:
    """Install the library as a user would and train the demo's model: ``nox -s demo -- --epochs 3``."""
    session.install(".[cli]")
    session.run("one-logger", "demo", *session.posargs)


# --- tests -----------------------------------------------------------------------------------------------------------


@nox.session
def tests(session: nox.Session) -> None:
    """Run the suite on the current interpreter: ``nox -s tests -- tests/exporter -k disk``."""
    install_library(session)
    run_suite(session)


def tests_on(version: str) -> Callable[[nox.Session], None]:
    """Make the session that runs the suite on another interpreter."""

    def run(session: nox.Session) -> None:
        install_library(session)
        run_suite(session)

    run.__doc__ = f"Run the suite on Python {version}."
    return run


for _version in PYTHONS:
    nox.session(name=f"tests-{_version}", python=interpreter(_version))(tests_on(_version))


@nox.session(python=interpreter(OLDEST))
def minimums(session: nox.Session) -> None:
    """Run the suite with the lowest allowed dependencies on the oldest interpreter."""
    constraints = scratch(session) / "lowest.txt"
    constraints.write_text("\n".join(lowest_dependencies()) + "\n", encoding="utf-8")
    install_library(session, "--constraint", str(constraints))
    session.run("python", "-m", "pip", "list")
    run_suite(session)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the suite and list every line and branch that no test reaches."""
    install_library(session)
    run_suite(session, "--cov", "--cov-report=term-missing")


@nox.session
@nox.parametrize("plugin", [nox.param(name, id=name) for name in PLUGINS])
def plugins(session: nox.Session, plugin: str) -> None:
    """Run each plugin's own tests against its wheel, in an environment without the other plugins."""
    folder = ROOT / "plugins" / plugin
    project = nox.project.load_toml(str(folder / "pyproject.toml"))
    running = ".".join(map(str, sys.version_info[:3]))
    if running not in SpecifierSet(project["project"]["requires-python"]):
        session.skip(f"{plugin} needs Python {project['project']['requires-python']}, this is {running}")
    own_group = project.get("dependency-groups", {}).get("test", [])
    session.install(*group("test"))
    training_telemetry = str(ROOT / "plugins" / "training-telemetry")  # on offer to plugins that ask for it
    wheels = {source: build_wheel(session, source) for source in {str(ROOT), str(folder), training_telemetry}}
    offered = str(Path(wheels[training_telemetry]).parent)
    session.install(wheels[str(ROOT)], wheels[str(folder)], *own_group, "--find-links", offered)
    with session.chdir(folder):
        session.run("pytest", *session.posargs)
    check_types(session, folder)


def check_types(session: nox.Session, folder: Path) -> None:
    """Run mypy as the plugin in ``folder`` sets it up, if it does, against the core that is installed."""
    if "mypy" in nox.project.load_toml(str(folder / "pyproject.toml")).get("tool", {}):
        session.install(*group("types"))
        with session.chdir(folder):
            session.run("mypy")


def demanding_suite(name: str) -> Callable[[nox.Session], None]:
    """Make the session of one suite that is not part of every run."""

    def run(session: nox.Session) -> None:
        install_library(session, *group(name))
        session.run("pytest", *(session.posargs or [f"tests/{name}"]))

    run.__doc__ = f"Run tests/{name}, which is not part of `tests`."
    return run


for _name in DEMANDING:
    if (ROOT / "tests" / _name).is_dir() and _name not in ("browser", "pytorch"):
        nox.session(name=_name)(demanding_suite(_name))


@nox.session(python=interpreter("3.11"))
def pytorch(session: nox.Session) -> None:
    """Run tests/pytorch, then the Lightning plugin's tests with the newest Lightning and with the oldest."""
    folder = ROOT / "plugins" / "lightning"
    own_groups = nox.project.load_toml(str(folder / "pyproject.toml"))["dependency-groups"]
    install_library(session, *group("pytorch"))
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("pytest", "tests/pytorch")
    session.install(build_wheel(session, str(folder)), *own_groups["test"], *group("pytorch"))
    with session.chdir(folder):
        session.run("pytest")
    check_types(session, folder)
    with session.chdir(folder):
        session.install(*own_groups["oldest"], *group("pytorch"))
        session.run("pytest", "-m", "not slow")


@nox.session(python=interpreter("3.11"))  # the newest for which atheris has a wheel
def fuzz(session: nox.Session) -> None:
    """Fuzz the readers, each for so many seconds, guided by coverage: ``nox -s fuzz -- --seconds 600``."""
    session.install(*group("test"))
    session.install(build_wheel(session))
    try:
        session.install("--only-binary=:all:", "atheris>=2.3")
    except CommandFailed:
        session.skip("atheris has no wheel for this interpreter and platform")
    for target in ("configuration", "log_line", "record_file"):
        session.run("python", str(ROOT / "tests" / "hostile" / "fuzz.py"), target, *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """Open the HTML report in Chromium: ``nox -s browser -- tests/browser --screenshots docs/images`` for the docs."""
    install_chromium(session)
    install_library(session, *group("browser"))
    session.install(build_wheel(session, "plugins/report"))
    session.run("pytest", *(session.posargs or ["tests/browser"]))


def install_chromium(session: nox.Session) -> None:
    """Install Debian's Chromium and its driver where that is possible without asking anybody."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    if not (shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0):
        session.skip("needs chromium and chromedriver (Debian: apt-get install chromium chromium-driver)")
    anything = range(256)  # where it cannot be had, the session says so and is skipped
    for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium", "chromium-driver"]):
        session.run("apt-get", "-q", *step, external=True, silent=True, success_codes=anything)
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        session.skip("chromium and chromedriver cannot be installed here")


# --- checks ----------------------------------------------------------------------------------------------------------


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and the rules of the tree."""
    session.install(*group("lint"), *group("test"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    rules = ("import_table", "tree", "docstrings", "portable_text")
    session.run("pytest", "-q", *(f"tests/architecture/test_{name}.py" for name in rules))


@nox.session
def types(session: nox.Session) -> None:
    """Check the library strictly, then programs of users against the installed wheel."""
    session.install(*group("types"))
    session.install(f"{build_wheel(session)}[cli]")
    session.run("mypy", *session.posargs)
    outside = scratch(session) / "typing"
    shutil.rmtree(outside, ignore_errors=True)
    shutil.copytree(ROOT / "tests" / "typing", outside)
    with session.chdir(outside):  # no source tree here: only py.typed in the wheel makes this pass
        session.run("mypy", "--strict", "--config-file=", "--exclude=test_", ".")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; warnings are errors. ``nox -s docs -- serve`` shows it while writing."""
    session.install(*group("docs"), ".[cli]")
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]), env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel of core and of every plugin into dist/."""
    session.install(*group("test"))
    for source in [".", *(str(path.parent) for path in sorted(ROOT.glob("plugins/*/pyproject.toml")))]:
        session.run("python", "-m", "build", "--no-isolation", "--outdir", str(ROOT / "dist"), source)


if (ROOT / "benchmarks" / "run.py").exists():

    @nox.session
    def bench(session: nox.Session) -> None:
        """Measure what everything costs, as ratios to peers in the same run: ``nox -s bench -- --only span event``."""
        install_library(session)
        session.install("opentelemetry-sdk", "loguru", "structlog")
        session.run("python", "benchmarks/run.py", *reference_option(session), *session.posargs)


def reference_option(session: nox.Session) -> List[str]:
    """Return the option that names an interpreter with the library this one succeeds, if that can be installed."""
    folder = scratch(session) / "reference"
    python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    session.run("python", "-m", "venv", str(folder), silent=True)
    wanted = ["nv-one-logger-core==2.3.1", "nv-one-logger-training-telemetry==2.3.1", "PyYAML"]
    anything = range(256)  # where it cannot be had, its column says so
    session.run(python, "-m", "pip", "install", "-q", *wanted, success_codes=anything, silent=True, external=True)
    check = [python, "-c", "import nv_one_logger.core.span"]
    found = session.run(*check, success_codes=anything, silent=True, external=True)
    return [] if found else ["--reference", python]
