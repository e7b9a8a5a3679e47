from __future__ import annotations

import io
from typing import Callable

from rich.console import Console

from nv_one_logger.cli.selftest.budget import BUDGETS, Operation
from nv_one_logger.cli.selftest.delivery import FAILED, TOOK_IT, Delivery
from nv_one_logger.cli.selftest.measuring import Cost
from nv_one_logger.cli.selftest.view import print_costs, print_deliveries, print_remarks


def shown(show: Callable[[Console], None], width: int = 200, terminal: bool = False) -> str:
    stream = io.StringIO()
    show(Console(file=stream, width=width, force_terminal=terminal, color_system=None, highlight=False))
    return stream.getvalue()


def test_deliveries_are_a_table() -> None:
    deliveries = [Delivery("file", TOOK_IT), Delivery("acme", FAILED, "the server is gone")]
    assert shown(lambda console: print_deliveries(console, deliveries, is_off=False)) == (
        "Plugin  Span     Why\nfile    took it\nacme    FAILED   the server is gone\n"
    )


def test_nothing_to_send_to_is_told_with_its_reason() -> None:
    assert "No plugin is configured here" in shown(lambda console: print_deliveries(console, [], is_off=False))
    assert "ONE_LOGGER_DISABLED" in shown(lambda console: print_deliveries(console, [], is_off=True))


def test_costs_stand_beside_their_budget() -> None:
    limit = BUDGETS[Operation.SPAN].ratio
    costs = [Cost(Operation.SPAN, 7.256, limit / 2), Cost(Operation.EVENT, 5.0, 100.0)]
    _, span, event = shown(lambda console: print_costs(console, costs)).splitlines()
    assert span.split() == ["span", "7.26", "us", f"{limit / 2:.2f}", "x", "raw", "write", f"{limit:g}", "x", "within"]
    assert event.endswith("over")


def test_costs_fit_a_narrow_terminal() -> None:
    lines = shown(lambda console: print_costs(console, [Cost(Operation.FLUSH, 1.0, 1.0)]), 60, True).splitlines()
    assert max(map(len, lines)) <= 60


def test_remarks_are_one_line_each() -> None:
    assert shown(lambda console: print_remarks(console, ["a" * 300, "b\x1b[0m"])) == "a" * 300 + "\nb\\x1b[0m\n"
