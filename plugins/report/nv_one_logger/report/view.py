"""Shows a report on a terminal, or as lines where something else reads them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Dict, List, Optional, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nv_one_logger.cli.console import printable
from nv_one_logger.cli.tables import print_table
from nv_one_logger.report.model import IterationStats, ProcessRun, Report, SeriesPoint, StopCause
from nv_one_logger.report.naming import name_ranks

__all__ = ["format_length", "format_moment", "show"]

_BAR = 24
_MOST_ROWS = 12
_MOST_SLOWEST = 4
_MOST_WHOLE = 4  # so many columns are never broken; those further right are, where the terminal is narrow
_STYLES = {
    StopCause.NORMAL: "green",
    StopCause.RUNNING: "cyan",
    StopCause.SIGNAL: "yellow",
    StopCause.EXCEPTION: "red",
    StopCause.VANISHED: "red",
}


def show(report: Report, console: Console) -> None:
    """Print the report, the answers first."""
    for part in (
        _show_session,
        _show_attempts,
        _show_stop,
        _show_ledger,
        _show_iterations,
        _show_stragglers,
        _show_checkpoints,
        _show_series,
        _show_errors,
        _show_files,
        _show_remarks,
    ):
        part(report, console)


def format_length(microseconds: Optional[float]) -> str:
    """Write a length of time for a person."""
    if microseconds is None:
        return "-"
    if microseconds < 1000:
        return f"{microseconds:.0f} us" if microseconds else "0"
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.1f} ms"
    seconds = microseconds / 1_000_000
    if seconds < 100:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02} min"


def format_moment(microseconds: int) -> str:
    """Write a moment in UTC, to the millisecond."""
    # Not from a float of seconds, which has too few digits.
    moment = datetime.fromtimestamp(microseconds // 1_000_000, timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{microseconds % 1_000_000 // 1000:03}"


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _table(
    console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]], *, styles: Optional[Dict[str, str]] = None
) -> None:
    """Draw a table on a terminal, where its last column wraps; elsewhere print a line for each row."""
    if not console.is_terminal:
        print_table(console, headings, rows)
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold")
    for place, heading in enumerate(headings):
        is_last = place == len(headings) - 1
        table.add_column(heading, overflow="fold", no_wrap=not is_last and place < _MOST_WHOLE)
    for row in rows:
        table.add_row(*(Text(printable(cell), style=(styles or {}).get(cell, "")) for cell in row))
    console.print(table)


def _say(console: Console, text: str, style: str = "") -> None:
    if console.is_terminal:
        console.print(Text(printable(text), style=style))
    else:
        console.print(Text(printable(text)), soft_wrap=True)


def _show_session(report: Report, console: Console) -> None:
    session = report.session
    names = [name for name in (session.application, session.tag) if name]
    console.print(Text(printable(" · ".join(names) or "Session without a tag"), style="bold"), soft_wrap=True)
    hosts = f"{len(session.hosts)} hosts" if len(session.hosts) != 1 else session.hosts[0]
    _say(
        console,
        f"{_counted(session.world_size, 'rank')} on {hosts}, {_counted(len(report.attempts), 'attempt')}, "
        f"{format_length(report.ledger.elapsed)} from {format_moment(session.started)} UTC, "
        f"{session.records:,} records",
    )
    rate = report.ledger.productive_iterations_per_hour
    kept = "" if rate is None else f", {rate:,.0f} productive iterations an hour"
    _say(console, f"Goodput {report.ledger.goodput:.1%}{kept}", "bold")


def _show_attempts(report: Report, console: Console) -> None:
    _heading(console, "Attempts")
    rows = [
        [
            str(attempt.number),
            format_moment(attempt.started),
            format_length(attempt.ended - attempt.started),
            _iterations(attempt.first_iteration, attempt.last_iteration),
            f"{attempt.lost_iterations:,}" if attempt.lost_iterations else "-",
            attempt.cause.value,
        ]
        for attempt in report.attempts[-_MOST_ROWS:]
    ]
    styles = {cause.value: style for cause, style in _STYLES.items()}
    headings = ["attempt", "began (UTC)", "length", "iterations", "lost", "end"]
    _table(console, headings, rows, styles=styles)
    for attempt in report.attempts[-_MOST_ROWS:]:
        _say(console, f"Attempt {attempt.number}: {attempt.cause_text}")
        if attempt.missing_ranks:
            _say(console, f"  without records of {name_ranks(attempt.missing_ranks)}")


def _show_stop(report: Report, console: Console) -> None:
    _heading(console, "Why it stopped")
    last = report.attempts[-1]
    odd = [run for run in report.processes if run.cause is not StopCause.NORMAL]
    if not odd:
        _say(console, "Every process ended normally.")
    rows = [_stop_row(run) for run in odd[-_MOST_ROWS:]]
    if rows:
        headings = ["attempt", "rank", "last record", "iteration", "cause"]
        _table(console, headings, rows)
    if len(odd) > _MOST_ROWS:
        _say(console, f"and {len(odd) - _MOST_ROWS:,} more")
    if report.never_reached_last_common:
        behind = name_ranks(report.never_reached_last_common)
        _say(console, f"Never reached iteration {last.last_iteration} of attempt {last.number}: {behind}.")


def _stop_row(run: ProcessRun) -> List[str]:
    cause = run.cause_text
    if run.open_spans:
        cause += (
            f" ({run.open_spans[0].name} open for {format_length(run.open_spans[0].age)} at the end of the attempt)"
        )
    last = "-" if run.last_iteration is None else str(run.last_iteration)
    rank = "-" if run.rank is None else str(run.rank)
    return [str(run.attempt), rank, format_moment(run.ended)[5:], last, cause]


def _show_ledger(report: Report, console: Console) -> None:
    ledger = report.ledger
    _heading(console, f"Where {format_length(ledger.total)} of {_counted(len(ledger.ranks), 'rank')} went")
    rows = []
    for entry in ledger.entries:
        if not entry.total:
            continue
        bar = "█" * round(entry.share * _BAR) if console.is_terminal else ""
        row = [entry.bucket.value.replace("_", " "), format_length(entry.total), f"{entry.share:6.2%}"]
        rows.append([*row, bar] if console.is_terminal else row)
    headings = ["bucket", "time", "share"]
    _table(console, [*headings, ""] if console.is_terminal else headings, rows)
    total = sum(entry.total for entry in ledger.entries)
    verdict = "exactly" if ledger.adds_up else f"NOT: they are {total:,} us"
    _say(
        console,
        f"The buckets add up {verdict}: {_counted(len(ledger.ranks), 'rank')} x {ledger.elapsed:,} us = "
        f"{ledger.total:,} us.",
    )


def _show_iterations(report: Report, console: Console) -> None:
    if not report.iterations:
        return
    _heading(console, "Iterations")
    shown = report.iterations if len(report.iterations) <= _MOST_ROWS else _slowest_ranks(report)
    rows = [
        [
            "all" if stats.rank is None else str(stats.rank),
            f"{stats.count:,}",
            format_length(stats.median),
            format_length(stats.p90),
            format_length(stats.p99),
            f"{format_length(stats.slowest)} (#{stats.slowest_iteration})",
            "-" if stats.trend is None else f"{stats.trend:+.1%}",
        ]
        for stats in shown
    ]
    headings = ["rank", "count", "median", "p90", "p99", "slowest", "trend / 1,000"]
    _table(console, headings, rows)
    if len(shown) < len(report.iterations):
        _say(console, f"the slowest {len(shown) - 1} of {len(report.iterations) - 1:,} ranks")
    if any(stats.is_estimated for stats in shown):
        _say(console, "Some of it from windows of iterations, see the remarks.")


def _slowest_ranks(report: Report) -> Sequence[IterationStats]:
    ranks = sorted(report.iterations[1:], key=lambda stats: -stats.median)
    return [report.iterations[0], *ranks[:_MOST_SLOWEST]]


def _show_stragglers(report: Report, console: Console) -> None:
    _heading(console, "Stragglers")
    if not report.stragglers:
        _say(console, "No rank was clearly slower than its peers.")
    for one in report.stragglers[:_MOST_ROWS]:
        host = f" on {one.host}" if one.host else ""
        _say(
            console,
            f"Rank {one.rank}{host}, {one.kind}: {one.slowdown:.2f} x its peers, cost {format_length(one.cost)} of "
            f"other ranks' time: {one.evidence}.",
        )


def _show_checkpoints(report: Report, console: Console) -> None:
    if not report.checkpoints:
        return
    _heading(console, "Checkpoints")
    for kind, verb in (("save", "saved"), ("load", "loaded")):
        some = [checkpoint for checkpoint in report.checkpoints if checkpoint.kind == kind]
        if not some:
            continue
        lengths = sorted(checkpoint.length for checkpoint in some if checkpoint.length is not None)
        failed = sum(not checkpoint.is_successful for checkpoint in some)
        said = (
            f"{len(some):,} {verb}, {failed:,} of them not known to be complete" if failed else f"{len(some):,} {verb}"
        )
        if lengths:
            said += f"; median {format_length(lengths[len(lengths) // 2])}, longest {format_length(lengths[-1])}"
        numbers = [checkpoint.iteration for checkpoint in some if checkpoint.iteration is not None]
        _say(console, said + (f"; last of iteration {max(numbers):,}" if numbers else ""))


def _show_series(report: Report, console: Console) -> None:
    if not report.series:
        return
    _heading(console, "Logged numbers")
    by_name: Dict[str, List[SeriesPoint]] = {}
    for point in report.series:
        by_name.setdefault(point.name, []).append(point)
    rows = []
    for name, points in by_name.items():
        values = [point.value for point in points]
        rows.append([name, points[0].unit, *(f"{v:,.6g}" for v in (values[0], values[-1], min(values), max(values)))])
    _table(console, ["name", "unit", "first", "last", "least", "most"], rows)


def _show_errors(report: Report, console: Console) -> None:
    if not report.errors:
        return
    _heading(console, "Errors")
    rows = []
    for group in report.errors[:_MOST_ROWS]:
        message = (group.message.splitlines() or [""])[0][:160]
        rows.append([f"{group.count:,}", group.type, name_ranks(group.ranks), format_moment(group.first)[5:], message])
    _table(console, ["count", "type", "ranks", "first", "message"], rows)


def _show_files(report: Report, console: Console) -> None:
    if not report.files:
        return
    _heading(console, "Files")
    rows = [
        [file.path, f"{file.records:,}", f"{file.missing:,}", f"{file.corrupt_lines:,}", f"{file.torn_lines:,}",
         file.error or ""]
        for file in report.files[:_MOST_ROWS]
    ]  # fmt: skip
    _table(console, ["file", "records", "missing", "corrupt", "torn", "error"], rows)
    if len(report.files) > _MOST_ROWS:
        _say(console, f"and {len(report.files) - _MOST_ROWS:,} more, see 'one-logger verify'")


def _show_remarks(report: Report, console: Console) -> None:
    if not report.remarks:
        return
    _heading(console, "Remarks on precision")
    for remark in report.remarks:
        _say(console, f"- {remark}")


def _iterations(first: Optional[int], last: Optional[int]) -> str:
    if first is None:
        return "-"
    return f"from {first}" if last is None else f"{first} to {last}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
