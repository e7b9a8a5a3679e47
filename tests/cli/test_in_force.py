from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, List, Optional

import click
import pytest
from click.testing import CliRunner

from nv_one_logger.cli.in_force import config_option, json_option, output_kept_apart, resolve_in_force
from nv_one_logger.config import Switches

ENTRY = "exporters:\n  - class_name: file\n    config: {file_path: x.jsonl}\n"
LOUD = """
    print("asked")

    class Defaults:
        @staticmethod
        def get_default_config():
            return {"class_name": "file", "config": {"file_path": "y.jsonl"}}
"""


def states(path: Optional[Path] = None, **more: Any) -> List[str]:
    return [str(plan.decision.state) for plan in resolve_in_force(path, **more).plans]


def test_file_of_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert states() == []
    (tmp_path / "one_logger_exporters_config.yaml").write_text(ENTRY)
    assert states() == ["on"]


def test_named_file_and_the_environment_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(ENTRY)
    monkeypatch.setenv("ONE_LOGGER_DISABLE", "file")
    assert states(Path("mine.yaml")) == ["blocked"]
    assert states(Path("mine.yaml"), switches=Switches()) == ["on"]


def test_what_packages_print_goes_to_standard_error(
    distribution: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    distribution("loud", defaults={"loud": "loud_defaults:Defaults"}, modules={"loud_defaults": LOUD})
    assert states() == ["on"]
    assert capsys.readouterr() == ("", "asked\n")


def test_output_is_kept_apart_only_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    with output_kept_apart():
        sys.stdout.write("hidden")
    sys.stdout.write("shown")
    assert capsys.readouterr() == ("shown", "hidden")


def test_options_are_given_to_the_command() -> None:
    @click.command()
    @config_option
    @json_option
    def command(config_file: Optional[Path], as_json: bool) -> None:
        click.echo(f"{config_file!r} {as_json}")

    assert CliRunner().invoke(command, []).output == "None False\n"
    assert CliRunner().invoke(command, ["--config", "x.yaml", "--json"]).output == f"{Path('x.yaml')!r} True\n"
