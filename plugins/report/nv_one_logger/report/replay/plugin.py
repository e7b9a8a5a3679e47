"""The command ``one-logger replay``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional, Tuple

import click

from nv_one_logger.host import hookimpl

if TYPE_CHECKING:
    from nv_one_logger.report.replay.replaying import ReplaySummary

__all__ = ["one_logger_commands", "replay"]


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``replay``."""
    group.add_command(replay)


@click.command(short_help="Send recorded spans, events and errors to any exporter.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--to", "name", required=True, metavar="NAME", help="Name or class of the exporter, see 'plugins list'.")
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="YAML or JSON file with its arguments. Without it, the one that an application started here would find.",
)
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="One argument more. Repeatable.")
@click.option(
    "--resume",
    "state",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Remember in FILE which records are done, and go on behind them if it exists.",
)
@click.option(
    "--most-failures",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="End when so many records in a row are refused; --resume begins with the first of them.",
)
@click.pass_context
def replay(
    ctx: click.Context,
    paths: Tuple[str, ...],
    name: str,
    config_file: Optional[Path],
    options: Tuple[str, ...],
    state: Optional[Path],
    most_failures: int,
) -> None:
    """Send recorded spans, events and errors to an exporter, with their original times and ids.

    PATH is a file of records, a folder of them, or a glob. NAME is an exporter of the catalogue (file, otel, ...), an
    entry of the configuration file, or the dotted path of a class. So a backend can be added after the run.

    \b
    Exit codes:
      0    every record was sent, or skipped for a reason that is told
      1    the exporter refused records or could not deliver, or a file cannot be read to its end
      2    the command line or the configuration is wrong, or a PATH names nothing
      130  Ctrl-C; with --resume the next run goes on where this one ended
    """  # noqa: D301  # click wants the letter, not the backslash
    # Imported here, so that --help stays quick.
    from nv_one_logger.cli.exit_codes import FAILURE
    from nv_one_logger.report.replay.running import run_replay

    summary = run_replay(paths, name, config_file, options, state, most_failures)
    _show(summary, name)
    if summary.failed_count or summary.closing_error or any(account.error for account in summary.accounts):
        ctx.exit(FAILURE)


def _show(summary: ReplaySummary, name: str) -> None:
    from nv_one_logger.cli.console import make_console, printable
    from nv_one_logger.report.streaming import tell_damage

    results, remarks = make_console(), make_console(stderr=True)
    before = f"{summary.before:,} done before, " if summary.before else ""
    results.print(
        f"{summary.read:,} records read: {before}{summary.sent:,} sent to {printable(name)}, "
        f"{summary.skipped_count:,} skipped, {summary.failed_count:,} failed.",
        soft_wrap=True,
    )
    for verb, reasons in (("skipped", summary.skipped), ("failed", summary.failed)):
        for reason, times in reasons.most_common():
            results.print(f"  {times:,} {verb}: {printable(reason)}", soft_wrap=True)
    if summary.open_spans:
        remarks.print(f"{summary.open_spans:,} spans never ended; their process was killed.", soft_wrap=True)
    if summary.is_stopped:
        remarks.print("Ended, as the exporter refuses everything. Use --resume to go on later.", soft_wrap=True)
    if summary.closing_error:
        remarks.print(f"{printable(name)} could not deliver everything: {printable(summary.closing_error)}")
    tell_damage(remarks, summary.accounts)
