"""Why processes and attempts ended, as far as their records tell."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from nv_one_logger.report.engine.runs import Process
from nv_one_logger.report.model import OpenSpan, ProcessRun, StopCause

__all__ = ["cause_of", "cause_of_attempt", "open_spans_of"]

RECENT_US = 60 * 1_000_000
"""A process whose last record is younger than that may still run."""

_SIGNALS = {"KeyboardInterrupt": "SIGINT (Ctrl-C)"}
_SEVERITY = (StopCause.VANISHED, StopCause.EXCEPTION, StopCause.SIGNAL, StopCause.RUNNING, StopCause.NORMAL)


def open_spans_of(process: Process, end: int) -> Tuple[OpenSpan, ...]:
    """Return what a process was doing at its last record; ages are told at ``end``."""
    return tuple(OpenSpan(name, max(0, end - started)) for name, started in process.open_at_end)


def cause_of(process: Process, now: int, *, is_last_attempt: bool) -> Tuple[StopCause, str]:
    """Tell how a process ended.

    In this order: what the application span says (``exit_reason``); an exception after which spans only ended, unless
    the library would have said on the application span that it ended the process; spans left open, which is a process
    that still runs if its last record is recent and no later attempt began, and one that vanished otherwise.

    Args:
        process: Which.
        now: The present moment.
        is_last_attempt: Whether no attempt followed.
    """
    detail = process.exit_detail or ""
    if process.exit_reason == "signal":
        return StopCause.SIGNAL, f"ended by {detail or 'a signal'}"
    if process.exit_reason == "exception":
        # The last error also tells the span; if it is another one, the reason on the application span counts.
        last = process.last_error or ""
        is_same = bool(last) and last.split(" in ")[0].split(":")[0] == detail.split(":")[0]
        return _of_exception(last if is_same else detail or last)
    if process.error_is_last and not (process.application_ended and process.tells_exit):
        return _of_exception(process.last_error)
    open_spans = process.open_at_end
    if not open_spans or process.application_ended:
        return StopCause.NORMAL, "ended normally"
    doing = f"in {open_spans[0][0]}"
    if is_last_attempt and now - process.last_us < RECENT_US:
        return StopCause.RUNNING, f"still at work, {doing}"
    return StopCause.VANISHED, f"vanished {doing}, its records tell no reason"


def _of_exception(text: Optional[str]) -> Tuple[StopCause, str]:
    said = (text or "an exception").splitlines()[0][:200]
    signal = _SIGNALS.get(said.partition(":")[0])
    if signal is not None:
        return StopCause.SIGNAL, f"ended by {signal}"
    return StopCause.EXCEPTION, f"ended by {said}"


def cause_of_attempt(processes: Sequence[ProcessRun]) -> Tuple[StopCause, str]:
    """Tell how an attempt ended: by the worst cause; of several ranks, by the one that ended first."""
    worst = min(processes, key=lambda run: (_SEVERITY.index(run.cause), run.ended))
    if worst.cause is StopCause.NORMAL:
        who = f"All {len(processes)} processes" if len(processes) > 1 else "The process"
        return worst.cause, f"{who} ended normally."
    alike = sum(run.cause is worst.cause for run in processes)
    text = f"Rank {worst.rank} {worst.cause_text}"
    if worst.cause is not StopCause.RUNNING and worst.open_spans and worst.cause is not StopCause.VANISHED:
        text += f", in {worst.open_spans[0].name}"
    others = f"; {alike - 1} more alike" if alike > 1 else ""
    return worst.cause, f"{text}{others}."
