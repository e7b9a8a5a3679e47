"""How the results of the self-test are shown."""

from __future__ import annotations

from typing import Sequence

from rich.console import Console

from nv_one_logger.cli.console import printable
from nv_one_logger.cli.selftest.budget import BUDGETS
from nv_one_logger.cli.selftest.delivery import FAILED, NOT_ASKED, TOOK_IT, Delivery
from nv_one_logger.cli.selftest.measuring import Cost
from nv_one_logger.cli.tables import print_table
from nv_one_logger.config.switches import DISABLED

__all__ = ["print_costs", "print_deliveries", "print_remarks"]

_STYLES = {TOOK_IT: "green", FAILED: "bold red", NOT_ASKED: "dim", "within": "green", "over": "yellow"}


def print_deliveries(console: Console, deliveries: Sequence[Delivery], is_off: bool) -> None:
    """Print what became of the span; ``is_off`` tells that all telemetry is switched off."""
    if is_off or not deliveries:
        reason = f"Telemetry is switched off by {DISABLED}" if is_off else "No plugin is configured here"
        console.print(f"{reason}, so nothing took the span.", soft_wrap=not console.is_terminal)
        return
    rows = [(one.name, one.outcome, one.reason) for one in deliveries]
    print_table(console, ("Plugin", "Span", "Why"), rows, styles=_STYLES, whole=("Span",))


def print_costs(console: Console, costs: Sequence[Cost]) -> None:
    """Print the costs beside their budget."""
    rows = [_row(cost) for cost in costs]
    print_table(console, ("Operation", "Time", "Measured", "Budget", "Verdict"), rows, styles=_STYLES, whole=("Time",))


def print_remarks(console: Console, remarks: Sequence[str]) -> None:
    """Print what the library logged meanwhile."""
    for remark in remarks:
        console.print(printable(remark), style="yellow", soft_wrap=True)


def _row(cost: Cost) -> Sequence[str]:
    budget = BUDGETS[cost.operation]
    verdict = "within" if cost.is_within_budget else "over"
    measured = f"{cost.ratio:.2f} x {budget.baseline}"
    return (str(cost.operation), f"{cost.microseconds:.2f} us", measured, f"{budget.ratio:g} x", verdict)
