"""The click group whose commands are plugins, each imported when it is asked for."""

from __future__ import annotations

import difflib
import os
from typing import Any, Dict, List, Optional, Tuple

import click
from click.shell_completion import CompletionItem

from nv_one_logger.cli.registry import CommandEntry, find_commands
from nv_one_logger.config.switches import Switches
from nv_one_logger.core.exceptions import OneLoggerError, PluginError
from nv_one_logger.host.catalogue import Catalogue
from nv_one_logger.host.inspection import find_hookimpls

__all__ = ["PluginGroup"]


class CommandPluginError(click.ClickException):
    """A command exists and its plugin cannot be used; the others can."""


class PluginGroup(click.Group):
    """A group that takes its commands from installed plugins.

    ``--help`` and shell completion list the commands by their published names and import none of them.
    """

    _entries: Optional[Dict[str, CommandEntry]] = None

    @property
    def entries(self) -> Dict[str, CommandEntry]:
        """Every command installed, by name."""
        if self._entries is None:
            self._entries = find_commands(Catalogue(), Switches.from_environ(os.environ))
        return self._entries

    def list_commands(self, ctx: click.Context) -> List[str]:
        """Return the names of all commands, in the order of the help page."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Optional[click.Command]:
        """Return a command, importing its plugin; ``None`` when nobody publishes it.

        Raises:
            CommandPluginError: Its plugin is switched off or broken.
        """
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        try:
            return load_command(entry)
        except OneLoggerError as error:
            raise CommandPluginError(error.message) from error

    def resolve_command(
        self, ctx: click.Context, args: List[str]
    ) -> Tuple[Optional[str], Optional[click.Command], List[str]]:
        """Find the command that the first argument names; an unknown one is answered with the nearest."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{hint} 'one-logger --help' lists the commands.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        rows = [(name, self._summary(name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> List[CompletionItem]:
        """Complete the names of commands without importing any."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=self._summary(name)) for name in names), *options]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it returns is dropped, as an exit code is set with ``ctx.exit(code)``."""
        super().invoke(ctx)

    def _summary(self, name: str) -> str:
        entry = self.entries[name]
        return f"{entry.summary} (off: {entry.off_because})" if entry.off_because else entry.summary


def load_command(entry: CommandEntry) -> click.Command:
    """Import a command's plugin and let it add its command to a group of its own.

    Raises:
        PluginError: The plugin cannot be imported, fails, or adds no command of that name.
    """
    plugin = entry.load()
    group = click.Group()
    try:
        # Called directly, not through the host, which would keep its error from us: there is only this one plugin.
        for implementation in find_hookimpls(plugin):
            if implementation.hook == "one_logger_commands" and not implementation.is_wrapper:
                implementation.function(**dict.fromkeys(implementation.arguments, group))
    except Exception as error:
        raise PluginError(
            f"Command '{entry.name}' of {entry.publisher}: its plugin fails ({type(error).__name__}: {error}). "
            "Repair or uninstall that distribution."
        ) from error
    command = group.commands.get(entry.name)
    if command is None:
        added = ", ".join(sorted(group.commands)) or "none"
        raise PluginError(
            f"Command '{entry.name}' of {entry.publisher}: its plugin adds no command of that name (it adds: {added}). "
            "Its hookimpl one_logger_commands(group) must add one named as the entry point."
        )
    return command
