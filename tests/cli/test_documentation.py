"""docs/cli.md shows what the commands really print, in the environment that the page describes."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

import pytest

from nv_one_logger.cli.registry import BUILTIN_COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cli.md"

ACME = '''
    from nv_one_logger.exporter.exporter import BaseExporter
    from nv_one_logger.host import hookimpl


    class AcmeExporter(BaseExporter):
        """Sends finished spans to the server of Acme.

        Args:
            url: Where the server listens.
            retries: How often to try again.
            api_key: Who we are; best given as ${ACME_API_KEY}.
        """

        def __init__(self, url: str, retries: int = 3, api_key: str = "") -> None:
            super().__init__()

        def export_stop(self, span):
            pass

        @hookimpl
        def flush(self, timeout_sec):
            pass
'''
DEFAULTS = """
    class Defaults:
        @staticmethod
        def get_default_config():
            return {"class_name": "file", "config": {"file_path": "acme/{application_name}.jsonl", "backup_count": 3}}
"""

# What differs from run to run and from machine to machine, and what stands for it when two outputs are compared.
VARIABLE = [
    (re.compile(r"nv-one-logger-core \d+\.\d+\.\d+"), "nv-one-logger-core VERSION"),
    (re.compile(r"[\d.]+ us +[\d.]+ x raw"), "TIME RATIO x raw"),
    (re.compile(r" x +(within|over)$", re.MULTILINE), " x VERDICT"),
    (re.compile(r"\d\d:\d\d:\d\d\.\d{3}"), "TIME"),
    (re.compile(r"(<1|[\d.]+) (ms|s)\b"), "DURATION"),
    (re.compile(r"\b\w+_(time|sec|msec|timestamp)\w*=\S+"), "TIMES"),
    (re.compile(r"[─━┏┓┡┩┃│├┤┴┬┼╇╈└┘┌┐]+"), "|"),
    (re.compile(r"[^\S\n]+"), " "),  # widths of columns follow from the above
    (re.compile(r" +$", re.MULTILINE), ""),
]


class Command(NamedTuple):
    """A command of the page and what it prints there."""

    line: int
    command: str
    printed: str


def commands_of(text: str) -> List[Command]:
    """Return the commands of all console blocks, in order."""
    commands = []
    for block in re.finditer(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for entry in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block[1], re.MULTILINE):
            line = text.count("\n", 0, block.start(1) + entry.start()) + 1
            commands.append(Command(line, entry[1], entry[2]))
    return commands


def write_files(text: str, folder: Path) -> None:
    """Write the files that the page shows."""
    for block in re.finditer(r'^```\w+ title="(.*?)"\n(.*?)^```$', text, re.MULTILINE | re.DOTALL):
        (folder / block[1]).write_text(block[2], encoding="utf-8")


def run_all(commands: List[Command], folder: Path, environ: Dict[str, str]) -> List[str]:
    """Run the commands one after the other in one shell and return what each prints, remarks included."""
    (folder / "bin").mkdir()
    script = folder / "bin" / "one-logger"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nv_one_logger.cli.main "$@"\n')
    script.chmod(0o755)
    work = folder / "work"
    work.mkdir()
    write_files(PAGE.read_text(encoding="utf-8"), work)
    end = "--end-of-output--"
    program = "".join(f"{one.command}\nstatus=$?\necho '{end}'\n(exit $status)\n" for one in commands)
    path = os.pathsep.join([str(folder / "bin"), environ.get("PATH", "")])
    done = subprocess.run(
        ["sh", "-c", program],
        env={**environ, "PATH": path, "HOME": str(folder)},
        cwd=str(work),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
        encoding="utf-8",
    )
    return done.stdout.split(f"{end}\n")[: len(commands)]


def normalised(text: str) -> str:
    """Return a text without what differs from run to run."""
    for pattern, replacement in VARIABLE:
        text = pattern.sub(replacement, text)
    return text.strip()


@pytest.fixture
def acme_telemetry(distribution: Any) -> None:
    """Install the distribution that the page is written for."""
    distribution(
        "acme-telemetry",
        version="1.2",
        exporters={"acme": "acme:AcmeExporter"},
        defaults={"acme_file": "acme_defaults:Defaults"},
        modules={"acme": ACME, "acme_defaults": DEFAULTS},
    )


def _environ() -> Dict[str, str]:
    spec = importlib.util.spec_from_file_location("conftest_of_all", ROOT / "tests" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.library_environ({"PYTHONIOENCODING": "utf-8"}))


@pytest.mark.skipif("sys.platform == 'win32'", reason="the commands are run by a shell")
def test_every_command_prints_what_the_page_says(acme_telemetry: None, tmp_path: Path) -> None:
    commands = [one for one in commands_of(PAGE.read_text(encoding="utf-8")) if not one.command.startswith("pip ")]
    found = run_all(commands, tmp_path, _environ())
    for command, printed in zip(commands, found):
        place = f"docs/cli.md, line {command.line}: {command.command}"
        order = sorted if "one-logger demo" in command.command else list  # its spans are in the order of their times
        assert order(normalised(printed).split("\n")) == order(normalised(command.printed).split("\n")), place
    completion = (tmp_path / "work" / "one-logger-completion.sh").read_text()
    assert "complete -o nosort -F _one_logger_completion one-logger" in completion


def test_page_shows_every_command() -> None:
    shown = {one.command.split("one-logger ")[-1].split()[0] for one in commands_of(PAGE.read_text(encoding="utf-8"))}
    assert set(BUILTIN_COMMANDS) <= shown
