from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Iterator, List, Optional

import pytest

from nv_one_logger.cli.tail.following import FollowedFile
from nv_one_logger.reader import BadLine, Gap


class Follower:
    """A followed file and what it reported."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bad: List[BadLine] = []
        self.gaps: List[Gap] = []
        self.file = FollowedFile(path, self.bad.append, self.gaps.append)

    def poll(self) -> List[Optional[int]]:
        return [record.count for record in self.file.poll()]

    def finish(self) -> List[Optional[int]]:
        return [record.count for record in self.file.finish()]


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    follower = Follower(tmp_path / "run.jsonl")
    yield follower
    follower.file.close()


@pytest.fixture
def path(follower: Follower) -> Path:
    return follower.path


def line(count: int) -> str:
    return json.dumps({"type": "event", "count": count, "pid": 7}) + "\n"


def append(path: Path, *counts: int) -> None:
    with path.open("a") as file:
        file.writelines(line(count) for count in counts)


def rotate(path: Path) -> None:
    """Rename as ``FileExporter`` does: the oldest first."""
    older = sorted(path.parent.glob(path.name + ".*"), key=lambda each: -int(each.suffix[1:]))
    for each in older:
        each.rename(each.with_suffix(f".{int(each.suffix[1:]) + 1}"))
    path.rename(path.with_name(path.name + ".1"))


def test_new_records_come_once(path: Path, follower: Follower) -> None:
    append(path, 1, 2)
    assert follower.poll() == [1, 2]
    assert follower.poll() == []
    append(path, 3)
    assert follower.poll() == [3]


def test_file_that_does_not_exist_is_waited_for(path: Path, follower: Follower) -> None:
    assert follower.poll() == []
    assert not follower.file.is_open
    append(path, 1)
    assert follower.poll() == [1]
    assert follower.file.is_open


def test_half_written_line_is_waited_for(path: Path, follower: Follower) -> None:
    path.write_text(line(1)[:10])
    assert follower.poll() == []
    path.write_text(line(1))
    assert follower.poll() == [1]
    assert follower.bad == []


def test_rotation_loses_no_record(path: Path, follower: Follower) -> None:
    append(path, 1, 2)
    assert follower.poll() == [1, 2]
    append(path, 3)
    rotate(path)
    append(path, 4)
    assert follower.poll() == [3, 4]
    assert follower.gaps == []


def test_several_rotations_between_two_looks_lose_no_record(path: Path, follower: Follower) -> None:
    append(path, 1)
    assert follower.poll() == [1]
    for count in (2, 3, 4):
        rotate(path)
        append(path, count)
    assert follower.poll() == [2, 3, 4]
    assert follower.gaps == []


def test_file_rotated_out_of_existence_shows_as_a_gap(path: Path, follower: Follower) -> None:
    append(path, 1)
    assert follower.poll() == [1]
    for count in (2, 3):
        rotate(path)
        append(path, count)
    for backup in path.parent.glob("run.jsonl.*"):
        backup.unlink()
    assert follower.poll() == [3]
    assert [(gap.first, gap.last) for gap in follower.gaps] == [(2, 2)]


def test_rotation_in_the_middle_of_a_look_loses_no_record(
    path: Path, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(path, 1)
    assert follower.poll() == [1]
    rotate(path)
    append(path, 2)
    rotate(path)
    append(path, 3)
    stat = os.stat
    looks: List[object] = []

    def stat_then_rotate(target: Any, *args: Any, **options: Any) -> os.stat_result:
        status = stat(target, *args, **options)
        looks.append(target)
        if len(looks) == 3:  # the current file and both renamed ones: what to read next has been decided
            monkeypatch.undo()
            rotate(path)
            append(path, 4)
        return status

    monkeypatch.setattr(os, "stat", stat_then_rotate)
    assert follower.poll() == []
    assert follower.poll() == [2, 3, 4]
    assert follower.gaps == []


def test_rotated_file_is_followed_until_its_successor_is_there(path: Path, follower: Follower) -> None:
    append(path, 1)
    assert follower.poll() == [1]
    rotate(path)
    assert follower.poll() == []
    append(path.with_name("run.jsonl.1"), 2)
    assert follower.poll() == [2]
    append(path, 3)
    assert follower.poll() == [3]


def test_torn_line_of_a_rotated_file_is_reported(path: Path, follower: Follower) -> None:
    append(path, 1)
    follower.poll()
    with path.open("a") as file:
        file.write(line(2)[:9])
    rotate(path)
    append(path, 2)
    assert follower.poll() == [2]
    assert [bad.torn for bad in follower.bad] == [True]


def test_truncated_file_is_read_from_its_beginning(path: Path, follower: Follower) -> None:
    append(path, 1, 2, 3)
    assert follower.poll() == [1, 2, 3]
    os.truncate(path, 0)
    append(path, 1)
    assert follower.poll() == [1]
    assert follower.gaps == []


def test_replaced_file_is_read_anew(path: Path, follower: Follower) -> None:
    append(path, 1, 2)
    assert follower.poll() == [1, 2]
    append(path.with_name("other"), 1)
    os.replace(path.with_name("other"), path)
    assert follower.poll() == [1]


def test_finishing_takes_the_last_record_without_its_newline(path: Path, follower: Follower) -> None:
    path.write_text(line(1) + line(2)[:-1])
    assert follower.poll() == [1]
    assert follower.finish() == [2]
    assert follower.finish() == []


def test_processes_stay_the_same_across_rotation(path: Path, follower: Follower) -> None:
    append(path, 1)
    (first,) = follower.file.poll()
    rotate(path)
    append(path, 2)
    (second,) = follower.file.poll()
    assert first.process == second.process
