"""Four ranks on one machine: one is slow, one is killed, the job is restarted, and the records tell all of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Dict, List, NamedTuple, Tuple

import pytest

from nv_one_logger.reader import (
    FileAccount,
    Heartbeat,
    ProcessBook,
    ProcessIdentity,
    ProcessTree,
    Record,
    RecordReader,
    SpanNode,
    build_trees,
)

ROOT = Path(__file__).resolve().parents[2]

STEPS, SAVE_EVERY, KILL_AT, KILLED, SLOW = 16, 4, 10, 2, 1
LAST_SAVED = KILL_AT - KILL_AT % SAVE_EVERY

Key = Tuple[int, int]  # rank and attempt

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")


class Job(NamedTuple):
    """What the records of both attempts tell."""

    output: str
    records: List[Record]
    accounts: List[FileAccount]
    identities: Dict[Key, ProcessIdentity]
    trees: Dict[Key, ProcessTree]

    def spans(self, key: Key, name: str) -> List[SpanNode]:
        return [node for node in self.trees[key].walk() if node.name == name]

    def heartbeats(self, key: Key) -> List[Heartbeat]:
        process = self.identities[key].process
        return [one.heartbeat for one in self.records if one.heartbeat is not None and one.process == process]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    output = tmp_path_factory.mktemp("ranks")
    options = {
        "--output": output,
        "--steps": STEPS,
        "--save-every": SAVE_EVERY,
        "--validate-every": 8,
        "--step-msec": 30,
        "--kill-at": KILL_AT,
        "--kill-rank": KILLED,
        "--slow-rank": SLOW,
        "--peer-timeout-sec": 3,
        "--restart-sec": 0.1,
        "--heartbeat-sec": 0.05,
    }
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "examples" / "train_ranks.py"),
            *(str(w) for pair in options.items() for w in pair),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    reader = RecordReader(sorted((output / "telemetry").iterdir()))
    records = list(reader)
    book = ProcessBook()
    for record in records:
        book.add(record)
    by_key = {(one.rank, one.attempt): one for one in book.identities.values()}
    trees = {tree.process: tree for tree in build_trees(records)}
    return Job(
        done.stdout,
        records,
        reader.accounts,
        {key: one for key, one in by_key.items() if key[0] is not None and key[1] is not None},  # type: ignore[misc]
        {key: trees[one.process] for key, one in by_key.items()},  # type: ignore[misc]
    )


def test_every_process_says_who_it_is(job: Job) -> None:
    assert set(job.identities) == {(rank, attempt) for rank in range(4) for attempt in (1, 2)}
    for identity in job.identities.values():
        assert (identity.session_tag, identity.world_size) == ("ranks-run-1", 4)
        assert identity.known_from == "session"


def test_no_record_is_missing_or_damaged(job: Job) -> None:
    assert len(job.accounts) == 4
    assert all(account.is_clean for account in job.accounts)


def test_killed_rank_leaves_open_what_it_was_doing(job: Job) -> None:
    open_spans = [node.name for node in job.trees[KILLED, 1].walk() if node.is_open]
    assert open_spans[:3] == ["application", "training_loop", "training_single_iteration"]
    assert "-9" in job.output


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_other_ranks_notice_and_end_with_an_error(job: Job, rank: int) -> None:
    (run,) = job.spans((rank, 1), "application")
    assert not run.is_open
    assert run.attributes["exit_reason"] == "exception"
    assert "BrokenBarrierError" in str(run.attributes["exit_detail"])
    assert job.spans((rank, 1), "all_reduce")[-1].error_count == 1


def test_second_attempt_goes_on_from_the_last_checkpoint_and_finishes(job: Job) -> None:
    for rank in range(4):
        (loop,) = job.spans((rank, 2), "training_loop")
        assert (loop.is_open, loop.attributes["train_iterations_start"]) == (False, LAST_SAVED)
        assert len(job.spans((rank, 2), "checkpoint_load")) == 1
        (run,) = job.spans((rank, 2), "application")
        assert (run.is_open, run.error_count) == (False, 0)


def test_iterations_after_the_last_checkpoint_are_done_twice(job: Job) -> None:
    def steps(attempt: int) -> List[object]:
        spans = job.spans((0, attempt), "training_single_iteration")
        return [span.attributes.get("step") for span in spans]

    assert steps(1) == list(range(KILL_AT + 1))
    assert steps(2) == list(range(LAST_SAVED, STEPS))


def test_checkpoints_validation_and_data_wait_are_there(job: Job) -> None:
    for rank in range(4):
        assert len(job.spans((rank, 1), "checkpoint_save_sync")) == KILL_AT // SAVE_EVERY
        assert len(job.spans((rank, 2), "checkpoint_save_sync")) == (STEPS - LAST_SAVED) // SAVE_EVERY
        assert len(job.spans((rank, 2), "validation_loop")) == 1
        assert len(job.spans((rank, 2), "data_loading")) == STEPS - LAST_SAVED


def test_slow_rank_computes_longer_and_waits_for_nobody(job: Job) -> None:
    def usual(rank: int, name: str) -> float:
        return median(span.duration_msec or 0 for key in ((rank, 1), (rank, 2)) for span in job.spans(key, name))

    for rank in (0, 2, 3):
        assert usual(SLOW, "model_backward") > usual(rank, "model_backward")
        assert usual(SLOW, "all_reduce") < usual(rank, "all_reduce")


def test_heartbeats_name_what_is_open(job: Job) -> None:
    for key in job.identities:
        names = {span.name for beat in job.heartbeats(key) for span in beat.open_spans}
        assert "application" in names
    assert all(beat.open_span_count == len(beat.open_spans) for beat in job.heartbeats((0, 2)))


def test_training_really_learns(job: Job) -> None:
    errors = [span.attributes["mean_squared_error"] for span in job.spans((0, 1), "validation_loop")]
    errors += [span.attributes["mean_squared_error"] for span in job.spans((0, 2), "validation_loop")]
    assert errors[-1] < errors[0]  # type: ignore[operator]
