"""Every code block of README and docs is run or checked; a block that cannot be says why beside it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, List, NamedTuple

import pytest
import yaml

from nv_one_logger.config import Switches, load_sources, resolve
from nv_one_logger.host.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Pages whose blocks need more than this test offers, with the test that runs them.
RUN_ELSEWHERE = {"cli.md": "tests/cli", "configuration.md": "tests/config/test_documentation.py"}

_BLOCK = re.compile(r"^(?P<before>[^\n]*)\n\n?```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_REASON = re.compile(r"<!-- norun: \S.{8,} -->")


class Block(NamedTuple):
    language: str
    text: str
    is_skipped: bool
    line: int


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        line = text[: match.start("language")].count("\n") + 1
        yield Block(match["language"], match["text"], bool(_REASON.search(match["before"])), line)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def python_program(page: Path) -> str:
    """Return the Python blocks of a page as one program; files that a page shows are written first."""
    parts = ["import logging; logging.disable(logging.CRITICAL)\n"]
    for block in blocks_of(page):
        if block.is_skipped:
            continue
        if block.language == "yaml" and "exporters:" in block.text:
            parts.append(f"open('one_logger_exporters_config.yaml', 'w').write({block.text!r})\n")
        if block.language == "python":
            parts.append(f"# {name_of(page)}, line {block.line}\n{block.text}")
    return "\n".join(parts)


def can_be_parsed(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


RUNNABLE = [
    page
    for page in PAGES
    if page.name not in RUN_ELSEWHERE and any(b.language == "python" and not b.is_skipped for b in blocks_of(page))
]


@pytest.mark.parametrize("page", RUNNABLE, ids=name_of)
def test_python_blocks_run_from_top_to_bottom(page: Path, tmp_path: Path, run_python: Callable[..., Any]) -> None:
    program = tmp_path / "page.py"
    # Spelled out as users see it in the pages, and moved here, so that tests leave nothing behind.
    program.write_text(python_program(page).replace('"/tmp/', f'"{tmp_path.as_posix()}/'), encoding="utf-8")

    run_python([str(program)], cwd=tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_yaml_blocks_are_right(page: Path, tmp_path: Path) -> None:
    for block in blocks_of(page):
        if block.language != "yaml" or block.is_skipped:
            continue
        document = yaml.safe_load(block.text)
        if not (isinstance(document, dict) and "exporters" in document) or page.name in RUN_ELSEWHERE:
            continue
        file = tmp_path / f"line{block.line}.yaml"
        file.write_text(block.text, encoding="utf-8")
        resolution = resolve([load_sources(None, str(file), environ={})], Catalogue(), Switches())
        assert not resolution.problems, f"{name_of(page)}, line {block.line}: {resolution.problems}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_json_and_toml_blocks_can_be_parsed(page: Path) -> None:
    for block in blocks_of(page):
        if block.is_skipped:
            continue
        if block.language == "json" and not can_be_parsed(block.text):
            for line in block.text.splitlines():  # of JSON Lines
                json.loads(line)
        if block.language == "toml" and sys.version_info >= (3, 11):
            import tomllib

            tomllib.loads(block.text)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_say_what_language_they_are_in(page: Path) -> None:
    fences = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) % 2 == 0
    opening: List[str] = fences[::2]
    assert all(re.match(r"\w+", language) for language in opening), opening


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{name_of(page)} links to {target}"
