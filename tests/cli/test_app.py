from __future__ import annotations

from typing import Any

import pytest

UNREAD = """
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
print(subprocess.run([sys.executable, "-m", "nv_one_logger.cli.main", *sys.argv[1:]], stdout=writer).returncode)
"""

FAIL = """
    import click
    from nv_one_logger.core.exceptions import OneLoggerError
    from nv_one_logger.host import hookimpl

    @hookimpl
    def one_logger_commands(group):
        @group.command("fail")
        @click.argument("how")
        @click.pass_context
        def fail(ctx, how):
            if how == "expected":
                raise OneLoggerError("the file is not ours")
            if how == "system":
                open("/no/such/file")
            if how == "bug":
                {}["key"]
            if how == "interrupt":
                raise KeyboardInterrupt
            if how == "own":
                ctx.exit(5)
            if how == "character":
                click.echo("lone \\ud800")
"""


@pytest.fixture
def failing(one_logger: Any, installed: Any) -> Any:
    installed("acme-fail", {"fail": "fail"}, {"fail": FAIL})
    return one_logger


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        ("expected", 1, "Error: the file is not ours\n"),
        ("system", 1, "Error: [Errno 2] No such file or directory: '/no/such/file'\n"),
        ("interrupt", 130, "\nInterrupted.\n"),
    ],
)
def test_expected_failure_is_one_line(failing: Any, how: str, code: int, message: str) -> None:
    assert failing("fail", how, code=code).stderr.lstrip("\n") == message.lstrip("\n")


def test_fault_of_a_command_is_told_with_the_way_to_see_more(failing: Any) -> None:
    failed = failing("fail", "bug", code=70)
    assert failed.stderr.startswith("Internal error: KeyError: 'key'\nRun 'one-logger --debug")


@pytest.mark.parametrize(("how", "code"), [("expected", 1), ("system", 1), ("bug", 70)])
def test_debug_shows_the_traceback_and_keeps_the_exit_code(failing: Any, how: str, code: int) -> None:
    failed = failing("--debug", "fail", how, code=code)
    assert failed.stderr.startswith("Traceback (most recent call last):")
    assert "in fail\n" in failed.stderr


def test_debug_shows_why_a_plugin_cannot_be_used(one_logger: Any, installed: Any) -> None:
    installed("acme-broken", {"broken": "broken"}, {"broken": "raise RuntimeError('kaputt')"})
    failed = one_logger("--debug", "broken", code=1)
    assert "broken.py" in failed.stderr
    assert "RuntimeError: kaputt" in failed.stderr


def test_command_sets_an_exit_code_of_its_own(failing: Any) -> None:
    failing("fail", "own", code=5)


def test_character_the_terminal_lacks_is_written_as_an_escape(failing: Any) -> None:
    assert failing("fail", "character").stdout == "lone \\ud800\n"


@pytest.mark.skipif("sys.platform == 'win32'")
@pytest.mark.parametrize("arguments", [["--help"], ["plugins"], ["plugins", "--json"]])
def test_reader_that_has_seen_enough_is_no_error(arguments: Any, run_python: Any) -> None:
    done = run_python(["-c", UNREAD, *arguments])
    assert done.stdout == "1\n"
    assert done.stderr == ""


def test_version_is_that_of_the_distribution(one_logger: Any) -> None:
    import platform

    from nv_one_logger.core.internal.version import get_version

    expected = f"one-logger {get_version('nv-one-logger-core')} (Python {platform.python_version()})\n"
    assert one_logger("--version").stdout == expected


def test_no_arguments_show_the_help(one_logger: Any) -> None:
    assert one_logger().stdout == one_logger("--help").stdout


def test_wrong_option_is_a_usage_error(one_logger: Any) -> None:
    assert "No such option" in one_logger("--no-such-option", code=2).stderr
