"""Raises or logs the problems of a configuration, as the error strategy and the switches want it."""

from __future__ import annotations

import logging
from typing import Iterable, List, Sequence, Tuple

from nv_one_logger.config.models import Problem
from nv_one_logger.core.exceptions import ConfigError, ConfigErrors

__all__ = ["combined", "in_order", "is_raised", "report", "with_further"]

_logger = logging.getLogger(__name__)


def is_raised(problem: Problem, *, quiet: bool, strict: bool) -> bool:
    """Whether it raises: always when strict, else when a person named the thing and errors propagate."""
    return strict or (problem.asked and not quiet)


def report(problems: Iterable[Problem], *, quiet: bool, strict: bool) -> None:
    """Log what only warns, then raise the rest in one error.

    Raises:
        ConfigError: The only mistake that raises, or a ``ConfigErrors`` of all of them.
    """
    raised: List[ConfigError] = []
    for problem in in_order(list(problems)):
        if is_raised(problem, quiet=quiet, strict=strict):
            raised.append(problem.error)
        else:
            _logger.log(logging.ERROR if problem.is_error else logging.WARNING, "%s", problem.error)
    if raised:
        raise combined(raised)


def combined(errors: Sequence[ConfigError]) -> ConfigError:
    """One error for all: the mistake itself when there is only one."""
    return errors[0] if len(errors) == 1 else ConfigErrors(errors)


def in_order(problems: Sequence[Problem]) -> List[Problem]:
    """Sort the mistakes of each file by their places; files and other sources stay in the order they were read."""
    sources = list(dict.fromkeys(problem.error.file for problem in problems))

    def place(problem: Problem) -> Tuple[int, int, int]:
        error = problem.error
        return sources.index(error.file), error.line or 0, error.column or 0

    return sorted(problems, key=place)


def with_further(problems: Sequence[Problem], further: Iterable[Problem]) -> List[Problem]:
    """Add mistakes that do not merely follow from one already known, in the same key or around it."""
    kept = list(problems)
    for problem in further:
        error = problem.error
        is_known = any(_follows_from(error, known.error) for known in kept)
        if not is_known:
            kept.append(problem)
    return kept


def _follows_from(error: ConfigError, known: ConfigError) -> bool:
    if str(error) == str(known):
        return True
    is_inside = known.key != "" and (error.key == known.key or error.key.startswith((f"{known.key}.", f"{known.key}[")))
    return is_inside and error.file == known.file
