from __future__ import annotations

import enum
import inspect
import logging
import sys
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
    [logging.Logger, Optional[logging.Logger], Union[logging.Logger, "logging.LoggerAdapter[Any]"]],
)
def test_logger_is_found_by_its_name(annotation: Any) -> None:
    annotation = resolved(annotation, {"logging": logging, "Any": Any})

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


def test_text_with_an_unknown_name_raises() -> None:
    with pytest.raises(NameError):
        resolved("Unknown", {})


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


@pytest.mark.skipif(sys.version_info < (3, 10), reason="older Pythons cannot write it so")
def test_newer_way_to_write_unions_works_where_python_has_it() -> None:
    annotation = resolved("logging.Logger | None", {"logging": logging})

    assert convert(annotation, "my.app") is logging.getLogger("my.app")
    assert type_text(annotation) == "Optional[Logger]"
