"""What the commands that stream files show: a progress bar, and what could not be read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Callable, Iterator, Optional, Sequence

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from nv_one_logger.cli.console import printable
from nv_one_logger.reader import FileAccount, Record, RecordReader

__all__ = ["reading", "reporting", "tell_damage"]

_TELL_EVERY = 500


@contextmanager
def reading(console: Console, size: int) -> Iterator[Optional[Callable[[int], None]]]:
    """Show a bar while the ``with`` block runs; gives the function to tell of bytes read, ``None`` off a terminal."""
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=size)
        yield lambda more: bar.advance(task, more)


def reporting(reader: RecordReader, progress: Optional[Callable[[int], None]]) -> Iterator[Record]:
    """Return the records of a reader, and tell now and then how many bytes were read since the last time."""
    told = 0
    for number, record in enumerate(reader):
        if progress is not None and number % _TELL_EVERY == 0:
            read = sum(account.bytes for account in reader.accounts)
            progress(read - told)
            told = read
        yield record
    if progress is not None:
        progress(sum(account.bytes for account in reader.accounts) - told)


def tell_damage(console: Console, accounts: Sequence[FileAccount]) -> None:
    """Print a line for each file that is not whole; ``one-logger verify`` tells where."""
    for account in accounts:
        if account.is_clean:
            continue
        said = [
            f"cannot be read to its end ({account.error})" if account.error else "",
            f"{account.corrupt_lines:,} corrupt lines" if account.corrupt_lines else "",
            "ends in the middle of a record" if account.torn_lines else "",
            f"{account.missing:,} records missing" if account.missing else "",
        ]
        console.print(f"{printable(account.path)}: {', '.join(filter(None, said))}.", style="yellow", soft_wrap=True)
