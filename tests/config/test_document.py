from __future__ import annotations

from typing import Any, Dict, List

from nv_one_logger.config.document import Fields, Items, Node, Place, Scalar, from_python, locate, plain


def test_plain_data_comes_back_as_it_went_in() -> None:
    data = {"a": [1, {"b": None}], "c": "x"}

    assert plain(from_python(data, depth=9)) == data


def test_plain_data_is_new_at_each_call() -> None:
    node = from_python({"a": {"b": [1]}}, depth=1)

    first, second = plain(node), plain(node)

    assert first == second
    assert isinstance(first, dict)
    first["a"]["b"].append(2)
    assert plain(node) == second


def test_later_changes_by_the_caller_have_no_effect() -> None:
    inner: List[int] = [1]
    node = from_python({"a": inner}, depth=1)
    inner.append(2)

    assert plain(node) == {"a": [1]}


def test_objects_of_the_caller_are_passed_on_as_they_are() -> None:
    class Mapping(Dict[str, int]):
        pass

    given: Dict[str, Any] = {"mapping": Mapping(x=1), "object": object()}

    found = plain(from_python(given, depth=1))

    assert isinstance(found, dict)
    assert found["mapping"] is given["mapping"]
    assert found["object"] is given["object"]


def test_container_that_contains_itself_is_copied() -> None:
    cycle: Dict[str, Any] = {}
    cycle["self"] = cycle
    ring: List[Any] = []
    ring.append(ring)

    found = plain(from_python({"cycle": cycle, "ring": ring}, depth=1))

    assert isinstance(found, dict)
    assert found["cycle"]["self"]["self"] is found["cycle"]
    assert found["ring"][0] is found["ring"]


def test_place_of_a_nested_value_is_found_past_unknown_steps() -> None:
    inner = Scalar(7, Place(3, 5))
    tree: Node = Fields(((Scalar("a"), Items((Scalar(1), inner), Place(2, 3))),), Place(1, 1))

    assert locate(tree, ("a", "list[int]", 1, "int")) == inner
    assert locate(tree, ("a",)) == Scalar([1, 7], Place(2, 3))
    assert locate(tree, ("a", 9)) == Scalar([1, 7], Place(2, 3))
