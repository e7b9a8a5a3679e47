"""The end of a run in this process: in time, in the background if need be, and what is done at exit."""

from __future__ import annotations

import os
import sys
import threading
from types import SimpleNamespace
from typing import Any, Iterator, List
from unittest.mock import MagicMock

import pytest

from nv_one_logger.exporter import ExportError
from nv_one_logger.wandb.exporter import ending
from nv_one_logger.wandb.exporter.ending import RunEnd


class Session:
    """Stands in for wandb's session, whose service process the two kinds of releases keep under different names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, attribute: str) -> None:
        self.process, self.forget = MagicMock(), MagicMock()
        self.process.poll.return_value = None
        self.runs: List[Any] = []
        owner = SimpleNamespace(**{attribute: self.process})
        connection = SimpleNamespace(_proc=owner, _cleanup=self.forget)
        singleton = SimpleNamespace(_connection=connection, _active_runs=self.runs)
        _put_session(monkeypatch, _singleton=singleton)


def _put_session(monkeypatch: pytest.MonkeyPatch, **attributes: Any) -> None:
    module: Any = SimpleNamespace(**attributes)
    monkeypatch.setitem(sys.modules, "wandb.sdk.wandb_setup", module)


@pytest.fixture(params=["_process", "_internal_proc"])
def session(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Session:
    return Session(monkeypatch, request.param)


class Run:
    """A run that finishes when it may."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.exit_codes: List[int] = []

    def finish(self, exit_code: int) -> None:
        self.exit_codes.append(exit_code)
        self.may_end.wait(30)


@pytest.fixture
def run() -> Iterator[Run]:
    run = Run()
    yield run
    run.may_end.set()


@pytest.fixture(autouse=True)
def _nothing_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_to_close", set())
    monkeypatch.setattr(ending, "_unfinished", set())


def _watched() -> RunEnd:
    end = RunEnd(lambda: None)
    end.watch()
    return end


def test_run_that_ends_leaves_the_service_alone(session: Session, run: Run) -> None:
    run.may_end.set()
    end = _watched()
    assert end.finish(run, 3, 10)
    end._at_exit()
    assert run.exit_codes == [3]
    session.process.kill.assert_not_called()


def test_run_that_hangs_ends_with_the_service(session: Session, run: Run) -> None:
    end = _watched()
    session.runs.append(run)
    assert not end.finish(run, 0, 0.01)
    end._at_exit()
    session.process.kill.assert_called_once_with()
    session.forget.assert_called_once_with()


def test_service_is_ended_once_and_after_all_are_closed(session: Session, run: Run) -> None:
    first, second = _watched(), _watched()
    first.finish(run, 0, 0.01)
    second.finish(run, 0, 0.01)
    second._at_exit()
    session.process.kill.assert_not_called()
    first._at_exit()
    session.process.kill.assert_called_once_with()


def test_service_that_has_ended_is_no_news(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    session.process.poll.return_value = 0
    _watched()._at_exit()
    session.process.kill.assert_not_called()
    assert caplog.text == ""


def test_service_of_a_run_that_could_not_be_started_is_ended(session: Session) -> None:
    _watched()._at_exit()
    session.process.kill.assert_called_once_with()


def test_service_that_works_for_the_application_is_left_alone(
    session: Session, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    end = _watched()
    session.runs += [run, object()]
    end.finish(run, 0, 0.01)
    end._at_exit()
    session.process.kill.assert_not_called()
    assert "the application has runs that are not finished" in caplog.text


def test_exporter_that_nobody_closed_is_closed_at_exit(session: Session) -> None:
    close = MagicMock(side_effect=ValueError("whatever"))
    RunEnd(close)._at_exit()
    close.assert_called_once_with()


def test_forked_process_leaves_it_to_its_parent(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    end = _watched()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    end._at_exit()
    session.process.kill.assert_not_called()


def test_error_of_wandb_is_told(session: Session) -> None:
    run = MagicMock()
    run.finish.side_effect = RuntimeError("no space")
    with pytest.raises(ExportError, match="no space"):
        _watched().finish(run, 0, 10)


def test_other_releases_of_wandb_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _put_session(monkeypatch)
    _watched()._at_exit()
