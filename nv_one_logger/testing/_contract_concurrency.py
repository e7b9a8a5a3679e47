"""Conformance tests: many threads, and a forked process."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, cast

import pytest

from nv_one_logger.core.span import Span
from nv_one_logger.testing._contract_base import Arrival, ContractBase, OpenSession
from nv_one_logger.testing._session import Session, fail

__all__ = ["ConcurrencyContract"]

_SECTION = "Threads and forks"
_THREADS = 8
_SPANS_PER_THREAD = 25


class ConcurrencyContract(ContractBase):
    """Calls come from several threads at once, and from several processes."""

    def test_many_threads(self, open_session: OpenSession) -> None:
        """Eight threads record at the same time."""
        session = open_session()
        barrier = threading.Barrier(_THREADS)
        expected: List[Arrival] = []
        for thread in range(_THREADS):
            for name in (f"thread{thread}_{number}" for number in range(_SPANS_PER_THREAD)):
                expected += [("start", name), ("event", f"{name}_event"), ("stop", name)]

        def record(thread: int) -> None:
            barrier.wait()
            for number in range(_SPANS_PER_THREAD):
                span = session.start(f"thread{thread}_{number}")
                session.event(span, f"thread{thread}_{number}_event")
                session.stop(span)

        with _frequent_switches():
            _run_in_threads(record, _THREADS)
        why = "data loaders, checkpoint writers and the training loop record at the same time"
        self._end_cleanly(session, "calls from several threads at once are exported", why, _SECTION)
        if self._overrides("read_back"):
            self._check_arrivals(session.exporter, expected, _SECTION)
            self._check_starts_before_stops(session, expected)

    def test_span_stopped_by_another_thread(self, open_session: OpenSession) -> None:
        """A span that was started here ends there."""
        session = open_session()
        span = session.start("handed_over")
        _run_in_threads(lambda _: session.stop(span), 1)
        why = "asynchronous work ends in a thread of its own"
        self._end_cleanly(session, "a span may be stopped by another thread", why, _SECTION)
        if self._overrides("read_back"):
            self._check_arrivals(session.exporter, [("start", "handed_over"), ("stop", "handed_over")], _SECTION)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
    def test_fork(self, open_host_session: OpenSession) -> None:
        """A forked process, such as a worker of a data loader, records on its own; the parent's spans stay its own."""
        session = open_host_session()
        session.span("before_fork")
        open_span = session.start("open_at_fork")
        report = _in_fork(lambda: self._record_in_child(session), 4 * self.deadline_sec)
        why = "after a fork, locks and threads of the parent do not exist; renew them with os.register_at_fork"
        if report is None:
            fail("a forked process can record and end", "it hangs", why, _SECTION)
        if report.get("problem"):
            fail("a forked process can record and end", str(report["problem"]), why, _SECTION)
        self._finish_parent(session, open_span)
        if self._overrides("read_back"):
            self._check_fork_arrivals(session, cast(List[List[str]], report["arrivals"]))

    def _record_in_child(self, session: Session) -> Dict[str, Any]:  # pragma: no cover  # as _report_and_exit
        session.span("in_child")
        flushed = session.flush()
        session.close()
        problem = session.problem or (None if flushed else "flush() failed")
        arrivals: List[Any] = []
        if self._overrides("read_back"):
            try:
                arrivals = list(self.read_back(session.exporter))
            except Exception as error:
                problem = problem or f"read_back() raised {type(error).__name__}: {error}"
        return {"problem": problem, "arrivals": arrivals}

    def _finish_parent(self, session: Session, open_span: Span) -> None:
        __tracebackhide__ = True
        session.stop(open_span)
        session.span("after_fork")
        why = "what a forked process does must not reach the parent"
        self._end_cleanly(session, "the parent goes on after a fork", why, _SECTION)

    def _check_fork_arrivals(self, session: Session, of_child: List[List[str]]) -> None:
        __tracebackhide__ = True
        names = ("before_fork", "open_at_fork", "after_fork")
        expected = [(kind, name) for name in names for kind in ("start", "stop")]
        self._check_arrivals(session.exporter, expected, _SECTION)
        in_parent = list(self.read_back(session.exporter))
        for kind in (kind for kind in ("start", "stop") if kind in self.delivers):
            if [kind, "in_child"] not in of_child and (kind, "in_child") not in in_parent:
                why = "what is accepted and then not delivered is lost silently; the same holds in a forked process"
                fail("what a forked process records arrives", f"the {kind} is lost", why, _SECTION)

    def _check_starts_before_stops(self, session: Session, expected: List[Arrival]) -> None:
        __tracebackhide__ = True
        position: Dict[Arrival, int] = {}
        for number, arrival in enumerate(self.read_back(session.exporter)):
            position[arrival] = number
        for name in (name for kind, name in expected if kind == "start"):
            start, stop = position.get(("start", name)), position.get(("stop", name))
            if start is not None and stop is not None and stop < start:
                fail("a start before its stop", f"span {name!r} stops first", "readers rely on it", _SECTION)


@contextmanager
def _frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _run_in_threads(function: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=function, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _in_fork(function: Callable[[], Dict[str, Any]], timeout_sec: float) -> Optional[Dict[str, Any]]:
    """Run a function in a forked process and return what it returned, ``None`` if it takes too long."""
    readable, writable = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of 3.12 and later: that a process with threads forks
        pid = os.fork()
    if pid == 0:
        _report_and_exit(function, readable, writable)  # pragma: no cover
    os.close(writable)
    try:
        text = _read_until_end(readable, time.monotonic() + timeout_sec)
        if text is None:
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(readable)
        os.waitpid(pid, 0)
    if text is None:
        return None
    return cast(Dict[str, Any], json.loads(text)) if text else {"problem": "the process ended without a word"}


def _report_and_exit(function: Callable[[], Dict[str, Any]], readable: int, writable: int) -> None:  # pragma: no cover
    # Not seen by coverage, which is not told of what ends through os._exit.
    try:
        os.close(readable)
        report = function()
    except BaseException as error:
        report = {"problem": f"{type(error).__name__}: {error}"}
    try:
        with os.fdopen(writable, "wb") as pipe:
            pipe.write(json.dumps(report).encode("ascii"))
    finally:
        os._exit(0)


def _read_until_end(readable: int, deadline: float) -> Optional[bytes]:
    pieces: List[bytes] = []
    while True:
        ready, _, _ = select.select([readable], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        piece = os.read(readable, 65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
