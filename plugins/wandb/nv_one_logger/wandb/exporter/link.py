"""The parent's side of the child process: sends records without ever waiting, and replaces a child that failed."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Deque, Dict, List, Optional

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.exporter import ExportError
from nv_one_logger.wandb.exporter.child import CONFIRMED, FINISHING, STARTED, _WandBExportAsyncErrorInfo
from nv_one_logger.wandb.exporter.config import Config
from nv_one_logger.wandb.exporter.launch import Process, start

__all__ = ["ChildLink"]

_logger = logging.getLogger("nv_one_logger.wandb.exporter.wandb_exporter")

# What may be on its way unconfirmed: less than a pipe takes without blocking (Linux 208 kB with the system's own
# overhead for each message, macOS 8 kB), so that sending within these limits never waits.
_MAX_RECORDS_ON_THE_WAY = 64
_MAX_BYTES_ON_THE_WAY = 32 * 1024 if sys.platform.startswith("linux") else 4 * 1024

_SHORTEST_WAIT_SEC = 0.002
_LONGEST_WAIT_SEC = 0.1
_FIRST_PAUSE_SEC = 1.0
_LONGEST_PAUSE_SEC = 60.0
_MAX_TRIES = 2  # of a record that a child failed with
_KILL_SEC = 1.0
_NEXT_FOLDER_SEC = 1.1  # wandb names folders by the second: two starts in one would write to one file

# Children that were left to finish their uploads: kept, so that nobody is warned of a process still running.
_left_behind: List[Process] = []


@dataclass
class _Record:
    metrics: Optional[Dict[str, Any]]  # None once only the payload is needed
    payload: bytes
    tries: int = 0


class ChildLink:
    """Owns pipe and child process. Safe for many threads; none of its methods waits for the child without a limit.

    Args:
        target: What ``multiprocessing.Process`` is given to run, with the child's end and the configuration.
        config: As which run, until :meth:`start` says better.
        clock: Monotonic seconds.
    """

    def __init__(
        self, target: Callable[..., None], config: Config, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._target = target
        self._config = config
        self._run_config: Dict[str, Any] = {}
        self._clock = clock
        # Looked up once: a child that has to be replaced later is made as the first one was.
        self._make_pipe = multiprocessing.Pipe
        self._make_process = multiprocessing.Process
        self.dropped = 0
        self.failures = 0
        self._begin_anew()
        self._make_child()

    def _begin_anew(self) -> None:
        self._closing = threading.Lock()
        self._changed = threading.Condition()  # guards everything below
        self._waiting: Deque[_Record] = deque()
        self._on_the_way: Deque[_Record] = deque()
        self._bytes_on_the_way = 0
        self._failure: Optional[OneLoggerError] = None  # not yet told to anybody
        self._child: Optional[Process] = None  # None before the first start, and from a failure to the next start
        self._is_wanted = False
        self._is_closing = False
        self._is_posting = False  # the thread is sending, possibly for long, without the lock
        self._has_started = False
        self._is_finishing = False
        self._is_first = True
        self._pause_sec = _FIRST_PAUSE_SEC
        self._next_start = 0.0
        self._last_start = 0.0
        self._thread: Optional[threading.Thread] = None

    def _make_child(self) -> None:
        self._child_end, self._parent_end = self._make_pipe()
        self._process: Any = self._make_process(target=self._target, args=(self._child_end, self._config), daemon=True)

    def forget(self) -> None:
        """In a forked process: leave the child to the parent, and hold no end of its pipe open."""
        for end in (self._child_end, self._parent_end):
            with suppress(OSError):
                end.close()
        if self._child is not None:
            _left_behind.append(self._child)
        self.dropped = self.failures = 0
        self._begin_anew()

    @property
    def waiting(self) -> int:
        """How many records are not known to be logged."""
        return len(self._waiting) + len(self._on_the_way)

    def start(self, config: Config, run_config: Dict[str, Any]) -> None:
        """Start the child.

        Raises:
            ExportError: It cannot be started.
        """
        with self._changed:
            self._config, self._run_config = config, run_config
            if self._is_closing or self._child_end.closed is True:
                self._begin_anew()
                self._make_child()
            self._is_wanted = True
            self._start_child()

    def _start_child(self) -> None:
        if os.name == "nt":  # made with the configuration that was known then
            self._process = self._make_process(target=self._target, args=(self._child_end, self._config), daemon=True)
        child = start(self._process, self._child_end, self._parent_end, self._config, self._run_config)
        # Only the child may hold its end, else the parent never sees that it is gone. With a stand-in the two ends may
        # be anything, so it is left alone.
        if child is not self._process:
            self._child_end.close()
        self._has_started = False
        self._last_start = self._clock()
        self._child = child  # last: from here on others send

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, metrics: Dict[str, Any]) -> None:
        """Send a record, or have it wait while the child is behind; the oldest one is dropped if too many wait.

        Raises:
            ExportError: The child has failed since the last call. It will be replaced; this record is kept.
            OneLoggerError: The connection to the child broke.
        """
        record = _Record(metrics, pickle.dumps(metrics))
        with self._changed:
            self._look()
            if self._may_post(record) and not self._waiting and not self._is_posting:
                self._post_now(record)
            else:
                self._have_wait(record)
            self._tell_failure()

    def _may_post(self, record: _Record) -> bool:
        if self._child is None or self._is_finishing:
            return False
        fits = self._bytes_on_the_way + len(record.payload) <= _MAX_BYTES_ON_THE_WAY
        return fits and len(self._on_the_way) < _MAX_RECORDS_ON_THE_WAY

    def _post_now(self, record: _Record) -> None:
        metrics, record.metrics = record.metrics, None
        self._put_on_the_way(record)
        try:
            self._parent_end.send(obj=metrics)
        except OSError as error:
            self._child_failed(_connection_lost(error))
            return
        if self._is_first:
            self._is_first = False
            self._look()

    def _put_on_the_way(self, record: _Record) -> None:
        self._on_the_way.append(record)
        self._bytes_on_the_way += len(record.payload)

    def _have_wait(self, record: _Record) -> None:
        record.metrics = None
        self._waiting.append(record)
        self._drop_surplus()
        self._wake_thread()

    def _drop_surplus(self) -> None:
        while len(self._waiting) > max(1, self._config.max_waiting):
            self._waiting.popleft()
            self.dropped += 1

    def _tell_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    # --- what the child says -----------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Read what the child has said, and see whether it is gone. Called with the lock held; never waits."""
        child = self._child
        if child is None:
            return
        problem: Optional[OneLoggerError] = None
        try:
            for _ in range(2 * _MAX_RECORDS_ON_THE_WAY):
                if not self._parent_end.poll() or not self._heard(self._parent_end.recv()):
                    break
        except (EOFError, OSError) as error:
            problem = _connection_lost(error)
            child.join(0.0)
        exit_code = child.exitcode
        if self._child is child and isinstance(exit_code, int) and exit_code:
            problem = ExportError(f"The process that logs to wandb ended with exit code {exit_code}.")
        # Once it has heard of the end, the end of the connection is what is expected.
        if problem is not None and self._child is child and not self._is_finishing:
            self._child_failed(problem)

    def _heard(self, message: object) -> bool:
        """Act on a message of the child; tell whether it was one."""
        if isinstance(message, _WandBExportAsyncErrorInfo):
            self._child_failed(ExportError(f"{message.message}\n{message.traceback}"))
        elif message == CONFIRMED and self._on_the_way:
            self._bytes_on_the_way -= len(self._on_the_way.popleft().payload)
            self._pause_sec = _FIRST_PAUSE_SEC
            self._changed.notify_all()
        elif message == STARTED:
            self._has_started = True
        elif message == FINISHING:
            self._is_finishing = True
        else:
            return False
        return self._child is not None

    def _child_failed(self, problem: OneLoggerError) -> None:
        """Give the child up; what it has not confirmed is for its successor, after a pause."""
        child, self._child = self._child, None
        self.failures += 1
        self._failure = problem
        self._take_back()
        if child is not None and child.exitcode is None:
            child.kill()
            _left_behind.append(child)
        self._next_start = float("inf") if self._is_closing else self._clock() + self._pause_sec
        what_next = "" if self._is_closing else f" and is started again in {self._pause_sec} seconds"
        _logger.error("The process that logs to wandb failed%s. %s", what_next, problem)
        self._pause_sec = min(2 * self._pause_sec, _LONGEST_PAUSE_SEC)
        if self._waiting and not self._is_closing:
            self._wake_thread()
        self._changed.notify_all()

    def _take_back(self) -> None:
        if self._on_the_way and self._has_started:  # before that, it is not the record's fault
            first = self._on_the_way[0]
            first.tries += 1
            if first.tries >= _MAX_TRIES:
                self._on_the_way.popleft()
                self.dropped += 1
        self._waiting.extendleft(reversed(self._on_the_way))
        self._on_the_way.clear()
        self._bytes_on_the_way = 0
        self._drop_surplus()

    # --- the thread that works off what waits ------------------------------------------------------------------------

    def _wake_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._changed.notify_all()
            return
        thread = threading.Thread(target=self._work_off, name="one-logger-wandb", daemon=True)
        with suppress(RuntimeError):  # the interpreter is shutting down; close() counts what waits
            thread.start()
            self._thread = thread

    def _work_off(self) -> None:
        wait_sec = _SHORTEST_WAIT_SEC
        while True:
            with self._changed:
                if self._is_wanted:
                    self._look()
                if not self._is_wanted or not self._waiting:
                    self._thread = None
                    return
                job = self._next_job()
                if job is None:
                    self._changed.wait(wait_sec)
                    wait_sec = min(2 * wait_sec, _LONGEST_WAIT_SEC)
                    continue
                # From here on nobody else sends; sending and starting may take long, and calls must not wait for it.
                self._is_posting = True
                child = self._child
            wait_sec = _SHORTEST_WAIT_SEC
            problem = job()
            with self._changed:
                self._is_posting = False
                if problem is not None and self._child is child:
                    self._child_failed(problem)

    def _next_job(self) -> Optional[Callable[[], Optional[OneLoggerError]]]:
        if self._child is None:
            return self._replace_child if self._clock() >= self._next_start else None
        record = self._next_to_post()
        return None if record is None else partial(_sent, self._parent_end, record.payload)

    def _next_to_post(self) -> Optional[_Record]:
        """Take the next record out; one that is larger than the limit goes alone, and sending it may take long."""
        if self._is_finishing:
            return None
        record = self._waiting[0]
        if self._on_the_way and not self._may_post(record):
            return None
        self._put_on_the_way(self._waiting.popleft())
        self._changed.notify_all()
        return record

    def _replace_child(self) -> Optional[OneLoggerError]:
        for end in (self._parent_end, self._child_end):
            with suppress(OSError):
                end.close()
        try:
            self._make_child()
            self._start_child()
        except OneLoggerError as error:
            return error
        except Exception as error:  # whatever it is, the thread must go on and the records be counted
            return _connection_lost(error)
        return None

    # --- flushing and the end ----------------------------------------------------------------------------------------

    def flush(self, timeout_sec: float) -> None:
        """Wait until the child has logged everything.

        Raises:
            ExportError: It has not within ``timeout_sec`` seconds, or it has failed.
        """
        deadline = self._clock() + timeout_sec
        with self._changed:
            self._look()
            while self.waiting and self._failure is None and self._clock() < deadline:
                self._changed.wait(min(_SHORTEST_WAIT_SEC, max(0.0, deadline - self._clock())))
                self._look()
            self._tell_failure()
            if self.waiting:
                raise ExportError(f"{self.waiting} record(s) still wait for wandb after {timeout_sec} seconds.")

    def close(self, timeout_sec: float) -> None:
        """Have the child log what waits and finish the run; say in the log what was lost. Never raises.

        A second call waits for one in progress: at exit, whoever began may be in a thread that ends with this process.
        """
        if not self._closing.acquire(timeout=timeout_sec):
            return
        try:
            self._close(timeout_sec)
        finally:
            self._closing.release()

    def _close(self, timeout_sec: float) -> None:
        deadline = self._clock() + timeout_sec
        with self._changed:
            if not self._is_wanted:
                self._close_ends()
                return
            self._look()
            self._is_closing = True
            self._next_start = min(self._next_start, self._last_start + _NEXT_FOLDER_SEC)  # once more, no longer pause
            self._work_off_until(deadline)
            self._is_wanted = False
            self._changed.notify_all()
            child = self._child
            self._say_end()
        if child is not None:
            self._wait_for_end(child, deadline)
        with self._changed:
            self._account(timeout_sec)
            self._close_ends()

    def _work_off_until(self, deadline: float) -> None:
        while (self._waiting or self._is_posting) and self._clock() < deadline:
            if self._thread is None or not self._thread.is_alive():
                return
            if self._child is None and self._next_start > deadline:
                return
            self._changed.wait(min(_LONGEST_WAIT_SEC, max(0.0, deadline - self._clock())))

    def _say_end(self) -> None:
        if self._child is None or self._is_posting:
            return
        try:
            self._parent_end.send(obj=None)
        except OSError as error:
            self._child_failed(_connection_lost(error))

    def _wait_for_end(self, child: Process, deadline: float) -> None:
        """Wait for the child; leave one that uploads to itself (it has a limit of its own), end one that hangs."""
        child.join(max(0.0, deadline - self._clock()))
        with self._changed:
            self._look()
        if child.exitcode is not None:
            return
        _left_behind.append(child)
        if not self._is_finishing:
            child.kill()
            child.join(_KILL_SEC)

    def _account(self, timeout_sec: float) -> None:
        child = self._child
        self._child = None
        exit_code: object = None if child is None else child.exitcode
        # A stand-in confirms nothing; it has done its work if it ended without a code that tells of a failure.
        is_failed = exit_code is None or (isinstance(exit_code, int) and exit_code != 0)
        if self._has_started or is_failed:
            self.dropped += self.waiting
        if self._is_finishing and child is not None and child.exitcode is None:
            _logger.warning("wandb still uploads after %s seconds; it goes on without this process.", timeout_sec)
        if self.dropped or self.failures:
            _logger.error(
                "The exporter to wandb lost %s record(s); its process failed %s time(s).", self.dropped, self.failures
            )

    def _close_ends(self) -> None:
        for end in (self._parent_end, self._child_end):
            with suppress(OSError):
                end.close()
        self._waiting.clear()
        self._on_the_way.clear()


def _sent(end: Any, payload: bytes) -> Optional[OneLoggerError]:
    try:
        end.send_bytes(payload)
    except OSError as error:
        return _connection_lost(error)
    return None


def _connection_lost(error: BaseException) -> OneLoggerError:
    problem = OneLoggerError(f"The connection to the process that logs to wandb is lost ({type(error).__name__}).")
    problem.__cause__ = error
    return problem
