from __future__ import annotations

import io

from rich.console import Console

from nv_one_logger.cli.plugins.inspection import LoadedPlugin
from nv_one_logger.cli.plugins.listing import PluginRow
from nv_one_logger.cli.plugins.parameters import describe_parameters
from nv_one_logger.cli.plugins.view import print_loaded, print_parameters, print_rows, print_snippet
from nv_one_logger.exporter.file_exporter import FileExporter

ROW = PluginRow("acme", "on", "mentioned in x.yaml", "acme-telemetry", "1.2", "acme:AcmeExporter")


def console(width: int = 200, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None, highlight=False)


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def test_row_is_one_line_in_a_pipe() -> None:
    screen = console()
    print_rows(screen, [ROW])
    heading, line = text(screen).splitlines()
    assert heading.split() == ["Name", "State", "Distribution", "Object", "Why"]
    assert line == "acme  on     acme-telemetry 1.2  acme:AcmeExporter  mentioned in x.yaml"


def test_hooks_and_errors_are_added_after_loading() -> None:
    screen = console()
    print_loaded(
        screen,
        [
            LoadedPlugin(ROW, object(), ("export_stop", "flush")),
            LoadedPlugin(ROW, problem="kaputt\n\x1b[31mred"),
            LoadedPlugin(ROW, is_left_alone=True),
        ],
    )
    _, good, bad, blocked = text(screen).splitlines()
    assert good.endswith("mentioned in x.yaml  export_stop, flush")
    assert bad.endswith("BROKEN: kaputt \\x1b[31mred")
    assert blocked.endswith("not imported")


def test_parameters_are_indented_on_a_terminal_and_whole_in_a_pipe() -> None:
    narrow, pipe = console(40, terminal=True), console()
    print_parameters(narrow, describe_parameters(FileExporter), more=True)
    print_parameters(pipe, describe_parameters(FileExporter), more=False)
    assert max(map(len, text(narrow).splitlines())) <= 40
    assert text(narrow).splitlines()[-1].strip() == "further arguments are passed on"
    assert "  file_path: Union[Path, str] (required)\n      Where to write; missing" in text(pipe)
    assert "  fsync: bool = False\n" in text(pipe)


def test_plugin_without_arguments_is_told() -> None:
    screen = console()
    print_parameters(screen, (), more=False)
    assert text(screen) == "It takes no arguments.\n"


def test_snippet_is_never_broken() -> None:
    screen = console(20, terminal=True)
    print_snippet(screen, "a: " + "b" * 50 + "\n")
    assert text(screen) == "a: " + "b" * 50 + "\n"
