"""The sections below the first screen: which figures and tables each has, and which are left out when empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

from nv_one_logger.report.html import figures
from nv_one_logger.report.html.figures.series import MOST_SERIES
from nv_one_logger.report.html.table import Table, make_table
from nv_one_logger.report.html.words import CAUSES, count, duration, moment, percent, ranks, sentence
from nv_one_logger.report.model import ErrorGroup, IterationStats, ProcessRun, Report

__all__ = ["ErrorCard", "Section", "make_sections"]

_MOST_ERRORS = 50
_MOST_OPEN_SPANS = 3


@dataclass(frozen=True)
class ErrorCard:
    """One group of errors, as text."""

    type: str
    message: str
    facts: str
    traceback: str


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        key: Its id in the page.
        title: Its heading.
        text: A sentence or two below it; may be empty.
        figures: Its figures.
        tables: Its tables, each under its caption.
        errors: Its error cards.
    """

    key: str
    title: str
    text: str = ""
    figures: Tuple[figures.Figure, ...] = ()
    tables: Tuple[Table, ...] = ()
    errors: Tuple[ErrorCard, ...] = ()


def make_sections(report: Report) -> List[Section]:
    """Return the sections that have something to say, in order."""
    sections = [_goodput(report), _stop(report), _timeline(report)]
    sections += [_iterations(report)] if report.iterations or report.heat_map or report.distribution else []
    sections += [_stragglers(report)] if report.stragglers else []
    sections += [_series(report)] if report.series else []
    sections += [_checkpoints(report)] if report.checkpoints else []
    sections += [_errors(report)] if report.errors else []
    sections += [_files(report)]
    return sections


def _goodput(report: Report) -> Section:
    proof = "The buckets add up to the whole, to the microsecond." if report.ledger.adds_up else ""
    return Section(
        "ledger",
        "Where the time went",
        f"Every second of every rank stands in exactly one bucket. {proof}".strip(),
        figures=(figures.draw_waterfall(report.ledger),),
    )


def _stop(report: Report) -> Section:
    return Section("stop", "How each rank ended", tables=(_process_table(report.processes),))


def _process_table(processes: Sequence[ProcessRun]) -> Table:
    rows = [
        (
            str(run.attempt),
            count(run.rank),
            run.host or "\u2013",
            CAUSES[run.cause],
            moment(run.ended),
            count(run.last_iteration),
            _open_spans(run),
            sentence(run.cause_text),
        )
        for run in processes
    ]
    headings = ("Attempt", "Rank", "Host", "Ended", "Last record (UTC)", "Last iteration", "Open spans", "Evidence")
    return make_table("Every rank of every attempt", headings, rows, numeric=(1, 5))


def _open_spans(run: ProcessRun) -> str:
    shown = [f"{span.name} ({duration(span.age)})" for span in run.open_spans[:_MOST_OPEN_SPANS]]
    more = len(run.open_spans) - len(shown)
    return " in ".join(shown) + (f" and {more} more" if more > 0 else "") if shown else "none"


def _timeline(report: Report) -> Section:
    drawn = (figures.draw_timeline(report),) if report.timeline else ()
    return Section("timeline-section", "Timeline", "" if drawn else "Nothing is recorded.", figures=drawn)


def _iterations(report: Report) -> Section:
    drawn: List[figures.Figure] = []
    if report.heat_map is not None and report.heat_map.steps and report.heat_map.ranks:
        drawn.append(figures.draw_heat_map(report.heat_map))
    if report.distribution:
        drawn.append(
            figures.draw_distribution(report.distribution, report.iterations[0] if report.iterations else None)
        )
    is_estimated = any(stats.is_estimated for stats in report.iterations)
    text = "Estimated from averages that were logged, as single iterations were not recorded." if is_estimated else ""
    tables = (_iteration_table(report.iterations),) if report.iterations else ()
    return Section("iterations", "Iterations", text, figures=tuple(drawn), tables=tables)


def _iteration_table(iterations: Sequence[IterationStats]) -> Table:
    rows = [
        (
            "All" if stats.rank is None else f"Rank {stats.rank}",
            count(stats.count),
            duration(stats.mean),
            duration(stats.median),
            duration(stats.p90),
            duration(stats.p99),
            f"{duration(stats.slowest)} (step {stats.slowest_iteration:,})",
            "\u2013" if stats.trend is None else f"{stats.trend * 100:+.1f} %",
        )
        for stats in iterations
    ]
    headings = ("Rank", "Iterations", "Mean", "Median", "p90", "p99", "Slowest", "Trend per 1,000")
    return make_table("Length of iterations by rank", headings, rows, numeric=range(1, len(headings)))


def _stragglers(report: Report) -> Section:
    rows = [
        (
            f"Rank {each.rank}",
            each.host or "\u2013",
            each.kind,
            f"{each.steps_slow:,} of {each.steps_compared:,}",
            percent(each.slowdown - 1) if each.slowdown >= 1.0005 else "\u2013",
            duration(each.cost),
            sentence(each.evidence),
        )
        for each in report.stragglers
    ]
    headings = ("Rank", "Host", "Kind", "Steps slowest", "Slower by", "Others waited", "Evidence")
    text = "Ranks slower than their peers. All others wait for them in every synchronous step."
    table = make_table("The most costly first", headings, rows, numeric=(3, 4, 5))
    return Section("stragglers", "Stragglers", text, tables=(table,))


def _series(report: Report) -> Section:
    names = figures.order_series({point.name for point in report.series})
    left_out = names[MOST_SERIES:]
    text = f"Not drawn: {', '.join(left_out[:20])}{' …' if len(left_out) > 20 else ''}." if left_out else ""
    return Section(
        "series", "Loss, throughput and other numbers", text, figures=tuple(figures.draw_series(report.series))
    )


def _checkpoints(report: Report) -> Section:
    return Section("checkpoint-section", "Checkpoints", figures=(figures.draw_checkpoints(report.checkpoints),))


def _errors(report: Report) -> Section:
    cards = tuple(_error_card(group) for group in report.errors[:_MOST_ERRORS])
    left_out = len(report.errors) - len(cards)
    text = f"The {_MOST_ERRORS} most frequent kinds; {left_out:,} more are not shown." if left_out > 0 else ""
    return Section("errors", "Errors", text, errors=cards)


def _error_card(group: ErrorGroup) -> ErrorCard:
    when = moment(group.first) if group.count == 1 else f"{moment(group.first)} to {moment(group.last)}"
    where = f"rank {ranks(group.ranks)}" if group.ranks else "rank unknown"
    return ErrorCard(group.type, group.message, f"{count(group.count, 'time')}, {where}, {when} UTC", group.traceback)


def _files(report: Report) -> Section:
    title = "What could not be read"
    if not report.files:
        return Section("files", title, "Nothing: every line is a record, and no record is missing.")
    rows = [
        (
            finding.path,
            count(finding.records),
            count(finding.missing),
            count(finding.corrupt_lines),
            count(finding.torn_lines),
            finding.error or "\u2013",
        )
        for finding in report.files
    ]
    headings = ("File", "Records read", "Missing", "Corrupt lines", "Torn last lines", "Error")
    text = "A process numbers its records, so a number that is missing is a record that was lost."
    table = make_table("Files with something to say", headings, rows, numeric=(1, 2, 3, 4))
    return Section("files", title, text, tables=(table,))
