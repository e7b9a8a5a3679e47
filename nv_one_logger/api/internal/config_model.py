"""The base of the configuration classes: unknown arguments are reported, callables evaluated once."""

from __future__ import annotations

import difflib
import logging
from typing import Any, ClassVar, Dict, FrozenSet, Hashable, Set, Tuple, Type

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

from nv_one_logger.core.internal.log_limiter import LogLimiter

__all__ = ["ConfigModel", "EvaluatedOnce", "warn_once"]

_logger = logging.getLogger(__name__)
_limited = LogLimiter(_logger)
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
        """Return the field's value, or, when it is callable, what it returned on the first such call.

        ``None`` if it raised while telemetry was running with the quiet error strategy; that is reported.
        """
        value = getattr(self, field_name)
        if not callable(value):
            return value
        try:
            return self._evaluated.result(field_name, value)
        except Exception as error:
            failure = error
        return self._unknown(field_name, failure)

    def _evaluate_anew(self, field_name: str) -> Any:
        """Return the field's value, or, when it is callable, what it returns now; see :meth:`_evaluate`."""
        value = getattr(self, field_name)
        if not callable(value):
            return value
        try:
            return value()
        except Exception as error:
            failure = error
        return self._unknown(field_name, failure)

    def _unknown(self, field_name: str, failure: Exception) -> None:
        """Raise what the user's callable raised, unless the run has to go on without its result."""
        # Here, because these import this module.
        from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
        from nv_one_logger.api.one_logger_provider import OneLoggerProvider

        quiet = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR
        provider = OneLoggerProvider.instance()
        try:
            if not provider.one_logger_enabled or provider.config.error_handling_strategy is not quiet:
                raise failure
            message = f"{type(self).__name__}.{field_name} raised {type(failure).__name__}: {failure}"
            _limited.error((field_name, type(failure)), "%s. What needs it is left out; the run goes on.", message)
            provider.recorder.telemetry_data_error(message)
        finally:
            del failure  # its traceback refers to this frame


def _warn_unknown(cls: Type[ConfigModel], name: str) -> None:
    nearest = difflib.get_close_matches(name, cls.model_fields, n=1)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"Known: {', '.join(cls.model_fields)}."
    warn_once((cls.__qualname__, name), "%s: unknown argument %r is ignored. %s", cls.__name__, name, hint)
