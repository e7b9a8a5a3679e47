from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from nv_one_logger.cli.config.starting_file import starting_file, write_new
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.host.catalogue import CatalogueEntry


class Point:
    dist = None


def entry(name: str) -> CatalogueEntry:
    return CatalogueEntry(name, "acme:Exporter", "group", Point())


def test_file_enables_the_file_exporter_and_explains_the_rest() -> None:
    text = starting_file([], [])
    (only,) = yaml.safe_load(text)["exporters"]
    assert only == {
        "class_name": "file",
        "config": {
            "file_path": "telemetry/{application_name}-rank{rank}.jsonl",
            "session_record": True,
            "heartbeat_sec": 30,
        },
    }
    assert "acme" not in text


def test_installed_plugins_and_defaults_are_named() -> None:
    text = starting_file([entry("acme"), CatalogueEntry("file", "x:Y", "group")], [entry("team_file")])
    assert "  # - class_name: acme   # of an unknown distribution\n" in text
    assert "  # - name: team_file   # of an unknown distribution\n  #   enabled: false\n" in text
    assert "# - class_name: file" not in text
    assert len(yaml.safe_load(text)["exporters"]) == 1


def test_commented_entries_are_entries_once_the_marks_are_gone() -> None:
    text = (
        starting_file([entry("acme")], [entry("team_file")]).replace("\n  # -", "\n  -").replace("\n  #   ", "\n    ")
    )
    names = [one.get("class_name") or one["name"] for one in yaml.safe_load(text)["exporters"]]
    assert names == ["file", "logger", "acme", "team_file"]


def test_existing_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="exists, and is left as it is"):
        write_new(path, "other")
    assert path.read_text() == "mine"


def test_link_to_nowhere_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.symlink_to(tmp_path / "target.yaml")
    with pytest.raises(ConfigError):
        write_new(path, "other")
    assert not (tmp_path / "target.yaml").exists()


def test_name_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="JSON has no comments"):
        write_new(tmp_path / "x.json", "text")
    write_new(tmp_path / "x.YML", "text")
    assert (tmp_path / "x.YML").read_text() == "text"
