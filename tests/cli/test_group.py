from __future__ import annotations

import textwrap
from typing import Any

GREET = """
    import click
    from nv_one_logger.host import hookimpl
    print("imported greet")

    @hookimpl
    def one_logger_commands(group):
        @group.command("greet")
        @click.argument("name")
        def greet(name):
            "Greet somebody."
            click.echo(f"hello {name}")
            return 5
"""


def test_command_of_another_distribution_runs(one_logger: Any, installed: Any) -> None:
    installed("acme-greet", {"greet": "greet"}, {"greet": GREET})
    assert one_logger("greet", "you").stdout == "imported greet\nhello you\n"


def test_list_of_commands_imports_none_of_them(one_logger: Any, installed: Any) -> None:
    installed("acme-greet", {"greet": "greet"}, {"greet": GREET})
    listed = one_logger("--help").stdout
    assert "imported greet" not in listed
    assert "greet from acme-greet 1.0" in " ".join(listed.split())


def test_help_of_a_command_imports_that_one_only(one_logger: Any, installed: Any) -> None:
    installed("acme-greet", {"greet": "greet"}, {"greet": GREET})
    installed("acme-other", {"other": "other"}, {"other": "print('imported other')"})
    shown = one_logger("greet", "--help").stdout
    assert "Greet somebody." in shown
    assert "imported other" not in shown


def test_broken_plugin_is_named_and_the_others_work(one_logger: Any, installed: Any) -> None:
    installed("acme-broken", {"broken": "broken"}, {"broken": "raise RuntimeError('kaputt')"})
    installed("acme-greet", {"greet": "greet"}, {"greet": GREET})
    failed = one_logger("broken", code=1)
    assert "broken" in failed.stderr
    assert "acme-broken 1.0" in failed.stderr
    assert "RuntimeError: kaputt" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "broken from acme-broken 1.0" in " ".join(one_logger("--help").stdout.split())
    assert "hello you" in one_logger("greet", "you").stdout


def test_plugin_that_fails_while_it_adds_its_command_is_named(one_logger: Any, installed: Any) -> None:
    source = GREET.replace('@group.command("greet")', "raise RuntimeError('kaputt')").replace("@click.argument", "#")
    installed("acme-greet", {"greet": "greet"}, {"greet": source})
    failed = one_logger("greet", code=1)
    assert "Command 'greet' of acme-greet 1.0" in failed.stderr
    assert "kaputt" in failed.stderr


def test_other_hooks_of_a_command_plugin_are_left_alone(one_logger: Any, installed: Any) -> None:
    more = """
        @hookimpl
        def configure(config):
            raise RuntimeError("not for a command line")
    """
    source = textwrap.dedent(GREET) + textwrap.dedent(more)
    installed("acme-greet", {"greet": "greet"}, {"greet": source})
    assert "hello you" in one_logger("greet", "you").stdout


def test_plugin_that_adds_another_name_is_told_so(one_logger: Any, installed: Any) -> None:
    installed("acme-greet", {"hail": "greet"}, {"greet": GREET})
    failed = one_logger("hail", code=1)
    assert "adds no command of that name (it adds: greet)" in failed.stderr


def test_plugin_without_the_hook_is_told_so(one_logger: Any, installed: Any) -> None:
    installed("acme-none", {"none": "none"}, {"none": "value = 1"})
    assert "Command 'none' of acme-none 1.0" in one_logger("none", code=1).stderr


def test_switched_off_command_is_listed_as_off_and_refused(one_logger: Any, installed: Any) -> None:
    installed("acme-greet", {"greet": "greet"}, {"greet": GREET})
    env = {"ONE_LOGGER_DISABLE": "greet"}
    assert "(off: ONE_LOGGER_DISABLE=greet)" in one_logger("--help", env=env).stdout
    refused = one_logger("greet", "you", env=env, code=1)
    assert refused.stdout == ""
    assert "switched off by ONE_LOGGER_DISABLE=greet" in refused.stderr


def test_safe_mode_refuses_strangers(one_logger: Any, installed: Any) -> None:
    installed("acme-greet", {"greet": "greet"}, {"greet": GREET})
    env = {"ONE_LOGGER_SAFE_MODE": "1"}
    assert "ONE_LOGGER_SAFE_MODE=1" in one_logger("greet", "you", env=env, code=1).stderr
    assert one_logger("tail", "--help", env=env).stdout.startswith("Usage: one-logger tail")


def test_unknown_command_is_answered_with_the_nearest(one_logger: Any) -> None:
    assert "No such command 'dmo'. Did you mean 'demo'?" in one_logger("dmo", code=2).stderr


def test_shell_completion_names_commands_without_importing_them(one_logger: Any, installed: Any) -> None:
    installed("acme-greet", {"greet": "greet"}, {"greet": GREET})
    env = {"_ONE_LOGGER_COMPLETE": "bash_complete", "COMP_WORDS": "one-logger gr", "COMP_CWORD": "1"}
    assert one_logger(env=env).stdout == "plain,greet\n"
