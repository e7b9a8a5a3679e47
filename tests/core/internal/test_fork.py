from __future__ import annotations

import gc
import os
from typing import List

import pytest

from nv_one_logger.core.internal import fork
from nv_one_logger.core.internal.fork import after_fork_in_child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


class Told:
    def __init__(self) -> None:
        self.calls: List[str] = []

    def renew(self) -> None:
        self.calls.append("renew")

    def fail(self) -> None:
        raise ValueError("must not keep the child from starting")


def exit_code_of_child(*objects: Told) -> int:
    child = os.fork()
    if child == 0:
        os._exit(0 if all(one.calls == ["renew"] for one in objects) else 1)
    _, status = os.waitpid(child, 0)
    return status >> 8


def test_registered_method_is_called_in_the_child_only() -> None:
    told = Told()
    after_fork_in_child(told, "renew")
    assert exit_code_of_child(told) == 0
    assert told.calls == []


def test_failing_method_does_not_keep_the_others_from_being_called() -> None:
    failing, told = Told(), Told()
    after_fork_in_child(failing, "fail")
    after_fork_in_child(told, "renew")
    assert exit_code_of_child(told) == 0


def test_all_that_live_are_told_and_failures_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a child does, without one."""
    monkeypatch.setattr(fork, "_registered", [])
    monkeypatch.setattr(fork, "_lock", fork._lock)
    gone, failing, told = Told(), Told(), Told()
    after_fork_in_child(gone, "renew")
    after_fork_in_child(failing, "fail")
    after_fork_in_child(told, "renew")
    del gone
    gc.collect()
    with fork._lock:  # held by a thread that the child does not have
        fork._tell_all()
        after_fork_in_child(told, "renew")
    assert told.calls == ["renew"]


def test_registration_keeps_nothing_alive() -> None:
    told = Told()
    after_fork_in_child(told, "renew")
    before = len(fork._registered)
    del told
    gc.collect()
    exit_code_of_child()
    other = Told()
    after_fork_in_child(other, "renew")
    assert len(fork._registered) <= before
