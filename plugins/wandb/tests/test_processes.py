"""Real processes: what survives, what ends, what arrives, with wandb offline."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest

PRELUDE = """
import logging, os, signal, sys, time
logging.basicConfig()
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.span import Span
from nv_one_logger.exporter import ExportError
from nv_one_logger.wandb.exporter.wandb_exporter import Config, WandBExporterAsync, WandBExporterSync

def make(kind=WandBExporterAsync, **fields):
    patient = {"close_timeout_sec": 30.0, **fields}  # the machine may be busy
    return kind(Config(entity="team", save_dir="telemetry", span_details=True, **patient))

def record(exporter, name="work", **attributes):
    span = Span.create(name, None, Attributes(attributes))
    exporter.export_start(span)
    span.stop()
    exporter.export_stop(span)

def child_of(exporter):
    return exporter._link._child._popen.pid
"""


def _spans(runs: Any) -> list[str]:
    return [row["one_logger/span"] for run in runs for row in run.rows if row.get("one_logger/record") == "stop"]


def test_exit_without_close_loses_nothing(programs: Any, offline_runs: Any, tmp_path: Path) -> None:
    programs.run(PRELUDE + "exporter = make(); exporter.initialize(); [record(exporter, f's{n}') for n in range(300)]")
    programs.wait_until_none_is_left(40)
    (run,) = offline_runs(tmp_path / "telemetry")
    assert _spans([run]) == [f"s{number}" for number in range(300)]
    assert run.exit_code == 0


def test_killed_application_leaves_no_process_and_a_finished_run(
    programs: Any, offline_runs: Any, tmp_path: Path
) -> None:
    code = "exporter = make(); exporter.initialize(); record(exporter); exporter.flush(20); print('ok', flush=True)"
    program = programs.start(PRELUDE + code + "; sys.stdin.read()")
    assert program.stdout.readline() == "ok\n"
    assert len(programs.left()) > 1
    program.kill()
    programs.wait_until_none_is_left(40)
    (run,) = offline_runs(tmp_path / "telemetry")
    assert _spans([run]) == ["work"]
    assert run.exit_code == 0


def test_killed_application_with_forked_workers_leaves_no_process_but_them(programs: Any) -> None:
    code = """
exporter = make(); exporter.initialize(); record(exporter); exporter.flush(20)
worker = os.fork()
if worker == 0:
    while os.getppid() != 1: time.sleep(0.05)
    time.sleep(60)
print(worker, flush=True); sys.stdin.read()
"""
    program = programs.start(PRELUDE + code)
    worker = int(program.stdout.readline())
    program.kill()
    left = [worker]
    for _ in range(400):
        left = programs.left()
        if left == [worker]:
            break
        signal.sigtimedwait([], 0.05)
    assert left == [worker]


def test_child_that_hangs_holds_nothing_up_and_is_ended(programs: Any) -> None:
    code = """
exporter = make(close_timeout_sec=0.5, max_waiting=500)
exporter.initialize(); record(exporter); exporter.flush(20)
child = child_of(exporter)
os.kill(child, signal.SIGSTOP)
longest = 0.0
for number in range(1500):
    begin = time.perf_counter(); record(exporter, f's{number}', text='x' * 500)
    longest = max(longest, time.perf_counter() - begin)
begin = time.perf_counter(); exporter.close()
print(longest, time.perf_counter() - begin, exporter.dropped)
"""
    longest, close, dropped = map(float, programs.run(PRELUDE + code).stdout.split())
    assert longest < 0.5
    assert close < 3
    assert dropped == 3000
    programs.wait_until_none_is_left(40)


def test_child_that_dies_is_replaced_and_its_death_told_once(programs: Any, offline_runs: Any, tmp_path: Path) -> None:
    code = """
exporter = make(); exporter.initialize()
for number in range(3): record(exporter, f's{number}')
exporter.flush(20)
from multiprocessing import connection
exporter._link._parent_end.send_bytes(b"no pickle")
exporter._link._child.join()
told = 0
for number in range(3, 6):
    try: record(exporter, f's{number}')
    except ExportError as error: told += 1; message = str(error)
try: exporter.flush(20)
except ExportError: told += 1
exporter.close()
print(told, exporter.child_failures, exporter.dropped, exporter._resolved.run_id)
print(message)
"""
    result = programs.run(PRELUDE + code)
    told, failures, dropped, run_id = result.stdout.splitlines()[0].split()
    assert (told, failures, dropped) == ("1", "1", "0")
    assert "Traceback" in result.stdout
    assert "failed and is started again in 1.0 seconds" in result.stderr
    runs = offline_runs(tmp_path / "telemetry")
    assert [run.run.run_id for run in runs] == [run_id, run_id]
    assert set(_spans(runs)) >= {"s0", "s1", "s2", "s4", "s5"}
    assert [run.exit_code for run in runs] == [1, 0]


def test_child_killed_from_outside_is_replaced(programs: Any, offline_runs: Any, tmp_path: Path) -> None:
    code = """
exporter = make(); exporter.initialize(); record(exporter, 'before'); exporter.flush(20)
os.kill(child_of(exporter), signal.SIGKILL); exporter._link._child.join()
try: record(exporter, 'told')
except ExportError: pass
record(exporter, 'after')
exporter.close()
print(exporter.child_failures, exporter.dropped)
"""
    assert programs.run(PRELUDE + code).stdout == "1 0\n"
    assert "after" in _spans(offline_runs(tmp_path / "telemetry")[-1:])
    programs.wait_until_none_is_left(40)


def test_run_that_cannot_be_started_is_told_at_close(programs: Any, tmp_path: Path) -> None:
    (tmp_path / "telemetry").touch()  # a file where the folder should be
    code = """
exporter = make(close_timeout_sec=4.0); exporter.initialize(); record(exporter)
exporter._link._child.join()
begin = time.perf_counter(); exporter.close()
print(exporter.dropped, exporter.child_failures > 0, time.perf_counter() - begin < 8)
"""
    result = programs.run(PRELUDE + code)
    assert result.stdout == "2 True True\n"
    assert "Unexpected error in child process" in result.stderr
    assert "lost 2 record(s)" in result.stderr


@pytest.mark.parametrize("kind", ["WandBExporterAsync", "WandBExporterSync"])
def test_run_of_the_application_is_left_alone(programs: Any, offline_runs: Any, tmp_path: Path, kind: str) -> None:
    code = f"""
import wandb
mine = wandb.init(project='mine', dir='app')
exporter = make({kind}, project='theirs'); exporter.initialize()
record(exporter); wandb.log({{'loss': 1}}); record(exporter); exporter.close()
assert wandb.run is mine
wandb.log({{'loss': 2}}); mine.finish()
"""
    (tmp_path / "app").mkdir()
    programs.run(PRELUDE + code, WANDB_RUN_ID="of-application")
    (mine,) = offline_runs(tmp_path / "app")
    (theirs,) = offline_runs(tmp_path / "telemetry")
    assert [row["loss"] for row in mine.rows] == [1, 2]
    assert mine.run.run_id == "of-application"
    assert (theirs.run.project, len(theirs.rows)) == ("theirs", 4)
    assert not any("loss" in row for row in theirs.rows)


@pytest.mark.parametrize("kind", ["WandBExporterAsync", "WandBExporterSync"])
def test_credentials_are_stored_nowhere(programs: Any, home: Path, tmp_path: Path, kind: str) -> None:
    key = "0123456789abcdef0123456789abcdef01234567"
    code = f"""
exporter = make({kind}, host='http://127.0.0.1:9', api_key='{key}', init_timeout_sec=1.0, close_timeout_sec=1.0)
try:
    exporter.initialize(); record(exporter)
    for pid in [child_of(exporter)]:
        assert '{key}' not in open(f'/proc/{{pid}}/cmdline').read()
        assert '{key}' not in open(f'/proc/{{pid}}/environ').read()
    exporter._link._child.join(20)
except Exception as error: print(type(error).__name__)
if isinstance(exporter, WandBExporterSync): print(exporter.ready)
exporter.close()
assert 'WANDB_API_KEY' not in os.environ and 'WANDB_BASE_URL' not in os.environ
import wandb
print(wandb.setup().settings.base_url != 'http://127.0.0.1:9', wandb.setup().settings.api_key, flush=True)
os._exit(0)  # wandb's own handler would wait at the exit of this process for the server
"""
    result = programs.run(PRELUDE + code, WANDB_MODE="online")
    assert "True None" in result.stdout.splitlines()
    if kind == "WandBExporterSync":
        assert "CommError\nFalse\n" in result.stdout
    written = [path for folder in (home, tmp_path) for path in folder.rglob("*") if path.is_file()]
    assert not any(path.name in (".netrc", "_netrc", "settings") for path in written)
    programs.wait_until_none_is_left(45)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_every_start_method_works_and_main_runs_once(
    programs: Any, offline_runs: Any, tmp_path: Path, method: str
) -> None:
    code = f"""
import multiprocessing
multiprocessing.set_start_method('{method}')
open('started', 'a').write('x')
exporter = make(); exporter.initialize(); record(exporter); exporter.close()
"""
    programs.run(PRELUDE + code)
    assert (tmp_path / "started").read_text() == "x"
    assert _spans(offline_runs(tmp_path / "telemetry")) == ["work"]


def test_start_method_stays_the_applications_choice(programs: Any) -> None:
    code = "exporter = make(); exporter.initialize(); import multiprocessing; multiprocessing.set_start_method('spawn')"
    programs.run(PRELUDE + code)


def test_daemonic_worker_records(programs: Any, offline_runs: Any, tmp_path: Path) -> None:
    code = """
import multiprocessing
def work(): exporter = make(); exporter.initialize(); record(exporter); exporter.close()
if __name__ == '__main__':
    worker = multiprocessing.get_context('fork').Process(target=work, daemon=True); worker.start(); worker.join()
    sys.exit(worker.exitcode)
"""
    programs.run(PRELUDE + code)
    assert _spans(offline_runs(tmp_path / "telemetry")) == ["work"]


def test_values_that_no_other_process_can_read_become_text(programs: Any, offline_runs: Any, tmp_path: Path) -> None:
    code = """
class Local: pass
exporter = make(); exporter.initialize()
record(exporter, function=lambda: 1, own=Local(), number=0.5, flag=True, many=[1, 2]); exporter.close()
"""
    programs.run(PRELUDE + code)
    (run,) = offline_runs(tmp_path / "telemetry")
    row = run.rows[0]
    assert re.match("<function <lambda>", row["work.function"])
    assert "Local object" in row["work.own"]
    assert (row["work.number"], row["work.flag"], row["work.many"]) == (0.5, True, [1, 2])


def test_key_is_hidden_and_wandb_not_imported(programs: Any) -> None:
    code = "exporter = make(api_key='secret'); exporter.initialize(); print(exporter._config, 'wandb' in sys.modules)"
    printed = programs.run(PRELUDE + code).stdout
    assert "secret" not in printed
    assert "api_key='***'" in printed
    assert printed.endswith("False\n")
