"""The commands ``one-logger config explain``, ``check``, ``schema`` and ``init``."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import click

from nv_one_logger.cli.in_force import config_option, json_option, output_kept_apart, resolve_in_force
from nv_one_logger.host import hookimpl

__all__ = ["config", "one_logger_commands"]

_DEFAULT_FILE = "one_logger_exporters_config.yaml"
_CODE_HINT = "Plugins that a program adds in code are not seen from here: run it with ONE_LOGGER_EXPLAIN=1."


@hookimpl
def one_logger_commands(group: click.Group) -> None:
    """Add ``config``."""
    group.add_command(config)


@click.group(short_help="Explain, check and write the configuration of the exporters.")
def config() -> None:
    """Explain, check and write the configuration of the exporters.

    It is made of code, a file, and defaults of installed packages; the former beats the latter, value by value. The
    file is the one that a program names, else that of ONE_LOGGER_EXPORTER_CONFIG_PATH, else
    one_logger_exporters_config.yaml, .yml or .json in the working directory.
    """


@config.command(short_help="Tell where every value comes from, and what it won against.")
@click.option("--load", is_flag=True, help="Import the plugins that are on, for the defaults of their constructors.")
@config_option
@json_option
def explain(load: bool, config_file: Optional[Path], as_json: bool) -> None:
    """Tell where every value of the configuration comes from, and what it won against.

    Files, the environment and installed packages are looked at. What a program adds in code is known to that program
    only: run it with ONE_LOGGER_EXPLAIN=1, and it prints the same, code included.

    Exit code 0, also when there are mistakes: 'one-logger config check' is for those.
    """
    from nv_one_logger.cli.config.view import print_explanation
    from nv_one_logger.cli.console import make_console
    from nv_one_logger.cli.tables import print_json
    from nv_one_logger.config.build import explain_imported

    resolution = resolve_in_force(config_file)
    with output_kept_apart():
        explanation = explain_imported(resolution) if load else resolution.explanation
    if as_json:
        print_json({**explanation.as_dict(), "note": _CODE_HINT})
        return
    console = make_console()
    print_explanation(console, explanation.render())
    print_explanation(console, _CODE_HINT)


@config.command(short_help="Find all mistakes in a file at once.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
@json_option
@click.pass_context
def check(ctx: click.Context, file: Optional[Path], strict: bool, as_json: bool) -> None:
    """Find all mistakes in FILE at once, each with its line, its place in it, and what to do.

    Without FILE, the file that a program started here would find is checked. What it enables is imported, and its
    arguments are converted as for a run; nothing is constructed, so a constructor may still refuse a value. Entries
    that are off are checked for their form only.

    Exit codes: 0 no errors; 1 errors, or with --strict warnings; 2 the command line is wrong.
    """
    from nv_one_logger.cli.config.checking import check_file, file_to_check
    from nv_one_logger.cli.config.view import print_mistakes
    from nv_one_logger.cli.console import make_console, printable
    from nv_one_logger.cli.exit_codes import FAILURE
    from nv_one_logger.cli.tables import print_json

    path = file_to_check(file)
    mistakes = check_file(path)
    errors = [mistake for mistake in mistakes if not mistake.is_warning]
    warnings = len(mistakes) - len(errors)
    if as_json:
        print_json({"file": str(path), "errors": len(errors), "mistakes": [one.as_dict() for one in mistakes]})
    else:
        console = make_console()
        print_mistakes(console, mistakes)
        summary = f"{_counted(len(errors), 'error')}, {_counted(warnings, 'warning')}"
        console.print(f"{printable(str(path))}: {summary if mistakes else 'no mistakes'}", soft_wrap=True)
    if errors or (strict and mistakes):
        ctx.exit(FAILURE)


@config.command(short_help="Write a JSON schema, by which editors complete and check files.")
def schema() -> None:
    r"""Write a JSON schema of the configuration file, by which editors complete and check it.

    It is made from the constructors of the plugins that are installed here, which are imported; make it anew when you
    install others. For editors with the YAML language server:

    \b
      one-logger config schema > one_logger.schema.json
      and as the first line of the YAML file
      # yaml-language-server: $schema=one_logger.schema.json

    Arguments without a JSON form are described in words. It is stricter than a run: it wants 3 where "3" would do, and
    a dot or colon in paths of classes and modules. Exit code 0; broken plugins are named on standard error.
    """
    from nv_one_logger.cli.config.schema import make_schema
    from nv_one_logger.cli.console import make_console, printable
    from nv_one_logger.cli.tables import print_json
    from nv_one_logger.config import LoadedSources, Switches, resolve
    from nv_one_logger.host.catalogue import Catalogue

    with output_kept_apart():
        made = make_schema(resolve([LoadedSources()], Catalogue(), Switches()))
    print_json(made.document)
    for plugin in made.left_out:
        make_console(stderr=True).print(
            f"{printable(plugin.row.name)} is left out: {printable(plugin.problem)}", style="yellow", soft_wrap=True
        )


@config.command(short_help="Write a commented file to begin with.")
@click.argument("file", default=_DEFAULT_FILE, type=click.Path(dir_okay=False, path_type=Path))
def init(file: Path) -> None:
    """Write a commented configuration to FILE (one_logger_exporters_config.yaml), to begin with.

    It names the plugins that are installed. A file that exists is never touched.

    Exit codes: 0 written; 1 the file exists, or cannot be written.
    """
    from nv_one_logger.cli.config.starting_file import starting_file, write_new
    from nv_one_logger.host.catalogue import Catalogue

    catalogue = Catalogue()
    write_new(file, starting_file(catalogue.exporters(), catalogue.package_defaults()))
    click.echo(f"{file} is written. 'one-logger config check {file}' checks it.")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
