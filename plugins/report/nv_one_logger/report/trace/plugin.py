"""The command ``one-logger trace``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Tuple

import click

from nv_one_logger.host import hookimpl

if TYPE_CHECKING:
    from nv_one_logger.report.trace.tracing import TraceSummary

__all__ = ["one_logger_commands", "trace"]


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``trace``."""
    group.add_command(trace)


@click.command(short_help="Write all ranks as one trace for Perfetto or Chrome.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("trace.json.gz"),
    show_default=True,
    help="The trace; compressed if its name ends with .gz.",
)
@click.pass_context
def trace(ctx: click.Context, paths: Tuple[str, ...], output: Path) -> None:
    """Write the spans, events, errors and numbers of all ranks as one trace, to be opened at ui.perfetto.dev.

    PATH is a file of records, a folder of them, or a glob. The clocks of the machines are compared by the steps that
    ranks end together, and corrected where they are further apart than that can be told; the error is stated. Spans
    that never ended are shown as unfinished.

    \b
    Exit codes:
      0  the trace is written
      1  it cannot be written, no record has a time, or a file cannot be read to its end
      2  the command line is wrong, or a PATH names nothing
    """  # noqa: D301  # click wants the letter, not the backslash
    # Imported here, so that --help stays quick.
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.cli.exit_codes import FAILURE
    from nv_one_logger.report.exceptions import InputError
    from nv_one_logger.report.store.inputs import find_inputs
    from nv_one_logger.report.streaming import reading
    from nv_one_logger.report.trace.tracing import write_trace

    remarks = make_console(stderr=True)
    try:
        size = find_inputs(paths).bytes
    except InputError as error:
        raise click.UsageError(str(error)) from error
    try:
        with reading(remarks, 2 * size) as progress:
            summary = write_trace(paths, output, progress)
    except (InputError, OSError) as error:
        raise click.ClickException(str(error)) from error
    _show(summary, output)
    if any(account.error for account in summary.accounts):
        ctx.exit(FAILURE)


def _show(summary: TraceSummary, output: Path) -> None:
    from nv_one_logger.cli.console import make_console, printable
    from nv_one_logger.report.naming import name_ranks
    from nv_one_logger.report.streaming import tell_damage
    from nv_one_logger.report.trace.tracing import describe_clock

    results, counts = make_console(), summary.counts
    results.print(
        f"{output}: {summary.processes:,} processes, {counts.spans:,} spans, {counts.open_spans:,} unfinished, "
        f"{counts.moments:,} events, {counts.errors:,} errors, {counts.numbers:,} numbers.",
        soft_wrap=True,
    )
    for clock in summary.clocks if len(summary.clocks) > 1 else ():
        ranks = f" ({name_ranks(clock.ranks)})" if clock.ranks else ""
        results.print(f"Clock of {printable(clock.name)}{ranks}: {describe_clock(clock)}.", soft_wrap=True)
    if len(summary.clocks) == 1:
        results.print("All processes share one clock; records hold whole milliseconds.", soft_wrap=True)
    tell_damage(make_console(stderr=True), summary.accounts)
    if counts.untimed:
        make_console(stderr=True).print(f"{counts.untimed:,} spans and events have no usable time and are left out.")
