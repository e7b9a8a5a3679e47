"""The distribution of docs/how-to-plugin.md is built, installed, tested and used as the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

PAGE = "docs/how-to-plugin.md"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, page_named: Callable[[str], Any]) -> Path:
    """Write the files of the page, and install the distribution into the folder ``site`` beside them."""
    if int(metadata.version("setuptools").split(".")[0]) < 61:
        pytest.skip("this setuptools reads no metadata from pyproject.toml")
    folder = tmp_path_factory.mktemp("plugin")
    for block in page_named(PAGE).blocks:
        if block.title:
            (folder / block.title).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.title).write_text(block.text, encoding="utf-8")
    (folder / "acme-sqlite" / "acme_sqlite" / "__init__.py").touch()
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(folder / "site")]
    command = [sys.executable, "-m", "pip", "install", *options, str(folder / "acme-sqlite")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def run(project: Path, run_python: Callable[..., Any]) -> Callable[..., Any]:
    """Run the interpreter where the distribution is installed."""
    library = Path(__file__).resolve().parents[2] if "site-packages" not in _core_file() else None
    path = os.pathsep.join(str(folder) for folder in (project / "site", library) if folder is not None)

    def run(*arguments: str, **environ: str) -> Any:
        return run_python(list(arguments), cwd=project, env={"PYTHONPATH": path, **environ}, timeout=120)

    return run


def _core_file() -> str:
    import nv_one_logger.core

    return str(nv_one_logger.core.__file__)


def console_blocks(page: Any) -> List[str]:
    return [block.text for block in page.blocks if block.language == "console"]


def test_folder_of_the_page_is_complete(project: Path, page_named: Callable[[str], Any]) -> None:
    tree = next(block.text for block in page_named(PAGE).blocks if block.language == "text")
    shown = set(re.findall(r"[\w-]+\.(?:py|toml)\b", tree))
    assert shown == {path.name for path in (project / "acme-sqlite").rglob("*") if path.suffix in (".py", ".toml")}


def test_tests_of_the_page_pass(project: Path, run: Callable[..., Any]) -> None:
    done = run("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "acme-sqlite")
    assert "passed" in done.stdout


def test_job_of_the_page_explains_itself_as_shown(
    project: Path, run: Callable[..., Any], page_named: Callable[[str], Any]
) -> None:
    _, block = console_blocks(page_named(PAGE))
    command, _, shown = block.partition("\n")
    assert command == "$ ONE_LOGGER_EXPLAIN=1 python job.py"

    done = run("-W", "error", "job.py", ONE_LOGGER_EXPLAIN="1")

    pattern = ".*?".join(map(re.escape, shown.split("...\n")))
    assert re.fullmatch(pattern, done.stderr, re.DOTALL), done.stderr
    assert (project / "run.db").exists()


def test_tables_for_poetry_are_those_for_setuptools(page_named: Callable[[str], Any]) -> None:
    setuptools, poetry = (block.text for block in page_named(PAGE).blocks if block.language == "toml")
    assert entry_points(setuptools, "project.entry-points") == entry_points(poetry, "tool.poetry.plugins")


def entry_points(toml: str, table: str) -> Dict[str, List[str]]:
    """Return the lines of each table of entry points; Python 3.8 reads no TOML."""
    found = re.findall(rf'^\[{re.escape(table)}\."([\w.]+)"\]\n((?:\w+ = .*\n)+)', toml, re.MULTILINE)
    return {group: lines.splitlines() for group, lines in found}
