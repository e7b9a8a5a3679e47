from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import ExportError, RecordWriteError
from nv_one_logger.exporter.file_exporter import FileExporter

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.fixture
def exporter(path: Path) -> Iterator[FileExporter]:
    one = FileExporter(path)
    one.initialize()
    yield one
    one.close()


def records(path: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def record_span(exporter: FileExporter, name: str = "work", **attributes: Any) -> None:
    span = Span.create(name, span_attributes=Attributes(attributes))
    exporter.export_start(span)
    span.stop()
    exporter.export_stop(span)


class FailingFile:
    """Stands for a file whose next writes go as told: a number of bytes, or an error."""

    def __init__(self, file: Any, *outcomes: Any) -> None:
        self._file = file
        self._outcomes = list(outcomes)
        self.closed = False

    def write(self, data: bytes) -> int:
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if isinstance(outcome, BaseException):
            raise outcome
        written: int = self._file.write(data if outcome is None else data[:outcome])
        return written

    def fileno(self) -> int:
        descriptor: int = self._file.fileno()
        return descriptor

    def close(self) -> None:
        self.closed = True
        self._file.close()


def test_each_record_is_one_compact_line_and_visible_at_once(exporter: FileExporter, path: Path) -> None:
    record_span(exporter, shard=3)
    line = path.read_text()
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert '"attributes":{"shard":3,"duration_msec":' in line


def test_path_may_be_a_string_and_directories_are_made(tmp_path: Path) -> None:
    exporter = FileExporter(str(tmp_path / "a" / "b" / "run.jsonl"))
    assert exporter._filepath == tmp_path / "a" / "b" / "run.jsonl"
    assert exporter._file is None
    exporter.initialize()
    record_span(exporter)
    exporter.close()
    assert exporter._file is None
    assert len(records(tmp_path / "a" / "b" / "run.jsonl")) == 1


def test_constructing_touches_no_file(path: Path) -> None:
    FileExporter(path)
    assert not path.exists()


def test_restarted_job_continues_its_file(path: Path) -> None:
    for name in ("first", "second"):
        exporter = FileExporter(path)
        exporter.initialize()
        record_span(exporter, name)
        exporter.close()
    assert [(r["name"], r["count"]) for r in records(path)] == [("first", 1), ("second", 1)]


def test_second_initialize_keeps_file_and_records(exporter: FileExporter, path: Path) -> None:
    record_span(exporter)
    file = exporter._file
    exporter.initialize()
    assert exporter._file is file
    record_span(exporter)
    assert [r["count"] for r in records(path)] == [1, 2]


def test_file_that_cannot_be_opened_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    exporter = FileExporter(tmp_path / "file" / "run.jsonl")
    with pytest.raises(ExportError, match=r"cannot open .*run.jsonl"):
        exporter.initialize()
    assert not exporter.ready


def test_path_that_no_file_can_have_is_an_error_with_its_path(tmp_path: Path) -> None:
    exporter = FileExporter(tmp_path / "nul\0.jsonl")
    with pytest.raises(ExportError, match=r"cannot open .*nul.*null byte"):
        exporter.initialize()
    assert not exporter.ready
    exporter.close()


def test_initializing_again_opens_a_file_that_was_closed_from_outside(exporter: FileExporter, path: Path) -> None:
    span = Span.create("pending")
    exporter.export_start(span)
    assert exporter._file is not None
    exporter._file.close()
    exporter.initialize()
    span.stop()
    exporter.export_stop(span)
    assert [r["type"] for r in records(path)] == ["start", "stop"]


def test_closed_exporter_continues_its_file_when_initialized_again(exporter: FileExporter, path: Path) -> None:
    record_span(exporter)
    exporter.close()
    exporter.initialize()
    record_span(exporter)
    assert [r["count"] for r in records(path)] == [1, 2]


def test_closing_is_legal_in_every_state(path: Path) -> None:
    exporter = FileExporter(path)
    exporter.close()
    exporter.close()
    assert exporter.closed
    assert not path.exists()


def test_close_succeeds_when_the_file_was_closed_from_outside(path: Path) -> None:
    exporter = FileExporter(path)
    exporter.initialize()
    exporter.export_start(Span.create("pending"))
    assert exporter._file is not None
    exporter._file.close()
    exporter.close()
    assert exporter.closed


def test_close_succeeds_when_the_disk_is_broken(path: Path) -> None:
    class Broken(FailingFile):
        def close(self) -> None:
            super().close()
            raise OSError(errno.EIO, "broken")

    exporter = FileExporter(path)
    exporter.initialize()
    exporter._file = Broken(exporter._file, OSError(errno.EIO, "broken"))  # type: ignore[assignment]
    exporter.export_start(Span.create("pending"))
    exporter.close()
    assert exporter.closed
    assert exporter._file is None


def test_write_to_a_closed_file_is_a_lost_record(exporter: FileExporter) -> None:
    assert exporter._file is not None
    exporter._file.close()
    with pytest.raises(RecordWriteError, match="could not write"):
        record_span(exporter)
    exporter._file = None
    with pytest.raises(ExportError, match="no open file"):
        record_span(exporter)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EBADF])
def test_failed_write_costs_that_record_and_no_other(exporter: FileExporter, path: Path, code: int) -> None:
    record_span(exporter)
    exporter._file = FailingFile(exporter._file, OSError(code, os.strerror(code)))  # type: ignore[assignment]
    with pytest.raises(RecordWriteError):
        record_span(exporter)
    record_span(exporter)
    assert [r["count"] for r in records(path)] == [1, 3]


def test_record_after_a_torn_one_starts_on_a_line_of_its_own(exporter: FileExporter, path: Path) -> None:
    exporter._file = FailingFile(exporter._file, 10, OSError(errno.ENOSPC, "full"))  # type: ignore[assignment]
    for _ in range(2):
        with pytest.raises(RecordWriteError):
            record_span(exporter)
    record_span(exporter)
    torn, whole = path.read_text().splitlines()
    assert len(torn) == 10
    assert json.loads(whole)["count"] == 3


def test_file_that_ends_within_a_line_is_continued_on_the_next(path: Path) -> None:
    path.write_text('{"type":"sto')
    exporter = FileExporter(path)
    exporter.initialize()
    record_span(exporter)
    exporter.close()
    assert path.read_text().splitlines()[0] == '{"type":"sto'
    assert json.loads(path.read_text().splitlines()[1])["count"] == 1


def test_file_rotated_by_another_process_is_continued_on_a_line_of_its_own(path: Path) -> None:
    exporter = FileExporter(path, max_bytes=100_000)
    exporter.initialize()
    record_span(exporter)
    path.rename(path.with_name("run.jsonl.1"))
    path.write_text('{"type":"torn')  # and the other process was killed while it wrote
    record_span(exporter)
    exporter.close()
    torn, whole = path.read_text().splitlines()
    assert torn == '{"type":"torn'
    assert json.loads(whole)["count"] == 2


def test_torn_line_in_a_rotated_file_leaves_no_blank_line_in_the_new_one(path: Path) -> None:
    exporter = FileExporter(path, max_bytes=100_000)
    exporter.initialize()
    exporter._file = FailingFile(exporter._file, 10)  # type: ignore[assignment]
    with pytest.raises(RecordWriteError):
        record_span(exporter)
    path.rename(path.with_name("run.jsonl.1"))
    record_span(exporter)
    exporter.close()
    assert path.read_text().startswith("{")


@pytest.mark.skipif(os.name != "posix", reason="needs pipes with a path")
def test_pipe_gets_its_records_and_needs_no_disk(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    exporter = FileExporter(pipe, fsync=True)
    exporter.initialize()
    record_span(exporter)
    exporter.flush(1.0)
    exporter.close()
    assert json.loads(os.read(reading, 10_000))["count"] == 1
    os.close(reading)


def test_start_is_in_the_file_after_a_second(exporter: FileExporter, path: Path) -> None:
    exporter._watch = None
    now = [100.0]
    exporter._clock = lambda: now[0]
    exporter._watch = type("Awake", (), {"awake": True})()  # type: ignore[assignment]
    exporter.export_start(Span.create("slow"))
    assert exporter.write_pending_start_if_due(100.4) == pytest.approx(0.6)
    assert records(path) == []
    assert exporter.write_pending_start_if_due(101.0) is None
    assert [r["type"] for r in records(path)] == ["start"]
    assert exporter.write_pending_start_if_due(102.0) is None


def test_watch_writes_the_start_of_a_span_that_hangs(path: Path) -> None:
    written = threading.Event()

    class Telling(FileExporter):
        def _write(self, json_dict: Dict[str, Any]) -> None:
            super()._write(json_dict)
            written.set()

    exporter = Telling(path)
    exporter.initialize()
    exporter.export_start(Span.create("hangs"))
    assert written.wait(20)
    assert [r["name"] for r in records(path)] == ["hangs"]
    exporter.close()


def test_failure_of_the_watch_is_raised_by_the_next_call(exporter: FileExporter, path: Path) -> None:
    exporter._watch = None
    exporter.export_start(Span.create("slow"))
    exporter._file = FailingFile(exporter._file, OSError(errno.ENOSPC, "full"))  # type: ignore[assignment]
    exporter.write_pending_start_if_due(exporter._clock() + 100)
    with pytest.raises(RecordWriteError):
        record_span(exporter)
    assert [r["type"] for r in records(path)] == ["complete"]


def test_placeholders_are_filled_in_when_initialized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")

    class Config:
        application_name = "../job"
        session_tag = "run 1"

    exporter = FileExporter(tmp_path / "{application_name}-{session_tag}-{rank}-{pid}-{other}.jsonl")
    exporter.configure(Config())
    exporter.initialize()
    assert exporter.path == tmp_path / f"_._job-run_1-3-{os.getpid()}-{{other}}.jsonl"
    assert exporter.path.exists()
    exporter.close()


def test_unconfigured_placeholders_stay(tmp_path: Path) -> None:
    exporter = FileExporter(tmp_path / "{session_tag}.jsonl")
    exporter.configure(object())
    exporter.initialize()
    assert exporter.path.name == "{session_tag}.jsonl"
    exporter.close()


def test_fsync_has_each_record_on_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: List[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    exporter = FileExporter(path, fsync=True)
    exporter.initialize()
    record_span(exporter)
    assert len(synced) == 1
    monkeypatch.setattr(os, "fsync", raising(OSError(errno.EIO, "broken")))
    with pytest.raises(RecordWriteError, match="flushed to disk"):
        record_span(exporter)
    with pytest.raises(RecordWriteError):
        exporter.flush(1.0)
    exporter.close()


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*arguments: Any) -> Any:
        raise error

    return fail


def test_flush_writes_the_pending_start(exporter: FileExporter, path: Path) -> None:
    exporter.export_start(Span.create("pending"))
    exporter.flush(1.0)
    assert [r["type"] for r in records(path)] == ["start"]


@pytest.mark.parametrize(("max_bytes", "backup_count"), [(0, 1), (-5, 1), (10, 0)])
def test_rotation_needs_positive_numbers(path: Path, max_bytes: int, backup_count: int) -> None:
    with pytest.raises(OneLoggerError, match="must be positive"):
        FileExporter(path, max_bytes=max_bytes, backup_count=backup_count)


def test_rotation_without_file_locks_needs_a_file_of_ones_own(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nv_one_logger.exporter.internal.rotation.fcntl", None)
    with pytest.raises(OneLoggerError, match=r"{pid}"):
        FileExporter(path, max_bytes=10)
    FileExporter(path.with_name("{pid}.jsonl"), max_bytes=10)


def test_rotation_bounds_the_files_and_keeps_the_latest_records(path: Path) -> None:
    exporter = FileExporter(path, max_bytes=1000, backup_count=2)
    exporter.initialize()
    for _ in range(40):
        record_span(exporter)
    exporter.close()
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["run.jsonl", "run.jsonl.1", "run.jsonl.2"]
    assert all(file.stat().st_size < 1500 for file in files)
    counts = [r["count"] for file in reversed(files) for r in records(file)]
    assert counts == list(range(counts[0], 41))


def test_two_processes_rotate_one_file_together(path: Path) -> None:
    one, other = (FileExporter(path, max_bytes=2000, backup_count=50) for _ in range(2))
    one.initialize()
    other.initialize()
    for _ in range(50):
        record_span(one, "one")
        record_span(other, "other")
    one.close()
    other.close()
    found = [(r["name"], r["count"]) for file in path.parent.iterdir() for r in records(file)]
    assert sorted(found) == sorted((name, count) for name in ("one", "other") for count in range(1, 51))


@pytest.mark.parametrize("name", ["complete_line", "event_line"])
def test_memory_that_does_not_suffice_for_the_short_way_costs_no_record(
    exporter: FileExporter, path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(f"nv_one_logger.exporter.file_exporter.{name}", raising(MemoryError()))
    record_span(exporter)
    span = Span.create("with an event")
    exporter.export_start(span)
    exporter.export_event(Event.create("tick"), span)
    assert [record["type"] for record in records(path)] == ["complete", "start", "event"]
    assert [record["count"] for record in records(path)] == [1, 2, 3]


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "no"), MemoryError()])
def test_failing_rotation_costs_no_record(path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    exporter = FileExporter(path, max_bytes=10)
    exporter.initialize()
    monkeypatch.setattr(os, "replace", raising(error))
    for _ in range(3):
        record_span(exporter)
    exporter.close()
    assert len(records(path)) == 3


def test_eight_threads_write_whole_lines(exporter: FileExporter, path: Path) -> None:
    def work(number: int) -> None:
        for step in range(300):
            record_span(exporter, f"thread{number}", step=step)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    exporter.close()
    found = records(path)
    assert [r["count"] for r in found] == list(range(1, len(found) + 1))
    starts = [r["id"] for r in found if r["type"] in ("start", "complete")]
    stops = [r["id"] for r in found if r["type"] in ("stop", "complete")]
    assert len(starts) == len(set(starts)) == 2400
    assert sorted(starts) == sorted(stops)


def test_four_processes_write_whole_lines_into_one_file(path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from nv_one_logger.exporter.file_exporter import FileExporter\n"
        "from nv_one_logger.core.span import Span\n"
        "exporter = FileExporter(sys.argv[1]); exporter.initialize()\n"
        "for _ in range(500):\n"
        "    span = Span.create('work'); exporter.export_start(span); span.stop(); exporter.export_stop(span)\n"
        "exporter.close()\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, str(path)], env=library_path()) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    by_process: Dict[int, List[int]] = {}
    for found in records(path):
        by_process.setdefault(found["pid"], []).append(found["count"])
    assert len(by_process) == 4
    assert all(counts == list(range(1, 501)) for counts in by_process.values())


def library_path() -> Dict[str, str]:
    home = str(Path(sys.modules["nv_one_logger.core"].__file__ or "").parents[2])
    return {**os.environ, "PYTHONPATH": home}


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_every_acknowledged_record_survives_kill_9(path: Path) -> None:
    program = (
        "import sys\n"
        "from nv_one_logger.exporter.file_exporter import FileExporter\n"
        "from nv_one_logger.core.span import Span\n"
        "exporter = FileExporter(sys.argv[1]); exporter.initialize()\n"
        "number = 0\n"
        "while True:\n"
        "    span = Span.create('work'); exporter.export_start(span); span.stop(); exporter.export_stop(span)\n"
        "    number += 1\n"
        "    sys.stdout.write(f'{number}\\n'); sys.stdout.flush()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], env=library_path(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = 0
    for line in process.stdout:
        acknowledged = int(line)
        if acknowledged == 200:
            break
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.stdout.close()
    process.wait(30)
    acknowledged = int(rest[-1]) if rest else acknowledged
    counts = [r["count"] for r in records(path)]
    assert counts == list(range(1, len(counts) + 1))
    assert len(counts) >= acknowledged


@needs_fork
def test_fork_inside_an_open_span_neither_hangs_nor_mixes(exporter: FileExporter, path: Path) -> None:
    outer = Span.create("outer")
    exporter.export_start(outer)
    with exporter._lock:
        child = os.fork()
        if child == 0:
            inner = Span.create("inner", outer)
            exporter.export_start(inner)
            inner.stop()
            exporter.export_stop(inner)
            exporter.close()
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    outer.stop()
    exporter.export_stop(outer)
    found = records(path)
    assert [(r["name"], r["type"], r["count"]) for r in found] == [("inner", "complete", 1), ("outer", "complete", 1)]
    assert [r["pid"] for r in found] == [child, os.getpid()]


def in_child(work: Callable[[], None]) -> int:
    """Run something in a forked child, wait for it, and return the child's pid."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    return child


@needs_fork
def test_forked_child_has_a_file_of_its_own_where_the_path_names_the_process(tmp_path: Path) -> None:
    exporter = FileExporter(tmp_path / "{pid}.jsonl")
    exporter.initialize()
    record_span(exporter, "parent")
    grandchild: List[int] = []

    def work() -> None:
        grandchild.append(in_child(lambda: record_span(exporter, "grandchild")))
        (tmp_path / "grandchild").write_text(str(grandchild[0]))
        record_span(exporter, "child")
        exporter.flush(1.0)
        exporter.close()

    child = in_child(work)
    record_span(exporter, "parent")
    exporter.close()
    found = {
        int(file.stem): [(r["name"], r["count"], r["pid"]) for r in records(file)] for file in tmp_path.glob("*.jsonl")
    }
    last = int((tmp_path / "grandchild").read_text())
    assert found == {
        os.getpid(): [("parent", 1, os.getpid()), ("parent", 2, os.getpid())],
        child: [("child", 1, child)],
        last: [("grandchild", 1, last)],
    }


def test_renewed_exporter_opens_the_file_that_its_path_names_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a forked child does, without one."""
    exporter = FileExporter(tmp_path / "{pid}.jsonl")
    exporter.initialize()
    monkeypatch.setattr(os, "getpid", lambda: 4242)
    exporter._renew_after_fork()
    exporter._renew_after_fork()  # of a grandchild
    (tmp_path / "4242.jsonl").mkdir()
    with pytest.raises(RecordWriteError, match="cannot open"):
        record_span(exporter)
    (tmp_path / "4242.jsonl").rmdir()
    record_span(exporter)
    exporter.close()
    assert [(r["count"], r["pid"]) for r in records(tmp_path / "4242.jsonl")] == [(2, 4242)]


def test_renewed_exporter_goes_on_in_a_file_that_can_be_shared(exporter: FileExporter, path: Path) -> None:
    file = exporter._file
    exporter._renew_after_fork()
    assert exporter._file is file
    record_span(exporter)
    assert [r["count"] for r in records(path)] == [1]


def test_flush_of_a_closed_exporter_has_nothing_to_do(exporter: FileExporter) -> None:
    exporter.close()
    exporter.flush(1.0)


@needs_fork
def test_forked_child_that_records_nothing_makes_no_file(tmp_path: Path) -> None:
    exporter = FileExporter(tmp_path / "{pid}.jsonl")
    exporter.initialize()
    in_child(exporter.close)
    exporter.close()
    assert [file.name for file in tmp_path.iterdir()] == [f"{os.getpid()}.jsonl"]


@needs_fork
def test_forked_child_whose_file_cannot_be_opened_loses_records_only(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    exporter = FileExporter(folder / "{pid}.jsonl")
    exporter.initialize()

    def work() -> None:
        (folder / f"{os.getpid()}.jsonl").mkdir()
        with pytest.raises(RecordWriteError, match="cannot open"):
            record_span(exporter)
        (folder / f"{os.getpid()}.jsonl").rmdir()
        record_span(exporter)
        assert [r["count"] for r in records(exporter.path)] == [2]

    in_child(work)
    exporter.close()


@needs_fork
def test_forked_children_rotate_one_file_together(path: Path) -> None:
    """The lock of a rotation belongs to the open file, so a child must not share its parent's."""
    exporter = FileExporter(path, max_bytes=2000, backup_count=1000)
    exporter.initialize()

    def work() -> None:
        for _ in range(150):
            record_span(exporter)

    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            work()
            os._exit(0)
        children.append(child)
    work()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 3
    exporter.close()
    by_process: Dict[int, List[int]] = {}
    for file in path.parent.iterdir():
        for record in records(file):
            by_process.setdefault(record["pid"], []).append(record["count"])
    assert {pid: sorted(counts) for pid, counts in by_process.items()} == {
        pid: list(range(1, 151)) for pid in (os.getpid(), *children)
    }


@needs_fork
def test_full_file_system_costs_records_and_nothing_else(path: Path) -> None:
    """A real limit of the kernel: what a full disk looks like, without one."""
    program = (
        "import resource, signal, sys\n"
        "from nv_one_logger.exporter.file_exporter import FileExporter\n"
        "from nv_one_logger.core.span import Span\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "exporter = FileExporter(sys.argv[1]); exporter.initialize()\n"
        "def work(spans):\n"
        "    failed = 0\n"
        "    for _ in range(spans):\n"
        "        span = Span.create('work'); exporter.export_start(span); span.stop()\n"
        "        try: exporter.export_stop(span)\n"
        "        except Exception: failed += 1\n"
        "    return failed\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))\n"
        "lost = work(50)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))\n"
        "lost += work(10)\n"
        "print(lost)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], env=library_path(), capture_output=True, text=True, check=True
    )
    lost = int(done.stdout)
    lines = path.read_text().splitlines()
    whole = []
    torn = 0
    for line in lines:
        try:
            whole.append(json.loads(line)["count"])
        except ValueError:
            torn += 1
    assert lost > 0
    assert torn <= 1
    assert len(whole) == 60 - lost
    assert whole[-10:] == list(range(51, 61))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every file")
def test_file_that_may_only_be_written_is_continued(path: Path) -> None:
    path.write_text("{}\n")
    path.chmod(stat.S_IWUSR)
    exporter = FileExporter(path)
    exporter.initialize()
    record_span(exporter)
    exporter.close()
    path.chmod(stat.S_IRUSR)
    assert len(records(path)) == 2


def test_file_whose_end_cannot_be_read_gets_a_blank_line_at_most(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("{}\n")
    monkeypatch.setattr(stat, "S_ISREG", raising(PermissionError()))
    exporter = FileExporter(path)
    exporter.initialize()
    record_span(exporter)
    exporter.close()
    assert path.read_text().splitlines()[1] == ""
    assert len(records(path)) == 2


def test_event_names_its_span(exporter: FileExporter, path: Path) -> None:
    span = Span.create("a")
    exporter.export_start(span)
    exporter.export_event(Event.create("e", Attributes({"nan": float("nan")})), span)
    start, event = records(path)
    assert event["span_id"] == start["id"]
    assert event["event"]["attributes"]["nan"] == "NaN"
