from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from click.testing import CliRunner, Result

from nv_one_logger.report.replay.plugin import replay

Read = Callable[[Path], List[Dict[str, Any]]]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a configuration file that lies in the working directory out of the tests."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(replay, [str(argument) for argument in arguments])


def test_option_gives_the_arguments(recorded: Path, tmp_path: Path, without_numbers: Read) -> None:
    copy = tmp_path / "copy.jsonl"
    result = run(recorded, "--to", "file", "--option", f"file_path={copy}")
    assert result.exit_code == 0, result.output
    assert "17 records read: 17 sent to file, 0 skipped, 0 failed." in result.output
    assert without_numbers(copy) == without_numbers(recorded)


def test_configuration_file_gives_the_arguments_and_its_other_exporters_stay_off(
    recorded: Path, tmp_path: Path, without_numbers: Read
) -> None:
    config, copy, other = tmp_path / "c.yaml", tmp_path / "copy.jsonl", tmp_path / "other.jsonl"
    config.write_text(
        "exporters:\n"
        f"  - {{name: archive, class_name: file, background: true, config: {{file_path: {copy}, fsync: true}}}}\n"
        f"  - {{name: live, class_name: file, config: {{file_path: {other}}}}}\n",
        encoding="utf-8",
    )
    result = run(recorded, "--to", "archive", "--config", config)
    assert result.exit_code == 0, result.output
    assert without_numbers(copy) == without_numbers(recorded)
    assert not other.exists()


def test_class_path_names_an_exporter(recorded: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    name = "nv_one_logger.exporter.file_exporter.FileExporter"
    result = run(recorded, "--to", name, "--option", f"file_path={copy}")
    assert result.exit_code == 0, result.output
    assert copy.exists()


def test_placeholders_are_filled_with_what_the_files_say(reference: Path, tmp_path: Path) -> None:
    result = run(reference, "--to", "file", "--option", f"file_path={tmp_path}/{{session_tag}}.jsonl")
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["digits-run-7.jsonl"]


def test_resume_goes_on_behind_what_is_done(recorded: Path, tmp_path: Path, without_numbers: Read) -> None:
    copy, state = tmp_path / "copy.jsonl", tmp_path / "state"
    arguments = (recorded, "--to", "file", "--option", f"file_path={copy}", "--resume", state)
    assert run(*arguments).exit_code == 0
    result = run(*arguments)
    assert "17 records read: 17 done before, 0 sent to file" in result.output
    assert len(without_numbers(copy)) == 17


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "nothing"], "nothing"),
        (["--to", "no.such.Class"], "no.such"),
        (["--to", "file"], "file_path"),
        (["--to", "file", "--option", "x"], "KEY=VALUE"),
        (["--to", "file", "--option", "file_path=x", "--option", "colour=red"], "colour"),
        (["--to", "file", "--config", "missing.yaml", "--option", "file_path=x"], "missing.yaml"),
    ],
)
def test_wrong_configuration_is_told_before_anything_is_sent(recorded: Path, arguments: List[str], said: str) -> None:
    result = run(recorded, *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_exporter_that_is_switched_off_is_not_used(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_LOGGER_DISABLE", "file")
    result = run(recorded, "--to", "file", "--option", "file_path=x")
    assert result.exit_code == 2
    assert "ONE_LOGGER_DISABLE" in result.output


def test_path_that_names_nothing_is_told(tmp_path: Path) -> None:
    result = run(tmp_path / "none", "--to", "file", "--option", "file_path=x")
    assert result.exit_code == 2
    assert "none" in result.output


def test_exporter_that_cannot_be_opened_is_told(recorded: Path) -> None:
    result = run(recorded, "--to", "file", "--option", f"file_path={recorded}/below")
    assert result.exit_code == 1
    assert "file cannot be opened" in result.output


def test_exporter_that_refuses_makes_the_command_fail(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_replay.py").write_text(
        "from nv_one_logger.host import hookimpl\n\n@hookimpl\ndef export_event(event):\n    raise OSError('full')\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run(recorded, "--to", "acme_replay")
    assert result.exit_code == 1, result.output
    assert "1 failed: OSError: full" in result.output


def test_option_values_are_json_where_they_can_be(recorded: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.jsonl"
    result = run(
        recorded, "--to", "file", "--option", f"file_path={json.dumps(str(path))}", "--option", "max_bytes=1000"
    )
    assert result.exit_code == 0, result.output
    assert path.with_name("copy.jsonl.1").exists()
