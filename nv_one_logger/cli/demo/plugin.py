"""The command ``one-logger demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

import click

from nv_one_logger.host import hookimpl

if TYPE_CHECKING:
    from rich.console import Console

    from nv_one_logger.cli.demo.runs import RunFiles

__all__ = ["demo", "one_logger_commands"]


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``demo``."""
    group.add_command(demo)


@click.command(short_help="Train a small real model with telemetry and show what was recorded.")
@click.option("--epochs", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Passes over the data.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("one-logger-demo"),
    show_default=True,
    help="Directory for the results. Each run makes a new run-1, run-2, ... in it; nothing is overwritten.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML or JSON file of further exporters, beside the two of the demo.",
)
@click.pass_context
def demo(ctx: click.Context, epochs: int, output: Path, config_file: Optional[Path]) -> None:
    """Train a small real model with telemetry and show what was recorded.

    A softmax regression in plain Python learns to tell three species of penguins apart (the Palmer penguins, a
    public-domain data set), instrumented as a user's job would be. Two plugins deliver the records: a file of JSON
    Lines, and readable lines through a logger. At the end the file is read back and summed up.

    Ctrl-C ends the run between two iterations; its file is complete then too (exit code 130).
    """
    # Imported here, so that `one-logger demo --help` does not load the library.
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.cli.demo.interrupt import InterruptRequest
    from nv_one_logger.cli.demo.runs import new_run

    remarks = make_console(stderr=True)
    files = new_run(output)
    request = InterruptRequest()
    interrupted = False
    try:
        with request:
            _train(remarks, files, epochs, config_file, request.check)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        files.discard_if_empty()
    if interrupted:
        remarks.print("Interrupted. Every span was stopped and every exporter closed, so the files are complete.")
    _show_result(make_console(), files)
    if interrupted:
        ctx.exit(request.exit_code)


def _train(
    remarks: Console, files: RunFiles, epochs: int, config_file: Optional[Path], check_interrupt: Callable[[], None]
) -> None:
    from nv_one_logger.cli.demo.display import ProgressDisplay
    from nv_one_logger.cli.demo.telemetry import configure_telemetry, log_lines_into
    from nv_one_logger.cli.demo.training import JobSettings, train

    settings = JobSettings(epochs, files.checkpoints)
    with log_lines_into(files.log):
        configure_telemetry(files.records, config_file)
        with ProgressDisplay(remarks, epochs) as display:
            train(settings, display.show, check_interrupt)


def _show_result(results: Console, files: RunFiles) -> None:
    from nv_one_logger.cli.demo.display import print_files, print_report
    from nv_one_logger.cli.demo.report import read_report

    if files.records.exists():
        print_report(results, read_report(files.records))
    else:
        results.print("Nothing was recorded: telemetry, or the file exporter, is switched off in this environment.")
    print_files(results, files)
