"""Runs a replay for the command: builds and opens the target, shows progress, closes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Optional, Sequence

import click

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.cli.console import make_console
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.reader import RecordReader
from nv_one_logger.report.exceptions import InputError
from nv_one_logger.report.replay.journal import Journal, JournalError
from nv_one_logger.report.replay.replaying import ReplaySummary, replay_records
from nv_one_logger.report.replay.target import Target, build_target, parse_options
from nv_one_logger.report.store.identity import Identity
from nv_one_logger.report.store.inputs import find_inputs
from nv_one_logger.report.streaming import reading

__all__ = ["run_replay"]

# Who the process is stands in its first records.
_LOOKED_AT = 50
_UNNAMED = "replay"


def run_replay(
    paths: Sequence[str],
    name: str,
    config_file: Optional[Path],
    options: Sequence[str],
    state: Optional[Path],
    most_failures: int,
) -> ReplaySummary:
    """Replay records to the exporter that ``name`` means.

    Raises:
        click.UsageError: A path names nothing, or the configuration is wrong.
        click.ClickException: The exporter cannot be opened, or the state cannot be used.
    """
    try:
        inputs = find_inputs(paths)
        config = _config_of([path for source in inputs.sources for path in source])
        target = build_target(name, config_file, parse_options(options), config)
    except (InputError, OneLoggerError) as error:
        raise click.UsageError(str(error)) from error
    try:
        journal = Journal(state, name)
    except (JournalError, OSError) as error:
        raise click.ClickException(str(error)) from error
    try:
        target.open(config)
    except Exception as error:
        raise click.ClickException(f"{name} cannot be opened: {error}") from error
    try:
        with reading(make_console(stderr=True), inputs.bytes) as progress:
            summary = replay_records(paths, target, journal, most_failures=most_failures, progress=progress)
    except OSError as error:
        raise click.ClickException(f"The state cannot be written: {error}") from error
    finally:
        closing_error = _close(target)
    summary.closing_error = summary.closing_error or closing_error
    return summary


def _config_of(files: Sequence[str]) -> OneLoggerConfig:
    """Describe the application to plugins that ask, as the first records of the first file that tells do."""
    identity = Identity("")
    for path in files:
        identity = Identity(path)
        for record in islice(RecordReader([path]), _LOOKED_AT):
            identity.take(record.type, record.data)
        if identity.session_tag:
            break
    return OneLoggerConfig(
        application_name=(identity.application or "").strip() or _UNNAMED,
        session_tag_or_fn=identity.session_tag or _UNNAMED,
        world_size_or_fn=identity.world_size or 1,
    )


def _close(target: Target) -> str:
    try:
        target.close()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
