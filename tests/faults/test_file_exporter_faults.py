"""The file exporter at full size and under real faults; tests/exporter has the bounded forms."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Iterator, List, Tuple

import pytest

# A quarter under CI, where each of the demanding suites has a minute or two.
PART = 4 if os.environ.get("CI") else 1
STEPS = 1500 // PART
FORKS = 152 // PART

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork, signals and mounts")

# What each program below begins with: a recorder, configured, with one exporter.
BEGIN = """
import os, sys, threading, time
from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.recorder.default_recorder import DefaultRecorder

def recorder_with(exporter):
    recorder = DefaultRecorder([exporter])
    config = OneLoggerConfig(application_name='app', world_size_or_fn=1, session_tag_or_fn='s')
    OneLoggerProvider.instance().configure(config, recorder)
    return recorder

def in_threads(number, work):
    workers = [threading.Thread(target=work, args=(each,)) for each in range(number)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
"""


def program(text: str) -> str:
    return BEGIN + textwrap.dedent(text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.fixture
def start(start_python: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.Popen[str]]:
    """Start a program with arguments: ``start(text, path)``."""
    return lambda text, *arguments: start_python(["-c", program(text), *map(str, arguments)])


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def test_eighty_thousand_spans_of_eight_threads(path: Path, start: Any, account: Any) -> None:
    text = f"""
        sys.setswitchinterval(1e-5)
        recorder = recorder_with(FileExporter(sys.argv[1]))
        def work(thread):
            for step in range({5000 // PART}):
                outer = recorder.start('outer', Attributes({{'step': step}}))
                recorder.stop(recorder.start('inner'))
                recorder.stop(outer)
        in_threads(8, work)
        recorder.close()
    """
    finished(start(text, path))
    found = account(path)
    ((_, counts),) = found.counts.items()
    assert counts == list(range(1, len(counts) + 1))
    assert found.torn == 0
    assert found.started == found.stopped
    assert len(found.started) == 80_000 // PART


TALKATIVE = "session_record=True, heartbeat_sec=0.005"


@pytest.mark.parametrize(
    "options",
    ["", "max_bytes=100_000, backup_count=1000", TALKATIVE, f"max_bytes=100_000, backup_count=1000, {TALKATIVE}"],
    ids=["growing", "rotated", "talkative", "talkative and rotated"],
)
def test_four_processes_and_their_children_in_one_file(path: Path, start: Any, account: Any, options: str) -> None:
    text = f"""
        recorder = recorder_with(FileExporter(sys.argv[1], {options}))
        def work(thread):
            for step in range({STEPS}):
                recorder.stop(recorder.start('work', Attributes({{'text': 'x' * (step % 300)}})))
        work(0)
        children = []
        for _ in range(2):
            child = os.fork()
            if child == 0:
                in_threads(2, work)
                recorder.close()
                os._exit(0)
            children.append(child)
        work(0)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        recorder.close()
    """
    processes = [start(text, path) for _ in range(4)]
    for process in processes:
        finished(process)
    found = account(path.parent.iterdir())
    assert found.torn == 0
    assert len(found.counts) == 12
    assert all(sorted(counts) == list(range(1, len(counts) + 1)) for counts in found.counts.values())
    assert found.started == found.stopped
    assert len(found.started) == 4 * (2 * STEPS + 2 * 2 * STEPS)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"this user may not mount: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="needs tmpfs")
def test_full_disk_costs_records_and_not_the_job(small_disk: Path, start: Any, account: Any) -> None:
    text = """
        folder = sys.argv[1]
        recorder = recorder_with(FileExporter(folder + '/run.jsonl'))
        def work(spans):
            for step in range(spans):
                recorder.stop(recorder.start('work', Attributes({'text': 'x' * 200})))
        with open(folder + '/ballast', 'wb') as ballast:
            ballast.write(b'x' * 20_000)
        work(300)
        os.remove(folder + '/ballast')
        work(30)
        (status,) = recorder.host.status()
        print(status.failures, status.state)
        recorder.close()
    """
    lost, state = finished(start(text, small_disk)).split()
    found = account(small_disk / "run.jsonl")
    ((_, counts),) = found.counts.items()
    assert state == "on"  # the breaker does not open for a full disk
    assert int(lost) > 0
    assert len(found.started) == 330 - int(lost)
    assert counts[-30:] == list(range(counts[-1] - 29, counts[-1] + 1))
    assert counts[-1] - len(counts) >= int(lost)  # the gap shows them, and reports of the failure that were lost too
    assert found.torn <= 1
    assert found.started == found.stopped


@pytest.mark.skipif(sys.platform != "linux", reason="needs tmpfs")
def test_full_disk_and_rotation(small_disk: Path, start: Any, account: Any) -> None:
    text = """
        recorder = recorder_with(FileExporter(sys.argv[1] + '/run.jsonl', max_bytes=8_000, backup_count=3))
        for step in range(2000):
            recorder.stop(recorder.start('work', Attributes({'text': 'x' * 200})))
        recorder.close()
    """
    finished(start(text, small_disk))
    found = account(small_disk.iterdir())
    ((_, counts),) = found.counts.items()
    assert max(counts) == 2000
    assert sorted(counts) == list(range(min(counts), 2001))
    assert found.torn == 0


def test_fork_storm_neither_hangs_nor_mixes(path: Path, start: Any, account: Any) -> None:
    """Children are forked at any moment of four recording threads; each records on, inside the parent's open span."""
    text = f"""
        recorder = recorder_with(FileExporter(sys.argv[1]))
        outer = recorder.start('outer')
        is_over = threading.Event()
        def work():
            while not is_over.is_set():
                span = recorder.start('work', parent_span=outer)
                recorder.event(span, Event.create('tick'))
                recorder.stop(span)
        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers: worker.start()
        for _ in range({FORKS}):
            child = os.fork()
            if child == 0:
                for _ in range(5):
                    recorder.stop(recorder.start('of a child'))
                recorder.close()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        is_over.set()
        for worker in workers: worker.join()
        recorder.stop(outer)
        recorder.close()
        print(os.getpid())
    """
    parent = int(finished(start(text, path)))
    found = account(path)
    assert found.torn == 0
    assert len(found.counts) == FORKS + 1
    assert all(counts == list(range(1, len(counts) + 1)) for counts in found.counts.values())
    assert {len(counts) for pid, counts in found.counts.items() if pid != parent} == {5}
    assert found.started == found.stopped


def test_exporter_that_hangs_holds_up_the_exit_no_longer_than_its_deadline(start: Any) -> None:
    text = """
        class Hanging(FileExporter):
            def _write(self, record):
                threading.Event().wait()
        background = BackgroundExporter(Hanging(sys.argv[1]), max_queue=100, close_timeout_sec=1.0)
        recorder = recorder_with(background)
        begin = time.monotonic()
        for _ in range(5000):
            recorder.stop(recorder.start('work'))
        recorded = time.monotonic()
        recorder.close()
        print(recorded - begin, time.monotonic() - recorded, background.dropped)
    """
    recording, closing, dropped = map(float, finished(start(text, os.devnull)).split())
    assert recording < 30
    assert closing < 10
    assert dropped == 9_999  # all but the first start, which is held back until the stop that hangs


@pytest.mark.parametrize("way", ["thread", "fork"])
def test_name_of_the_span_that_a_killed_job_hung_in_is_in_the_file(
    path: Path, start: Any, account: Any, way: str
) -> None:
    text = """
        recorder = recorder_with(FileExporter(sys.argv[1]))
        if sys.argv[2] == 'fork' and os.fork() != 0:
            os.wait()
            os._exit(0)
        recorder.start('hangs here')
        class Telling(threading.Thread):
            def run(self):
                while not os.path.getsize(sys.argv[1]):
                    time.sleep(0.01)
                os.kill(os.getpid(), 9)
        Telling().start()
        threading.Event().wait()
    """
    process = start(text, path, way)
    process.communicate(timeout=60)
    found: Tuple[List[int], ...] = tuple(account(path).counts.values())
    assert found == ([1],)
    assert b"hangs here" in path.read_bytes()
