from __future__ import annotations

from typing import Dict, List

import pytest

from nv_one_logger.config.document import Fields, Node, Place, Scalar, from_python, plain
from nv_one_logger.config.substitute import substitute

ENVIRON = {"HOME_DIR": "/home/me", "EMPTY": "", "N_1": "5", "NESTED": "${HOME_DIR}"}


def filled(text: str) -> object:
    node, mistakes = substitute(Scalar(text), ENVIRON)
    assert mistakes == []
    return plain(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${HOME_DIR}/x", "/home/me/x"),
        ("${HOME_DIR}${N_1}", "/home/me5"),
        ("${MISSING:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${N_1:-default}", "5"),
        ("${EMPTY}", ""),
        ("${MISSING:-}", ""),
        ("${MISSING:-a:-b}", "a:-b"),
        ("$${HOME_DIR}", "${HOME_DIR}"),
        ("$$${N_1}", "$${N_1}"),
        ("$HOME_DIR and $5", "$HOME_DIR and $5"),
        ("{rank}", "{rank}"),
        ("${NESTED}", "${HOME_DIR}"),
        ("", ""),
    ],
)
def test_references_are_replaced_once(text: str, expected: str) -> None:
    assert filled(text) == expected


def test_values_at_every_depth_are_filled_and_keys_are_not() -> None:
    node = from_python({"${N_1}": ["x", {"a": "${N_1}"}]}, depth=1)
    tree = Fields(((Scalar("${N_1}"), Fields(((Scalar("a"), Scalar("${N_1}")),))),))

    assert plain(substitute(tree, ENVIRON)[0]) == {"${N_1}": {"a": "5"}}
    assert plain(node) == {"${N_1}": ["x", {"a": "${N_1}"}]}


def test_filled_value_names_its_variables_and_keeps_its_place() -> None:
    node, _ = substitute(Scalar("${N_1}-${HOME_DIR}-${MISSING:-x}", Place(4, 2)), ENVIRON)

    assert isinstance(node, Scalar)
    assert (node.place, node.variables) == (Place(4, 2), ("N_1", "HOME_DIR"))


def test_values_that_are_no_text_stay_as_they_are() -> None:
    node: Node = Scalar(7, Place(1, 1))

    assert substitute(node, ENVIRON) == (node, [])


@pytest.mark.parametrize("text", ["${}", "${1A}", "${A B}", "${A:default}", "${A", "${A${N_1}}", "x ${ y"])
def test_malformed_reference_is_a_mistake(text: str) -> None:
    _, mistakes = substitute(Fields(((Scalar("a"), Scalar(text, Place(2, 3))),)), ENVIRON)

    assert mistakes
    assert mistakes[0].problem.startswith("has a malformed reference ${")
    assert (mistakes[0].key, mistakes[0].place) == ("a", Place(2, 3))


def test_every_undefined_variable_is_named() -> None:
    environ: Dict[str, str] = {}
    _, mistakes = substitute(Scalar("${A}${B}"), environ)

    problems: List[str] = [mistake.problem for mistake in mistakes]
    assert problems == [f"needs the environment variable {name}, which is not set" for name in "AB"]


def test_default_counts_as_filled_in_and_names_no_variable() -> None:
    node, _ = substitute(Scalar("${FLAG:-true}"), {})
    assert isinstance(node, Scalar)
    assert (node.value, node.variables, node.is_filled) == ("true", (), True)
    other, _ = substitute(Scalar("true"), {})
    assert isinstance(other, Scalar)
    assert not other.is_filled
