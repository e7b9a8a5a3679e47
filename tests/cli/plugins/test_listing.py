from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict

import pytest

from nv_one_logger.cli.plugins.listing import PluginRow, find_row, list_plugins, problems_of
from nv_one_logger.config import Switches, load_sources, resolve
from nv_one_logger.core.internal.version import get_version
from nv_one_logger.host.catalogue import Catalogue

DEFAULTS = """
    class Defaults:
        @staticmethod
        def get_default_config():
            return {"class_name": "file", "config": {"file_path": "x.jsonl"}}
"""


def rows(*entries: Dict[str, object], **environ: str) -> Dict[str, PluginRow]:
    resolution = resolve([load_sources(entries, environ={})], Catalogue(), Switches.from_environ(environ))
    return {row.name: row for row in list_plugins(resolution)}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_built_in_plugins_are_available_under_their_names() -> None:
    found = rows()["file"]
    assert (found.state, found.reason) == ("available", "no source mentions it")
    assert found.reference == "nv_one_logger.exporter.file_exporter:FileExporter"
    assert found.publisher == f"nv-one-logger-core {get_version('nv-one-logger-core')}"


def test_state_comes_with_the_source_that_decided_it(acme: Any) -> None:
    found = rows({"class_name": "acme"}, {"class_name": "file", "enabled": False})
    assert (found["acme"].state, found["acme"].reason) == ("on", "mentioned in code")
    assert (found["acme"].publisher, found["acme"].reference) == ("acme-telemetry 1.2", "acme:AcmeExporter")
    assert (found["file"].state, found["file"].reason) == ("off", "enabled: false in code")
    assert found["logger"].state == "available"
    assert "acme" not in sys.modules


def test_entry_under_another_name_is_told_beside_the_plugin_itself(acme: Any) -> None:
    found = rows({"class_name": "acme", "name": "mine"}, {"class_name": "acme", "name": "off", "enabled": False})
    assert list(found) == ["mine", "off", "file", "logger", "acme"]
    assert (found["acme"].state, found["acme"].reason) == ("on", "as mine, off")


def test_configured_plugins_come_first_and_are_listed_once(acme: Any) -> None:
    assert list(rows({"class_name": "acme:AcmeExporter"})) == ["acme", "file", "logger"]


def test_switch_blocks_a_plugin_that_nothing_mentions(acme: Any) -> None:
    found = rows(ONE_LOGGER_DISABLE="acme")["acme"]
    assert (found.state, found.reason) == ("blocked", "ONE_LOGGER_DISABLE names acme")


def test_safe_mode_blocks_strangers(acme: Any) -> None:
    found = rows(ONE_LOGGER_SAFE_MODE="1")
    assert (found["acme"].state, found["file"].state) == ("blocked", "available")


def test_package_default_is_on_under_the_name_of_its_entry_point(distribution: Any) -> None:
    distribution(
        "team", version="3", defaults={"team_file": "team_defaults:Defaults"}, modules={"team_defaults": DEFAULTS}
    )
    found = rows()["team_file"]
    assert (found.state, found.publisher, found.is_default) == ("on", "team 3", True)
    assert found.reference == "nv_one_logger.exporter.file_exporter:FileExporter"
    assert "team 3 (entry point 'team_file')" in found.reason


def test_package_default_that_is_switched_off_is_not_asked(distribution: Any) -> None:
    distribution("team", defaults={"team_file": "team_defaults:Defaults"}, modules={"team_defaults": "1 / 0"})
    found = rows(ONE_LOGGER_DISABLE="team_file")["team_file"]
    assert (found.state, found.reference) == ("blocked", "team_defaults:Defaults")


def test_no_telemetry_at_all_blocks_everything(distribution: Any) -> None:
    distribution("team", defaults={"team_file": "team_defaults:Defaults"}, modules={"team_defaults": "1 / 0"})
    found = rows(ONE_LOGGER_DISABLED="1")
    assert {row.state for row in found.values()} == {"blocked"}
    assert list(found) == ["file", "logger", "team_file"]


def test_broken_package_default_is_broken(distribution: Any) -> None:
    distribution("team", defaults={"team_file": "team_defaults:Defaults"}, modules={"team_defaults": "1 / 0"})
    found = rows()["team_file"]
    assert found.state == "broken"
    assert "ZeroDivisionError" in found.reason


def test_class_of_nobody_has_no_publisher() -> None:
    found = rows({"class_name": "somewhere.Exporter"})["somewhere.Exporter"]
    assert (found.publisher, found.reference) == ("-", "somewhere.Exporter")


def test_name_published_twice_is_told(distribution: Any) -> None:
    distribution("one", exporters={"same": "one:A"})
    distribution("two", exporters={"same": "two:B"})
    resolution = resolve([load_sources((), environ={})], Catalogue(), Switches())
    reasons = [row.reason for row in list_plugins(resolution) if row.name == "same"]
    assert sorted(reasons) == [
        "also published by one 1.0: use the class path",
        "also published by two 1.0: use the class path",
    ]


def test_plugin_is_found_by_any_of_its_names(acme: Any) -> None:
    found = tuple(rows({"class_name": "acme", "name": "mine"}).values())
    known = {"mine": "mine", "acme": "acme", "acme.AcmeExporter": "mine", "acme:AcmeExporter": "mine"}
    for name, expected in known.items():
        row = find_row(found, name)
        assert row is not None
        assert row.name == expected
    assert find_row(found, "other") is None


def test_problems_are_texts() -> None:
    resolution = resolve([load_sources((), environ={})], Catalogue(), Switches.from_environ({"ONE_LOGGER_STRICT": "x"}))
    (problem,) = problems_of(resolution)
    assert "ONE_LOGGER_STRICT" in problem
