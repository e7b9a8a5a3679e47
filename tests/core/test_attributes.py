from __future__ import annotations

import copy
import itertools
import pickle
import sys
import threading
from typing import Any, Callable, Dict, Iterator, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.attributes import Attribute, Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import StandardSpanAttributeName
from nv_one_logger.exporter.internal.encoder import encode_record

scalars = st.one_of(st.text(), st.booleans(), st.integers(), st.floats(allow_nan=False))
values = st.one_of(scalars, st.lists(st.integers()), st.lists(st.text()))
raw_attributes = st.dictionaries(st.text(), values, max_size=6)


class Subclass(Attributes):
    """A collection of another class, as those of training telemetry."""


@pytest.mark.parametrize("value", ["a", 1, 1.5, True, None, {"k": 1}, object, [], ["a"], [1, True], (1, "two")])
def test_value_is_accepted(value: Any) -> None:
    assert Attribute("name", value).value == value


@pytest.mark.parametrize("value", [[1, "two"], [1, 2.5], [True, 1]])
def test_mixed_list_is_rejected(value: List[Any]) -> None:
    phrase = "All elements of a list attribute must be of primitive type"
    for build in (
        lambda: Attribute("name", value),
        lambda: Attributes({"name": value}),
        lambda: Attributes().add("name", value),
    ):
        with pytest.raises(OneLoggerError, match=phrase):
            build()


def test_generator_is_kept_as_text_and_not_consumed() -> None:
    numbers = (number for number in itertools.count())
    assert isinstance(Attribute("name", numbers).value, str)  # type: ignore[arg-type]
    assert next(numbers) == 0


@pytest.mark.parametrize(
    "wrap",
    [lambda i: i, lambda i: [i], lambda i: {"deep": [(i,)]}, lambda i: (1, i)],
    ids=["bare", "list", "dict", "tuple"],
)
def test_iterator_at_any_depth_is_not_used_up(wrap: Callable[[Iterator[int]], Any]) -> None:
    endless = itertools.count()
    kept = Attributes().add("name", wrap(endless)).to_json()["name"]
    assert "count(0)" in str(kept)
    encode_record({"kept": kept})
    assert next(endless) == 0


def test_list_is_kept_as_it_was() -> None:
    losses = [0.5]
    attributes = Attributes({"losses": losses})
    event = Event.create("e", attributes)
    losses.append(0.4)
    assert attributes.to_json() == {"losses": [0.5]}
    assert event.attributes_json()["losses"] == [0.5]


def test_list_of_a_class_of_its_own_is_read_as_a_list() -> None:
    class Odd(List[int]):
        def __iter__(self) -> Iterator[int]:
            raise ValueError("not iterable")

    assert Attribute("name", Odd([1, 2])).value == [1, 2]


def test_collection_as_a_value_is_kept_as_a_dict_of_its_values() -> None:
    assert Attributes({"inner": Attributes({"a": 1})}).to_json() == {"inner": {"a": 1}}


def test_attributes_compare_field_by_field_and_are_hashable() -> None:
    one = Attribute("name", [1, 2])
    assert one == Attribute("name", [1, 2]) != Attribute("name", [1])
    assert one != "name"
    assert hash(one) == hash(Attribute("name", [3]))
    assert repr(one) == "Attribute(name='name', value=[1, 2])"


def test_collection_is_a_dict_of_attributes() -> None:
    attributes = Attributes({"a": 1, "b": "two"})
    assert isinstance(attributes, dict)
    assert dict(attributes) == {"a": Attribute("a", 1), "b": Attribute("b", "two")}
    assert {**Attributes({"a": 1})} == {"a": Attribute("a", 1)}
    assert list(Attributes({"a": 1, "b": 2}).values()) == [Attribute("a", 1), Attribute("b", 2)]
    assert Attributes({"a": 1})["a"] is not None
    assert repr(Attributes({"a": 1})) == "{'a': Attribute(name='a', value=1)}"


def test_same_attribute_object_is_returned_every_time() -> None:
    attributes = Attributes({"a": 1})
    attributes["a"].value = 5
    assert attributes.to_json() == {"a": 5}


def test_threads_that_look_at_once_see_everything_and_the_same_objects() -> None:
    readers = 3
    seen: List[List[Any]] = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(300):
            attributes = Attributes({f"k{number}": number for number in range(20)})
            barrier = threading.Barrier(readers)
            seen.clear()

            def read(attributes: Attributes = attributes, barrier: threading.Barrier = barrier) -> None:
                barrier.wait(30)
                seen.append(list(attributes.values()))

            workers = [threading.Thread(target=read) for _ in range(readers)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            assert [[id(one) for one in found] for found in seen] == [[id(attributes[key]) for key in attributes]] * 3
            assert len(attributes.to_json()) == 20
    finally:
        sys.setswitchinterval(interval)


def test_second_look_at_once_does_not_undo_what_the_first_one_changed() -> None:
    attributes = Attributes({"a": 1})
    attributes["a"].value = 5
    attributes._fill()  # what a thread that came at the same time, and later, would do
    assert attributes.to_json() == {"a": 5}


def test_length_and_membership_need_no_objects() -> None:
    attributes = Attributes({"a": 1})
    assert len(attributes) == 1
    assert "a" in attributes
    assert attributes
    assert not Attributes()
    assert list(attributes) == ["a"]
    assert len(attributes) == 1


def test_raw_values_may_be_assigned_and_updated() -> None:
    attributes = Attributes()
    attributes["a"] = 1  # type: ignore[assignment]
    attributes.update({"b": 2}, c=3)
    assert attributes.setdefault("d", 4) == Attribute("d", 4)  # type: ignore[arg-type]
    assert attributes.setdefault("a", 9) == Attribute("a", 1)  # type: ignore[arg-type]
    assert attributes.to_json() == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_building_from_a_collection_takes_its_values() -> None:
    assert Attributes(Attributes({"a": 1})).to_json() == {"a": 1}  # type: ignore[arg-type]
    assert Attributes({"a": Attribute("a", 1)}).to_json() == {"a": 1}


def test_add_chains_before_and_after_the_first_look() -> None:
    attributes = Attributes().add("a", 1).add("b", 2)
    assert attributes["b"].value == 2
    assert attributes.add("c", 3).to_json() == {"a": 1, "b": 2, "c": 3}


def test_add_attribute_stores_that_very_object() -> None:
    attributes = Attributes({"a": 1})
    attribute = Attribute("a", 2)
    assert attributes.add_attribute(attribute) is attribute
    assert attributes["a"] is attribute


def test_add_attributes_shares_objects_and_wins() -> None:
    other = Attributes({"a": 2})
    attributes = Attributes({"a": 1, "b": 1})
    attributes.add_attributes(other)
    assert attributes["a"] is other["a"]
    assert attributes.to_json() == {"a": 2, "b": 1}


def test_caller_keeps_the_dict_it_gave() -> None:
    given_values = {"a": 1}
    Attributes(given_values).add("b", 2)
    assert given_values == {"a": 1}


@pytest.mark.parametrize("cls", [Attributes, Subclass])
def test_copies_and_unions_keep_the_class_and_leave_the_original(cls: Any) -> None:
    original = cls({"a": 1})
    for made in (original.copy(), copy.copy(original), original | {"b": 2}):
        assert type(made) is cls
        made.add("c", 3)
    assert original.to_json() == {"a": 1}


def test_union_overlays_from_the_right() -> None:
    assert (Attributes({"a": 1, "b": 1}) | {"b": 2}).to_json() == {"a": 1, "b": 2}
    assert Attributes({"b": 2}).__ror__({"a": 1, "b": 1}).to_json() == {"a": 1, "b": 2}
    attributes = Attributes({"a": 1})
    attributes |= {"b": 2}
    assert attributes.to_json() == {"a": 1, "b": 2}
    assert Attributes().__or__(5) is NotImplemented
    assert Attributes().__ror__(5) is NotImplemented


def test_merge_builds_the_class_it_is_called_on_and_other_wins() -> None:
    merged = Subclass.merge(Attributes({"a": 1, "b": 1}), Attributes({"b": 2}))
    assert type(merged) is Subclass
    assert merged.to_json() == {"a": 1, "b": 2}
    assert Attributes.merge(None, None) == Attributes()


def test_merge_shares_the_objects_of_a_collection_that_was_looked_at() -> None:
    source = Attributes({"a": 1})
    attribute = source["a"]
    assert Attributes.merge(source, source)["a"] is attribute


@pytest.mark.parametrize("method", ["get_bool_value", "get_int_value", "get_float_value", "get_str_value"])
def test_typed_getter_returns_none_for_what_is_absent(method: str) -> None:
    assert getattr(Attributes(), method)("a") is None


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("get_bool_value", True),
        ("get_int_value", 1),
        ("get_int_value", True),
        ("get_float_value", 1.5),
        ("get_float_value", 1),
        ("get_str_value", "a"),
    ],
)
def test_typed_getter_returns_the_stored_object(method: str, value: object) -> None:
    attributes = Attributes({"a": value})
    assert getattr(attributes, method)("a") is value
    assert attributes["a"].value is value
    assert getattr(attributes, method)("a") is value


@pytest.mark.parametrize(
    ("method", "value", "kind"),
    [
        ("get_bool_value", 1, "a boolean"),
        ("get_int_value", 1.0, "an integer"),
        ("get_float_value", "1", "a float"),
        ("get_str_value", 1, "a string"),
    ],
)
def test_typed_getter_rejects_another_type(method: str, value: object, kind: str) -> None:
    with pytest.raises(OneLoggerError, match=f"Attribute a must be {kind}"):
        getattr(Attributes({"a": value}), method)("a")


def test_member_of_a_string_enum_is_the_same_key_as_its_value() -> None:
    attributes = Attributes({StandardSpanAttributeName.DURATION_MSEC: 5})
    assert attributes["duration_msec"].value == 5
    assert attributes.to_json() == {"duration_msec": 5}


def test_collections_are_equal_whatever_their_class() -> None:
    assert Attributes({"a": 1}) == Subclass({"a": 1})
    assert Attributes({"a": 1}) != Attributes({"a": 2})
    assert Attributes({"a": 1}) == {"a": Attribute("a", 1)}
    assert {"a": Attribute("a", 1)} == Attributes({"a": 1})
    assert Attributes({"a": 1}) != 5


def test_collection_is_as_unhashable_as_a_dict() -> None:
    with pytest.raises(TypeError):
        hash(Attributes())


def test_every_way_of_removing_works() -> None:
    attributes = Attributes({"a": 1, "b": 2, "c": 3, "d": 4})
    del attributes["a"]
    assert attributes.pop("b").value == 2
    assert attributes.popitem()[0] == "d"
    assert list(attributes.keys()) == ["c"]
    assert attributes.get("c") == Attribute("c", 3)
    attributes.clear()
    assert not attributes


@given(raw=raw_attributes)
def test_json_and_pickle_and_copies_round_trip(raw: Dict[str, Any]) -> None:
    attributes = Attributes(raw)
    assert attributes.to_json() == raw
    assert list(attributes.to_json()) == list(raw)
    assert Attributes.from_json(attributes.to_json()) == attributes
    assert pickle.loads(pickle.dumps(attributes)) == attributes
    assert copy.deepcopy(attributes) == attributes
    assert type(Subclass.from_json(None)) is Subclass


@given(raw=raw_attributes)
def test_looking_changes_nothing(raw: Dict[str, Any]) -> None:
    untouched, looked_at = Attributes(raw), Attributes(raw)
    assert list(looked_at.items()) == [(name, Attribute(name, value)) for name, value in raw.items()]
    assert looked_at.to_json() == untouched.to_json()
    assert looked_at == untouched
