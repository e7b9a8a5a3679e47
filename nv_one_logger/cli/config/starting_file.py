"""A configuration file to begin with: everything it says is explained, and what is installed is listed."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, Sequence

from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.host.catalogue import CatalogueEntry

__all__ = ["starting_file", "write_new"]

_TEMPLATE = """\
# Which telemetry plugins run, and with which arguments. A program that calls with_export_config() finds this file in
# its working directory, or by the environment variable ONE_LOGGER_EXPORTER_CONFIG_PATH.
#
#   one-logger config check    finds mistakes, all at once
#   one-logger config explain  tells where every value comes from
#   one-logger plugins         lists what is installed, with 'show NAME' for the arguments of one
#   one-logger config schema > one_logger.schema.json
#                              lets editors complete and check this file; for the YAML server, make this its first line:
#                              yaml-language-server: $schema=one_logger.schema.json

exporters:
  # Writes records to a file, one JSON object a line. {rank}, {pid}, {session_tag} and {application_name} are filled in,
  # so that each process has a file of its own. ${NAME} and ${NAME:-default} come from the environment.
  - class_name: file
    config:
      file_path: "telemetry/{application_name}-rank{rank}.jsonl"
      session_record: true   # the file says first whose it is: application, session, attempt, rank, host
      heartbeat_sec: 30      # and every 30 seconds, which spans are open

  # Writes readable lines to a logger, given by its name.
  # - class_name: logger
  #   config:
  #     logger: my_app.metrics
  #   enabled: true       # false keeps an entry and does not run it
  #   background: false   # true exports from a thread of its own, so that a slow backend never slows a step
"""

_INHERIT = """\

# What installed packages enable by default runs as well. To start without it:
# inherit: false
"""


def starting_file(installed: Sequence[CatalogueEntry], defaults: Sequence[CatalogueEntry]) -> str:
    """Return the text of the file.

    Args:
        installed: The plugins that can be enabled.
        defaults: What packages enable by default.
    """
    return "".join([_TEMPLATE, *_others(installed), *_defaults(defaults), _INHERIT])


def write_new(path: Path, text: str) -> None:
    """Write a file that does not exist yet.

    Raises:
        ConfigError: It exists, or has a name that no YAML file has.
    """
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise ConfigError(
            "is no name for a YAML file, and JSON has no comments", value=str(path), remedy="Let it end in .yaml"
        )
    try:
        with open(path, "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(
            "exists, and is left as it is",
            value=str(path),
            remedy="Name another file, or check it with 'one-logger config check'",
        ) from None


def _others(installed: Sequence[CatalogueEntry]) -> Iterator[str]:
    others = [entry for entry in installed if not entry.is_builtin]
    if others:
        yield "\n  # Also installed; 'one-logger plugins show NAME' tells the arguments:\n"
    for entry in others:
        yield f"  # - class_name: {entry.name}   # of {entry.publisher}\n"


def _defaults(defaults: Sequence[CatalogueEntry]) -> Iterator[str]:
    if defaults:
        yield "\n  # Enabled by installed packages; an entry with such a name changes it, or switches it off:\n"
    for entry in defaults:
        yield f"  # - name: {entry.name}   # of {entry.publisher}\n  #   enabled: false\n"
