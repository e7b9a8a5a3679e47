"""Reads annotations as configurations need them: texts resolved, loggers and enums by name, truth values no numbers."""

from __future__ import annotations

import ast
import inspect
import logging
import sys
from enum import Enum
from functools import partial
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple, Type, Union, get_type_hints

from pydantic import BeforeValidator, Field, WithJsonSchema

if sys.version_info >= (3, 9):
    from typing import Annotated, get_args, get_origin

    _type_hints = partial(get_type_hints, include_extras=True)
else:  # typing_extensions comes with pydantic, which needs it itself
    from typing_extensions import Annotated, get_args, get_origin

    _type_hints = get_type_hints

if sys.version_info >= (3, 10):
    from types import UnionType

    _UNIONS: Tuple[object, ...] = (Union, UnionType)
else:
    _UNIONS = (Union,)

__all__ = ["prepared", "resolved", "type_text"]

_GENERICS: Dict[object, Any] = {list: List, dict: Dict, set: Set, frozenset: FrozenSet, tuple: Tuple}


def resolved(annotation: object, namespace: Dict[str, object]) -> Any:
    """Evaluate an annotation written as text, as all are under ``from __future__ import annotations``.

    Where this Python cannot evaluate it as a whole, its parts are evaluated each by itself: ``X | None`` works before
    3.10, ``list[int]`` before 3.9, and a name only type checkers see accepts any value.
    """

    def holder() -> None:
        """Carry the one annotation to ``get_type_hints``, which knows how to look inside it."""

    holder.__annotations__ = {"value": annotation}
    try:
        return _type_hints(holder, namespace)["value"]
    except Exception:
        return _text_by_parts(annotation, namespace) if isinstance(annotation, str) else Any


def _text_by_parts(text: str, namespace: Dict[str, object]) -> Any:
    try:
        return _by_parts(ast.parse(text, mode="eval").body, namespace)
    except (SyntaxError, TypeError):  # TypeError: a part is something no Union can be made of
        return Any


def _by_parts(node: ast.expr, namespace: Dict[str, object]) -> Any:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either([_by_parts(node.left, namespace), _by_parts(node.right, namespace)])
    if not isinstance(node, ast.Subscript):
        return _evaluated(node, namespace)
    base = _evaluated(node.value, namespace)
    if base in (Union, Optional):
        inner = node.slice if sys.version_info >= (3, 9) else getattr(node.slice, "value", node.slice)
        members = [_by_parts(item, namespace) for item in (inner.elts if isinstance(inner, ast.Tuple) else [inner])]
        return _either([*members, type(None)] if base is Optional else members)
    whole = _evaluated(node, namespace)
    # Before 3.9, and for some classes before 3.11, only the checker may subscript what is a plain class at run time.
    return base if whole is Any and isinstance(base, type) else whole


def _either(members: Sequence[Any]) -> Any:
    known = tuple(member for member in members if member is not Any)
    if len(known) == len(members):
        return Union[known]
    if set(known) <= {type(None)}:
        return Any
    return Annotated[Union[known + (Any,)], Field(union_mode="left_to_right")]  # noqa: RUF005  # mypy refuses the other way


def _evaluated(node: ast.expr, namespace: Dict[str, object]) -> Any:
    try:
        return eval(compile(ast.Expression(node), "<annotation>", "eval"), namespace)
    except Exception:
        return Any


def prepared(annotation: Any) -> Any:
    """Add the conversions that pydantic does not make by itself, also inside ``Optional`` and containers."""
    if isinstance(annotation, type):
        before, schema = _conversion(annotation), _schema_of(annotation)
        if before is not None and schema is not None:
            return Annotated[annotation, BeforeValidator(before), WithJsonSchema(schema)]
        if before is not None:
            return Annotated[annotation, BeforeValidator(before)]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[(prepared(arguments[0]),) + arguments[1:]]  # noqa: RUF005  # mypy refuses the other way
    if origin in _UNIONS:
        return Union[tuple(prepared(argument) for argument in arguments)]
    if origin in _GENERICS and arguments:
        return _GENERICS[origin][tuple(argument if argument is ... else prepared(argument) for argument in arguments)]
    return annotation


def type_text(annotation: Any) -> str:
    """Name a type for a person, as it stands in the source; ``""`` for a missing annotation."""
    if annotation is inspect.Parameter.empty:
        return ""
    if isinstance(annotation, str):
        return annotation
    if annotation is type(None):
        return "None"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in _UNIONS:
        texts = [type_text(argument) for argument in arguments if argument is not type(None)]
        text = texts[0] if len(texts) == 1 else f"Union[{', '.join(texts)}]"
        return f"Optional[{text}]" if len(texts) < len(arguments) else text
    if isinstance(annotation, type) and not arguments:
        return annotation.__name__
    return repr(annotation).replace("typing.", "").replace("typing_extensions.", "")


def _conversion(annotation: Type[object]) -> Union[Callable[[object], object], None]:
    if annotation is logging.Logger:
        return _logger_by_name
    if annotation is int or annotation is float:
        return _no_truth_value
    if issubclass(annotation, Enum):
        return _MemberByName(annotation)
    return None


def _schema_of(annotation: Type[object]) -> Optional[Dict[str, Any]]:
    """What a file may say where pydantic itself knows less: the JSON schema, ``None`` for that of pydantic."""
    if annotation is logging.Logger:
        return {"type": "string", "description": "Name of a logger."}
    if issubclass(annotation, Enum):
        values = [member.value for member in annotation if isinstance(member.value, (str, int, float))]
        return {"enum": list(dict.fromkeys([*values, *annotation.__members__]))}
    return None


def _logger_by_name(value: object) -> object:
    return logging.getLogger(value) if isinstance(value, str) else value


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):  # pydantic would make 1 of it, and `yes` is one in YAML
        raise ValueError("a truth value is no number")
    return value


class _MemberByName:
    """Accepts the name of an enum's member where its value is no text a file could contain."""

    def __init__(self, enum: Type[Enum]) -> None:
        self._enum = enum

    def __call__(self, value: object) -> object:
        if isinstance(value, str) and value not in {member.value for member in self._enum}:
            return self._enum.__members__.get(value, value)
        return value
