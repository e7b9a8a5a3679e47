from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Iterator

import pytest

from nv_one_logger.exporter.internal import rotation as module
from nv_one_logger.exporter.internal.rotation import Rotation, rotation_or_none


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "run.jsonl"
    file.write_text("12345")
    return file


@pytest.fixture
def fd(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    yield descriptor
    os.close(descriptor)


def test_rotation_is_due_at_its_size(fd: int) -> None:
    assert Rotation(5, 1).is_due(fd)
    assert not Rotation(6, 1).is_due(fd)


def test_files_move_up_and_the_oldest_goes(path: Path) -> None:
    for number in range(4):
        path.write_text(str(number))
        with path.open("ab") as file:
            Rotation(1, 2).rotate(file.fileno(), path)
    assert sorted(p.name for p in path.parent.iterdir()) == ["run.jsonl.1", "run.jsonl.2"]
    assert (path.with_name("run.jsonl.1").read_text(), path.with_name("run.jsonl.2").read_text()) == ("3", "2")


def test_file_that_another_process_has_rotated_is_left_alone(path: Path, fd: int) -> None:
    path.rename(path.with_name("moved"))
    path.write_text("new")
    assert Rotation(1, 1).has_moved(fd, path)
    Rotation(1, 1).rotate(fd, path)
    assert path.read_text() == "new"


def test_missing_file_counts_as_moved(path: Path, fd: int) -> None:
    assert not Rotation(1, 1).has_moved(fd, path)
    path.unlink()
    assert Rotation(1, 1).has_moved(fd, path)


def test_without_posix_locks_files_are_renamed_all_the_same(
    path: Path, fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "fcntl", None)
    assert not Rotation.can_share_files()
    Rotation(1, 1).rotate(fd, path)
    assert path.with_name("run.jsonl.1").exists()


def test_module_loads_where_there_are_no_posix_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    spec = importlib.util.spec_from_file_location("rotation_elsewhere", str(module.__file__))
    assert spec is not None
    assert spec.loader is not None
    elsewhere = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(elsewhere)
    assert not elsewhere.Rotation.can_share_files()


def test_growing_file_needs_no_rotation() -> None:
    assert rotation_or_none(None, 5) is None
    assert rotation_or_none(10, 5) is not None
