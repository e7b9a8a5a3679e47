from __future__ import annotations

import enum
import inspect
import logging
from typing import Any, Dict, List, Optional, Tuple, Union

import pytest
from pydantic import TypeAdapter, ValidationError

from nv_one_logger.config.annotations import prepared, resolved, type_text


class Mode(enum.Enum):
    FAST = 1
    SAFE = "safe"


def convert(annotation: Any, value: object) -> object:
    adapter: TypeAdapter[Any] = TypeAdapter(prepared(annotation), config={"arbitrary_types_allowed": True})
    return adapter.validate_python(value)


@pytest.mark.parametrize(
    "annotation",
    [logging.Logger, Optional[logging.Logger], "Union[logging.Logger, logging.LoggerAdapter[Any]]"],
)
def test_logger_is_found_by_its_name(annotation: Any) -> None:
    annotation = resolved(annotation, {"logging": logging, "Any": Any, "Union": Union})

    assert convert(annotation, "my.app") is logging.getLogger("my.app")
    assert convert(annotation, logging.getLogger("x")) is logging.getLogger("x")


def test_loggers_in_containers_are_found_too() -> None:
    assert convert(List[logging.Logger], ["a", "b"]) == [logging.getLogger("a"), logging.getLogger("b")]
    assert convert(Dict[str, logging.Logger], {"x": "a"}) == {"x": logging.getLogger("a")}
    assert convert(Tuple[logging.Logger, ...], ["a"]) == (logging.getLogger("a"),)


@pytest.mark.parametrize(("value", "expected"), [(1, Mode.FAST), ("safe", Mode.SAFE), ("FAST", Mode.FAST)])
def test_enum_is_found_by_value_or_else_by_name(value: object, expected: Mode) -> None:
    assert convert(Mode, value) is expected
    assert convert(Optional[Mode], value) is expected


@pytest.mark.parametrize("annotation", [int, float, Optional[int], List[int]])
def test_truth_value_is_no_number(annotation: Any) -> None:
    with pytest.raises(ValidationError, match="a truth value is no number"):
        convert(annotation, [True] if annotation == List[int] else True)


def test_truth_value_stays_one_where_both_are_allowed() -> None:
    assert convert(Union[bool, int], True) is True
    assert convert(Union[bool, int], 3) == 3


def test_text_is_evaluated_in_its_module() -> None:
    assert resolved("Optional[Mode]", {"Optional": Optional, "Mode": Mode}) == Optional[Mode]
    assert resolved(List["Mode"], {"Mode": Mode}) == List[Mode]  # type: ignore[valid-type]
    assert resolved(int, {}) is int


@pytest.mark.parametrize("annotation", ["Unknown", "Optional[Unknown]", "Unknown | Other", "Unknown[int]", "1 +"])
def test_name_only_checkers_see_accepts_any_value(annotation: Any) -> None:
    marker = object()

    assert convert(resolved(annotation, {"Optional": Optional}), marker) is marker


@pytest.mark.parametrize(
    "text", ["Union[logging.Logger, Unknown[Any]]", "logging.Logger | Unknown", "Union[Unknown, logging.Logger, None]"]
)
def test_known_parts_of_an_annotation_convert_and_the_rest_passes(text: str) -> None:
    annotation = resolved(text, {"logging": logging, "Union": Union, "Any": Any})

    assert convert(annotation, "my.app") is logging.getLogger("my.app")
    assert convert(annotation, 3.5) == 3.5


def test_class_that_only_checkers_may_subscript_is_taken_without_its_parameters() -> None:
    class Plain:
        pass

    annotation = resolved("Optional[Plain[int]]", {"Optional": Optional, "Plain": Plain})

    assert annotation == Optional[Plain]


def test_annotation_in_the_way_of_newer_pythons_works_on_older_ones() -> None:
    namespace: Dict[str, Any] = {"logging": logging, "Any": Any, "Union": Union}

    assert convert(resolved("logging.Logger | None", namespace), "my.app") is logging.getLogger("my.app")
    assert convert(resolved("int | None", namespace), "3") == 3
    assert convert(resolved("int | None", namespace), None) is None
    assert convert(resolved("list[int] | None", namespace), [1]) == [1]
    assert convert(resolved("Union[logging.Logger, logging.LoggerAdapter[Any]]", namespace), "x").name == "x"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("Optional[Path]", "Optional[Path]"),
        (int, "int"),
        (Optional[int], "Optional[int]"),
        (Union[int, str, None], "Optional[Union[int, str]]"),
        (Union[int, str], "Union[int, str]"),
        (List[int], "List[int]"),
        (Any, "Any"),
        (type(None), "None"),
        (inspect.Parameter.empty, ""),
    ],
)
def test_types_are_named_as_in_the_source(annotation: Any, text: str) -> None:
    assert type_text(annotation) == text
