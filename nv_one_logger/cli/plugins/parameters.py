"""The arguments of a plugin's constructor: type, default, what the docstring says, and what a file may give."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Dict, Tuple

from nv_one_logger.cli.plugins.docstrings import argument_texts
from nv_one_logger.config.annotations import type_text
from nv_one_logger.config.convert import parameters_of
from nv_one_logger.config.json_schema import ParameterSchema, parameter_schema
from nv_one_logger.config.masking import masked

__all__ = ["Parameter", "describe_parameters", "takes_more"]

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Parameter:
    """One argument that a configuration can give.

    Attributes:
        name: Its name.
        type_text: Its type as the source has it; ``""`` without one.
        is_required: Whether it has no default.
        default: Its default, hidden when it looks like a secret; ``None`` if it is required.
        text: What the docstring says about it.
        schema: What JSON can say about it.
    """

    name: str
    type_text: str
    is_required: bool
    default: object
    text: str
    schema: ParameterSchema

    @property
    def default_text(self) -> str:
        """The default for a person."""
        return "required" if self.is_required else repr(self.default)

    def as_dict(self) -> Dict[str, object]:
        """Return plain data."""
        return {
            "name": self.name,
            "type": self.type_text,
            "required": self.is_required,
            "default": None if self.is_required else repr(self.default),
            "text": self.text,
            "note": self.schema.words,
        }


def describe_parameters(found: object, prefix: str = "") -> Tuple[Parameter, ...]:
    """Return the arguments of a class; none for a module or an object, which takes no ``config``."""
    parameters = parameters_of(found) if isinstance(found, type) else None
    if parameters is None or not isinstance(found, type):
        return ()
    texts = argument_texts(found)
    return tuple(
        _described(found, parameter, texts.get(name, ""), f"{prefix}{name}.")
        for name, parameter in parameters.items()
        if parameter.kind in _NAMED
    )


def takes_more(found: object) -> bool:
    """Whether a class accepts arguments beyond those it names, or Python cannot tell which it accepts."""
    if not isinstance(found, type):
        return False
    parameters = parameters_of(found)
    return parameters is None or any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())


def _shown(parameter: inspect.Parameter) -> object:
    is_harmless = isinstance(parameter.default, (str, bool)) and not parameter.default
    return parameter.default if is_harmless else masked(parameter.name, parameter.default)


def _described(found: type, parameter: inspect.Parameter, text: str, prefix: str) -> Parameter:
    is_required = parameter.default is inspect.Parameter.empty
    return Parameter(
        name=parameter.name,
        type_text=type_text(parameter.annotation),
        is_required=is_required,
        default=None if is_required else _shown(parameter),
        text=text,
        schema=parameter_schema(found, parameter, prefix),
    )
