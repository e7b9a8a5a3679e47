from __future__ import annotations

from typing import List

import pytest

from nv_one_logger.config.document import Fields, Items, Node, Place, plain
from nv_one_logger.config.yaml_reader import read_yaml


def read(text: str) -> Node:
    root, mistakes = read_yaml(text)
    assert mistakes == []
    assert root is not None
    return root


def mistakes_of(text: str) -> List[str]:
    return [f"{m.place.line}:{m.place.column} {m.key} {m.problem}" for m in read_yaml(text)[1]]


def test_every_key_and_value_knows_line_and_column() -> None:
    root = read("a: 1\nb:\n  - x\n  - {c: d}\n")

    assert isinstance(root, Fields)
    (a, one), (b, items) = root.pairs
    assert (a.place, one.place, b.place) == (Place(1, 1), Place(1, 4), Place(2, 1))
    assert isinstance(items, Items)
    assert [node.place for node in items.nodes] == [Place(3, 5), Place(4, 5)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None),
        ("yes", True),
        ("off", False),
        ("1_000", 1000),
        ("0x1F", 31),
        ("-3", -3),
        ("1.5", 1.5),
        ("0", 0),
        (".inf", float("inf")),
        ("'010'", "010"),
        ('"on"', "on"),
        ("plain text", "plain text"),
        ("!!str 010", "010"),
    ],
)
def test_scalars_are_read_by_the_rules_of_yaml(text: str, value: object) -> None:
    assert plain(read(f"a: {text}\n")) == {"a": value}


def test_empty_document_is_nothing_and_no_mistake() -> None:
    assert read_yaml("") == (None, [])
    assert read_yaml("# only a comment\n") == (None, [])


def test_aliases_and_merge_keys_work_and_what_stands_in_the_mapping_wins() -> None:
    text = "base: &base {x: 1, y: 2}\nmore: &more {y: 3, z: 4}\nall:\n  <<: [*base, *more]\n  x: 9\n"

    root = plain(read(text))

    assert isinstance(root, dict)
    assert root["all"] == {"x": 9, "y": 2, "z": 4}


def test_key_of_a_merged_mapping_may_be_repeated_but_not_a_key_of_the_mapping() -> None:
    assert mistakes_of("a:\n  x: 1\n  x: 2\n  x: 3\n") == [
        "3:3 a.x is there twice, first in line 2",
        "4:3 a.x is there twice, first in line 2",
    ]


@pytest.mark.parametrize("text", ["010", "-017", "+00", "0_7"])
def test_octal_number_is_refused(text: str) -> None:
    assert "(to the base 8)" in mistakes_of(f"a: {text}\n")[0]


@pytest.mark.parametrize("text", ["12:30", "1:30:00", "12:30.5"])
def test_number_to_the_base_60_is_refused(text: str) -> None:
    assert "(to the base 60)" in mistakes_of(f"a: {text}\n")[0]


def test_value_of_a_secret_stays_out_of_the_message() -> None:
    for text in ("0123", "12:34", "2024-99-99"):
        (mistake,) = read_yaml(f"api_key: {text}\n")[1]
        assert text not in f"{mistake.problem} {mistake.remedy}"


def test_all_mistakes_of_a_document_are_found() -> None:
    text = "a: 010\nb: !!python/object:os.system {}\nc: !!set {}\nd: !!seq {}\non: 1\n? [x]\n: y\n"

    assert mistakes_of(text) == [
        "1:4 a is 010, which YAML reads as the number 8 (to the base 8)",
        "2:4 b has the tag !!python/object:os.system",
        "3:4 c has the tag !!set",
        "4:4 d has the tag !!seq",
        "5:1 on is not a text: YAML reads on without quotes as true",
        "6:3  has a list or mapping as a key",
    ]
