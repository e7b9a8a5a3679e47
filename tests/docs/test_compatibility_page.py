"""docs/compatibility.md: every name on it can be imported, and every test it names exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def subsections(text: str) -> Dict[str, str]:
    parts = text.split("\n### ")[1:]
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1] for part in parts}


def names() -> List[Tuple[str, str]]:
    """(module, name) of every name in the tables, and (module, "") of each module."""
    found: List[Tuple[str, str]] = []
    for title, text in subsections(section("Public names")).items():
        module = title.strip("`")
        found.append((module, ""))
        cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
        found.extend((module, name) for cell in cells for name in re.findall(r"`(\w+)`", cell))
    return found


@pytest.mark.parametrize(("module", "name"), names())
def test_name_can_be_imported(module: str, name: str) -> None:
    imported = importlib.import_module(module)
    assert not name or hasattr(imported, name)


def test_table_is_not_empty_and_names_each_thing_once() -> None:
    assert len(names()) > 150
    assert len(set(names())) == len(names())


@pytest.mark.parametrize(
    ("subject", "count"), [("Core", 30), ("API and recorder", 23), ("Exporters", 23), ("Training telemetry", 47)]
)
def test_every_defect_is_mended_with_a_test_or_kept_with_a_reason(subject: str, count: int) -> None:
    lines = [
        line for line in subsections(section("Known defects of 2.3"))[subject].splitlines() if line.startswith("| ")
    ]
    rows = [line.strip("| ").split(" | ") for line in lines[1:]]
    assert [row[0] for row in rows] == [str(number) for number in range(1, count + 1)]
    assert [row for row in rows if not re.match(r"mended: `tests/|kept: \w", row[2])] == []


@pytest.mark.parametrize(("path", "name"), sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT))))
def test_test_exists(path: str, name: str) -> None:
    assert re.search(rf"^\s*def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_attributes_of_the_page_exist() -> None:
    from nv_one_logger.training_telemetry.api import attributes

    fields = {name for cls in attributes.__all__ for name in vars(getattr(attributes, cls))}
    found = {
        name for name in re.findall(r"`(\w+)`", section("Numbers")) if re.match(r"(interval|job|iteration)_\w", name)
    }
    assert {name for name in found if not name.endswith("_")} <= fields
