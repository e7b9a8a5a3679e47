from __future__ import annotations

from pathlib import Path

import pytest

from nv_one_logger.report.exceptions import InputError
from nv_one_logger.report.store.inputs import find_inputs
from nv_one_logger.report.store.schema import MARKER


def test_folders_globs_and_files_are_found_once(tmp_path: Path) -> None:
    deep = tmp_path / "job" / "node-1"
    deep.mkdir(parents=True)
    for name in ("rank0.jsonl", "rank0.jsonl.1", "rank0.jsonl.2", "rank1.ndjson", "notes.txt"):
        (deep / name).touch()
    inputs = find_inputs([tmp_path / "job", deep / "rank1.ndjson", f"{tmp_path}/**/*.txt"])
    assert [[Path(path).name for path in source] for source in inputs.sources] == [
        ["rank0.jsonl.2", "rank0.jsonl.1", "rank0.jsonl"],
        ["rank1.ndjson"],
        ["notes.txt"],
    ]


def test_folder_of_tables_is_recognised(tmp_path: Path) -> None:
    (tmp_path / MARKER).touch()
    assert find_inputs([tmp_path]).tables == (tmp_path,)


def test_all_paths_that_name_nothing_are_in_one_message(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        find_inputs([tmp_path, "absent.jsonl", "absent-*.jsonl", "a\0b"])
    for part in ("absent.jsonl", "absent-*.jsonl", "a folder without *.jsonl"):
        assert part in str(raised.value)


def test_name_with_magic_letters_that_exists_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run[1].jsonl"
    path.touch()
    assert find_inputs([path]).sources == ((str(path),),)
