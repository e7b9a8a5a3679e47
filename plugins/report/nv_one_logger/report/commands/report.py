"""The command ``one-logger report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Sequence, Tuple

import click

from nv_one_logger.host import hookimpl

if TYPE_CHECKING:
    from nv_one_logger.report.model import Report

__all__ = ["one_logger_commands", "report"]


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``report``."""
    group.add_command(report)


@click.command(short_help="Say where the time went, who was slow, and why it stopped.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--session", metavar="TAG", help="Only this session.  [default: each in the files]")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the report as one HTML page.")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Files read at a time.  [default: one for each core]")
def report(
    paths: Tuple[str, ...], session: Optional[str], as_json: bool, html: Optional[Path], jobs: Optional[int]
) -> None:
    """Say where the time went, who was slow, and why it stopped.

    PATH is a file of records, a folder of them, a glob, or a folder that 'one-logger convert' wrote. Give the files of
    all ranks and all attempts together. Damaged files are read as far as they go; what is missing is told.
    """
    # Imported here, so that --help stays quick.
    from nv_one_logger.cli.tables import print_json
    from nv_one_logger.report.as_json import as_json as reports_as_json

    reports = _read(paths, session, jobs)
    if html is not None:
        _write_html(reports, html)
    if as_json:
        print_json(reports_as_json(reports))
    elif html is None:
        _show(reports)


def _read(paths: Tuple[str, ...], session: Optional[str], jobs: Optional[int]) -> Sequence[Report]:
    from nv_one_logger.report.analysis import analyze_all
    from nv_one_logger.report.commands.running import read_with_progress

    def read(paths: Sequence[str], *, workers: int, progress: Optional[Callable[[int], None]]) -> Sequence[Report]:
        return analyze_all(paths, session=session, workers=workers, progress=progress)

    return read_with_progress(read, paths, jobs)


def _show(reports: Sequence[Report]) -> None:
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.report.view import show

    console = make_console()
    for number, one in enumerate(reports):
        if number:
            console.print()
            console.print()
        show(one, console)


def _write_html(reports: Sequence[Report], path: Path) -> None:
    if len(reports) > 1:
        tags = ", ".join(str(one.session.tag) for one in reports)
        raise click.UsageError(
            f"The files hold {len(reports)} sessions: {tags}. Choose one for the page with --session."
        )
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.report.html import render

    try:
        path.write_text(render(reports[0]), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror or error}.") from error
    make_console(stderr=True).print(f"{path} written.", soft_wrap=True)
