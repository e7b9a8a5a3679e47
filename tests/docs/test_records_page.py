"""docs/records.md shows what is really written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Set

import jsonschema
import pytest

from nv_one_logger.exporter.internal.record_type import RecordType
from nv_one_logger.reader import record_schema

Record = Dict[str, Any]

BY_CHANCE = ("id", "parent_id", "span_id", "pid", "host", "core", "python", "process_start_msec", "monotonic_msec")


@pytest.fixture
def records_page(page_named: Callable[[str], Any]) -> Any:
    return page_named("docs/records.md")


def layouts(records_page: Any) -> Dict[str, List[str]]:
    """Return the keys of each type from the table, with their mark."""
    rows = re.findall(r"^\| `(\w+)` \| (`type`.*) \|$", records_page.text, re.MULTILINE)
    return {kind: re.sub("[`,]", "", keys).split() for kind, keys in rows}


def without_chance(value: Any, key: str = "") -> Any:
    """Return a record as pairs, in order, without what differs from run to run."""
    if isinstance(value, dict):
        return [(name, without_chance(item, name)) for name, item in value.items()]
    if isinstance(value, list):
        return [without_chance(item) for item in value]
    return type(value).__name__ if key in BY_CHANCE else value


def test_examples_are_what_the_program_writes(
    records_page: Any, tmp_path: Path, run_python: Callable[..., Any]
) -> None:
    examples: List[Record] = [json.loads(block.text) for block in records_page.blocks if block.language == "json"]
    run_python(records_page.titled("records.py").text)
    written = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text(encoding="utf-8").splitlines()]

    assert [without_chance(example) for example in examples] == [without_chance(record) for record in written]
    kinds = {example["type"] for example in examples}
    assert kinds == {kind.value for kind in RecordType} == set(layouts(records_page))


def test_examples_have_the_keys_of_the_table(records_page: Any) -> None:
    for block in records_page.blocks:
        if block.language != "json":
            continue
        example = json.loads(block.text)
        layout = layouts(records_page)[example["type"]]
        assert [key for key in (key.rstrip("?") for key in layout) if key in example] == list(example)
        assert {key for key in layout if not key.endswith("?")} <= set(example)


def test_examples_are_valid(records_page: Any) -> None:
    validator = jsonschema.Draft202012Validator(record_schema())
    for block in records_page.blocks:
        if block.language == "json":
            validator.validate(json.loads(block.text))


def test_schema_has_the_keys_of_the_table(records_page: Any) -> None:
    schema = record_schema()
    for kind, layout in layouts(records_page).items():
        described = schema["$defs"][kind]
        keys = [key for key in layout if key not in ("type", "count", "pid")]
        assert set(described["properties"]) == {key.rstrip("?") for key in keys}
        assert set(described["required"]) == {key for key in keys if not key.endswith("?")}


def test_every_key_is_explained(records_page: Any) -> None:
    explained: Set[str] = set()
    for row in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| [a-z]", records_page.text, re.MULTILINE):
        explained.update(re.findall(r"`(\w+)`", row))
    assert {key.rstrip("?") for layout in layouts(records_page).values() for key in layout} <= explained
