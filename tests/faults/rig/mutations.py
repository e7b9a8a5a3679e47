"""Deliberately broken builds, at least one for each promise: a check that cannot fail shows nothing.

A program of the rig calls :func:`apply` before it does anything else, when its case, or the variable ``MUTATION``, asks
for it. Each function is named after the promise it breaks.
"""

from __future__ import annotations

import builtins
import os
import threading
import weakref
from typing import Any, Callable, Dict, List

from nv_one_logger.core.internal import ids
from nv_one_logger.core.span import Span
from nv_one_logger.exporter import file_exporter
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter
from nv_one_logger.exporter.exporter import ExportError, RecordWriteError
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host import guard, hookimpl
from nv_one_logger.host.deadline import BoundedCall
from nv_one_logger.host.guard import Guard
from nv_one_logger.recorder import default_recorder
from nv_one_logger.recorder.default_recorder import DefaultRecorder
from nv_one_logger.training_telemetry.api._shutdown import Shutdown

MUTATIONS: Dict[str, Callable[[], None]] = {}


def apply(name: str) -> None:
    """Break the library in this process."""
    MUTATIONS[name]()


def mutation(function: Callable[[], None]) -> Callable[[], None]:
    MUTATIONS[function.__name__] = function
    return function


def around(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Replace a method by ``wrapper(original, self, *arguments)``."""
    original = getattr(owner, name)
    setattr(owner, name, lambda self, *arguments, **options: wrapper(original, self, *arguments, **options))


# --- faults ----------------------------------------------------------------------------------------------------------


@mutation
def next_record_after_a_short_write_begins_in_its_line() -> None:
    def append(original: Any, self: Any, line: bytes) -> None:
        try:
            original(self, line)
        finally:
            self._ends_within_line = False

    around(FileExporter, "_append", append)


@mutation
def failed_write_is_swallowed() -> None:
    def append(original: Any, self: Any, line: bytes) -> None:
        try:
            original(self, line)
        except RecordWriteError:
            pass

    around(FileExporter, "_append", append)


@mutation
def number_of_a_lost_record_is_used_again() -> None:
    def write(original: Any, self: Any, *arguments: Any) -> Any:
        error = original(self, *arguments)
        if error is not None:
            self._count -= 1
        return error

    around(BaseJsonExporter, "_write_or_error", write)


@mutation
def failed_write_pauses_the_exporter() -> None:
    guard.RecordWriteError = type("Never", (Exception,), {})


@mutation
def failures_are_not_counted() -> None:
    Guard.note = lambda self, hook, error: None


@mutation
def skipped_calls_are_not_counted() -> None:
    class Deaf:
        value = 0

        def tick(self) -> None:
            pass

    def init(original: Any, self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self.skipped = Deaf()

    around(Guard, "__init__", init)


@mutation
def error_of_a_plugin_reaches_the_application() -> None:
    def failed(self: Any, hook: str, error: Exception, call_number: int) -> None:
        raise error

    Guard.failed = failed


@mutation
def plugin_that_cannot_start_stops_the_job() -> None:
    def start(self: Any, strategy: Any) -> None:
        failures = self._host.initialize()
        if failures:
            raise failures[0].error

    DefaultRecorder._start_plugins = start


@mutation
def failing_rotation_costs_the_record() -> None:
    def rotate(self: Any, rotation: Any, file: Any, line: bytes) -> Any:
        if rotation.is_due(file.fileno()):
            rotation.rotate(file.fileno(), self._open_path)
            self._open()
        return self._file, line

    FileExporter._file_after_rotation = rotate


@mutation
def event_overtakes_the_start_of_its_span() -> None:
    BaseJsonExporter.export_event = lambda self, event, span: self._write_event(event, span)


@mutation
def exit_waits_for_a_plugin_for_ever() -> None:
    def call(timeout_sec: float, function: Any, *arguments: Any) -> BoundedCall:
        bounded = BoundedCall(function, *arguments)
        bounded.wait(1e6)
        return bounded

    guard.call_within = call


@mutation
def drops_are_not_counted() -> None:
    BackgroundExporter._abandon = lambda self: self._queue.clear()


@mutation
def failures_behind_the_queue_at_its_end_are_not_counted() -> None:
    def close(original: Any, self: Any) -> None:
        try:
            original(self)
        except ExportError:
            pass

    around(BackgroundExporter, "close", close)


@mutation
def exit_status_is_another() -> None:
    def at_exit(original: Any, self: Any) -> None:
        original(self)
        os._exit(0)

    around(Shutdown, "_at_exit", at_exit)


# --- processes -------------------------------------------------------------------------------------------------------


@mutation
def ids_go_on_after_a_fork() -> None:
    ids._IdGenerator.reseed = lambda self: None


@mutation
def process_id_is_the_parents() -> None:
    def renew(original: Any, self: Any) -> None:
        pid = self._pid
        original(self)
        self._pid = pid

    around(BaseJsonExporter, "_renew_after_fork", renew)


@mutation
def child_finishes_what_the_parent_began() -> None:
    DefaultRecorder._renew_after_fork = lambda self: None


@mutation
def child_of_multiprocessing_does_not_close() -> None:
    default_recorder.when_forked_child_ends = lambda subject, action: None


@mutation
def locks_stay_as_a_fork_finds_them() -> None:
    """And at each fork some thread is just writing."""
    exporters: Any = weakref.WeakSet()
    is_held, is_forked = threading.Event(), threading.Event()

    def write_for_long(exporter: Any) -> None:
        with exporter._lock:
            is_held.set()
            is_forked.wait(5.0)

    def before() -> None:
        is_held.clear()
        is_forked.clear()
        for exporter in list(exporters):
            threading.Thread(target=write_for_long, args=(exporter,), daemon=True).start()
            is_held.wait(5.0)

    def init(original: Any, self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        exporters.add(self)

    def renew(original: Any, self: Any) -> None:
        lock = self._lock
        original(self)
        self._lock = lock

    around(FileExporter, "__init__", init)
    around(BaseJsonExporter, "_renew_after_fork", renew)
    os.register_at_fork(before=before, after_in_parent=is_forked.set)


@mutation
def record_is_written_in_pieces() -> None:
    def append(self: Any, line: bytes) -> None:
        for piece in (line[:40], line[40:-1], line[-1:]):
            self._file.write(piece)
            threading.Event().wait(0.0005)

    FileExporter._append = append


@mutation
def file_is_truncated() -> None:
    def truncating(path: Any, mode: str, **options: Any) -> Any:
        return builtins.open(path, "wb" if mode == "ab" else mode, **options)

    file_exporter.open = truncating


# --- kill -9 ---------------------------------------------------------------------------------------------------------


@mutation
def records_wait_in_a_buffer() -> None:
    def buffering(path: Any, mode: str, **options: Any) -> Any:
        return builtins.open(path, mode)

    file_exporter.open = buffering


@mutation
def flush_does_not_wait() -> None:
    @hookimpl
    def flush(self: Any, timeout_sec: float) -> None:
        pass

    BackgroundExporter.flush = flush


@mutation
def restarted_job_goes_on_in_a_torn_line() -> None:
    file_exporter._ends_within_line = lambda path: False


# --- long runs -------------------------------------------------------------------------------------------------------

_kept: List[Any] = []


@mutation
def span_keeps_every_event() -> None:
    def add_event(original: Any, self: Any, event: Any) -> None:
        original(self, event)
        _kept.append(event)

    around(Span, "add_event", add_event)


@mutation
def recorder_keeps_every_span() -> None:
    def finish(original: Any, self: Any, span: Any, *arguments: Any) -> None:
        original(self, span, *arguments)
        _kept.append(span)

    around(DefaultRecorder, "_finish", finish)


@mutation
def closing_leaves_the_file_open() -> None:
    def close(original: Any, self: Any) -> None:
        if self._file is not None:
            os.dup(self._file.fileno())
        original(self)

    around(FileExporter, "close", close)


@mutation
def closing_leaves_a_thread() -> None:
    def close(original: Any, self: Any) -> None:
        original(self)
        threading.Thread(target=threading.Event().wait, daemon=True).start()

    around(BackgroundExporter, "close", close)


@mutation
def each_call_takes_longer() -> None:
    def event(original: Any, self: Any, span: Any, event: Any) -> Any:
        sum(range(span.event_count // 2))
        return original(self, span, event)

    around(DefaultRecorder, "event", event)
