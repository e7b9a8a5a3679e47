from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List

from click.testing import CliRunner, Result

from nv_one_logger.report.commands.verify import verify


def run(*arguments: object) -> Result:
    return CliRunner().invoke(verify, [str(argument) for argument in arguments])


def files(result: Result) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = json.loads(result.stdout)["files"]
    return found


def test_whole_files_are_complete(reference: Path) -> None:
    result = run(reference)
    assert result.exit_code == 0
    assert "307 records in 8 files; all whole." in result.output


def test_each_kind_of_damage_has_a_verdict_and_the_status_is_1(recording: Callable[..., Any], tmp_path: Path) -> None:
    for rank in range(4):
        one = recording(rank, world_size=6)
        one.begin(0)
        if rank == 1:
            one.skip(3)
        one.span("work", 1, 2)
        if rank >= 2:
            with one.path.open("ab") as file:
                file.write(b'{"type":"sto' + (b"\n" if rank == 2 else b""))
    result = run("--json", tmp_path / "records")
    assert result.exit_code == 1
    assert [file["verdict"] for file in files(result)] == ["complete", "missing", "corrupt", "torn"]
    assert [file["processes"][0]["rank"] for file in files(result)] == [0, 1, 2, 3]
    assert files(result)[1]["missing"] == 3
    assert json.loads(result.stdout)["absent_ranks"] == {"run-1": [4, 5]}
    shown = run(tmp_path / "records")
    assert "records 3 to 5 of process 100 (run 1) missing" in shown.output
    assert "torn last line of 12 bytes" in shown.output
    assert "no file of ranks 4-5" in shown.output
    assert "3 of the files not whole" in shown.output


def test_path_that_names_nothing_is_a_wrong_command_line(tmp_path: Path) -> None:
    result = run(tmp_path / "*.jsonl", tmp_path / "absent.jsonl")
    assert result.exit_code == 2
    assert "absent.jsonl" in result.output
    assert "*.jsonl" in result.output


def test_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "a.jsonl"
    folder.symlink_to(tmp_path / "nowhere")
    assert run(folder).exit_code == 2
    (tmp_path / "zeros.jsonl").write_bytes(b"\0" * 100)
    result = run("--json", tmp_path / "zeros.jsonl")
    assert (result.exit_code, files(result)[0]["torn_lines"]) == (1, 1)


def test_files_are_read_by_several_processes_alike(reference: Path) -> None:
    alone, together = run("--json", "-j", 1, reference), run("--json", "-j", 2, reference)
    assert json.loads(alone.stdout) == json.loads(together.stdout)
