from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.config.document import Fields, Items, Node, Place, plain
from nv_one_logger.config.json_reader import read_json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 2]))
def test_values_are_those_of_the_json_parser(value: Any, indent: Any) -> None:
    text = json.dumps(value, indent=indent)

    root, mistakes = read_json(text)

    assert mistakes == []
    assert root is not None
    assert plain(root) == json.loads(text)


@given(values)
def test_every_place_points_at_its_value(value: Any) -> None:
    text = json.dumps(value, indent=1)
    lines = text.split("\n")

    def check(node: Node) -> None:
        assert node.place.line is not None
        assert node.place.column is not None
        rest = "\n".join([lines[node.place.line - 1][node.place.column - 1 :], *lines[node.place.line :]])
        assert json.JSONDecoder().raw_decode(rest)[0] == plain(node)
        children = node.nodes if isinstance(node, Items) else ()
        for child in [v for _, v in node.pairs] if isinstance(node, Fields) else children:
            check(child)

    root, _ = read_json(text)
    assert root is not None
    check(root)


def test_keys_have_places_too() -> None:
    root, _ = read_json('{\n  "a": 1,\t"b": [ ]}')

    assert isinstance(root, Fields)
    assert [key.place for key, _ in root.pairs] == [Place(2, 3), Place(2, 11)]


def test_nothing_is_an_empty_document() -> None:
    assert read_json(" \n") == (None, [])


def test_key_given_twice_is_a_mistake_where_json_would_keep_the_last() -> None:
    _, mistakes = read_json('{"a": {"b": 1,\n "b": 2}}')

    assert [(m.key, m.place, m.problem) for m in mistakes] == [("a.b", Place(2, 2), "is there twice, first in line 1")]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_number_that_json_does_not_have_is_a_mistake(word: str) -> None:
    _, mistakes = read_json(f'{{"a": [1, {word}]}}')

    assert [(m.key, m.problem) for m in mistakes] == [("a[1]", f"is {word}, which JSON does not have")]


def test_syntax_error_has_its_place() -> None:
    root, (mistake,) = read_json('{"a": 1\n "b": 2}')

    assert root is None
    assert (mistake.place, mistake.problem) == (Place(2, 2), "is not valid JSON (Expecting ',' delimiter)")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="older Pythons convert numbers of any length")
def test_number_of_more_digits_than_python_converts_is_a_mistake() -> None:
    root, (mistake,) = read_json("[" + "9" * 10_000 + "]")

    assert root is None
    assert mistake.problem.startswith("is not valid JSON (")
