"""What the first screen says: how much was goodput, where the rest went, why it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from nv_one_logger.report.html.buckets import LOOKS
from nv_one_logger.report.html.words import ATTEMPT_CAUSES, count, duration, moment, percent, ranks, rate
from nv_one_logger.report.model import Attempt, IterationStats, LedgerEntry, Report, StopCause

__all__ = ["AttemptLine", "Part", "Summary", "summarize"]

_MOST_PARTS = 8
_TONES = {StopCause.NORMAL: "good", StopCause.RUNNING: "open"}


@dataclass(frozen=True)
class Part:
    """One piece of the bar of the first screen.

    Attributes:
        label: Its bucket's name.
        css_class: Classes of its swatch.
        weight: Its width in relation to the others.
        share: Its share, as text.
        length: Its length over all ranks, as text.
    """

    label: str
    css_class: str
    weight: float
    share: str
    length: str


@dataclass(frozen=True)
class AttemptLine:
    """How one attempt ended.

    Attributes:
        number: Its number.
        cause: How it ended, in two or three words.
        text: The same in a sentence, with rank, span and error.
        facts: Its length and iterations.
        tone: ``good``, ``open`` (still running) or ``bad``.
    """

    number: int
    cause: str
    text: str
    facts: str
    tone: str


@dataclass(frozen=True)
class Summary:
    """The first screen.

    Attributes:
        title: Name of the application.
        facts: Session tag, time, ranks, hosts.
        goodput: The share of training.
        goodput_text: What that is a share of.
        stack: The pieces of the bar, the largest first.
        parts: The same as a list, in which the smallest are put together.
        stack_label: The same in words.
        attempts: How each attempt ended, the last one first.
        never_reached: Which ranks did not reach the last common iteration; empty when all did.
        merits: Name, value and hint of the key figures.
        warnings: What makes the report less exact, or is wrong with it.
        foot: The last line of the page.
    """

    title: str
    facts: Tuple[str, ...]
    goodput: str
    goodput_text: str
    stack: Tuple[Part, ...]
    parts: Tuple[Part, ...]
    stack_label: str
    attempts: Tuple[AttemptLine, ...]
    never_reached: str
    merits: Tuple[Tuple[str, str, str], ...]
    warnings: Tuple[str, ...]
    foot: str


def summarize(report: Report) -> Summary:
    """Return what the first screen says."""
    ledger, session = report.ledger, report.session
    entries = sorted((entry for entry in ledger.entries if entry.total), key=lambda entry: -entry.total)
    stack = tuple(_part(entry) for entry in entries)
    return Summary(
        title=session.application or session.tag or "Training run",
        facts=_facts(report),
        goodput=percent(ledger.goodput),
        goodput_text=(
            f"of {count(len(ledger.ranks), 'rank')} \u00d7 {duration(ledger.elapsed)} went into iterations "
            "whose result the run kept."
        ),
        stack=stack,
        parts=_parts(entries),
        stack_label="Share of rank time: " + (", ".join(f"{p.label} {p.share}" for p in stack) or "nothing recorded"),
        attempts=tuple(_attempt_line(attempt) for attempt in reversed(report.attempts)),
        never_reached=_never_reached(report),
        merits=_merits(report),
        warnings=_warnings(report),
        foot=_foot(report),
    )


def _part(entry: LedgerEntry) -> Part:
    look = LOOKS[entry.bucket]
    return Part(look.label, look.css_class, round(entry.share, 6), percent(entry.share), duration(entry.total))


def _parts(entries: Sequence[LedgerEntry]) -> Tuple[Part, ...]:
    """List the largest; what is left when the list would be too long for the first screen, in one line."""
    if len(entries) <= _MOST_PARTS:
        return tuple(_part(entry) for entry in entries)
    shown, rest = entries[: _MOST_PARTS - 1], entries[_MOST_PARTS - 1 :]
    share, total = sum(entry.share for entry in rest), sum(entry.total for entry in rest)
    others = Part(f"{len(rest)} others", "swatch", round(share, 6), percent(share), duration(total))
    return (*(_part(entry) for entry in shown), others)


def _facts(report: Report) -> Tuple[str, ...]:
    session = report.session
    hosts = session.hosts[:3]
    more = len(session.hosts) - len(hosts)
    facts = [f"session {session.tag}"] if session.tag and session.application else []
    facts.append(f"{moment(session.started)} to {moment(session.ended)} UTC")
    facts.append(f"{count(session.world_size, 'rank')}")
    if hosts:
        facts.append(f"on {', '.join(hosts)}{f' and {more} more' if more > 0 else ''}")
    facts.append(count(session.records, "record"))
    return tuple(facts)


def _attempt_line(attempt: Attempt) -> AttemptLine:
    facts = [duration(attempt.ended - attempt.started)]
    if attempt.first_iteration is not None and attempt.last_iteration is not None:
        facts.append(f"iterations {attempt.first_iteration:,} to {attempt.last_iteration:,}")
    if attempt.lost_iterations:
        facts.append(f"{attempt.lost_iterations:,} of them done again")
    if attempt.missing_ranks:
        facts.append(f"no records of rank {ranks(attempt.missing_ranks)}")
    tone = _TONES.get(attempt.cause, "bad")
    return AttemptLine(attempt.number, ATTEMPT_CAUSES[attempt.cause], attempt.cause_text, ", ".join(facts), tone)


def _never_reached(report: Report) -> str:
    if not report.never_reached_last_common:
        return ""
    word = "Rank" if len(report.never_reached_last_common) == 1 else "Ranks"
    return f"{word} {ranks(report.never_reached_last_common)} never reached the last iteration of the last attempt."


def _merits(report: Report) -> Tuple[Tuple[str, str, str], ...]:
    ledger = report.ledger
    overall: Optional[IterationStats] = report.iterations[0] if report.iterations else None
    lost = sum(attempt.lost_iterations for attempt in report.attempts)
    merits: List[Tuple[str, str, str]] = [
        ("Elapsed", duration(ledger.elapsed), count(len(report.attempts), "attempt")),
        ("Productive iterations", rate(ledger.productive_iterations_per_hour), ""),
    ]
    if overall is not None:
        merits.append(("Median iteration", duration(overall.median), f"p99 {duration(overall.p99)}"))
    merits.append(("Iterations done again", count(lost), ""))
    merits.append(("Stragglers", count(len(report.stragglers)), _straggler_hint(report)))
    merits.append(("Errors", count(sum(group.count for group in report.errors)), _error_hint(report)))
    return tuple(merits)


def _straggler_hint(report: Report) -> str:
    return f"rank {ranks([each.rank for each in report.stragglers])}" if report.stragglers else ""


def _error_hint(report: Report) -> str:
    return count(len(report.errors), "kind") if report.errors else ""


def _warnings(report: Report) -> Tuple[str, ...]:
    warnings = [] if report.ledger.adds_up else ["The ledger does not add up; please report this as a bug."]
    missing = sum(finding.missing for finding in report.files)
    bad = sum(finding.corrupt_lines + finding.torn_lines for finding in report.files)
    unread = sum(finding.error is not None for finding in report.files)
    if missing or bad or unread:
        found = [
            count(missing, "record") + " missing" if missing else "",
            count(bad, "line") + " that cannot be read" if bad else "",
            count(unread, "file") + " that cannot be read to the end" if unread else "",
        ]
        warnings.append(f"Incomplete input: {', '.join(filter(None, found))}. See the section on the files.")
    return (*warnings, *report.remarks)


def _foot(report: Report) -> str:
    if not report.ledger.adds_up:
        return "Made by one-logger report."
    return (
        f"The buckets add up to {report.ledger.total:,} µs of rank time exactly. Moments are UTC. "
        "Made by one-logger report."
    )
