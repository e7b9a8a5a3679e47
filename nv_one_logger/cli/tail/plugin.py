"""The command ``one-logger tail``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Tuple

import click

from nv_one_logger.host import hookimpl

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["one_logger_commands", "tail"]

_POLL_SEC = 0.2


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``tail``."""
    group.add_command(tail)


@click.command(short_help="Show the records of running jobs as they are written.")
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--span", "spans", multiple=True, metavar="NAME", help="Spans of this name, and their events. Repeatable."
)
@click.option("--event", "events", multiple=True, metavar="NAME", help="Events of this name. Repeatable.")
@click.option("--errors", is_flag=True, help="Errors of the application and of the telemetry.")
@click.option("--rank", "ranks", multiple=True, type=click.IntRange(0), help="Only this rank. Repeatable.")
@click.option(
    "-n", "--lines", "limit", type=click.IntRange(0), default=10, show_default=True, help="Past lines of each file."
)
@click.option("--all", "everything", is_flag=True, help="All past lines.")
@click.option(
    "--follow/--no-follow", default=True, help="Wait for more, or end after the past lines.  [default: follow]"
)
@click.pass_context
def tail(
    ctx: click.Context,
    files: Tuple[Path, ...],
    spans: Tuple[str, ...],
    events: Tuple[str, ...],
    errors: bool,
    ranks: Tuple[int, ...],
    limit: int,
    everything: bool,
    follow: bool,
) -> None:
    """Show the records of running jobs as they are written, those of all FILES in the order of time.

    FILES are JSON Lines files of one or many ranks; they may rotate, and those that do not exist yet are waited for.
    --span, --event and --errors add up; NAME may hold * and ?. Damaged lines and missing records are told on standard
    error. Ctrl-C ends it.
    """
    # Imported here, so that --help stays quick.
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.cli.exit_codes import FAILURE, INTERRUPTED
    from nv_one_logger.cli.tail.filters import Filters
    from nv_one_logger.cli.tail.session import TailSession

    results, remarks = make_console(), make_console(stderr=True)

    def print_fitting(line: Text) -> None:
        results.print(line, no_wrap=True, overflow="ellipsis")

    def print_whole(line: Text) -> None:
        results.print(line, soft_wrap=True)

    past: Optional[int] = None if everything else limit
    session = TailSession(
        files,
        Filters(spans, events, errors, ranks),
        show=print_fitting if results.is_terminal else print_whole,
        warn=lambda line: remarks.print(line, soft_wrap=True),
    )
    try:
        session.show_past(past)
        missing = session.missing
        for path in missing:
            remarks.print(f"{path} does not exist{' yet' if follow else ''}.", soft_wrap=True)
        while follow:
            time.sleep(_POLL_SEC)
            session.show_new()
        session.finish()
    except KeyboardInterrupt:
        ctx.exit(INTERRUPTED)
    finally:
        session.close()
    if missing:
        ctx.exit(FAILURE)
