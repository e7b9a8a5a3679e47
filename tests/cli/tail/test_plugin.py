from __future__ import annotations

import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "data" / "reference-2.3.1"
KILLED, FINISHED = str(DATA / "attempt1-rank1.jsonl"), str(DATA / "attempt2-rank0.jsonl")


def test_past_of_several_ranks_is_shown_whole_in_a_pipe(one_logger: Any) -> None:
    done = one_logger("tail", "--no-follow", "-n", "2", KILLED, FINISHED)
    lines = done.stdout.splitlines()
    assert [line.split()[1:5] for line in lines] == [
        ["rank", "1", "event", "validation_metrics_update"],
        ["rank", "1", "stop", "validation_loop"],
        ["rank", "0", "stop", "training_loop"],
        ["rank", "0", "stop", "application"],
    ]
    assert "total_iteration_time_sec=" in lines[0]
    assert done.stderr == ""


def test_errors_only(one_logger: Any) -> None:
    (line,) = one_logger("tail", "--no-follow", "--errors", KILLED, FINISHED).stdout.splitlines()
    assert "ERROR error on zero_grad" in line


def test_rank_and_event_filters(one_logger: Any) -> None:
    done = one_logger("tail", "--no-follow", "--all", "--event", "save_*", "--rank", "1", KILLED, FINISHED)
    assert {line.split()[2] for line in done.stdout.splitlines()} == {"1"}


def test_missing_file_is_a_failure_without_following(one_logger: Any, tmp_path: Path) -> None:
    done = one_logger("tail", "--no-follow", "absent[1].jsonl", FINISHED, code=1)
    assert done.stderr == "absent[1].jsonl does not exist.\n"
    assert done.stdout != ""


def test_terminal_shows_each_record_on_one_line_of_its_width(on_terminal: Any) -> None:
    shown = on_terminal(["tail", "--no-follow", "--all", FINISHED], columns=60)
    lines = shown.replace("\r\n", "\n").splitlines()
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert len(plain) == 46
    assert max(map(len, plain)) == 60
    assert plain != lines


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_running_file_is_followed_until_ctrl_c(tmp_path: Path, start_python: Any) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"type":"event","event":{"name":"first"}}\n')
    process = start_python(["-m", "nv_one_logger.cli.main", "tail", str(path)])
    assert "first" in process.stdout.readline()
    with path.open("a") as file:
        file.write('{"type":"event","event":{"name":"second"}}\n')
    assert "second" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == ""
