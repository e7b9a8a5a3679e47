from __future__ import annotations

import os
import threading
import time
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


class Writer:
    """Something that writes heartbeats, three of them."""

    def __init__(self) -> None:
        self.looks: List[float] = []
        self.done = threading.Event()

    def write_heartbeat_if_due(self, now: float) -> Optional[float]:
        self.looks.append(now)
        if len(self.looks) < 3:
            return 0.001
        self.done.set()
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


def test_heartbeats_are_written_though_nothing_is_pending() -> None:
    one, writer = PendingStartWatch(), Writer()
    one.add_heartbeat(writer)
    assert writer.done.wait(10)
    assert writer.looks == sorted(writer.looks)


def test_watch_that_waits_for_a_heartbeat_is_woken_for_a_pending_start() -> None:
    """Else a start would be written when the heartbeat is due, long after its second."""
    asleep = threading.Event()

    class Hourly(Writer):
        def write_heartbeat_if_due(self, now: float) -> Optional[float]:
            self.looks.append(now)
            return 3600.0

    class Last(Holder):
        def write_pending_start_if_due(self, now: float) -> Optional[float]:
            if not one.awake:
                asleep.set()
            return super().write_pending_start_if_due(now)

    one, writer, holder = PendingStartWatch(), Hourly(), Last()
    one.add(holder)
    one.add_heartbeat(writer)
    assert asleep.wait(10)
    holder.pending = True
    assert not one.awake
    one.wake()
    assert holder.written.wait(10)


def test_failing_heartbeat_keeps_neither_other_heartbeats_nor_starts_from_being_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Writer):
        def write_heartbeat_if_due(self, now: float) -> Optional[float]:
            raise ValueError("heart failure")

    one, failing, writer, holder = PendingStartWatch(), Failing(), Writer(), Holder()
    holder.pending = True
    one.add(holder)
    one.add_heartbeat(failing)
    one.add_heartbeat(writer)
    assert writer.done.wait(10)
    assert holder.written.wait(10)
    assert "A heartbeat could not be written: heart failure" in caplog.text


def test_failing_exporter_does_not_keep_the_others_from_being_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Holder):
        def write_pending_start_if_due(self, now: float) -> Optional[float]:
            raise ValueError("broken")

    one, failing, holder = PendingStartWatch(), Failing(), Holder()
    one.add(failing)
    one.add(holder)
    for _ in range(2):
        holder.written.clear()
        holder.pending = True
        one.wake()
        assert holder.written.wait(10)
    assert "broken" in caplog.text


def test_patched_sleep_is_none_of_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(Holder):
        def write_pending_start_if_due(self, now: float) -> Optional[float]:
            self.looks.append(now)
            if len(self.looks) < 3:
                return 0.001
            self.written.set()
            return None

    slept: List[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    one, holder = PendingStartWatch(), Later()
    one.add(holder)
    one.wake()
    assert holder.written.wait(10)
    assert slept == []


def test_start_added_while_the_watch_goes_to_sleep_is_not_forgotten() -> None:
    """The watch says that it sleeps, then looks once more: whoever was not told so in time is seen by that look."""
    one = PendingStartWatch()

    class Late(Holder):
        def write_pending_start_if_due(self, now: float) -> Optional[float]:
            self.looks.append(now)
            if len(self.looks) == 1:
                self.pending = True  # comes right after this look found nothing, while the watch is still awake
                return None
            return super().write_pending_start_if_due(now)

    holder = Late()
    one.add(holder)
    one.wake()
    assert holder.written.wait(10)


def test_start_that_becomes_due_while_the_watch_goes_to_sleep_keeps_it_awake() -> None:
    one = PendingStartWatch()
    awake: List[bool] = []

    class Late(Holder):
        def write_pending_start_if_due(self, now: float) -> Optional[float]:
            self.looks.append(now)
            awake.append(one.awake)
            if len(self.looks) == 2:
                return 0.001
            if len(self.looks) == 3:
                self.written.set()
            return None

    holder = Late()
    one.add(holder)
    one.wake()
    assert holder.written.wait(10)
    assert awake[:3] == [True, False, True]


def test_thread_is_a_daemon_and_started_when_needed() -> None:
    one = PendingStartWatch()
    assert one._thread is None
    one.wake()
    assert one._thread is not None
    assert one._thread.daemon


def test_thread_that_could_not_start_is_tried_again_with_the_next_span() -> None:
    """Too many threads, for now; or an interpreter that is shutting down, where each try fails."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    one, holder = PendingStartWatch(), Holder()
    one.add(holder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        one.wake()
        assert not one.awake
    holder.pending = True
    one.wake()
    assert holder.written.wait(10)


def test_process_has_one_watch() -> None:
    assert watch() is watch()


def test_renewed_watch_starts_a_thread_of_its_own() -> None:
    one, holder = PendingStartWatch(), Holder()
    one.add(holder)
    one.wake()
    before = one._thread
    with one._lock:  # as a thread that a forked child does not have may have held it
        one._renew_after_fork()
        holder.pending = True
        assert not one.awake
        one.wake()
    assert holder.written.wait(10)
    assert one._thread is not before


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
