from __future__ import annotations

import inspect
import logging
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, Union

import pytest
from pydantic import BaseModel, BeforeValidator, PlainValidator

from nv_one_logger.config.json_schema import ENVIRONMENT, ParameterSchema, parameter_schema

if TYPE_CHECKING:
    from somewhere import Unknown
else:
    from typing_extensions import Annotated


class Colour(Enum):
    RED = "red"
    OTHER = object()


class Session:
    """What no file can hold."""


class Part(BaseModel):
    size: int
    names: List[str] = []


class Odd:
    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        raise RuntimeError("kaputt")


class Plugin:
    def __init__(
        self,
        number: int,
        logger: Optional[logging.Logger],
        both: Union[logging.Logger, Session],
        path: Path,
        pause: timedelta,
        colour: Colour,
        parts: Dict[str, Part],
        pair: Tuple[int, str],
        session: Session,
        maybe: Optional[Session],
        call: Callable[[], int],
        unknown: Unknown,
        odd: Odd,
        made: Annotated[Session, BeforeValidator(str)],
        plain: Annotated[Session, PlainValidator(str)],
        any_value: Any,
        bare,  # type: ignore[no-untyped-def]
        few: List[int] = [],  # noqa: B006  # it is not called
    ) -> None: ...


PARAMETERS = inspect.signature(Plugin).parameters
ENV = {"$ref": "#/definitions/environment"}


def schema_of(name: str) -> ParameterSchema:
    return parameter_schema(Plugin, PARAMETERS[name], "Plugin.")


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("number", {"anyOf": [{"type": "integer"}, ENV]}),
        ("logger", {"anyOf": [{"type": "string", "description": "Name of a logger."}, {"type": "null"}]}),
        ("path", {"type": "string", "format": "path"}),
        ("pause", {"anyOf": [{"anyOf": [{"type": "number"}, ENV]}, {"type": "string"}]}),
        ("colour", {"anyOf": [{"enum": ["red", "RED", "OTHER"]}, ENV]}),
        ("few", {"type": "array", "items": {"anyOf": [{"type": "integer"}, ENV]}}),
        ("any_value", {}),
    ],
)
def test_schema_says_what_a_file_may_say(name: str, schema: object) -> None:
    assert schema_of(name) == ParameterSchema(schema)  # type: ignore[arg-type]


def test_pair_is_written_as_editors_know_it() -> None:
    assert schema_of("pair").schema["items"] == [{"anyOf": [{"type": "integer"}, ENV]}, {"type": "string"}]


def test_models_become_definitions_under_names_of_their_own() -> None:
    found = schema_of("parts")
    assert found.schema["additionalProperties"] == {"$ref": "#/definitions/Plugin.Part"}
    part = found.definitions["Plugin.Part"]
    assert part["required"] == ["size"]  # type: ignore[index]
    assert part["properties"]["size"]["anyOf"] == [{"type": "integer"}, ENV]  # type: ignore[index]


@pytest.mark.parametrize("name", ["session", "call"])
def test_value_that_only_code_has_is_refused_and_explained(name: str) -> None:
    found = schema_of(name)
    assert found.schema == {"not": {}}
    assert found.words.endswith("has no JSON form: only code can give it.")


@pytest.mark.parametrize(("name", "left"), [("maybe", {"type": "null"}), ("both", {"type": "string"})])
def test_part_that_only_code_has_is_left_out_and_explained(name: str, left: Dict[str, object]) -> None:
    found = schema_of(name)
    (choice,) = found.schema["anyOf"]  # type: ignore[misc]
    assert left.items() <= choice.items()
    assert "beyond this has no JSON form" in found.words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown", "Unknown has no JSON form: a value is passed on as it is."),
        ("bare", "Takes any value."),
        ("made", "has no JSON form: a value is passed on as it is."),
        ("plain", "has no JSON form: a value is passed on as it is."),
    ],
)
def test_what_nobody_can_tell_is_let_in_and_explained(name: str, words: str) -> None:
    found = schema_of(name)
    assert found.schema == {}
    assert words in found.words


def test_strange_type_does_no_harm() -> None:
    assert schema_of("odd").words != ""


def test_reference_to_the_environment_is_recognised() -> None:
    import re

    assert re.search(str(ENVIRONMENT["pattern"]), "${PORT:-80}")
    assert not re.search(str(ENVIRONMENT["pattern"]), "80")
