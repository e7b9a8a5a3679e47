"""The ``one-logger`` group, and what becomes of errors: a line for the user, a traceback only on request."""

from __future__ import annotations

import io
import os
import platform
import sys
import traceback
from dataclasses import dataclass
from typing import Optional, Sequence

import click

from nv_one_logger.cli import exit_codes
from nv_one_logger.cli.group import PluginGroup
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.version import get_version

__all__ = ["run"]

_EPILOG = """\b
Exit codes:
  0    done
  1    the command could not do it, and said why
  2    the command line is wrong
  3    click or rich is not installed (extra 'cli')
  70   a fault in a command; --debug shows where
  130  interrupted
Codes from 4 to 63 are a command's own; its --help says what they mean.
"""


@dataclass
class _Settings:
    debug: bool = False


def _set_debug(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    # Eager, since finding the command comes before the body of the group, and may be what fails.
    ctx.ensure_object(_Settings).debug = wanted


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        version = get_version("nv-one-logger-core")
        click.echo(f"one-logger {version} (Python {platform.python_version()})")
        ctx.exit()


@click.group(
    cls=PluginGroup,
    epilog=_EPILOG,
    subcommand_metavar="COMMAND [ARGS]...",  # versions of click differ in it
    invoke_without_command=True,  # click 8.2 would make a usage error of it
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--debug",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_set_debug,
    help="Show the traceback of an error.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def one_logger(ctx: click.Context) -> None:
    """Telemetry of training jobs, from the command line.

    Commands are plugins: installed distributions add their own. 'one-logger COMMAND --help' explains one.
    ONE_LOGGER_DISABLE=name,name switches commands off, ONE_LOGGER_SAFE_MODE=1 all but our own. Colours appear on a
    terminal only, and not where NO_COLOR is set.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Optional[Sequence[str]] = None) -> int:
    """Run ``one-logger`` and return its exit code; exceptions of commands end here."""
    _never_fail_on_characters()
    settings = _Settings()
    try:
        code = one_logger.main(
            args=None if arguments is None else list(arguments),
            prog_name="one-logger",
            standalone_mode=False,
            obj=settings,
        )
        sys.stdout.flush()  # here, where it is still known what to do if nobody reads it
    except Exception as error:
        return _report(error, settings)
    return code if isinstance(code, int) else exit_codes.OK


def _report(error: Exception, settings: _Settings) -> int:
    if isinstance(error, BrokenPipeError):  # the reader has seen enough, as `head` has
        _write_no_more()
        return exit_codes.FAILURE
    if settings.debug:
        traceback.print_exception(type(error), error, error.__traceback__)
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, click.Abort):
        click.echo("Interrupted.", err=True)
        return exit_codes.INTERRUPTED
    if isinstance(error, (OneLoggerError, OSError)):
        click.echo(f"Error: {error}", err=True)
        return exit_codes.FAILURE
    click.echo(f"Internal error: {type(error).__name__}: {error}", err=True)
    if not settings.debug:
        click.echo("Run 'one-logger --debug COMMAND ...' to see where, and report it.", err=True)
    return exit_codes.INTERNAL_ERROR


def _write_no_more() -> None:
    """Give the interpreter, which flushes at exit, something that can be written to."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _never_fail_on_characters() -> None:
    """Let a character that the terminal's encoding lacks be written as an escape instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
