"""The guard in tests/conftest.py fails a test that leaves something changed, and the next one starts clean."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Callable

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"

PROGRAM = """
import logging, os, sys, threading
import pytest
from nv_one_logger.core.internal.singleton import SingletonMeta

LEFT = "AN_UNUSUAL_VARIABLE"
release = threading.Event()

class Thing(metaclass=SingletonMeta):
    resets = 0
    def _reset(self):
        Thing.resets += 1

def test_environment():
    os.environ[LEFT] = "1"

def test_environment_is_restored():
    assert LEFT not in os.environ

def test_root_logger():
    logging.getLogger().addHandler(logging.NullHandler())

def test_root_logger_is_restored():
    assert not [h for h in logging.getLogger().handlers if type(h) is logging.NullHandler]

def test_sys_path():
    sys.path.append("nowhere")

def test_working_directory(tmp_path):
    os.chdir(str(tmp_path))

def test_thread():
    threading.Thread(target=release.wait, args=(10,), name="forgotten").start()

def test_end_of_thread():
    release.set()

def test_singleton():
    Thing.instance()

def test_singleton_is_forgotten_and_was_reset():
    assert not SingletonMeta._instances and Thing.resets == 1

def test_own_loggers_and_patches_are_fine(monkeypatch):
    logging.getLogger("of.this.test").addHandler(logging.NullHandler())
    monkeypatch.setenv(LEFT, "1")

def test_new_loggers_go_back():
    assert not logging.getLogger("of.this.test").handlers
"""

CHANGING = {"environment", "root_logger", "sys_path", "working_directory", "thread"}


def test_leftovers_fail_the_test_that_made_them_and_no_other(run_python: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copy(str(CONFTEST), str(tmp_path))
    (tmp_path / "test_program.py").write_text(PROGRAM, encoding="utf-8")

    done = run_python(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov"], check=False)

    errors = [line for line in done.stdout.splitlines() if line.startswith("ERROR ")]
    assert {line.split("::test_")[1].split(" ")[0] for line in errors} == CHANGING, done.stdout
    assert "FAILED" not in done.stdout
    for named in ("AN_UNUSUAL_VARIABLE", "'root'", "sys.path", "working directory", "'forgotten'"):
        assert f"{named}" in done.stdout
