"""Raises or logs the problems of a configuration, as the error strategy and the switches want it."""

from __future__ import annotations

import logging
from typing import Iterable, List

from nv_one_logger.config.models import Problem
from nv_one_logger.core.exceptions import ConfigError, ConfigErrors

__all__ = ["combined", "is_raised", "report"]

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
    for problem in problems:
        if is_raised(problem, quiet=quiet, strict=strict):
            raised.append(problem.error)
        else:
            _logger.log(logging.ERROR if problem.is_error else logging.WARNING, "%s", problem.error)
    if raised:
        raise combined(raised)


def combined(errors: List[ConfigError]) -> ConfigError:
    """One error for all: the mistake itself when there is only one."""
    return errors[0] if len(errors) == 1 else ConfigErrors(errors)
