from __future__ import annotations

import os
import threading
from typing import List, Optional

import pytest

from nv_one_logger.exporter.internal.pending_watch import PendingStartWatch, watch


class Holder:
    """Something with a pending start that is due as soon as it is looked at."""

    def __init__(self) -> None:
        self.pending = False
        self.written = threading.Event()
        self.looks: List[float] = []

    def write_pending_start_if_due(self, now: float) -> Optional[float]:
        self.looks.append(now)
        if self.pending:
            self.pending = False
            self.written.set()
        return None


def test_waking_the_watch_has_a_due_start_written() -> None:
    one, holder = PendingStartWatch(), Holder()
    one.add(holder)
    for _ in range(3):
        holder.written.clear()
        holder.pending = True
        one.wake()
        assert holder.written.wait(10)


def test_start_that_is_not_due_is_looked_at_again() -> None:
    class Later(Holder):
        def write_pending_start_if_due(self, now: float) -> Optional[float]:
            self.looks.append(now)
            if len(self.looks) < 4:
                return 0.001
            self.written.set()
            return None

    one, holder = PendingStartWatch(), Later()
    one.add(holder)
    one.wake()
    assert holder.written.wait(10)


def test_thread_is_a_daemon_and_started_when_needed() -> None:
    one = PendingStartWatch()
    assert one._thread is None
    one.wake()
    assert one._thread is not None
    assert one._thread.daemon


def test_interpreter_that_starts_no_threads_any_more_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    one = PendingStartWatch()
    one.wake()
    assert one._thread is None


def test_process_has_one_watch() -> None:
    assert watch() is watch()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_forked_child_has_a_thread_of_its_own() -> None:
    one, holder = PendingStartWatch(), Holder()
    one.add(holder)
    one.wake()
    child = os.fork()
    if child == 0:
        holder.pending = True
        is_asleep = not one.awake
        one.wake()
        os._exit(0 if is_asleep and holder.written.wait(10) else 1)
    assert os.waitpid(child, 0)[1] == 0
