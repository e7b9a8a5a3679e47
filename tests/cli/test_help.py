"""What holds for every command: help that teaches, completion, errors without tracebacks, no colours in pipes."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

import click
import pytest

from nv_one_logger.cli.registry import BUILTIN_COMMANDS


def commands() -> Iterator[Tuple[str, click.Command]]:
    """Yield every command and subcommand with the words that call it."""
    for name, builtin in BUILTIN_COMMANDS.items():
        group = click.Group()
        importlib.import_module(builtin.value).one_logger_commands(group)
        command = group.commands[name]
        yield name, command
        if isinstance(command, click.Group):
            for inner, subcommand in command.commands.items():
                yield f"{name} {inner}", subcommand


COMMANDS: Dict[str, click.Command] = dict(commands())


@pytest.mark.parametrize("words", COMMANDS)
def test_help_says_more_than_the_list_of_commands(words: str) -> None:
    command = COMMANDS[words]
    assert command.help is not None
    assert len(command.help.split()) >= 30
    assert command.short_help


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_is_explained(words: str) -> None:
    options = [one for one in COMMANDS[words].params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []


@pytest.mark.parametrize(
    "words", [words for words, command in COMMANDS.items() if not isinstance(command, click.Group)]
)
def test_help_tells_exit_codes_that_mean_more_than_done(words: str) -> None:
    # Following files ends as the user wishes, and the general codes do for it.
    assert words == "tail" or "xit code" in str(COMMANDS[words].help)


@pytest.mark.parametrize("words", COMMANDS)
def test_help_is_shown_in_80_columns_and_without_colours(words: str, one_logger: Any) -> None:
    shown = one_logger(*words.split(), "--help", env={"COLUMNS": "80"}).stdout
    assert shown.startswith("Usage: one-logger ")
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    "arguments", [["config", "explain"], ["plugins"], ["selftest", "--spans", "0"]], ids=lambda words: words[0]
)
def test_missing_file_is_told_without_a_traceback(arguments: Any, one_logger: Any) -> None:
    done = one_logger(*arguments, "--config", "absent.yaml")
    assert "absent.yaml" in done.stdout + done.stderr
    assert "does not exist" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_written(shell: str, one_logger: Any) -> None:
    script = one_logger(env={"_ONE_LOGGER_COMPLETE": f"{shell}_source"}).stdout
    assert "_ONE_LOGGER_COMPLETE" in script
    assert "one-logger" in script


COMPLETE = """
source completion.sh
COMP_WORDS=(one-logger {words})
COMP_CWORD={last}
_one_logger_completion one-logger
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("sel", "selftest"),
        ("config che", "check"),
        ("plugins show log", "logger"),
        ("plugins --l", "--load"),
        ("tail --no-f", "--no-follow"),
    ],
)
def test_bash_completes(words: str, completed: str, one_logger: Any, run_python: Any, tmp_path: Path) -> None:
    script = one_logger(env={"_ONE_LOGGER_COMPLETE": "bash_source"}).stdout
    if "_ONE_LOGGER_COMPLETE=bash_complete" not in script:
        pytest.skip("this bash is too old for click")
    (tmp_path / "completion.sh").write_text(script)
    program = tmp_path / "bin" / "one-logger"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nv_one_logger.cli.main "$@"\n')
    program.chmod(0o755)
    task = COMPLETE.format(words=words, last=len(words.split()))
    (tmp_path / "task.sh").write_text(f'export PATH="{program.parent}:$PATH"\n{task}')
    # Started from Python, whose environment lets children import this copy of the library.
    start = "import subprocess; print(subprocess.run(['bash', 'task.sh'], stdout=subprocess.PIPE).stdout.decode())"
    assert run_python(start).stdout.strip() == completed
