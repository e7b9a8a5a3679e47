"""The base of the configuration classes: unknown arguments are reported, callables evaluated once."""

from __future__ import annotations

import difflib
import logging
from typing import Any, ClassVar, Dict, FrozenSet, Hashable, Set, Tuple, Type

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

__all__ = ["ConfigModel", "EvaluatedOnce", "warn_once"]

_logger = logging.getLogger(__name__)
_reported: Set[Hashable] = set()  # causes of warn_once so far, of the whole process


def warn_once(cause: Hashable, message: str, *args: object) -> None:
    """Log a warning, unless one of the same cause was logged before in this process."""
    if cause in _reported:
        return
    _reported.add(cause)
    _logger.warning(message, *args)


class EvaluatedOnce:
    """What the callables of a configuration returned, by field and callable.

    An assignment to a field takes effect at once, since the new callable has no result yet. All instances are equal:
    pydantic compares private attributes too, and having been read is no difference between two configurations.
    """

    __slots__ = ("_results",)

    def __init__(self) -> None:
        # The callable is kept beside its result, so that its id is not given to another object.
        self._results: Dict[Tuple[str, int], Tuple[Any, Any]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EvaluatedOnce)

    def __hash__(self) -> int:
        return hash(EvaluatedOnce)

    def __deepcopy__(self, memo: Dict[int, Any]) -> EvaluatedOnce:
        return self

    def __reduce__(self) -> Tuple[Type[EvaluatedOnce], Tuple[()]]:
        return EvaluatedOnce, ()

    def result(self, field_name: str, function: Any) -> Any:
        """Return what ``function()`` returned the first time; threads that race here all get one value.

        What ``function`` raises is not kept: the next call tries again.
        """
        key = (field_name, id(function))
        entry = self._results.get(key)
        if entry is None:
            entry = self._results.setdefault(key, (function, function()))
        return entry[1]


class ConfigModel(BaseModel):
    """A pydantic model that warns once about each keyword argument it does not know, and ignores it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    # Names that are no fields, yet deliberate: read by another class, or accepted for older callers.
    _arguments_for_others: ClassVar[FrozenSet[str]] = frozenset()

    _evaluated: EvaluatedOnce = PrivateAttr(default_factory=EvaluatedOnce)

    @model_validator(mode="before")
    @classmethod
    def _report_unknown_arguments(cls, data: Any) -> Any:
        if isinstance(data, dict) and cls.model_config.get("extra") in (None, "ignore"):
            for name in data:
                if name not in cls.model_fields and name not in cls._arguments_for_others:
                    _warn_unknown(cls, str(name))
        return data

    def _evaluate(self, field_name: str) -> Any:
        """Return the field's value, or, when it is callable, what it returned on the first such call."""
        value = getattr(self, field_name)
        return self._evaluated.result(field_name, value) if callable(value) else value


def _warn_unknown(cls: Type[ConfigModel], name: str) -> None:
    nearest = difflib.get_close_matches(name, cls.model_fields, n=1)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"Known: {', '.join(cls.model_fields)}."
    warn_once((cls.__qualname__, name), "%s: unknown argument %r is ignored. %s", cls.__name__, name, hint)
