from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from nv_one_logger.cli.demo.telemetry import configure_telemetry
from nv_one_logger.cli.demo.training import INTERRUPTED_EVENT, JobSettings, Progress, train
from nv_one_logger.reader import RecordReader, SpanNode, build_trees


def ignore(_: object = None) -> None:
    pass


def root_of(records: Path) -> SpanNode:
    (tree,) = build_trees(RecordReader([records]))
    (root,) = tree.roots
    return root


def test_tree_of_the_records_is_that_of_the_job(tmp_path: Path) -> None:
    configure_telemetry(tmp_path / "r.jsonl", None)
    train(JobSettings(2, tmp_path / "checkpoints"), ignore, ignore)
    root = root_of(tmp_path / "r.jsonl")
    assert root.name == "application"
    assert [node.name for node in root.children] == [
        "data_loader_initialization",
        "model_initialization",
        "training_loop",
    ]
    epoch = [*["training_single_iteration"] * 4, "validation_loop", "checkpoint_save_sync"]
    assert [node.name for node in root.children[2].children] == epoch * 2
    assert root.children[2].attributes["train_iterations_target"] == 8


def test_progress_is_told_after_each_epoch(tmp_path: Path) -> None:
    configure_telemetry(tmp_path / "r.jsonl", None)
    told: List[Progress] = []
    train(JobSettings(20, tmp_path / "checkpoints"), told.append, ignore)
    assert [progress.epoch for progress in told] == list(range(1, 21))
    assert told[0].accuracy is None
    assert told[1].accuracy is not None
    assert told[-1].loss < told[0].loss
    assert len(list((tmp_path / "checkpoints").iterdir())) == 10


def test_interrupted_job_stops_every_span_and_says_why(tmp_path: Path) -> None:
    configure_telemetry(tmp_path / "r.jsonl", None)
    checks: List[None] = []

    def check() -> None:
        checks.append(None)
        if len(checks) == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(JobSettings(10, tmp_path / "checkpoints"), ignore, check)
    root = root_of(tmp_path / "r.jsonl")
    assert not any(node.is_open for node in root.walk())
    assert [event.name for event in root.events][-1] == INTERRUPTED_EVENT
    iterations = [node for node in root.walk() if node.name == "training_single_iteration"]
    assert len(iterations) == 5


def test_checkpoint_that_cannot_be_written_ends_the_job_and_the_file(tmp_path: Path) -> None:
    configure_telemetry(tmp_path / "r.jsonl", None)
    (tmp_path / "checkpoints").write_text("in the way")
    with pytest.raises(FileExistsError):
        train(JobSettings(1, tmp_path / "checkpoints"), ignore, ignore)
    assert not any(node.is_open for node in root_of(tmp_path / "r.jsonl").walk())


def test_interval_is_a_tenth_of_the_epochs() -> None:
    assert [JobSettings(epochs, Path()).interval for epochs in (1, 9, 20, 205)] == [1, 1, 2, 20]
