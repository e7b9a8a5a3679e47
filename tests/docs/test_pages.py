"""Every code block of README and docs is run or checked; one that cannot be says why beside it."""

from __future__ import annotations

import ast
import json
import re
import shlex
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest
import yaml

from nv_one_logger.config import Switches, check, load_sources, resolve
from nv_one_logger.host.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("run_page.py")
LANGUAGES = {"console", "json", "python", "text", "toml", "yaml"}
TEST = re.compile(r"^(async )?(def test_|class Test)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)


# --- blocks that run -------------------------------------------------------------------------------------------------


def steps_of(page: Any) -> List[Dict[str, Any]]:
    """Turn the blocks of a page into what ``run_page.py`` has to do."""
    steps = list(_steps_of_blocks(page))
    tests = [step["text"] for step in steps if step["kind"] == "python" and TEST.search(step["text"])]
    if tests:
        steps.append({"kind": "pytest", "page": page.name, "text": "\n\n".join(tests), "options": pytest_options()})
    return steps


def _steps_of_blocks(page: Any) -> Iterator[Dict[str, Any]]:
    following = [*page.blocks[1:], None]
    for block, after in zip(page.blocks, following):
        step = {"page": page.name, "line": block.line, "text": block.text, "title": block.title}
        if block.title:
            yield {"kind": "file", **step}
        elif block.reason:
            continue
        elif block.language == "python":
            yield {"kind": "python", "output": after.text if after is not None and after.is_output else None, **step}
        elif block.language == "console" and not all(map(is_checked_here, commands_of(block))):
            yield {"kind": "console", **step}


def pytest_options() -> List[str]:
    """Name our pytest plugin where no installed distribution does: in a source tree that is only on the path."""
    try:
        found = [point.group for point in metadata.distribution("nv-one-logger-core").entry_points]
    except metadata.PackageNotFoundError:
        found = []
    return [] if "pytest11" in found else ["-p", "nv_one_logger.testing.pytest_plugin"]


def test_blocks_run_from_top_to_bottom(running_page: Any, tmp_path: Path, run_python: Callable[..., Any]) -> None:
    if any(step["kind"] == "console" and "one-logger" in step["text"] for step in steps_of(running_page)):
        pytest.importorskip("rich", reason="the command line needs the extra 'cli'")
    folder = tmp_path / "folder"
    folder.mkdir()
    # Spelled out as users see it in the pages, and moved here, so that tests leave nothing behind.
    steps = json.dumps(steps_of(running_page)).replace('\\"/tmp/', f'\\"{folder.as_posix()}/')
    (tmp_path / "steps.json").write_text(steps, encoding="utf-8")

    home = {"HOME": str(folder), "USERPROFILE": str(folder), "COLUMNS": "100"}
    done = run_python(["-W", "error", str(RUNNER), str(tmp_path / "steps.json")], cwd=folder, env=home)

    assert "Traceback" not in done.stderr, done.stderr
    assert "Warning" not in done.stderr, done.stderr


def commands_of(block: Any) -> List[str]:
    """Return the single commands of a block, each behind a ``$`` or, in one line, behind ``&&``."""
    lines = re.findall(r"^\$ (.*)$", block.text, re.MULTILINE)
    return [command for line in lines for command in line.split(" && ")]


def is_checked_here(command: str) -> bool:
    """Whether a command is one of those that would take too long, or need a network, and are looked at instead."""
    return command.startswith(("nox ", "pip install "))


def test_commands_that_install_name_what_there_is(page: Any) -> None:
    for block in page.blocks:
        if block.language != "console" or block.reason:
            continue
        assert block.text.startswith("$ "), f"{page.name}, line {block.line}: commands begin with '$ '"
        for command in filter(is_checked_here, commands_of(block)):
            assert mistake_in(command) is None, f"{page.name}, line {block.line}: {mistake_in(command)}"


def mistake_in(command: str) -> Optional[str]:
    program, option, *names = shlex.split(command)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = re.findall(r"^(\w+) = ", project.split("[project.optional-dependencies]")[1].split("\n[")[0], re.MULTILINE)
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)
    known = ["nox", "nv-one-logger-core", *(f"nv-one-logger-core[{extra}]" for extra in extras)]
    if program == "nox":
        known = [] if option != "-s" else sessions
        names = names[:1]  # what follows is for the session
    unknown = [name for name in names if name not in known]
    return f"{command!r} names {unknown}" if unknown or not names else None


# --- blocks that are looked at ---------------------------------------------------------------------------------------


def test_python_blocks_are_python(page: Any) -> None:
    for block in page.blocks:
        if block.language == "python":
            ast.parse(block.text, f"{page.name}, line {block.line}")


def test_yaml_blocks_configure_exporters_without_a_problem(page: Any, tmp_path: Path) -> None:
    for block in page.blocks:
        if block.language != "yaml":
            continue
        document = yaml.safe_load(block.text)
        if block.reason or not (isinstance(document, dict) and "exporters" in document):
            continue
        file = tmp_path / f"line{block.line}.yaml"
        file.write_text(block.text, encoding="utf-8")
        problems = check(resolve([load_sources(None, str(file), environ={})], Catalogue(), Switches()))
        assert not problems, f"{page.name}, line {block.line}: {problems}"


def test_json_blocks_are_json_or_json_lines(page: Any) -> None:
    for block in page.blocks:
        if block.language == "json":
            texts = block.text.splitlines() if block.text.startswith('{"') else [block.text]
            assert [json.loads(text) for text in texts]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs tomllib")
def test_toml_blocks_are_toml(page: Any) -> None:
    import tomllib

    for block in page.blocks:
        if block.language == "toml":
            tomllib.loads(block.text)


def test_no_block_escapes_the_tests(page: Any) -> None:
    unknown = [f"line {block.line}: {block.language!r}" for block in page.blocks if block.language not in LANGUAGES]
    assert unknown == []
    fences = re.findall(r"^ *(?:```|~~~)", page.text, re.MULTILINE)
    assert len(fences) == 2 * len(page.blocks), "a fence stands within a list or quote, where these tests do not look"
    assert page.text.count("<!-- norun") == sum(bool(block.reason) for block in page.blocks)
    assert page.text.count("<!-- output") == sum(block.is_output for block in page.blocks)


def test_reasons_say_something_true(page: Any) -> None:
    for block in page.blocks:
        if block.reason:
            assert len(block.reason) >= 20, f"{page.name}, line {block.line}: {block.reason}"
            for path in re.findall(r"\btests/[\w/.]+\w", block.reason):
                assert (ROOT / path).exists(), f"{page.name}, line {block.line}: {path}"


# --- links -----------------------------------------------------------------------------------------------------------


def test_links_lead_somewhere(page: Any) -> None:
    text = re.sub(r"^```.*?^```$", "", page.text, flags=re.DOTALL | re.MULTILINE)
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(#[^)\s]*)?\)", text):
        if target.startswith("http"):
            continue
        path = page.path.parent / target if target else page.path
        assert path.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor[1:] in anchors_of(path), f"{page.name} links to {target}{anchor}"


def anchors_of(path: Path) -> List[str]:
    """Return the anchors of a page's headings, as Python-Markdown makes them."""
    headings = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in HEADING.findall(path.read_text("utf-8")))
    return [re.sub(r"[-\s]+", "-", heading).strip("-") for heading in headings]
