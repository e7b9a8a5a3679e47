from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

import pytest
from pydantic import BaseModel

from nv_one_logger.config.convert import Converted, convert_arguments, parameters_of
from nv_one_logger.config.document import Fields, Items, Place, Scalar
from nv_one_logger.config.models import Origin, OriginKind, Setting
from nv_one_logger.exporter.logger_exporter import LoggerExporter

if TYPE_CHECKING:
    from nowhere import Unknown  # type: ignore[import-not-found]  # that it cannot be imported is the point

CODE = Origin(OriginKind.CODE, "code")


@dataclasses.dataclass
class Server:
    host: str
    port: int = 80


class Model(BaseModel):
    rate: float


class Target:
    def __init__(
        self,
        path: Path,
        count: int = 1,
        *,
        server: Optional[Server] = None,
        model: Optional[Model] = None,
        when: Optional[datetime.timedelta] = None,
        hook: Optional[Callable[[], None]] = None,
        unknown: Optional[Unknown] = None,
        untyped=None,  # type: ignore[no-untyped-def]  # some exporters are written so
    ) -> None:
        raise AssertionError("converting must not construct")


def math_like(x, /):  # type: ignore[no-untyped-def]  # as functions written in C have it
    raise AssertionError("converting must not call")


def convert(target: Any, values: Dict[str, Any], **options: Any) -> Converted:
    settings = {key: Setting(Scalar(value), CODE) for key, value in values.items()}
    return convert_arguments(target, settings, path="e.config", origin=CODE, **options)


def test_every_argument_becomes_what_its_annotation_says() -> None:
    converted = convert(
        Target,
        {
            "path": "x",
            "count": "3",
            "server": {"host": "h", "port": "8080"},
            "model": {"rate": "0.5"},
            "when": 90,
            "hook": print,
        },
    )

    assert converted.errors == []
    assert converted.arguments == {
        "path": Path("x"),
        "count": 3,
        "server": Server("h", 8080),
        "model": Model(rate=0.5),
        "when": datetime.timedelta(seconds=90),
        "hook": print,
    }
    assert converted.defaults == {"unknown": None, "untyped": None}


def test_value_passes_through_where_the_annotation_is_missing_or_cannot_be_resolved() -> None:
    marker = object()
    converted = convert(Target, {"path": "x", "unknown": marker, "untyped": [1]})

    assert converted.errors == []
    assert converted.arguments["unknown"] is marker
    assert converted.arguments["untyped"] == [1]


def test_type_that_pydantic_has_no_rules_for_passes_its_instances() -> None:
    class Handle:
        pass

    class Takes:
        def __init__(self, handle) -> None:  # type: ignore[no-untyped-def]
            pass

    Takes.__init__.__annotations__["handle"] = Handle
    handle = Handle()

    assert convert(Takes, {"handle": handle}).arguments == {"handle": handle}
    problem = convert(Takes, {"handle": "x"}).errors[0].problem
    assert problem.startswith("does not fit Handle (Input should be an instance of ")


@pytest.mark.parametrize("annotation", [["text for a reader"], "1 | Unknown", "((("])
def test_annotation_that_is_no_type_passes_every_value(annotation: Any) -> None:
    class Takes:
        def __init__(self, x) -> None:  # type: ignore[no-untyped-def]
            pass

    Takes.__init__.__annotations__["x"] = annotation

    assert convert(Takes, {"x": 3}).arguments == {"x": 3}


def test_models_bring_their_own_settings() -> None:
    class Takes:
        def __init__(self, model) -> None:  # type: ignore[no-untyped-def]
            pass

    Takes.__init__.__annotations__["model"] = Model

    assert convert(Takes, {"model": {"rate": "0.5"}}).arguments == {"model": Model(rate=0.5)}


def test_type_whose_rules_cannot_be_made_passes_every_value() -> None:
    class Broken:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
            raise RuntimeError("no rules")

    class Takes:
        def __init__(self, x) -> None:  # type: ignore[no-untyped-def]
            pass

    Takes.__init__.__annotations__["x"] = Broken

    assert convert(Takes, {"x": 3}).arguments == {"x": 3}


def test_constructor_is_found_in_the_module_of_the_class_that_has_it() -> None:
    class Sub(LoggerExporter):
        pass

    converted = convert(Sub, {"logger": "my.app"})

    assert converted.arguments["logger"].name == "my.app"  # type: ignore[attr-defined]


def test_all_mistakes_of_one_call_are_found() -> None:
    converted = convert(Target, {"cont": 1, "server": {"port": 1}, "zzz": 2})

    assert sorted((error.key, error.problem) for error in converted.errors) == [
        ("e.config.cont", "is no argument of Target"),
        ("e.config.path", "is missing: Target needs it (Path)"),
        ("e.config.server", "does not fit Optional[Server] (Field required)"),
        ("e.config.zzz", "is no argument of Target"),
    ]


def test_missing_argument_that_is_only_misspelt_is_reported_once() -> None:
    (error,) = convert(Target, {"pth": "x"}).errors

    assert (error.key, error.remedy) == ("e.config.pth", "Did you mean 'path'?")


def test_mistake_inside_a_value_has_its_own_place() -> None:
    inner = Scalar("many", Place(9, 4))
    node = Fields(((Scalar("host"), Scalar("h")), (Scalar("port"), inner)), Place(8, 1))
    settings = {"path": Setting(Scalar("x"), CODE), "server": Setting(node, Origin(OriginKind.FILE, "a.yaml", line=8))}

    (error,) = convert_arguments(Target, settings, path="e.config", origin=CODE).errors

    assert (error.key, error.value, error.line, error.column) == ("e.config.server.port", "many", 9, 4)


def test_mistake_inside_a_value_from_code_names_the_code() -> None:
    (error,) = convert(Target, {"path": "x", "server": {"host": "h", "port": "many"}}).errors

    assert (error.key, error.source) == ("e.config.server.port", "code")


def test_hint_says_to_quote_only_where_a_text_would_fit() -> None:
    def remedy(annotation: Any, value: object, text: str) -> str:
        class Takes:
            def __init__(self, x) -> None:  # type: ignore[no-untyped-def]
                pass

        Takes.__init__.__annotations__["x"] = annotation
        settings = {"x": Setting(Scalar(value, text=text), CODE)}
        return convert_arguments(Takes, settings, path="e", origin=CODE).errors[0].remedy

    assert remedy(str, True, "on") == "YAML reads on without quotes as true; write 'on' in quotes for text"
    assert remedy(Path, True, "on") == "YAML reads on without quotes as true; write 'on' in quotes for text"
    assert remedy(int, True, "yes") == "YAML reads yes without quotes as true; give x a value of type int"
    assert remedy(List[str], [True], "") == "Give x a value of type List[str]"


def test_class_that_takes_anything_gets_anything() -> None:
    class Anything:
        def __init__(self, **options: int) -> None:
            pass

    assert convert(Anything, {"a": "1"}).arguments == {"a": 1}
    assert convert(Anything, {"a": "x"}).errors[0].key == "e.config.a"


def test_arguments_the_caller_fills_in_cannot_be_configured() -> None:
    converted = convert(Target, {"path": "x"}, given=("path",))

    assert [error.problem for error in converted.errors] == ["is no argument of Target"]


def test_argument_without_a_name_cannot_be_configured() -> None:
    converted = convert(math_like, {"x": 1})

    (error,) = converted.errors
    assert str(error) == (
        "code: e.config.x cannot be configured: math_like takes it without a name. "
        "Use a class whose arguments have names."
    )


def test_class_whose_signature_python_cannot_tell_gets_its_values_as_they_are() -> None:
    class Opaque:
        __signature__ = "none"

    assert parameters_of(Opaque) is None
    assert convert(Opaque, {"a": 1}).arguments == {"a": 1}


def test_validator_of_a_strange_type_that_raises_is_a_mistake_like_others() -> None:
    class Strange:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
            from pydantic_core import core_schema

            def explode(value: object) -> object:
                raise RuntimeError("bang")

            return core_schema.no_info_plain_validator_function(explode)

    class Takes:
        def __init__(self, x) -> None:  # type: ignore[no-untyped-def]
            pass

    Takes.__init__.__annotations__["x"] = Strange

    (error,) = convert(Takes, {"x": 1}).errors
    assert error.problem == "is not accepted as Strange (RuntimeError: bang)"


@pytest.mark.parametrize("key", ["api_key", "password"])
def test_secret_does_not_show(key: str) -> None:
    def takes(**options: int) -> None:
        pass

    (error,) = convert_arguments(takes, {key: Setting(Scalar("hunter22"), CODE)}, path="e.config", origin=CODE).errors

    assert error.value == "***"
    assert "hunter22" not in str(error)


def test_lists_of_the_configuration_reach_the_constructor_as_copies() -> None:
    class Takes:
        def __init__(self, x=None) -> None:  # type: ignore[no-untyped-def]
            pass

    setting = Setting(Items((Scalar(1),)), CODE)
    first = convert_arguments(Takes, {"x": setting}, path="e", origin=CODE).arguments["x"]
    second = convert_arguments(Takes, {"x": setting}, path="e", origin=CODE).arguments["x"]

    assert first == second == [1]
    assert first is not second
