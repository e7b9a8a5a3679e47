"""Runs the blocks of one page from top to bottom, in one namespace and in the working directory.

``test_pages.py`` starts this with a file of steps in JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

Step = Dict[str, Any]
PROGRAMS = {
    "one-logger": [sys.executable, "-m", "nv_one_logger.cli.main"],
    "python": [sys.executable, "-W", "error"],
}


def write_file(step: Step, namespace: Dict[str, Any]) -> None:
    """Write the file that a block shows."""
    path = Path(step["title"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(step["text"], encoding="utf-8")


def run_python(step: Step, namespace: Dict[str, Any]) -> None:
    """Run a block, and compare what it prints if the page tells."""
    # Empty lines in front, so that a traceback names the line of the page.
    source = "\n" * (step["line"] - 1) + step["text"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, step["page"], "exec", dont_inherit=True), namespace)
    if step["output"] is not None:
        expect(step, step["output"], printed.getvalue())


def run_console(step: Step, namespace: Dict[str, Any]) -> None:
    """Run the commands of a block, each ``$ [NAME=value] program argument ...`` and below it what it prints."""
    for entry in re.split(r"^\$ ", step["text"], flags=re.MULTILINE)[1:]:
        command, _, expected = entry.partition("\n")
        done = run_command(shlex.split(command))
        if done.returncode != 0:
            sys.exit(f"{step['page']}, line {step['line']}: {command}\n{done.stdout}{done.stderr}")
        if expected:
            expect(step, expected, done.stdout)


def run_command(words: List[str]) -> subprocess.CompletedProcess[str]:
    """Run one command line; of the programs those that the pages speak of."""
    environ = dict(os.environ)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environ[name] = value
    command = [*PROGRAMS[words[0]], *words[1:]]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def run_pytest(step: Step, namespace: Dict[str, Any]) -> None:
    """Run the tests that the page shows."""
    Path("test_page.py").write_text(step["text"], encoding="utf-8")
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", *step["options"]]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_page.py"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{step['page']}: its tests fail\n{done.stdout}{done.stderr}")


def expect(step: Step, expected: str, printed: str) -> None:
    """Compare what was printed with what the page says, where ``...`` stands for anything."""
    pattern = ".*?".join(map(re.escape, clean(expected).split("...")))
    if re.fullmatch(pattern, clean(printed), flags=re.DOTALL) is None:
        sys.exit(f"{step['page']}, line {step['line']}: the page says\n{expected}\nbut it prints\n{printed}")


def clean(text: str) -> str:
    """Return a text without blanks at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


RUNNERS: Dict[str, Callable[[Step, Dict[str, Any]], None]] = {
    "file": write_file,
    "python": run_python,
    "console": run_console,
    "pytest": run_pytest,
}

if __name__ == "__main__":
    namespace: Dict[str, Any] = {"__name__": "__main__"}
    for step in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        RUNNERS[step["kind"]](step, namespace)
