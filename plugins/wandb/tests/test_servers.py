"""Real processes, with wandb online: a server that answers, one that falls silent, and ones that never answer."""

from __future__ import annotations

import re
import signal
import statistics
import time
from pathlib import Path
from typing import Any, List

import pytest

KEY = "0123456789abcdef0123456789abcdef01234567"
JOB = """
import logging, sys, time
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

logging.basicConfig()
provider = TrainingTelemetryProvider.instance()
provider.with_base_config(TrainingTelemetryConfig(application_name="demo", session_tag_or_fn="job 1"))
provider.with_export_config().configure_provider()
((_, plugin),) = provider.host.plugins()

def train(count):
    took = []
    for number in range(count):
        begin = time.perf_counter()
        with timed_span("step"):
            pass
        took.append(1000 * (time.perf_counter() - begin))
    print(*took, flush=True)
"""


class Job:
    """A training job with telemetry for one server, which it reaches or not."""

    def __init__(self, programs: Any, folder: Path, address: str, name: str, code: str, **fields: object) -> None:
        given = {"entity": "team", "host": address, "api_key": KEY, "save_dir": "telemetry", **fields}
        text = f"exporters:\n  - name: {name}\n    config:\n      config: {given}\n"
        (folder / "one_logger_exporters_config.yaml").write_text(text, encoding="utf-8")
        self.program = programs.start(JOB + code, WANDB_MODE="online")

    def line(self) -> str:
        line: str = self.program.stdout.readline()
        assert line, self.program.communicate()[1]
        return line

    def steps(self) -> List[float]:
        """The durations of the steps that the job tells next, in milliseconds."""
        return [float(text) for text in self.line().split()]

    def go_on(self) -> None:
        self.program.stdin.write("\n")
        self.program.stdin.flush()

    def end(self) -> float:
        """Return how long it takes to exit, in seconds."""
        begin = time.monotonic()
        self.errors: str = self.program.communicate(timeout=60)[1]
        assert self.program.returncode == 0, self.errors
        return time.monotonic() - begin


def test_restart_with_the_same_session_tag_continues_the_run_on_the_server(
    programs: Any, wandb_server: Any, tmp_path: Path
) -> None:
    for _ in range(2):
        Job(programs, tmp_path, wandb_server.address, "wandb", "train(3)", close_timeout_sec=30).end()
        programs.wait_until_none_is_left(40)
    ((run_id, rows),) = wandb_server.rows.items()
    assert re.fullmatch("job-1-[0-9a-f]{12}-rank0", run_id)
    assert [row["one_logger/record"] for row in rows] == ["start", "stop"] * 6
    steps = [row["_step"] for row in rows]
    assert steps == sorted(set(steps)) == [row["one_logger/step"] for row in rows]


def test_server_that_is_never_reached_costs_neither_steps_nor_exit(
    programs: Any, unreachable: str, tmp_path: Path
) -> None:
    job = Job(programs, tmp_path, unreachable, "wandb", "train(300)", close_timeout_sec=1, max_waiting=100)
    assert statistics.median(job.steps()) < 5
    assert job.end() < 10
    assert "The exporter to wandb lost 600 record(s); its process failed 0 time(s)." in job.errors


def test_start_that_is_given_up_is_told_and_its_records_are_counted(programs: Any, tmp_path: Path) -> None:
    code = """
train(10)
while not plugin.child_failures:
    provider.flush(1.0)
train(5)
"""
    times = {"init_timeout_sec": 1, "close_timeout_sec": 1}
    job = Job(programs, tmp_path, "http://127.0.0.1:9", "wandb", code, **times)
    assert len(job.steps() + job.steps()) == 15
    assert job.end() < 10
    assert "Unexpected error in child process" in job.errors
    assert "lost 30 record(s)" in job.errors


def test_server_that_falls_silent_costs_neither_steps_nor_exit_nor_records(
    programs: Any, wandb_server: Any, tmp_path: Path
) -> None:
    code = """
train(10); print(provider.flush(40), flush=True); sys.stdin.readline()
train(300); print(provider.flush(40), plugin.dropped, flush=True)
"""
    job = Job(programs, tmp_path, wandb_server.address, "wandb", code, close_timeout_sec=1)
    assert len(job.steps()) == 10
    assert job.line() == "True\n"
    wandb_server.fall_silent()
    job.go_on()
    assert statistics.median(job.steps()) < 5
    assert job.line() == "True 0\n"
    assert job.end() < 10
    assert "it goes on without this process" in job.errors
    wandb_server.answer_again()
    programs.wait_until_none_is_left(40)
    (rows,) = wandb_server.rows.values()
    assert len(rows) == 620


SYNC = """
import logging, sys
from nv_one_logger.core.span import Span
from nv_one_logger.wandb.exporter.wandb_exporter import Config, WandBExporterSync
logging.basicConfig()
fields = dict(save_dir="telemetry", init_timeout_sec={init}, close_timeout_sec=1.0)
exporter = WandBExporterSync(Config("team", {address!r}, {key!r}, **fields))
"""


@pytest.mark.parametrize("close", ["exporter.close()", "pass"])
def test_sync_ends_in_time_after_its_server_fell_silent(programs: Any, wandb_server: Any, close: str) -> None:
    code = f"""
exporter.initialize(); print("ready", flush=True); sys.stdin.readline()
span = Span.create("work"); exporter.export_start(span); span.stop(); exporter.export_stop(span)
print("end", flush=True); {close}
"""
    program = programs.start(SYNC.format(init=30, address=wandb_server.address, key=KEY) + code, WANDB_MODE="online")
    assert program.stdout.readline() == "ready\n", program.communicate()
    wandb_server.fall_silent()
    program.stdin.write("\n")
    program.stdin.flush()
    assert program.stdout.readline() == "end\n", program.communicate()
    begin = time.monotonic()
    _, errors = program.communicate(timeout=60)
    assert time.monotonic() - begin < 10
    assert (program.returncode, "Traceback" in errors) == (0, False)
    programs.wait_until_none_is_left(40)


def test_sync_that_never_reached_its_server_ends_in_time(programs: Any, unreachable: str) -> None:
    code = (
        "try: exporter.initialize()\nexcept Exception as error: print(type(error).__name__, exporter.ready, flush=True)"
    )
    program = programs.start(SYNC.format(init=1, address=unreachable, key=KEY) + code, WANDB_MODE="online")
    assert program.stdout.readline() == "CommError False\n"
    begin = time.monotonic()
    _, errors = program.communicate(timeout=60)
    assert time.monotonic() - begin < 10
    assert (program.returncode, "Traceback" in errors) == (0, False)
    programs.wait_until_none_is_left(40)


def test_what_an_ended_application_leaves_uploading_has_a_limit(programs: Any) -> None:
    code = "from nv_one_logger.wandb.exporter import child; child._FINISH_SEC = 1; child._limit_what_remains(); input()"
    program = programs.start(code)
    assert program.wait(timeout=20) == -signal.SIGALRM
