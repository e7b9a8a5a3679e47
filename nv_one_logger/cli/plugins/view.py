"""How plugins are shown."""

from __future__ import annotations

from typing import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from nv_one_logger.cli.console import printable
from nv_one_logger.cli.plugins.inspection import LoadedPlugin
from nv_one_logger.cli.plugins.listing import PluginRow
from nv_one_logger.cli.plugins.parameters import Parameter
from nv_one_logger.cli.tables import print_table

__all__ = ["STATE_STYLES", "print_loaded", "print_parameters", "print_rows", "print_snippet"]

STATE_STYLES: Mapping[str, str] = {
    "on": "green",
    "off": "yellow",
    "blocked": "magenta",
    "broken": "bold red",
    "available": "dim",
}
_HEADINGS = ("Name", "State", "Distribution", "Object", "Why")


def print_rows(console: Console, rows: Sequence[PluginRow]) -> None:
    """Print what is known without importing anything."""
    print_table(console, _HEADINGS, [_cells(row) for row in rows], styles=STATE_STYLES, whole=("State",))


def print_loaded(console: Console, plugins: Sequence[LoadedPlugin]) -> None:
    """Print what is known after importing."""
    cells = [(*_cells(one.row), _loaded_text(one)) for one in plugins]
    print_table(console, (*_HEADINGS, "Hooks"), cells, styles=STATE_STYLES, whole=("State",))


def print_parameters(console: Console, parameters: Sequence[Parameter], more: bool) -> None:
    """Print the arguments of a constructor, each with what is said about it below."""
    if not parameters and not more:
        console.print("It takes no arguments.")
    for parameter in parameters:
        line = Text.assemble((printable(parameter.name), "bold"))
        line.append(f": {printable(parameter.type_text)}" if parameter.type_text else "")
        line.append(" (required)" if parameter.is_required else f" = {printable(parameter.default_text)}")
        _print_indented(console, line, 2)
        for text in filter(None, (parameter.text, parameter.schema.words)):
            _print_indented(console, Text(printable(text), style="dim"), 6)
    if more:
        _print_indented(console, Text("further arguments are passed on", style="dim"), 2)


def print_snippet(console: Console, snippet: str) -> None:
    """Print YAML exactly as it is, so that it can be copied."""
    console.print(Text(snippet.rstrip("\n"), style="cyan"), soft_wrap=True)


def _cells(row: PluginRow) -> Sequence[str]:
    return (row.name, row.state, row.publisher, row.reference or "-", row.reason)


def _loaded_text(plugin: LoadedPlugin) -> str:
    if plugin.is_left_alone:
        return "not imported"
    return f"BROKEN: {plugin.problem}" if plugin.problem else ", ".join(plugin.hooks)


def _print_indented(console: Console, text: Text, columns: int) -> None:
    if console.is_terminal:
        console.print(Padding(text, (0, 0, 0, columns)))
    else:
        console.print(Text(" " * columns) + text, soft_wrap=True)
