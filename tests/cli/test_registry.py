from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Dict, List, Tuple

import click
import pytest

from nv_one_logger.cli.registry import BUILTIN_COMMANDS, CommandEntry, find_commands
from nv_one_logger.config.switches import Switches
from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.host.catalogue import COMMANDS_GROUP, Catalogue

if sys.version_info >= (3, 10):
    from importlib.metadata import EntryPoint
else:
    from importlib_metadata import EntryPoint


def find(*published: Tuple[str, str, str], **environ: str) -> Dict[str, CommandEntry]:
    """Find commands among entry points (name, value, distribution)."""

    def read() -> Dict[str, List[object]]:
        return {COMMANDS_GROUP: [point(*each) for each in published]}

    return find_commands(Catalogue(read), Switches.from_environ(environ))


def point(name: str, value: str, distribution: str) -> object:
    metadata = {"Name": distribution}
    dist = SimpleNamespace(metadata=metadata, version="1.0")
    loaded = EntryPoint(name=name, value=value, group=COMMANDS_GROUP)
    return SimpleNamespace(name=name, value=value, group=COMMANDS_GROUP, dist=dist, load=loaded.load)


def test_own_commands_are_known_without_metadata() -> None:
    assert list(find()) == ["config", "demo", "plugins", "selftest", "tail"]
    assert find()["demo"].publisher == "nv-one-logger-core"


def test_own_commands_are_published_like_those_of_others() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    section = project.split('[project.entry-points."nv_one_logger.commands"]\n')[1].split("\n\n")[0]
    assert section.splitlines() == [f'{name} = "{builtin.value}"' for name, builtin in BUILTIN_COMMANDS.items()]


def test_summary_in_the_list_is_that_of_the_command() -> None:
    for name, builtin in BUILTIN_COMMANDS.items():
        group = click.Group()
        importlib.import_module(builtin.value).one_logger_commands(group)
        assert group.commands[name].short_help == builtin.summary


def test_stranger_is_listed_with_its_distribution_and_not_imported() -> None:
    entry = find(("report", "no_such_module:plugin", "acme-report"))["report"]
    assert entry.summary == "from acme-report 1.0"


def test_no_distribution_takes_a_name_of_ours() -> None:
    demo = find(("demo", "no_such_module", "acme"))["demo"]
    assert demo.module == BUILTIN_COMMANDS["demo"].value
    assert demo.load() is sys.modules["nv_one_logger.cli.demo.plugin"]


def test_name_published_twice_is_an_error_once_it_is_used() -> None:
    entry = find(("report", "json:dumps", "acme"), ("report", "json:loads", "other"))["report"]
    assert entry.summary == "from acme 1.0 and from other 1.0"
    with pytest.raises(PluginError, match=r"'report' is published by acme 1\.0 and other 1\.0"):
        entry.load()


def test_switch_turns_a_command_off_by_name_without_importing_it() -> None:
    entries = find(("report", "no_such_module", "acme"), ONE_LOGGER_DISABLE="report,demo")
    assert entries["demo"].off_because == "ONE_LOGGER_DISABLE=demo"
    assert entries["tail"].off_because == ""
    with pytest.raises(PluginError, match="'report' is switched off by ONE_LOGGER_DISABLE=report"):
        entries["report"].load()


def test_safe_mode_leaves_our_own_commands() -> None:
    entries = find(("report", "no_such_module", "acme"), ONE_LOGGER_SAFE_MODE="1")
    assert entries["report"].off_because == "ONE_LOGGER_SAFE_MODE=1"
    assert entries["demo"].off_because == ""


def test_broken_plugin_is_named_with_its_distribution() -> None:
    entry = find(("report", "no_such_module", "acme-report"))["report"]
    with pytest.raises(PluginError, match=r"'report' .*acme-report 1\.0 .*no_such_module"):
        entry.load()
