from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from nv_one_logger.reader import RecordReader, build_trees


def records(run: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]


def open_spans(run: Path) -> List[str]:
    return [
        node.name for tree in build_trees(RecordReader([run / "records.jsonl"])) for node in tree.walk() if node.is_open
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "one-logger-demo" / "run-1"


def test_demo_trains_a_model_and_sums_the_file_up(one_logger: Any, run: Path) -> None:
    done = one_logger("demo")
    accuracy = re.search(r"Accuracy: ([\d.]+)% of 102 penguins", done.stdout)
    assert accuracy is not None
    assert float(accuracy.group(1)) > 90
    assert re.search(r"training_single_iteration\W+400 ", done.stdout)
    assert re.search(r"held_out_accuracy\W+10 ", done.stdout)
    assert "Errors: none" in done.stdout
    assert "Problem" not in done.stdout
    assert f"Records: {Path('one-logger-demo', 'run-1', 'records.jsonl')}\n" in done.stdout
    assert "epoch 100/100" in done.stderr


def test_both_plugins_wrote_every_record_and_every_span_is_stopped(one_logger: Any, run: Path) -> None:
    one_logger("demo", "--epochs", "3")
    lines = records(run)
    assert [line["count"] for line in lines] == list(range(1, len(lines) + 1))
    in_both = [line for line in lines if line["type"] not in ("session", "heartbeat")]
    assert len((run / "records.log").read_text().splitlines()) == len(in_both) < len(lines)
    assert open_spans(run) == []
    names = {line["name"] for line in lines if "name" in line}
    assert names == {
        "application",
        "checkpoint_save_sync",
        "data_loader_initialization",
        "model_initialization",
        "training_loop",
        "training_single_iteration",
        "validation_loop",
    }


def test_checkpoints_are_whole(one_logger: Any, run: Path) -> None:
    one_logger("demo", "--epochs", "3")
    paths = sorted((run / "checkpoints").iterdir())
    assert [path.name for path in paths] == ["iteration-000004.json", "iteration-000008.json", "iteration-000012.json"]
    assert json.loads(paths[-1].read_text())["epoch"] == 3


def test_second_run_leaves_the_first_alone(one_logger: Any, run: Path) -> None:
    one_logger("demo", "--epochs", "1")
    first = (run / "records.jsonl").read_bytes()
    one_logger("demo", "--epochs", "1")
    assert (run / "records.jsonl").read_bytes() == first
    assert (run.with_name("run-2") / "records.jsonl").exists()


def test_config_file_adds_exporters(one_logger: Any, tmp_path: Path) -> None:
    config = tmp_path / "more.yaml"
    config.write_text("exporters:\n  - class_name: file\n    config: {file_path: more.jsonl}\n")
    one_logger("demo", "--epochs", "1", "--output", "out", "--config", "more.yaml")
    written = records(tmp_path / "out" / "run-1")
    added = (tmp_path / "more.jsonl").read_text().splitlines()
    assert len([line for line in written if line["type"] not in ("session", "heartbeat")]) == len(added)


def test_wrong_config_file_is_one_error_and_leaves_nothing(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("exporters:\n  - class_name: no.such.Exporter\n")
    failed = one_logger("demo", "--config", "more.yaml", code=1)
    assert failed.stderr.startswith("Error: more.yaml, line 2")
    assert "Traceback" not in failed.stderr
    assert list((tmp_path / "one-logger-demo").iterdir()) == []


def test_demo_without_telemetry_still_trains(one_logger: Any, run: Path) -> None:
    done = one_logger("demo", "--epochs", "1", env={"ONE_LOGGER_DISABLED": "1"})
    assert done.stdout.startswith("Nothing was recorded")
    assert (run / "checkpoints").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_demo_leaves_a_complete_file_and_says_so(
    start_python: Any, run: Path, number: int, code: int
) -> None:
    process = start_python(["-m", "nv_one_logger.cli.main", "demo", "--epochs", "300"])
    while "epoch" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(number)
    output, remarks = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Interrupted. Every span was stopped and every exporter closed" in remarks
    assert re.search(r"interrupted\W+1 ", output)
    assert "Problem" not in output
    assert open_spans(run) == []
    assert records(run)[-1]["name"] == "application"


@pytest.mark.parametrize("columns", [80, 200])
def test_terminal_shows_a_bar_and_a_summary_that_fit(on_terminal: Any, columns: int) -> None:
    shown = on_terminal(["demo", "--epochs", "3"], columns=columns)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert plain != shown
    assert "epoch 3/3" in plain
    assert "Errors: none" in plain
    assert max(len(line) for part in plain.split("\n") for line in part.split("\r")) <= columns


def test_no_color_takes_the_colours_away(on_terminal: Any) -> None:
    shown = on_terminal(["demo", "--epochs", "1"], columns=80, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown)


def test_output_that_cannot_be_made_is_told_without_a_traceback(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    failed = one_logger("demo", "--output", str(Path("file", "out")), code=1)
    assert failed.stderr.startswith("Error: ")
