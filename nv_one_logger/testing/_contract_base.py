"""What an author tells the conformance suite, and the steps that its tests share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Callable, ClassVar, Collection, Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple, Type

import pytest

from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host.deadline import call_within
from nv_one_logger.testing._session import DirectSession, HostSession, Session, fail

__all__ = ["Arrival", "ContractBase", "OpenSession", "arrivals_of"]

Arrival = Tuple[str, str]
"""What arrived, ``"start"``, ``"stop"``, ``"event"`` or ``"error"``, and its name; of an error, its message."""

OpenSession = Callable[..., Session]

_WAYS: Mapping[str, Type[Session]] = {"host": HostSession, "direct": DirectSession}


def arrivals_of(records: Iterable[Mapping[str, Any]]) -> List[Arrival]:
    """Return what :meth:`ContractBase.read_back` shall return, for a backend that holds records (docs/records.md)."""
    found: List[Arrival] = []
    for record in records:
        kind = record["type"]
        if kind == "complete":
            found += [("start", record["name"]), ("stop", record["name"])]
        elif kind in ("start", "stop"):
            found.append((kind, record["name"]))
        elif kind == "event":
            found.append((kind, record["event"]["name"]))
        elif kind == "application_error":
            found.append(("error", record["event"]["attributes"]["error_message"]))
    return found


class ContractBase(ABC):
    """The hooks of the author; only :meth:`make_exporter` has to be there."""

    delivers: ClassVar[Collection[str]] = ("start", "stop", "event", "error")
    """Which kinds of arrivals the backend keeps; the others are not looked for in :meth:`read_back`."""
    can_read_while_open: ClassVar[bool] = True
    """Whether :meth:`read_back` shows what was flushed while the exporter is still open."""
    deadline_sec: ClassVar[float] = 5.0
    """How long a flush or a close may take, in seconds; five are what an application grants all plugins at its exit."""
    longest_call_sec: ClassVar[float] = 1.0
    """How long one call may hold up the application while the backend hangs, in seconds."""

    @abstractmethod
    def make_exporter(self, tmp_path: Path) -> Exporter:
        """Return a new exporter, not initialized. Called at least once a test.

        Args:
            tmp_path: An empty folder of the test's own. A test that makes two exporters gives both the same one.
        """

    def read_back(self, exporter: Exporter) -> Iterable[Arrival]:
        """Return what has arrived at the backend, in order of arrival.

        Called after a flush, or after the exporter was closed.
        """
        pytest.skip("read_back() is not overridden, so nobody can tell what arrived")

    def break_backend(self, exporter: Exporter) -> None:
        """Have the backend refuse everything: connection refused, permission denied."""
        pytest.skip("break_backend() is not overridden")

    def hang_backend(self, exporter: Exporter) -> None:
        """Have the backend not answer."""
        pytest.skip("hang_backend() is not overridden")

    def fill_backend(self, exporter: Exporter) -> None:
        """Have the backend run out of space: take the next delivery in part, and refuse the others."""
        pytest.skip("fill_backend() is not overridden")

    def mend_backend(self, exporter: Exporter) -> None:  # noqa: B027  # needed only beside one of the three
        """Undo any of the three above. Also called when nothing is wrong."""

    def make_config(self, tmp_path: Path) -> Dict[str, Any]:
        """Return the entry of a configuration that makes such an exporter: ``{"class_name": ..., "config": {...}}``."""
        pytest.skip("make_config() is not overridden")

    # --- for the tests -----------------------------------------------------------------------------------------------

    @pytest.fixture(params=sorted(_WAYS))
    def open_session(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenSession]:
        """Begin a session, through the host and in a second test directly; mend and close everything at the end."""
        yield from self._sessions(_WAYS[request.param], tmp_path)

    @pytest.fixture
    def open_host_session(self, tmp_path: Path) -> Iterator[OpenSession]:
        """Begin a session through the host."""
        yield from self._sessions(HostSession, tmp_path)

    @pytest.fixture
    def open_direct_session(self, tmp_path: Path) -> Iterator[OpenSession]:
        """Begin a session with direct calls."""
        yield from self._sessions(DirectSession, tmp_path)

    @pytest.fixture
    def exporter(self, tmp_path: Path) -> Iterator[Exporter]:
        """Make an exporter that nothing was done with."""
        exporter = self.make_exporter(tmp_path)
        yield exporter
        call_within(self.deadline_sec, exporter.close)

    def _sessions(self, session_class: Type[Session], tmp_path: Path) -> Iterator[OpenSession]:
        opened: List[Session] = []

        def open_one() -> Session:
            opened.append(session_class(self.make_exporter(tmp_path), self.deadline_sec))
            return opened[-1]

        yield open_one
        for session in opened:
            self.mend_backend(session.exporter)
            session.close()

    def _overrides(self, hook: str) -> bool:
        return getattr(type(self), hook) is not getattr(ContractBase, hook)

    def _end_cleanly(self, session: Session, what: str, why: str, section: str) -> None:
        """Flush and close, and fail if anything was raised since the session began."""
        __tracebackhide__ = True
        session.flush()
        session.close()
        self._check_clean(session, what, why, section)

    def _check_clean(self, session: Session, what: str, why: str, section: str) -> None:
        __tracebackhide__ = True
        if session.problem is not None:
            fail(f"{what} ({session.way})", session.problem, why, section, session.cause)

    def _check_arrivals(self, exporter: Exporter, expected: Sequence[Arrival], section: str) -> None:
        """Compare what arrived with what was recorded: each exactly once, in order, starts before stops."""
        __tracebackhide__ = True
        wanted = [arrival for arrival in expected if arrival[0] in self.delivers]
        found = [arrival for arrival in self.read_back(exporter) if arrival in set(wanted)]
        lost = [arrival for arrival in wanted if arrival not in found]
        if lost:
            fail(
                "all that was recorded arrives",
                f"lost: {_listed(lost)}",
                "what was recorded is never lost silently",
                section,
            )
        if len(found) != len(wanted):
            twice = [arrival for arrival in wanted if found.count(arrival) > wanted.count(arrival)]
            fail("everything arrives once", f"more than once: {_listed(twice)}", "doubles falsify every sum", section)

    def _check_order(self, exporter: Exporter, expected: Sequence[Arrival], section: str) -> None:
        __tracebackhide__ = True
        wanted = [arrival for arrival in expected if arrival[0] in self.delivers]
        found = [arrival for arrival in self.read_back(exporter) if arrival in set(wanted)]
        for kind in self.delivers:
            mine, others = ([name for one, name in arrivals if one == kind] for arrivals in (wanted, found))
            if mine != others:
                fail(f"each {kind} in the order of the calls: {mine}", f"{others}", "readers rely on it", section)
        for number, (kind, name) in enumerate(found):
            if kind == "stop" and ("start", name) in found[number:]:
                fail("a start before its stop", f"span {name!r} stops first", "readers rely on it", section)


def _listed(arrivals: Sequence[Arrival]) -> str:
    listed = ", ".join(f"{kind} {name!r}" for kind, name in arrivals[:5])
    return f"{listed} and {len(arrivals) - 5} more" if len(arrivals) > 5 else listed
