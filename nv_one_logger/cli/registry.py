"""Which commands there are: our own and those of installed distributions, without importing any of them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Dict, Mapping, Tuple

from nv_one_logger.config.switches import DISABLE, SAFE_MODE, Switches
from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.host.catalogue import Catalogue, CatalogueEntry

__all__ = ["BUILTIN_COMMANDS", "CommandEntry", "find_commands"]


@dataclass(frozen=True)
class BuiltinCommand:
    """A command of this distribution: the module with its hookimpl, and its line in the list of commands.

    Attributes:
        value: The module.
        summary: Its line in ``one-logger --help``, for which nothing is imported.
    """

    value: str
    summary: str


# The same modules stand in pyproject.toml, for those who list entry points; with this table a source tree works too,
# and no other distribution can take one of the names.
BUILTIN_COMMANDS: Mapping[str, BuiltinCommand] = {
    "config": BuiltinCommand(
        "nv_one_logger.cli.config.plugin", "Explain, check and write the configuration of the exporters."
    ),
    "demo": BuiltinCommand(
        "nv_one_logger.cli.demo.plugin", "Train a small real model with telemetry and show what was recorded."
    ),
    "plugins": BuiltinCommand(
        "nv_one_logger.cli.plugins.plugin", "List the plugins that are installed, which are on, and why."
    ),
    "selftest": BuiltinCommand(
        "nv_one_logger.cli.selftest.plugin", "Try every plugin, and measure what telemetry costs here."
    ),
    "tail": BuiltinCommand("nv_one_logger.cli.tail.plugin", "Show the records of running jobs as they are written."),
}


@dataclass(frozen=True)
class CommandEntry:
    """A command as installed.

    Attributes:
        name: Its name on the command line.
        summary: Its line in the list of commands.
        sources: Who publishes it; several publish one name by accident. Empty for our own.
        module: The module, for our own.
        off_because: Why it is switched off, empty when it is not.
    """

    name: str
    summary: str
    sources: Tuple[CatalogueEntry, ...] = ()
    module: str = ""
    off_because: str = ""

    @property
    def publisher(self) -> str:
        """Who publishes it, with version, for a person."""
        return " and ".join(entry.publisher for entry in self.sources) or "nv-one-logger-core"

    def load(self) -> object:
        """Import the plugin.

        Raises:
            PluginError: It is switched off, published twice, or cannot be imported.
        """
        if self.off_because:
            raise PluginError(f"Command '{self.name}' is switched off by {self.off_because}.")
        if len(self.sources) > 1:
            raise PluginError(f"Command '{self.name}' is published by {self.publisher}. Uninstall one of them.")
        return self.sources[0].load() if self.sources else importlib.import_module(self.module)


def find_commands(catalogue: Catalogue, switches: Switches) -> Dict[str, CommandEntry]:
    """Return all commands by name, our own first, then in the order they are found."""
    commands = {
        name: CommandEntry(name, builtin.summary, module=builtin.value, off_because=_named_off(name, switches))
        for name, builtin in BUILTIN_COMMANDS.items()
    }
    strangers: Dict[str, Tuple[CatalogueEntry, ...]] = {}
    for entry in catalogue.commands():
        if entry.name not in BUILTIN_COMMANDS:
            strangers[entry.name] = (*strangers.get(entry.name, ()), entry)
    for name, sources in strangers.items():
        off_because = _named_off(name, switches) or (f"{SAFE_MODE}=1" if switches.safe_mode else "")
        summary = "from " + " and from ".join(entry.publisher for entry in sources)
        commands[name] = CommandEntry(name, summary, sources, off_because=off_because)
    return commands


def _named_off(name: str, switches: Switches) -> str:
    return f"{DISABLE}={name}" if name in switches.disable else ""
