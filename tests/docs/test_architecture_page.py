"""docs/architecture.md speaks of modules that exist, and its table is the one that is enforced."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any, Callable, Dict, Set

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "nv_one_logger"
TABLE = runpy.run_path(str(ROOT / "tests" / "architecture" / "test_import_table.py"))


@pytest.fixture
def text(page_named: Callable[[str], Any]) -> str:
    return str(page_named("docs/architecture.md").text)


def test_modules_on_the_page_exist(text: str) -> None:
    # "host/inspection.py, target.py": a name without a folder is in that of the name before it in the line.
    missing = []
    for line in text.splitlines():
        folder = ""
        for path in re.findall(r"(?<![\w./])((?:\w+/)*\w+\.py)\b", line):
            folder = path.rpartition("/")[0] or folder
            found = LIBRARY / folder / path.rpartition("/")[2]
            if not found.exists() and not (ROOT / path).exists() and path != "__init__.py":
                missing.append(path)
    assert missing == []


def test_table_is_the_one_that_is_enforced(text: str) -> None:
    rows: Dict[str, Set[str]] = {}
    everything = {layer for layer in TABLE["MAY_IMPORT"] if layer != "training_recorder"}
    for package, allowed in re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", text, re.MULTILINE):
        names = set(re.findall(r"`(\w+)`", allowed))
        rows[package] = everything - names - {package} if allowed.startswith("all but") else names
    enforced = {layer: set(may) - {layer} for layer, may in TABLE["MAY_IMPORT"].items() if layer in everything}
    assert rows == enforced


def test_exceptions_are_as_many_as_the_page_says(text: str) -> None:
    numbers = {3: "Three", 4: "Four", 5: "Five", 6: "Six"}
    assert f"{numbers[len(TABLE['EXCEPTIONS'])]} imports are excepted" in text
