"""What the commands share: reading with a progress bar, and mistakes in paths."""

from __future__ import annotations

import os
from typing import Callable, Optional, Protocol, Sequence, TypeVar

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from nv_one_logger.cli.console import make_console
from nv_one_logger.report.exceptions import InputError
from nv_one_logger.report.store.inputs import find_inputs

__all__ = ["read_with_progress"]

# Smaller inputs are read sooner than other interpreters have started.
_ALONE_BYTES = 64 * 1024 * 1024

T_co = TypeVar("T_co", covariant=True)


class _Reading(Protocol[T_co]):
    def __call__(self, paths: Sequence[str], *, workers: int, progress: Optional[Callable[[int], None]]) -> T_co: ...


def read_with_progress(read: _Reading[T_co], paths: Sequence[str], jobs: Optional[int]) -> T_co:
    """Call ``read`` with a progress bar on standard error (on a terminal only) and return what it does.

    Args:
        read: Takes paths, number of workers and a progress function.
        paths: As given on the command line.
        jobs: Workers; by default one for each core, and none beside this process where that is quicker.

    Raises:
        click.UsageError: A path names nothing.
    """
    try:
        size = find_inputs(paths).bytes
        workers = jobs or (1 if size < _ALONE_BYTES else _cores())
        console = make_console(stderr=True)
        if not console.is_terminal:
            return read(paths, workers=workers, progress=None)
        columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("reading", total=size)
            return read(paths, workers=workers, progress=lambda more: bar.advance(task, more))
    except InputError as error:
        raise click.UsageError(str(error)) from error


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
