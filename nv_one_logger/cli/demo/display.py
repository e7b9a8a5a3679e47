"""What the demo shows: progress while it runs, and a summary at the end."""

from __future__ import annotations

import itertools
from types import TracebackType
from typing import Iterable, Optional, Tuple, Type

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from nv_one_logger.cli.console import format_msec, printable
from nv_one_logger.cli.demo.report import DemoReport
from nv_one_logger.cli.demo.runs import RunFiles
from nv_one_logger.cli.demo.training import Progress
from nv_one_logger.reader import RunSummary

__all__ = ["ProgressDisplay", "print_files", "print_report"]

_LINES_WITHOUT_TERMINAL = 10


class ProgressDisplay:
    """A bar on a terminal; elsewhere ten plain lines. Use it in a ``with`` statement.

    Args:
        console: Where to draw.
        epochs: How many epochs there will be.
    """

    def __init__(self, console: Console, epochs: int) -> None:
        self._console = console
        self._epochs = epochs
        self._every = max(1, epochs // _LINES_WITHOUT_TERMINAL)
        self._bar = ProgressBar(
            TextColumn("Training"),
            BarColumn(bar_width=24),
            TextColumn("epoch {task.completed}/{task.total}  {task.description}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=epochs)

    def __enter__(self) -> ProgressDisplay:
        if not self._bar.disable:
            self._bar.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if not self._bar.disable:  # rich 13.0 ends a bar that was never shown with an empty line
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Show the state after an epoch."""
        state = f"loss {progress.loss:.3f}"
        if progress.accuracy is not None:
            state += f"  accuracy {progress.accuracy:.1%}"
        self._bar.update(self._task, completed=progress.epoch, description=state)
        if self._bar.disable and (progress.epoch % self._every == 0 or progress.epoch == self._epochs):
            self._console.print(f"epoch {progress.epoch}/{self._epochs}  {state}")


def print_report(console: Console, report: DemoReport) -> None:
    """Print what the record file says of the run."""
    summary = report.summary
    console.print(_span_table(summary))
    console.print(_event_table(summary))
    errors = _counted((f"{kind.name} ({kind.message})", count) for kind, count in summary.errors.items())
    console.print(_line("Errors", errors))
    if report.accuracy is not None:
        console.print(
            _line("Accuracy", f"{report.accuracy:.1%} of {report.held_out} penguins the model never trained on")
        )
    for problem in itertools.chain(report.account.bad_lines, report.account.gaps):
        console.print(_line("Problem", str(problem)))
    for span in report.still_open:
        console.print(_line("Problem", f"span {span.name} was never stopped"))


def print_files(console: Console, files: RunFiles) -> None:
    """Print where the files of a run are, each path on one line of its own so that it can be copied."""
    for heading, path in (("Records", files.records), ("Log lines", files.log), ("Checkpoints", files.checkpoints)):
        if path.exists():
            console.print(_line(heading, str(path)), soft_wrap=True)


def _span_table(summary: RunSummary) -> Table:
    table = Table(title="Spans", title_justify="left", title_style="bold")
    table.add_column("Name", overflow="fold")
    for heading in ("Count", "Total", "Median", "Slowest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for stats in sorted(summary.spans.values(), key=lambda stats: -stats.total_msec):
        table.add_row(
            Text(printable(stats.name)),
            str(stats.count),
            format_msec(stats.total_msec),
            format_msec(stats.median_msec),
            format_msec(stats.slowest_msec),
        )
    return table


def _event_table(summary: RunSummary) -> Table:
    table = Table(title="Events", title_justify="left", title_style="bold")
    table.add_column("Name", overflow="fold")
    table.add_column("Count", justify="right", no_wrap=True)
    for name, count in summary.events.items():
        table.add_row(Text(printable(name)), str(count))
    return table


def _line(heading: str, content: str) -> Text:
    return Text.assemble((f"{heading}: ", "bold"), printable(content))


def _counted(items: Iterable[Tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in items) or "none"
