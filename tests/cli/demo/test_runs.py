from __future__ import annotations

from pathlib import Path

import pytest

from nv_one_logger.cli.demo.runs import new_run


def test_every_run_gets_a_directory_of_its_own(tmp_path: Path) -> None:
    output = tmp_path / "new" / "output"
    assert [new_run(output).directory for _ in range(2)] == [output / "run-1", output / "run-2"]


def test_files_of_an_earlier_run_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-2").write_text("a file")
    assert new_run(tmp_path).directory == tmp_path / "run-3"


def test_output_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        new_run(tmp_path / "file" / "output")


def test_empty_directory_is_taken_back_and_one_with_files_kept(tmp_path: Path) -> None:
    empty, used = new_run(tmp_path), new_run(tmp_path)
    used.records.write_text("{}\n")
    for run in (empty, used):
        run.discard_if_empty()
    assert not empty.directory.exists()
    assert used.records.exists()
