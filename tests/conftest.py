"""What every test gets: a guard against leftovers, and fresh processes that import the same library."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

import pytest
from hypothesis import HealthCheck, settings

# A machine that others use too is slow now and then, and that is no failure of ours.
# In CI the same examples each time, as Hypothesis itself has it there: what fails is then what has been changed.
settings.register_profile(
    "shared machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("shared machine")

ROOT = Path(__file__).resolve().parent.parent

# pytest keeps the running test's name here.
_PYTEST_VARIABLES = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_VERSION"})


# Set by a launcher or by the person who runs the tests, and read by the library.
_FOREIGN_SETTINGS = ("ONE_LOGGER_", "SLURM_", "OMPI_", "PMI_", "TORCHELASTIC_")
_FOREIGN_VARIABLES = frozenset({"RANK", "WORLD_SIZE", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK"})


def pytest_report_header() -> str:
    """Say which copy of the library is tested: the source tree or an installed distribution."""
    return f"nv_one_logger: {_library_home() or 'not importable'}"


def _library_home() -> Optional[str]:
    # The namespace has no file of its own; a regular package inside it tells where it comes from.
    import importlib.util

    spec = importlib.util.find_spec("nv_one_logger.core")
    return None if spec is None or spec.origin is None else str(Path(spec.origin).parent.parent.parent)


def _is_foreign(variable: str) -> bool:
    return variable in _FOREIGN_VARIABLES or variable.startswith(_FOREIGN_SETTINGS)


@pytest.fixture(scope="session", autouse=True)
def plain_environment() -> Iterator[None]:
    """Run as on a machine without a launcher and without settings of the library, in the foreground of a terminal."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # What a shell sets for a job in the background; programs started here would inherit it and ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for variable in filter(_is_foreign, list(os.environ)):
            patch.delenv(variable)
        yield


@pytest.fixture(autouse=True)
def nothing_was_said_yet() -> None:
    """Let every test see the lines that the library logs once a minute, whatever earlier tests made it say."""
    for name, module in list(sys.modules.items()):
        if name.startswith("nv_one_logger"):
            for value in list(vars(module).values()):
                if type(value).__name__ == "LogLimiter":
                    value._last.clear()
                    value._silenced.clear()


# --- leftovers -------------------------------------------------------------------------------------------------------


class _LoggerState(NamedTuple):
    level: int
    handlers: Tuple[logging.Handler, ...]
    filters: Tuple[object, ...]
    propagate: bool
    disabled: bool


_UNTOUCHED = _LoggerState(level=logging.NOTSET, handlers=(), filters=(), propagate=True, disabled=False)


def _logger_state(logger: logging.Logger) -> _LoggerState:
    own = tuple(h for h in logger.handlers if not type(h).__module__.startswith("_pytest."))
    return _LoggerState(logger.level, own, tuple(logger.filters), logger.propagate, logger.disabled)


def _loggers() -> Dict[str, logging.Logger]:
    found = {name: item for name, item in logging.root.manager.loggerDict.items() if isinstance(item, logging.Logger)}
    return {"root": logging.root, **found}


def _restore_logger(logger: logging.Logger, state: _LoggerState) -> None:
    for handler in _logger_state(logger).handlers:
        if handler not in state.handlers:
            logger.removeHandler(handler)
            handler.close()
    for handler in state.handlers:
        logger.addHandler(handler)
    logger.setLevel(state.level)
    logger.filters[:] = list(state.filters)  # type: ignore[arg-type]  # they came from this very list
    logger.propagate, logger.disabled = state.propagate, state.disabled


def _reset_singletons() -> None:
    """Close what the providers opened, and forget every singleton, so that each test starts like a fresh process."""
    module = sys.modules.get("nv_one_logger.core.internal.singleton")
    if module is None:
        return
    instances: Dict[type, Any] = module.SingletonMeta._instances
    # First the training provider, which closes the recorder that the base provider only knows.
    for method in ("reset", "_reset"):
        for instance in list(instances.values()):
            reset = getattr(instance, method, None)
            if callable(reset):
                reset()
    instances.clear()


class _Snapshot:
    """The state of the process that a test must leave as it was."""

    def __init__(self) -> None:
        self.environ = self._environ()
        self.cwd = os.getcwd()
        self.sys_path = list(sys.path)
        self.loggers = {name: _logger_state(logger) for name, logger in _loggers().items()}
        self.logging_disabled = logging.root.manager.disable
        self.threads = set(threading.enumerate())

    @staticmethod
    def _environ() -> Dict[str, str]:
        return {key: value for key, value in os.environ.items() if key not in _PYTEST_VARIABLES}

    def restore(self) -> List[str]:
        """Put everything back and return what had to be, in words."""
        return [
            *self._restore_environ(),
            *self._restore_process(),
            *self._restore_loggers(),
            *self._leftover_threads(),
        ]

    def _restore_environ(self) -> List[str]:
        now = self._environ()
        changed = sorted(key for key in {*now, *self.environ} if now.get(key) != self.environ.get(key))
        for key in changed:
            if key in self.environ:
                os.environ[key] = self.environ[key]
            else:
                del os.environ[key]
        return [f"os.environ[{key!r}] (use monkeypatch.setenv)" for key in changed]

    def _restore_process(self) -> List[str]:
        left = []
        if os.getcwd() != self.cwd:
            os.chdir(self.cwd)
            left.append("the working directory (use monkeypatch.chdir)")
        if sys.path != self.sys_path:
            sys.path[:] = self.sys_path
            left.append("sys.path (use monkeypatch.syspath_prepend)")
        if logging.root.manager.disable != self.logging_disabled:
            logging.disable(self.logging_disabled)
            left.append("logging.disable()")
        return left

    def _restore_loggers(self) -> List[str]:
        left = []
        for name, logger in _loggers().items():
            before = self.loggers.get(name, _UNTOUCHED)
            if _logger_state(logger) == before:
                continue
            # A logger that the test made is its own, and the library's belong to its singletons: both just go back.
            if name in self.loggers and not name.startswith("nv_one_logger"):
                left.append(f"the logger {name!r} (was {before}, is {_logger_state(logger)})")
            _restore_logger(logger, before)
        return left

    def _leftover_threads(self) -> List[str]:
        # Daemon threads of the library live as long as the process, by design.
        new = [t for t in threading.enumerate() if t not in self.threads and not t.daemon and t.is_alive()]
        return [f"the thread {thread.name!r}, still running" for thread in new]


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    """Start without singletons; fail a test that leaves environment, directory, path, loggers or threads changed."""
    _reset_singletons()
    before = _Snapshot()
    yield
    _reset_singletons()
    left = before.restore()
    if left:
        pytest.fail("the test left changed: " + "; ".join(left), pytrace=False)


# --- fresh processes -------------------------------------------------------------------------------------------------


def library_environ(extra: Optional[Mapping[str, str]] = None) -> Dict[str, str]:
    """Return the environment in which a child process imports this copy of the library, with no setting of ours."""
    environ = {key: value for key, value in os.environ.items() if not _is_foreign(key)}
    home = _library_home()
    if home is not None and Path(home) == ROOT:
        environ["PYTHONPATH"] = os.pathsep.join(p for p in (str(ROOT), environ.get("PYTHONPATH", "")) if p)
    environ.update(extra or {})
    return environ


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in a fresh interpreter: ``run_python("print(1)", env={...}).stdout``.

    A ``str`` is the program's text, a list the interpreter's arguments. The working directory is ``tmp_path``.
    A non-zero exit fails the test with what the program printed, unless ``check=False``.
    """

    def run(
        program: Union[str, List[str]],
        *,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[Path] = None,
        timeout: float = 60.0,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        arguments = ["-c", program] if isinstance(program, str) else list(program)
        done = subprocess.run(
            [sys.executable, *arguments],
            env=library_environ(env),
            cwd=str(cwd or tmp_path),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}", pytrace=False)
        return done

    return run


@pytest.fixture
def start_python(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a fresh interpreter and return it running: ``start_python(["-m", "module"]).send_signal(...)``.

    Its output comes through pipes, as text. What still runs when the test ends is killed.
    """
    started: List[subprocess.Popen[str]] = []

    def start(arguments: List[str], *, env: Optional[Mapping[str, str]] = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=library_environ(env),
            cwd=str(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()  # closes the pipes
