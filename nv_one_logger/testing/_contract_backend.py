"""Conformance tests: a backend that refuses, hangs or is full, flushing, and the configuration."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any, Callable, List

import pytest

from nv_one_logger.config import Switches, build, load_sources, resolve
from nv_one_logger.core.event import Event
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host.catalogue import Catalogue
from nv_one_logger.host.deadline import call_within
from nv_one_logger.testing._contract_base import ContractBase, OpenSession
from nv_one_logger.testing._session import Session, fail

__all__ = ["BackendContract", "ConfigurationContract", "FlushContract"]

_TROUBLE = "A backend in trouble"
_FLUSH = "Flush"
_CONFIGURATION = "Configuration"
_SLACK_SEC = 1.0
_SHORT_SEC = 0.1


class FlushContract(ContractBase):
    """Flush means delivered."""

    def test_flush_delivers_everything(self, open_session: OpenSession) -> None:
        """After a flush, all that was accepted is at the backend, starts of open spans included."""
        session = open_session()
        session.span("finished")
        open_span = session.start("still_open")
        session.event(open_span, "in_between")
        session.start("just_started")
        why = "a job flushes before it is likely to be killed"
        if not session.flush():
            fail(f"flush() succeeds ({session.way})", str(session.problem), why, _FLUSH, session.cause)
        if not self.can_read_while_open:
            pytest.skip("what was flushed cannot be read back while the exporter is open")
        expected = [("start", "finished"), ("stop", "finished"), ("start", "still_open"), ("event", "in_between")]
        expected.append(("start", "just_started"))
        self._check_arrivals(session.exporter, expected, _FLUSH)


class BackendContract(ContractBase):
    """The application does not notice; what is lost is said; and when the backend is back, all goes on."""

    def test_refusing_backend_raises_export_error(self, open_direct_session: OpenSession) -> None:
        """Where calls or flush raise, it is an ``ExportError`` or another ``OneLoggerError``."""
        session = open_direct_session()
        self.break_backend(session.exporter)
        self._record(session, "refused")
        session.flush()
        for error in session.errors:
            if not isinstance(error, OneLoggerError):
                why = "programs that call the exporter themselves handle one hierarchy; chain it: raise ... from error"
                found = f"{type(error).__name__}: {error}"
                fail("an OneLoggerError such as ExportError or RecordWriteError", found, why, _TROUBLE, error)

    def test_refusing_backend_loses_nothing_silently(self, open_host_session: OpenSession) -> None:
        """What a backend that refuses did not get is delivered later, or reported."""
        self._check_trouble(open_host_session(), self.break_backend)

    def test_refusing_backend_may_come_back(self, open_host_session: OpenSession) -> None:
        """What is recorded after the backend is back arrives."""
        self._check_recovery(open_host_session(), self.break_backend)

    def test_full_backend_loses_nothing_silently(self, open_host_session: OpenSession) -> None:
        """What a full backend did not take is delivered later, or reported."""
        self._check_trouble(open_host_session(), self.fill_backend)

    def test_full_backend_may_have_space_again(self, open_host_session: OpenSession) -> None:
        """What is recorded after there is space again arrives, although the last delivery was taken in part."""
        self._check_recovery(open_host_session(), self.fill_backend)

    def test_hanging_backend_does_not_hold_up_the_application(self, open_direct_session: OpenSession) -> None:
        """Recording goes on while nothing answers."""
        session = open_direct_session()
        self.hang_backend(session.exporter)
        if not call_within(4 * self.longest_call_sec, self._record, session, "unanswered").is_done:
            why = "telemetry must not stop training; deliver in a thread, or wrap it in a BackgroundExporter"
            fail(f"each call returns within {self.longest_call_sec} s", "one hangs", why, _TROUBLE)

    def test_hanging_backend_and_the_deadline_of_flush(self, open_direct_session: OpenSession) -> None:
        """A flush ends at its deadline, and says that not all is delivered."""
        session = open_direct_session()
        self.hang_backend(session.exporter)
        call_within(4 * self.longest_call_sec, self._record, session, "unanswered")
        flush = getattr(session.exporter, "flush", None)
        if not callable(flush):
            pytest.skip("the exporter has no flush()")
        call = call_within(_SHORT_SEC + _SLACK_SEC, flush, _SHORT_SEC)
        why = "a job flushes with a deadline before it is killed, and relies on the answer"
        if not call.is_done:
            fail(f"flush({_SHORT_SEC}) ends after {_SHORT_SEC} s", "it hangs", why, _FLUSH)
        if call.error is None:
            fail(f"flush({_SHORT_SEC}) raises ExportError", "it returns as if all were delivered", why, _FLUSH)

    def test_hanging_backend_and_the_deadline_of_close(self, open_direct_session: OpenSession) -> None:
        """Closing ends in time, whatever waits."""
        session = open_direct_session()
        self.hang_backend(session.exporter)
        call_within(4 * self.longest_call_sec, self._record, session, "unanswered")
        call = call_within(self.deadline_sec + _SLACK_SEC, session.exporter.close)
        if not call.is_done:
            why = "a job that ends must not wait for telemetry"
            fail(f"close() ends within {self.deadline_sec} s", "it hangs", why, _TROUBLE)

    def _record(self, session: Session, name: str) -> Span:
        span = session.start(name)
        session.stop(span)
        return span

    def _check_trouble(self, session: Session, trouble: Callable[[Exporter], None]) -> None:
        __tracebackhide__ = True
        session.span("before_trouble")
        session.flush()
        trouble(session.exporter)
        self._record(session, "in_trouble")
        is_reported = not session.flush() or session.problem is not None
        self.mend_backend(session.exporter)
        session.flush()
        session.close()
        arrived = set(self.read_back(session.exporter))
        expected = [(kind, "in_trouble") for kind in ("start", "stop") if kind in self.delivers]
        if not is_reported and not arrived.issuperset(expected):
            fail(
                "what did not arrive was reported: a call or flush() raised",
                "all succeeded, and it is lost",
                "what was recorded is never lost silently",
                _TROUBLE,
            )

    def _check_recovery(self, session: Session, trouble: Callable[[Exporter], None]) -> None:
        __tracebackhide__ = True
        session.span("before_trouble")
        session.flush()
        trouble(session.exporter)
        self._record(session, "in_trouble")
        self.mend_backend(session.exporter)
        session.span("after_trouble")
        session.flush()
        session.close()
        expected = [(kind, name) for name in ("before_trouble", "after_trouble") for kind in ("start", "stop")]
        self._check_arrivals(session.exporter, expected, _TROUBLE)


class ConfigurationContract(ContractBase):
    """The exporter can be described in a file."""

    def test_configuration_is_plain(self, tmp_path: Path) -> None:
        """The configuration survives pickling and a file."""
        config = self.make_config(tmp_path)
        why = "launchers hand it to other processes, and people write it in YAML"
        for name, copied in (("pickling", _pickled), ("JSON", _through_json)):
            try:
                copy = copied(config)
            except Exception as error:
                fail(f"{name} takes the configuration {config!r}", str(error), why, _CONFIGURATION, error)
            if copy != config:
                fail(f"{name} keeps the configuration {config!r}", f"it comes back as {copy!r}", why, _CONFIGURATION)

    def test_configuration_makes_the_exporter(self, tmp_path: Path) -> None:
        """What a configuration file describes is constructed, and works."""
        path = tmp_path / "one_logger_exporters_config.json"
        try:
            path.write_text(json.dumps({"inherit": False, "exporters": [self.make_config(tmp_path)]}), "utf-8")
        except (TypeError, ValueError):
            pytest.skip("the configuration is not plain, see test_configuration_is_plain")
        why = "users enable an exporter in a file, without touching code"
        try:
            exporter = _only_exporter_of(path)
            exporter.initialize()
            self._use(exporter)
        except Exception as error:
            expected = "the configuration makes an exporter that works"
            fail(expected, f"{type(error).__name__}: {error}", why, _CONFIGURATION, error)

    def _use(self, exporter: Any) -> None:
        span, event = Span.create("configured"), Event.create("configured_event")
        exporter.export_start(span)
        exporter.export_event(event, span)
        span.stop()
        exporter.export_stop(span)
        exporter.close()


def _pickled(config: Any) -> Any:
    return pickle.loads(pickle.dumps(config))


def _through_json(config: Any) -> Any:
    return json.loads(json.dumps(config))


def _only_exporter_of(path: Path) -> Any:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ONE_LOGGER_")}
    sources = load_sources(None, path, environ=environ)
    resolution = resolve([sources], Catalogue(), Switches.from_environ(environ))
    plugins: List[Any] = [built.plugin for built in build(resolution, one_logger_config=None, quiet=False, strict=True)]
    (exporter,) = plugins
    return exporter
