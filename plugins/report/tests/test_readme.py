"""The README's programs and commands, in the order in which they stand there."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
PROGRAMS = {"one-logger": [sys.executable, "-m", "nv_one_logger.cli.main"], "python": [sys.executable, "-W", "error"]}
BLOCK = re.compile(
    r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


def assert_printed(printed: str, expected: str, what: str) -> None:
    def clean(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip().splitlines())

    pattern = ".*?".join(map(re.escape, clean(expected).split("...")))
    assert re.fullmatch(pattern, clean(printed), re.DOTALL), (
        f"{what}\nprints\n{printed}\nbut the README says\n{expected}"
    )


def run_console(text: str) -> None:
    for entry in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = entry.partition("\n")
        words, environ = shlex.split(command), dict(os.environ)
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            environ[name] = value
        done = subprocess.run(
            [*PROGRAMS[words[0]], *words[1:]], env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if expected.strip():
            assert_printed(done.stdout, expected, command)


def test_blocks_of_the_readme_run_and_print_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    printed = ""
    for block in BLOCK.finditer(README.read_text(encoding="utf-8")):
        text = block["text"]
        if block["title"]:
            Path(block["title"]).write_text(text, encoding="utf-8")
        elif block["language"] == "console":
            run_console(text)
        elif block["language"] == "python":
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(text, str(README), "exec"), {})
            printed = output.getvalue()
        elif printed:
            assert_printed(printed, text, "the program above it")
            printed = ""


def test_every_column_and_bucket_is_documented() -> None:
    from nv_one_logger.report.model import Bucket, StopCause
    from nv_one_logger.report.store.schema import TABLES

    text = README.read_text(encoding="utf-8")
    wanted = [name for schema in TABLES.values() for name in schema.names] + [*TABLES]
    wanted += [bucket.value for bucket in Bucket] + [cause.value for cause in StopCause]
    assert [name for name in wanted if f"`{name}`" not in text] == []
