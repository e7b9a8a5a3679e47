"""A real training process with a backend that is well, away for the whole run, silent, or back after a while."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nv_one_logger.testing import RecordFile

JOB = Path(__file__).with_name("training_job.py")


class Job:
    """One run of ``training_job.py``."""

    def __init__(self, receiver: Any, records: Path, **settings: str) -> None:
        self.records = RecordFile(records)
        command = [sys.executable, str(JOB), receiver.endpoint, receiver.protocol, str(records)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ONE_LOGGER_"))}
        self._process = subprocess.Popen(
            command,
            env={**environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.training = json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.communicate()

    def finish(self, command: str = "") -> None:
        """Let it end; wait for that, and take the account."""
        output, self.errors = self._process.communicate(f"{command}\n", timeout=90)
        self.seconds_to_end = time.monotonic()
        trained, account = (json.loads(line) for line in output.splitlines())
        self.seconds_to_end -= trained["trained"]
        self.exit_status = self._process.returncode
        self.spans, self.log_records = account["status"]

    def recorded_spans(self) -> int:
        return len(self.records.records("complete")) + len(self.records.records("start"))

    def recorded_events(self) -> int:
        return len(self.records.records("event")) + len(self.records.records("application_error"))

    def check_account(self) -> None:
        """Nothing that was recorded is missing from the account, and nothing counts twice."""
        assert self.spans["accepted"] == self.recorded_spans()
        assert self.recorded_events() <= self.log_records["accepted"] <= self.recorded_events() + self.recorded_spans()
        for status in (self.spans, self.log_records):
            assert status["delivered"] + status["lost"] == status["accepted"]
            assert status["waiting"] == 0


@pytest.fixture(scope="module")
def training(healthy_receiver: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What training learns, and how long it takes, with a backend that is well."""
    job = Job(healthy_receiver, tmp_path_factory.mktemp("healthy") / "records.jsonl")
    job.finish()
    return job.training


@pytest.fixture
def start(receiver: Any, tmp_path: Path) -> Iterator[Callable[..., Job]]:
    jobs: list[Job] = []

    def start_one(**settings: str) -> Job:
        jobs.append(Job(receiver, tmp_path / "records.jsonl", **settings))
        return jobs[-1]

    yield start_one
    for job in jobs:
        job.stop()


def test_everything_arrives_once_and_in_its_place(start: Any, receiver: Any) -> None:
    job = start()
    job.finish()
    assert (job.exit_status, job.errors) == (3, "")
    job.check_account()
    assert len(receiver.spans) == len({span.span_id for span in receiver.spans}) == job.spans["delivered"]
    assert job.spans["lost"] == job.log_records["lost"] == 0
    assert len(receiver.records) == job.log_records["delivered"]
    events = Counter(record.event_name for record in receiver.records)
    assert sum(events.values()) - events["span_start"] == job.recorded_events()
    app, loop = receiver.span("application"), receiver.span("training_loop")
    assert {span.trace_id for span in receiver.spans} == {app.trace_id}
    assert [span.name for span in receiver.spans if not span.parent_span_id] == ["application"]
    # Between a fit and the loop is the iteration, which is not exported unless somebody asks for it.
    fits = [span for span in receiver.spans if span.name == "fit"]
    assert len(fits) == 400
    assert {span.parent_span_id for span in fits} == {loop.span_id}


@pytest.mark.parametrize("trouble", ["away", "silent"])
def test_training_is_as_ever_the_end_is_in_time_and_the_account_exact(
    start: Any, receiver: Any, trouble: str, training: Any
) -> None:
    if trouble == "away":
        receiver.down()
    else:
        receiver.hang()
    try:
        job = start()
        job.finish()
        assert job.exit_status == 3
        assert job.training["loss"] == training["loss"]
        assert job.training["seconds"] < 3 * training["seconds"] + 1.0  # a busy machine; one wait would be 4 at least
        assert job.seconds_to_end < 8.0  # the exporter's four, and the interpreter's own end
        job.check_account()
        assert job.spans["delivered"] == job.log_records["delivered"] == len(receiver.spans) == 0
        count = job.recorded_spans()
        assert f"OTelExporter lost {count} of {count} spans" in job.errors
    finally:
        if trouble == "away":
            receiver.up()


def test_what_has_room_arrives_once_the_backend_is_back(start: Any, receiver: Any) -> None:
    receiver.down()
    try:
        job = start(OTEL_BSP_MAX_QUEUE_SIZE="100")
    finally:
        receiver.up()
    job.finish("flush")
    assert job.exit_status == 3
    job.check_account()
    assert len(receiver.spans) == len({span.span_id for span in receiver.spans}) == job.spans["delivered"]
    assert 100 <= job.spans["delivered"] < job.spans["accepted"]
    assert job.log_records["lost"] == 0
    assert len(receiver.records) == job.log_records["delivered"]
    assert "the queue of 100 was full" in job.errors
