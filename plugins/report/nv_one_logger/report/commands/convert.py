"""The command ``one-logger convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Optional, Sequence, Tuple

import click

from nv_one_logger.host import hookimpl

__all__ = ["convert", "one_logger_commands"]


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``convert``."""
    group.add_command(convert)


@click.command(short_help="Write records as tables that any engine reads.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--to", type=click.Choice(["parquet"]), default="parquet", show_default=True, help="The format.")
@click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="A folder, new or empty."
)
@click.option("-j", "--jobs", type=click.IntRange(1), help="Files read at a time.  [default: one for each core]")
def convert(paths: Tuple[str, ...], to: str, output: Path, jobs: Optional[int]) -> None:
    """Write records as tables: processes, spans, events and more, with the account of every file.

    PATH is a file of records, a folder of them, or a glob. 'one-logger report' reads the tables in place of the
    records, in a fraction of the time.
    """
    # Imported here, so that --help stays quick.
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.report.commands.running import read_with_progress
    from nv_one_logger.report.store.ingest import ingest
    from nv_one_logger.report.store.inputs import find_inputs

    def read(paths: Sequence[str], *, workers: int, progress: Optional[Callable[[int], None]]) -> Tuple[int, int]:
        inputs = find_inputs(paths)
        if inputs.tables:
            raise click.UsageError(f"{inputs.tables[0]} holds tables already.")
        accounts = ingest(inputs.sources, output, is_whole=True, workers=workers, progress=progress)
        return sum(account.records for account in accounts), sum(not account.is_clean for account in accounts)

    if output.exists() and any(output.iterdir()):
        raise click.UsageError(f"{output} is not empty. Name a new folder with -o.")
    records, damaged = read_with_progress(read, paths, jobs)
    told = f"; {damaged:,} files not whole, see its table 'files'" if damaged else ""
    make_console(stderr=True).print(f"{records:,} records written to {output}{told}.", soft_wrap=True)
