"""Runs pytest on a small module of a user, in a fresh process that knows the fixtures of the library."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any, Callable, List

import pytest


def plugin_options() -> List[str]:
    """Name the plugin where no installed distribution does: in a source tree that is only on the path."""
    try:
        entry_points = metadata.distribution("nv-one-logger-core").entry_points
    except metadata.PackageNotFoundError:
        entry_points = []  # type: ignore[assignment]  # any iterable will do
    is_installed = any(entry_point.group == "pytest11" for entry_point in entry_points)
    return [] if is_installed else ["-p", "nv_one_logger.testing.pytest_plugin"]


@pytest.fixture
def run_pytest(run_python: Callable[..., Any], tmp_path: Path) -> Callable[..., str]:
    """Run the tests of a module given by its text, all of which have to pass, and return what pytest printed."""

    def run(module: str, *options: str, **environ: str) -> str:
        (tmp_path / "test_of_a_user.py").write_text(module, encoding="utf-8")
        command = ["-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *plugin_options(), *options]
        return str(run_python(command, env=environ).stdout)

    return run
