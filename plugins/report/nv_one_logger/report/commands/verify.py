"""The command ``one-logger verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Tuple

import click

from nv_one_logger.host import hookimpl

if TYPE_CHECKING:
    from nv_one_logger.report.verification import FileCheck, Verification

__all__ = ["one_logger_commands", "verify"]


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``verify``."""
    group.add_command(verify)


@click.command(short_help="Say which records of a run are there, damaged or missing.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Files read at a time.  [default: one for each core]")
@click.pass_context
def verify(ctx: click.Context, paths: Tuple[str, ...], as_json: bool, jobs: int | None) -> None:
    """Say which records of a run are there, damaged or missing, by file and rank.

    PATH is a file of records, a folder of them, or a glob.

    \b
    Exit codes:
      0  every line is a record, and none is missing
      1  lines are torn or corrupt, records are missing, or a file cannot be read
      2  the command line is wrong, or a PATH names nothing
    """  # noqa: D301  # click wants the letter, not the backslash
    # Imported here, so that --help stays quick.
    from nv_one_logger.cli.exit_codes import FAILURE
    from nv_one_logger.cli.tables import print_json
    from nv_one_logger.report.commands.running import read_with_progress
    from nv_one_logger.report.verification import verify as verify_files

    found = read_with_progress(verify_files, paths, jobs)
    if as_json:
        print_json(_as_json(found))
    else:
        _show(found)
    if not found.is_clean:
        ctx.exit(FAILURE)


def _show(found: Verification) -> None:
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.cli.tables import print_table
    from nv_one_logger.report.naming import name_ranks

    console = make_console()
    headings = ["file", "verdict", "ranks", "records", "missing", "corrupt", "torn"]
    rows = [
        [file.account.path, file.verdict, _ranks(file)]
        + [f"{n:,}" for n in (file.account.records, file.account.missing)]
        + [f"{n:,}" for n in (file.account.corrupt_lines, file.account.torn_lines)]
        for file in found.files
    ]
    styles = {"complete": "green", "torn": "yellow", "missing": "red", "corrupt": "red", "unreadable": "red"}
    print_table(console, headings, rows, styles=styles)
    for file in found.files:
        account = file.account
        details = [f"{account.path}: {account.error}"] if account.error else []
        details += [str(line) for line in account.bad_lines[:5]] + [str(gap) for gap in account.gaps[:5]]
        more = account.corrupt_lines + account.torn_lines + len(account.gaps) + bool(account.error) - len(details)
        for detail in details:
            console.print(detail, soft_wrap=True)
        if more > 0:
            console.print(f"{account.path}: {more:,} more, see --json", soft_wrap=True)
    for tag, ranks in found.absent_ranks.items():
        console.print(f"Session {tag or 'without a tag'}: no file of {name_ranks(ranks)}.", soft_wrap=True)
    damaged = sum(not file.account.is_clean for file in found.files)
    total = sum(file.account.records for file in found.files)
    summary = f"{total:,} records in {len(found.files):,} files; "
    console.print(summary + (f"{damaged:,} of the files not whole." if damaged else "all whole."), soft_wrap=True)


def _ranks(file: FileCheck) -> str:
    from nv_one_logger.report.naming import name_ranks

    ranks = sorted({process.rank for process in file.processes if process.rank is not None})
    return name_ranks(ranks).partition(" ")[2] if ranks else "-"


def _as_json(found: Verification) -> Dict[str, object]:
    return {
        "schema_version": 1,
        "is_clean": found.is_clean,
        "files": [_file_as_json(file) for file in found.files],
        "absent_ranks": {tag: list(ranks) for tag, ranks in found.absent_ranks.items()},
    }


def _file_as_json(file: FileCheck) -> Dict[str, object]:
    account = file.account
    return {
        "path": account.path,
        "verdict": file.verdict,
        "bytes": account.bytes,
        "lines": account.lines,
        "records": account.records,
        "blank_lines": account.blank_lines,
        "corrupt_lines": account.corrupt_lines,
        "torn_lines": account.torn_lines,
        "missing": account.missing,
        "uncounted": account.uncounted,
        "error": account.error,
        "processes": [vars(process) for process in file.processes],
        "bad_lines": [str(line) for line in account.bad_lines],
        "gaps": [str(gap) for gap in account.gaps],
    }
