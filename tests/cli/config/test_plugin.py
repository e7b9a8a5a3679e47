from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Tuple

import pytest

NAME = "one_logger_exporters_config.yaml"
FILE = "exporters:\n  - class_name: file\n    config:\n      file_path: ${RUNS:-runs}/x.jsonl\n"
DEFAULTS = """
    class Defaults:
        @staticmethod
        def get_default_config():
            return {"class_name": "file", "config": {"file_path": "team.jsonl", "backup_count": 3}}
"""
Places = Tuple[Tuple[int, int, str], ...]


# --- check -----------------------------------------------------------------------------------------------------------


def test_ten_mistakes_are_ten_errors_each_at_its_place(one_logger: Any, ten_mistakes: Path, places: Places) -> None:
    done = one_logger("config", "check", ten_mistakes.name, code=1)
    headings = re.findall(r"^bad\.yaml:(\d+):(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    assert [(int(line), int(column)) for line, column, _ in headings] == [place[:2] for place in places]
    for (_, _, message), (_, _, words) in zip(headings, places):
        assert words in message
    assert done.stdout.endswith("bad.yaml: 10 errors, 0 warnings\n")
    assert done.stderr == ""


def test_every_caret_stands_below_the_place(one_logger: Any, ten_mistakes: Path, places: Places) -> None:
    output = one_logger("config", "check", ten_mistakes.name, code=1).stdout
    lines = ten_mistakes.read_text().splitlines()
    marked = re.findall(r"^  (\d+) \| (.*)\n +\| ( *)\^\n +\S.*$", output, re.MULTILINE)
    assert [(int(number), len(blanks) + 1) for number, _, blanks in marked] == [place[:2] for place in places]
    for number, text, _ in marked:
        assert text == lines[int(number) - 1].replace("hunter2hunter2", "***")
    assert "hunter2" not in output


def test_mistakes_as_json(one_logger: Any, ten_mistakes: Path, places: Places) -> None:
    found = json.loads(one_logger("config", "check", "--json", ten_mistakes.name, code=1).stdout)
    assert found["errors"] == 10
    assert [(one["line"], one["column"]) for one in found["mistakes"]] == [place[:2] for place in places]
    assert all(one["remedy"] for one in found["mistakes"])


@pytest.mark.skipif("sys.platform == 'win32'")
@pytest.mark.parametrize("columns", [80, 200])
def test_mistakes_fit_the_terminal(columns: int, on_terminal: Any, ten_mistakes: Path, places: Places) -> None:
    shown = on_terminal(["config", "check", ten_mistakes.name], columns=columns, code=1).replace("\r\n", "\n")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert shown != plain
    assert max(map(len, plain.splitlines())) <= columns
    carets = re.findall(r"^  +\| ( *)\^$", plain, re.MULTILINE)
    assert [len(blanks) + 1 for blanks in carets] == [column for _, column, _ in places]


def test_found_file_is_checked_and_a_sound_one_is_fine(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(FILE)
    assert one_logger("config", "check").stdout == f"{NAME}: no mistakes\n"
    (tmp_path / NAME).write_text(FILE.replace("file_path", "file_pth"))
    assert "Did you mean 'file_path'?" in one_logger("config", "check", code=1).stdout


def test_nothing_to_check_is_a_failure(one_logger: Any) -> None:
    assert "one-logger config init" in one_logger("config", "check", code=1).stderr


def test_warnings_are_errors_only_if_strict(one_logger: Any, distribution: Any, tmp_path: Path) -> None:
    distribution("team", defaults={"team_file": "team_defaults:Defaults"}, modules={"team_defaults": "1 / 0"})
    (tmp_path / NAME).write_text(FILE)
    done = one_logger("config", "check")
    assert done.stdout.startswith(
        "team 1.0 (entry point 'team_file'): warning: team_defaults:Defaults cannot be loaded"
    )
    assert done.stdout.endswith(f"{NAME}: 0 errors, 1 warning\n")
    one_logger("config", "check", "--strict", code=1)


def test_broken_yaml_is_shown_where_it_breaks(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("exporters:\n\t- class_name: file\n")
    done = one_logger("config", "check", "x.yaml", code=1)
    assert done.stdout.startswith("x.yaml:2:1: error: is not valid YAML")
    assert "  2 |     - class_name: file\n    | ^\n" in done.stdout


# --- explain ---------------------------------------------------------------------------------------------------------


def test_every_value_has_its_origin_and_what_it_beat(one_logger: Any, distribution: Any, tmp_path: Path) -> None:
    distribution(
        "team", version="3", defaults={"team_file": "team_defaults:Defaults"}, modules={"team_defaults": DEFAULTS}
    )
    (tmp_path / NAME).write_text(FILE)
    output = one_logger("config", "explain", env={"RUNS": "here"}).stdout
    assert "  on      team_file (nv_one_logger.exporter.file_exporter.FileExporter)\n" in output
    assert (
        f"          config.file_path = 'here/x.jsonl'  <- {NAME}, line 4, column 18, $RUNS from the environment\n"
        "            beats 'team.jsonl'  <- team 3 (entry point 'team_file')\n"
    ) in output
    assert "config.backup_count = 3  <- team 3 (entry point 'team_file')\n" in output
    assert "ONE_LOGGER_EXPLAIN=1" in output
    assert "fsync" not in output


def test_load_adds_the_defaults_of_constructors(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(FILE)
    assert "config.fsync = False  <- default of FileExporter\n" in one_logger("config", "explain", "--load").stdout


def test_explanation_is_the_one_of_the_running_program(one_logger: Any, run_python: Any, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(FILE)
    program = """
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
TrainingTelemetryProvider.instance().with_export_config().configure_provider()
"""
    printed = run_python(program, env={"ONE_LOGGER_EXPLAIN": "1"}).stderr
    explained = one_logger("config", "explain", "--load").stdout
    assert explained.startswith(printed)


def test_explanation_as_json(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(FILE)
    found = json.loads(one_logger("config", "explain", "--config", "x.yaml", "--json").stdout)
    assert [plugin["name"] for plugin in found["plugins"]] == ["file"]
    assert "ONE_LOGGER_EXPLAIN=1" in found["note"]


@pytest.mark.skipif("sys.platform == 'win32'")
@pytest.mark.parametrize("columns", [80, 200])
def test_explanation_fits_the_terminal(columns: int, on_terminal: Any, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(FILE)
    shown = on_terminal(["config", "explain", "--load"], columns=columns)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n")
    assert max(map(len, plain.splitlines())) <= columns
    assert "\x1b[3" in shown
    assert "\x1b[3" not in on_terminal(["config", "explain"], columns=columns, NO_COLOR="1")


# --- schema and init -------------------------------------------------------------------------------------------------


def test_schema_is_written_whole_and_broken_plugins_are_named(one_logger: Any, distribution: Any) -> None:
    source = "print('loud')\n1 / 0"
    distribution("bad", exporters={"bad": "bad_plugin:Exporter"}, modules={"bad_plugin": source})
    done = one_logger("config", "schema")
    assert json.loads(done.stdout)["required"] == ["exporters"]
    assert done.stderr.startswith("loud\nbad is left out: ")


def test_file_to_begin_with_has_no_mistakes(one_logger: Any, tmp_path: Path) -> None:
    assert one_logger("config", "init").stdout.startswith(f"{NAME} is written.")
    assert one_logger("config", "check").stdout == f"{NAME}: no mistakes\n"
    before = (tmp_path / NAME).read_text()
    refused = one_logger("config", "init", code=1)
    assert refused.stderr.startswith(f"Error: '{NAME}' exists, and is left as it is.")
    assert (tmp_path / NAME).read_text() == before


def test_file_to_begin_with_may_have_another_name(one_logger: Any, tmp_path: Path) -> None:
    one_logger("config", "init", "mine.yml")
    assert (tmp_path / "mine.yml").exists()
    assert not (tmp_path / NAME).exists()
