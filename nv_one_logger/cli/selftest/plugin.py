"""The command ``one-logger selftest``."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import click

from nv_one_logger.cli.in_force import config_option, json_option
from nv_one_logger.host import hookimpl

__all__ = ["one_logger_commands", "selftest"]


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``selftest``."""
    group.add_command(selftest)


@click.command(short_help="Try every plugin, and measure what telemetry costs here.")
@click.option(
    "--spans",
    type=click.IntRange(0, 1_000_000),
    default=600,
    show_default=True,
    help="How many spans, and as many events, to measure with. 0 measures nothing.",
)
@config_option
@json_option
@click.pass_context
def selftest(ctx: click.Context, spans: int, config_file: Optional[Path], as_json: bool) -> None:
    """Send a span through every plugin, and measure what telemetry costs here.

    The configuration in force is used as an application would use it, so what is sent really arrives: one span named
    one_logger_selftest, then as many as --spans says, and as many events. Costs are given beside the published budget,
    in proportion to what the machine needs to encode one record and write it. The budget is for one file exporter: each
    further plugin adds its own time, unless it runs in the background. "over" is no error, as a busy machine measures
    badly.

    Exit codes: 0; 1 when a plugin that is on did not take the span.
    """
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.cli.exit_codes import FAILURE
    from nv_one_logger.cli.selftest.delivery import failures_meanwhile, send_span
    from nv_one_logger.cli.selftest.measuring import measure
    from nv_one_logger.cli.selftest.telemetry import Remarks, running_telemetry
    from nv_one_logger.cli.selftest.view import print_costs, print_deliveries, print_remarks
    from nv_one_logger.cli.tables import print_json

    remarks = Remarks()
    with running_telemetry(config_file, remarks) as provider:
        is_off = not provider.one_logger_enabled
        deliveries = send_span(provider)
        remarks.forget(delivery.reason for delivery in deliveries)
        logged = list(remarks.texts)
        costs = measure(provider, spans) if spans else []
        logged.extend(failures_meanwhile(provider, deliveries))
    if as_json:
        print_json(
            {
                "switched_off": is_off,
                "deliveries": [delivery.as_dict() for delivery in deliveries],
                "costs": [cost.as_dict() for cost in costs],
                "remarks": logged,
            }
        )
    else:
        console = make_console()
        print_deliveries(console, deliveries, is_off)
        if costs:
            console.print()
            print_costs(console, costs)
        print_remarks(make_console(stderr=True), logged)
    if any(delivery.has_failed for delivery in deliveries):
        ctx.exit(FAILURE)
