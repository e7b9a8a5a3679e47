"""How the process ends: what is recorded, how long it takes, and that the exit status is the application's."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from nv_one_logger.training_telemetry.api import callbacks
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

StartJob = Callable[..., Any]

PROGRAM = """
import os, signal, sys, threading, time
from nv_one_logger.exporter.exporter import BaseExporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.training_telemetry.api import TrainingTelemetryConfig, TrainingTelemetryProvider
from nv_one_logger.training_telemetry.api import application, callbacks, training_loop
provider = TrainingTelemetryProvider.instance()
config = TrainingTelemetryConfig(application_name="a", session_tag_or_fn="s", global_batch_size_or_fn=8)
provider.with_base_config(config)
provider.with_exporter(FileExporter(file_path="records.jsonl"))
{before}
provider.configure_provider()
{body}
"""

TRAIN = """
callbacks.on_app_start()
callbacks.on_train_start(0)
callbacks.on_training_single_iteration_start()
callbacks.on_training_single_iteration_end()
callbacks.on_training_single_iteration_start()
"""


@pytest.fixture
def run(run_python: Callable[..., Any]) -> Callable[..., Any]:
    def run(body: str, before: str = "", **options: Any) -> Any:
        return run_python(PROGRAM.format(body=body, before=before), check=False, **options)

    return run


def records(folder: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()]


def stops(folder: Path) -> Dict[str, Dict[str, Any]]:
    return {record["name"]: record["attributes"] for record in records(folder) if record["type"] == "stop"}


def reason(folder: Path) -> Dict[str, Any]:
    attributes = stops(folder)["application"]
    return {name: value for name, value in attributes.items() if name.startswith("exit_")}


@pytest.mark.parametrize(
    ("end", "status", "expected"),
    [
        ("", 0, {"exit_reason": "interpreter_exit"}),
        ("sys.exit(3)", 3, {"exit_reason": "interpreter_exit"}),
        ("raise ValueError('mine')", 1, {"exit_reason": "exception", "exit_detail": "ValueError: mine"}),
        ("callbacks.on_app_end()", 0, {}),
        ("callbacks.on_app_end(); sys.exit(4)", 4, {}),
    ],
)
def test_open_spans_are_stopped_and_the_reason_noted_at_exit(
    run: Callable[..., Any], tmp_path: Path, end: str, status: int, expected: Dict[str, str]
) -> None:
    done = run(TRAIN + end)
    assert done.returncode == status, done.stderr
    assert set(stops(tmp_path)) == {"application", "training_loop"}
    assert reason(tmp_path) == expected
    (metrics,) = [r["event"]["attributes"] for r in records(tmp_path) if "training_metrics_update" in str(r)]
    assert metrics["interval_num_iterations"] == 1


def test_exception_that_was_printed_before_is_not_the_reason(run: Callable[..., Any], tmp_path: Path) -> None:
    run(TRAIN, before="sys.last_value = sys.last_exc = ValueError('of an earlier cell')")
    assert reason(tmp_path) == {"exit_reason": "interpreter_exit"}


def test_nothing_is_added_where_no_application_was_started(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("")
    assert done.returncode == 0
    assert records(tmp_path) == []


def test_on_app_end_from_atexit_works_in_either_order(run: Callable[..., Any], tmp_path: Path) -> None:
    for body, before in (
        (TRAIN + "import atexit; atexit.register(callbacks.on_app_end)", ""),
        (TRAIN, "import atexit; atexit.register(callbacks.on_app_end)"),
    ):
        done = run(body, before)
        assert (done.returncode, done.stderr) == (0, "")
        assert "application" in stops(tmp_path)
        (tmp_path / "records.jsonl").unlink()


def test_exporter_that_hangs_holds_the_exit_up_for_the_deadline_at_most(run: Callable[..., Any]) -> None:
    body = (
        """
class Hangs(BaseExporter):
    def close(self):
        threading.Event().wait(600)
provider.host.register(Hangs())
"""
        + TRAIN
        + "sys.exit(5)"
    )
    started = time.monotonic()
    done = run(body, timeout=60)
    assert done.returncode == 5
    assert time.monotonic() - started < 20


# --- signals ---------------------------------------------------------------------------------------------------------

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@needs_signals
def test_signal_ends_the_process_as_ever_with_a_complete_file(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run(TRAIN + "os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", "provider.with_signal_handlers()")
    assert done.returncode == -signal.SIGTERM
    assert reason(tmp_path) == {"exit_reason": "signal", "exit_detail": "SIGTERM"}
    assert "training_loop" in stops(tmp_path)


@needs_signals
def test_without_being_asked_no_signal_is_handled(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run(TRAIN + "os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)")
    assert done.returncode == -signal.SIGTERM
    assert stops(tmp_path) == {}


@needs_signals
def test_signal_while_a_lock_is_held_still_ends_the_process(run: Callable[..., Any], tmp_path: Path) -> None:
    body = (
        TRAIN
        + """
with provider.recorder._job_lock:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(30)
"""
    )
    started = time.monotonic()
    done = run(body, "provider.with_signal_handlers(signal.SIGTERM)", timeout=60)
    assert done.returncode == -signal.SIGTERM
    assert time.monotonic() - started < 20


@needs_signals
def test_handler_of_the_application_decides(run: Callable[..., Any], tmp_path: Path) -> None:
    before = """
def on_signal(number, frame):
    print("saving a checkpoint")
signal.signal(signal.SIGTERM, on_signal)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
provider.with_signal_handlers(signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""
    body = (
        TRAIN
        + """
assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
os.kill(os.getpid(), signal.SIGTERM)
callbacks.on_training_single_iteration_end()
callbacks.on_train_end()
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(30)
except KeyboardInterrupt:
    print("interrupted")
provider.reset()
assert signal.getsignal(signal.SIGTERM) is on_signal
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    )
    done = run(body, before)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["saving a checkpoint", "interrupted"]
    assert reason(tmp_path) == {"exit_reason": "signal", "exit_detail": "SIGTERM"}


def test_signal_handlers_are_set_in_the_main_thread_only(caplog: pytest.LogCaptureFixture) -> None:
    before = signal.getsignal(signal.SIGTERM)
    provider = TrainingTelemetryProvider.instance().with_export_config().with_signal_handlers()
    thread = threading.Thread(target=provider.configure_provider)
    thread.start()
    thread.join(30)
    assert signal.getsignal(signal.SIGTERM) is before
    assert "only the main thread can set signal handlers" in caplog.text
    callbacks.on_app_start()


# --- processes -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_leaves_the_spans_of_its_parent_alone(run: Callable[..., Any], tmp_path: Path) -> None:
    body = (
        TRAIN
        + """
child = os.fork()
if child == 0:
    provider.recorder.stop(provider.recorder.start("in child"))
    sys.exit(0)
os.waitpid(child, 0)
callbacks.on_app_end()
"""
    )
    done = run(body)
    assert done.returncode == 0, done.stderr
    written = records(tmp_path)
    (application,) = [r for r in written if r["type"] == "stop" and r["name"] == "application"]
    (child,) = [r for r in written if r.get("name") == "in child"]
    assert child["pid"] != application["pid"]
    assert child["parent_id"] in {r["id"] for r in written if r["pid"] == application["pid"] and "id" in r}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("are_iterations_measured", [True, False])
def test_forked_child_may_leave_what_its_parent_has_open(
    run: Callable[..., Any], tmp_path: Path, are_iterations_measured: bool
) -> None:
    body = """
from nv_one_logger.training_telemetry.api.context import checkpoint_save, testing_iteration, testing_loop
from nv_one_logger.training_telemetry.api.context import training_iteration, validation_iteration, validation_loop

def train():
    with application(), training_loop(0), training_iteration(), validation_loop(), validation_iteration():
        with testing_loop(), testing_iteration(), checkpoint_save(1):
            child = os.fork()
            if child:
                status = os.waitpid(child, 0)[1]
                assert status == 0, status
    return child

if train() == 0:
    try:
        callbacks.on_validation_end()
        for _ in range(50):  # in the loop of the parent
            callbacks.on_training_single_iteration_start()
            callbacks.on_training_single_iteration_end()
        callbacks.on_dataloader_init_end()  # which nobody has started
    except Exception as error:
        assert "data_loader_initialization but found 0" in str(error), error
    else:
        sys.exit(9)
    os._exit(0)
"""
    before = "" if are_iterations_measured else "config.is_train_iterations_enabled_or_fn = False"
    done = run(body, before)
    assert done.returncode == 0, done.stderr
    written = records(tmp_path)
    (application,) = [r for r in written if r["type"] == "stop" and r["name"] == "application"]
    child = [r for r in written if r["pid"] != application["pid"]]
    assert ["data_loader" in str(r) for r in child] == [True], "only what the child did wrong itself"


def test_kill_leaves_the_start_of_what_was_running(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run(TRAIN + "callbacks.on_validation_start(); os.kill(os.getpid(), 9)")
    assert done.returncode == -9
    assert [r["name"] for r in records(tmp_path) if r["type"] == "start"] == ["application", "training_loop"]


def test_explanation_is_printed_where_it_is_asked_for(run: Callable[..., Any]) -> None:
    done = run("", env={"ONE_LOGGER_EXPLAIN": "1"})
    assert "one-logger configuration" in done.stderr
    assert "nv_one_logger.exporter.file_exporter.FileExporter" in done.stderr
    assert run("").stderr == ""


def test_explanation_before_configuration_imports_no_plugin(run_python: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "acme.py").write_text(
        """
from nv_one_logger.exporter.exporter import BaseExporter
class Acme(BaseExporter):
    def __init__(self, url, retries=3):
        super().__init__()
"""
    )
    program = """
import sys
from nv_one_logger.training_telemetry.api import TrainingTelemetryProvider
provider = TrainingTelemetryProvider.instance()
provider.with_export_config([{"class_name": "acme.Acme", "config": {"url": "x"}}])
decision = provider.explain().decision("acme.Acme")
assert (str(decision.state), decision.value("config.url").value) == ("on", "x")
assert "<string>:5" in str(decision.origin), decision.origin
assert "acme" not in sys.modules
provider.configure_provider()
assert provider.explain().decision("acme.Acme").value("config.retries").value == 3
"""
    run_python(program, env={"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])})
