"""The pages of the documentation, taken apart into their blocks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Iterator, List, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(?P<language>.*?)(?: title=\"(?P<title>[^\"]+)\")?$")
_COMMENT = re.compile(r"<!-- (?P<kind>norun: |output)(?P<reason>.*) -->")


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        language: What stands behind the opening fence.
        title: The file that the block shows, empty if it is none.
        text: What is in it.
        line: Of its first line in the page.
        reason: Why it is not run, from ``<!-- norun: reason -->`` above it.
        is_output: Whether it is what the block before prints, from ``<!-- output -->`` above it.
    """

    language: str
    title: str
    text: str
    line: int
    reason: str
    is_output: bool


class Page(NamedTuple):
    """A Markdown file: its name from the root of the repository, its text and its blocks."""

    name: str
    path: Path
    text: str
    blocks: List[Block]

    def titled(self, title: str) -> Block:
        """Return the one block that shows a file."""
        (block,) = [block for block in self.blocks if block.title == title]
        return block


def _blocks(text: str) -> Iterator[Block]:
    lines = text.splitlines()
    above, number = "", 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence is None:
            above = lines[number].strip() or above
            number += 1
            continue
        end = lines.index("```", number + 1)
        comment = _COMMENT.fullmatch(above)
        reason = comment["reason"] if comment and comment["kind"] != "output" else ""
        content = "".join(f"{line}\n" for line in lines[number + 1 : end])
        is_output = comment is not None and comment["kind"] == "output"
        yield Block(fence["language"], fence["title"] or "", content, number + 2, reason, is_output)
        above, number = "", end + 1


def _page(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    return Page(path.relative_to(ROOT).as_posix(), path, text, list(_blocks(text)))


PAGES = [_page(path) for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]]


def _runs(block: Block) -> bool:
    return block.language in ("python", "console") and not block.reason


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``page`` on every page, for ``running_page`` on those with something to run."""
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", PAGES, ids=[page.name for page in PAGES])
    if "running_page" in metafunc.fixturenames:
        running = [page for page in PAGES if any(map(_runs, page.blocks))]
        metafunc.parametrize("running_page", running, ids=[page.name for page in running])


@pytest.fixture(scope="session")
def pages() -> List[Page]:
    """Return every page."""
    return PAGES


@pytest.fixture(scope="session")
def page_named() -> Callable[[str], Page]:
    """Return the function that finds a page: ``page_named("docs/records.md")``."""
    return {page.name: page for page in PAGES}.__getitem__
