"""Every test of the conformance suite fails for an exporter that is broken in just that way, and only that test."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Set

import pytest

from nv_one_logger.exporter.exporter import BaseExporter, ExportError
from nv_one_logger.testing._session import DirectSession, HostSession
from nv_one_logger.testing.conformance import ExporterContract, arrivals_of

BROKEN = Path(__file__).with_name("broken_exporters.py")
CONFORMANCE_TESTS = {name for name in dir(ExporterContract) if name.startswith("test_")}
DOCUMENTATION = Path(__file__).resolve().parents[2] / "docs" / "testing-plugins.md"


class FakeNumpyScalar:
    ndim = 0
    shape = ()

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        return self.value


class Outcomes:
    """Collects, inside the inner pytest, what each class breaks and says it breaks."""

    def __init__(self) -> None:
        self.expected: Dict[str, Set[str]] = {}
        self.failed: Dict[str, Set[str]] = {}
        self.passed: Dict[str, Set[str]] = {}
        self.messages: List[str] = []

    def pytest_collection_modifyitems(self, items: List[Any]) -> None:
        for item in items:
            self.expected[item.cls.__name__] = set(item.cls.breaks)
            self.failed[item.cls.__name__] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        _, class_name, test = report.nodeid.split("::")
        if report.failed:
            self.failed[class_name].add(test.split("[")[0])
            self.messages.append(report.longreprtext)
        elif report.when == "call" and report.passed:
            self.passed.setdefault(class_name, set()).add(test.split("[")[0])


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run all of them once, in this process."""
    found = Outcomes()
    base = tmp_path_factory.mktemp("broken")
    options = ["--noconftest", "--capture=no", "--import-mode=importlib", f"--rootdir={base}", "-W", "error"]
    without = [f"-pno:{name}" for name in ("cacheprovider", "terminal", "faulthandler", "cov", "hypothesispytest")]
    (base / "pytest.ini").write_text("[pytest]\n")
    arguments = [str(BROKEN), f"--basetemp={base / 'tmp'}", f"-c{base / 'pytest.ini'}", *options, *without]
    with pytest.MonkeyPatch.context() as patch:
        kinds = dict.fromkeys(("float32", "float64", "int64", "bool_"), FakeNumpyScalar)
        patch.setitem(sys.modules, "numpy", SimpleNamespace(**kinds))
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)  # thousands of lines about what is broken on purpose
        try:
            pytest.main(arguments, plugins=[found])
        finally:
            logging.disable(before)
    return found


def test_each_broken_exporter_fails_just_the_test_of_what_is_broken(outcomes: Outcomes) -> None:
    names = [name for name in outcomes.expected if outcomes.failed[name] != outcomes.expected[name]]
    assert [(name, outcomes.expected[name], outcomes.failed[name]) for name in names] == []
    assert len(outcomes.expected) > len(CONFORMANCE_TESTS)


def test_every_conformance_test_has_an_exporter_that_fails_it(outcomes: Outcomes) -> None:
    alone = {next(iter(breaks)) for breaks in outcomes.expected.values() if len(breaks) == 1}
    assert alone == CONFORMANCE_TESTS


def test_exporter_with_every_hook_has_no_test_skipped(outcomes: Outcomes) -> None:
    assert outcomes.passed["TestGoodInTheBackground"] == CONFORMANCE_TESTS


def test_every_failure_says_what_was_expected_and_why_and_where_to_read_on(outcomes: Outcomes) -> None:
    sections = set(re.findall(r"^## (.+)$", DOCUMENTATION.read_text(encoding="utf-8"), re.MULTILINE))
    assert outcomes.messages
    for message in outcomes.messages:
        found = re.search(
            r"Expected: \S.*\n.*Found: +\S.*\n.*Why: +\S.*\n.*See docs/testing-plugins\.md, section \"(.+)\"\.",
            message,
        )
        assert found, message
        assert found.group(1) in sections


def test_author_who_forgets_the_one_method_is_told() -> None:
    class TestNothing(ExporterContract):
        pass

    with pytest.raises(TypeError, match="make_exporter"):
        TestNothing()  # type: ignore[abstract]


def test_arrivals_of_records_name_starts_stops_events_and_errors() -> None:
    records: List[Dict[str, Any]] = [
        {"type": "start", "name": "outer"},
        {"type": "complete", "name": "inner"},
        {"type": "event", "event": {"name": "tick"}},
        {"type": "application_error", "event": {"attributes": {"error_message": "bad"}}},
        {"type": "telemetry_data_error", "error": {}},
        {"type": "stop", "name": "outer"},
    ]

    assert arrivals_of(records) == [
        ("start", "outer"),
        ("start", "inner"),
        ("stop", "inner"),
        ("event", "tick"),
        ("error", "bad"),
        ("stop", "outer"),
    ]


class Unusable(BaseExporter):
    def initialize(self) -> None:
        raise ExportError("no connection")


class Unclosable(BaseExporter):
    def close(self) -> None:
        raise ExportError("still busy")


def test_exporter_that_cannot_be_initialized_is_named_as_such() -> None:
    with pytest.raises(pytest.fail.Exception, match="ExportError: no connection"):
        HostSession(Unusable(), 1.0)


def test_direct_session_keeps_what_close_raises() -> None:
    session = DirectSession(Unclosable(), 1.0)
    session.close()
    assert session.problem == "1 call(s) failed, the last with ExportError: still busy"


def test_direct_session_does_not_wait_longer_than_the_deadline_for_close() -> None:
    import threading

    released = threading.Event()

    class Hanging(BaseExporter):
        def close(self) -> None:
            released.wait(30)

    session = DirectSession(Hanging(), 0.01)
    session.close()
    released.set()
    assert "close() took more than 0.01 seconds" in str(session.problem)
