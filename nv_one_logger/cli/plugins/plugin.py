"""The commands ``one-logger plugins`` and ``one-logger plugins show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, List, Optional, Sequence

import click

from nv_one_logger.cli.in_force import config_option, json_option, resolve_in_force
from nv_one_logger.host import hookimpl

if TYPE_CHECKING:
    from nv_one_logger.cli.plugins.inspection import LoadedPlugin
    from nv_one_logger.cli.plugins.listing import PluginRow
    from nv_one_logger.cli.plugins.parameters import Parameter
    from nv_one_logger.config import Resolution

__all__ = ["one_logger_commands", "plugins"]


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``plugins``."""
    group.add_command(plugins)


@click.group(invoke_without_command=True, short_help="List the plugins that are installed, which are on, and why.")
@click.option("--load", is_flag=True, help="Import the plugins: add the hooks they implement, and what is broken.")
@config_option
@json_option
@click.pass_context
def plugins(ctx: click.Context, load: bool, config_file: Optional[Path], as_json: bool) -> None:
    r"""List the plugins that are installed, which are on, and why.

    \b
    on         runs
    off        mentioned in a source, and switched off there
    blocked    kept out by ONE_LOGGER_DISABLE, ONE_LOGGER_SAFE_MODE or ONE_LOGGER_DISABLED
    broken     wanted, and cannot be had
    available  installed, and no source mentions it

    No plugin is imported without --load; only the small modules in which packages say what they want enabled are.
    Blocked plugins are never imported. Plugins that a program adds in code are not seen from here: run it with
    ONE_LOGGER_EXPLAIN=1.

    Exit codes: 0, or 1 when --load finds a broken plugin.
    """
    if ctx.invoked_subcommand is not None:
        return
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.cli.exit_codes import FAILURE
    from nv_one_logger.cli.plugins.inspection import load_all
    from nv_one_logger.cli.plugins.listing import list_plugins, problems_of
    from nv_one_logger.cli.plugins.view import print_loaded, print_rows
    from nv_one_logger.cli.tables import print_json

    resolution = resolve_in_force(config_file)
    rows = list_plugins(resolution)
    loaded = load_all(rows, resolution.catalogue) if load else ()
    problems = problems_of(resolution)
    if as_json:
        print_json({"plugins": [one.as_dict() for one in loaded or rows], "problems": problems})
    else:
        if loaded:
            print_loaded(make_console(), loaded)
        else:
            print_rows(make_console(), rows)
        for problem in problems:
            make_console(stderr=True).print(problem, style="yellow", soft_wrap=True)
    if any(one.problem for one in loaded):
        ctx.exit(FAILURE)


def _complete_name(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> List[str]:
    from nv_one_logger.host.catalogue import Catalogue

    catalogue = Catalogue()
    names = dict.fromkeys(entry.name for entry in (*catalogue.exporters(), *catalogue.package_defaults()))
    return [name for name in names if name.startswith(incomplete)]


@plugins.command(short_help="Show one plugin: its arguments, and YAML to paste.")
@click.argument("name", shell_complete=_complete_name)
@config_option
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, config_file: Optional[Path], as_json: bool) -> None:
    """Show the plugin NAME: where it comes from, its hooks, the arguments of its constructor, and YAML to paste.

    NAME is any name it answers to: of the catalogue, of an entry, or the path of a class such as
    package.module.Class. The plugin is imported, and not constructed.

    Exit codes: 0, or 1 when there is no such plugin or it is broken.
    """
    from nv_one_logger.cli.exit_codes import FAILURE
    from nv_one_logger.cli.plugins.inspection import load_one

    resolution = resolve_in_force(config_file)
    plugin = load_one(_row_named(name, resolution), resolution.catalogue)
    if as_json:
        _show_json(plugin)
    else:
        _show(plugin)
    if plugin.problem:
        ctx.exit(FAILURE)


def _row_named(name: str, resolution: Resolution) -> PluginRow:
    import difflib

    from nv_one_logger.cli.plugins.listing import AVAILABLE, PluginRow, find_row, list_plugins
    from nv_one_logger.core.exceptions import PluginError

    rows = list_plugins(resolution)
    row = find_row(rows, name)
    if row is None and ("." in name or ":" in name):
        row = PluginRow(name, AVAILABLE, "no source mentions it", "", "", name, (name,))
    if row is None:
        near = difflib.get_close_matches(name, [alias for one in rows for alias in one.aliases], n=1)
        hint = f"Did you mean '{near[0]}'?" if near else "'one-logger plugins' lists what is installed."
        raise PluginError(f"No plugin is called '{name}'. {hint}")
    return row


def _show_json(plugin: LoadedPlugin) -> None:
    from nv_one_logger.cli.plugins.docstrings import summary
    from nv_one_logger.cli.plugins.parameters import describe_parameters, takes_more
    from nv_one_logger.cli.tables import print_json

    parameters = describe_parameters(plugin.found)
    print_json(
        {
            **plugin.as_dict(),
            "summary": summary(plugin.found),
            "arguments": [parameter.as_dict() for parameter in parameters],
            "further_arguments": takes_more(plugin.found),
            "yaml": _yaml(plugin, parameters),
        }
    )


def _show(plugin: LoadedPlugin) -> None:
    from nv_one_logger.cli.console import make_console, printable
    from nv_one_logger.cli.plugins.docstrings import summary
    from nv_one_logger.cli.plugins.parameters import describe_parameters, takes_more
    from nv_one_logger.cli.plugins.view import print_parameters, print_snippet

    console, row = make_console(), plugin.row
    console.print(f"{printable(row.name)}  {printable(row.reference or '-')}", style="bold", soft_wrap=True)
    console.print(f"from {printable(row.publisher)}", soft_wrap=not console.is_terminal)
    console.print(f"{row.state}: {printable(row.reason)}", soft_wrap=not console.is_terminal)
    if plugin.problem:
        console.print(f"BROKEN: {printable(plugin.problem)}", style="bold red", soft_wrap=not console.is_terminal)
        return
    if summary(plugin.found):
        console.print(printable(summary(plugin.found)), soft_wrap=not console.is_terminal)
    console.print(f"Hooks: {', '.join(plugin.hooks)}", soft_wrap=not console.is_terminal)
    parameters = describe_parameters(plugin.found)
    console.print("\nArguments", style="bold")
    print_parameters(console, parameters, takes_more(plugin.found))
    console.print("\nTo paste into one_logger_exporters_config.yaml", style="bold")
    print_snippet(console, _yaml(plugin, parameters))


def _yaml(plugin: LoadedPlugin, parameters: Sequence[Parameter]) -> str:
    from nv_one_logger.cli.plugins.snippet import entry_yaml

    row = plugin.row
    if row.is_default:
        return entry_yaml(row.name, parameters, key="name")
    return entry_yaml(row.entry.name if row.entry is not None else row.reference, parameters)
