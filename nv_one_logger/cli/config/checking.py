"""Finds every mistake in a configuration, and says which of them would stop a program."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Optional, Tuple

from nv_one_logger.cli.in_force import output_kept_apart, resolve_in_force
from nv_one_logger.config import Problem, Switches, check
from nv_one_logger.config.masking import masked
from nv_one_logger.config.sources import DEFAULT_FILE_NAMES, PATH_VARIABLE, find_file
from nv_one_logger.core.exceptions import ConfigError

__all__ = ["Mistake", "check_file", "file_to_check"]


@dataclass(frozen=True)
class Mistake:
    """Something wrong with a configuration.

    Attributes:
        error: What, where, and what to do.
        is_warning: Whether programs go on without the thing; otherwise they stop, or leave the whole file out.
    """

    error: ConfigError
    is_warning: bool

    def as_dict(self) -> Dict[str, object]:
        """Return plain data."""
        error = self.error
        value = masked(error.key.rpartition(".")[2], error.value)
        return {
            "severity": "warning" if self.is_warning else "error",
            "file": error.file or None,
            "line": error.line,
            "column": error.column,
            "source": error.source,
            "key": error.key,
            "value": value if isinstance(value, (str, int, float, bool, type(None))) else repr(value),
            "problem": error.problem,
            "remedy": error.remedy,
        }


def file_to_check(path: Optional[Path]) -> Path:
    """Return the file that is meant: the one given, else the one a program started here would find.

    Raises:
        ConfigError: There is none.
    """
    found = find_file(path, environ=os.environ)
    if found is None:
        raise ConfigError(
            f"No file to check: {PATH_VARIABLE} is not set, and of {', '.join(DEFAULT_FILE_NAMES)} none is here",
            remedy="Name the file, or begin one with 'one-logger config init'",
        )
    return found[0]


def check_file(path: Path) -> Tuple[Mistake, ...]:
    """Return all mistakes in a file, in the order of their places, then what is wrong around it.

    What the file enables is imported, and its arguments are converted; nothing is constructed.
    """
    switches = replace(Switches.from_environ(os.environ), disabled=False)  # the file is to be checked all the same
    resolution = resolve_in_force(path, switches=switches)
    with output_kept_apart():
        problems = check(resolution)
    return tuple(Mistake(problem.error, is_warning=not _stops(problem)) for problem in problems)


def _stops(problem: Problem) -> bool:
    return problem.asked or problem.is_error
