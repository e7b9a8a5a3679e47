"""The configuration that an application started here would get: files, environment, installed packages."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, TypeVar

import click

from nv_one_logger.config import Resolution, Switches, load_sources, resolve
from nv_one_logger.host.catalogue import Catalogue

__all__ = ["config_option", "json_option", "output_kept_apart", "resolve_in_force"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def config_option(command: _Command) -> _Command:
    """Add ``--config FILE`` as the argument ``config_file``."""
    decorate: Callable[[_Command], _Command] = click.option(
        "--config",
        "config_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="YAML or JSON file to use. Without it, the one an application would find: named by "
        "ONE_LOGGER_EXPORTER_CONFIG_PATH, else one_logger_exporters_config.yaml, .yml or .json here.",
    )
    return decorate(command)


def json_option(command: _Command) -> _Command:
    """Add ``--json`` as the argument ``as_json``."""
    decorate: Callable[[_Command], _Command] = click.option(
        "--json", "as_json", is_flag=True, help="Write JSON, for programs."
    )
    return decorate(command)


def resolve_in_force(config_file: Optional[Path] = None, *, switches: Optional[Switches] = None) -> Resolution:
    """Decide as a program's ``with_export_config()`` would. Only package defaults are imported, no plugin.

    Args:
        config_file: The file; by default the one that is named by the environment or lies here.
        switches: The switches; by default those of the environment.
    """
    sources = load_sources(None, None if config_file is None else str(config_file))
    with output_kept_apart():
        return resolve([sources], Catalogue(), switches or Switches.from_environ(os.environ))


@contextlib.contextmanager
def output_kept_apart() -> Iterator[None]:
    """Send what strangers' modules print while they are imported to standard error, so that results stay readable."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
