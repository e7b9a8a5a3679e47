"""What the tests under real faults share: the check that every record of a process is where it belongs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Set, Union

import pytest

RIG = Path(__file__).parent / "rig"
sys.path.append(str(RIG))  # what these tests and the programs they start have in common

from family import problems_of  # noqa: E402  # of the rig
from runner import Outcome, Rig  # noqa: E402
from table import INJECTED, add_row, print_table  # noqa: E402
from verdict import judge  # noqa: E402


class Account(NamedTuple):
    """What was found in record files."""

    counts: Dict[int, List[int]]
    """The numbers of the records of each process, in the order of the files."""
    torn: int
    """Lines that are no record."""
    started: Set[str]
    stopped: Set[str]


def read_account(paths: Union[Path, Iterable[Path]]) -> Account:
    """Read files as strictly as any reader may, and fail where a span is told twice."""
    account: Account = Account({}, 0, set(), set())
    torn = 0
    for path in [paths] if isinstance(paths, Path) else sorted(paths):
        for line in path.read_bytes().split(b"\n"):
            if not line:
                continue
            try:
                record = json.loads(line, parse_constant=_refuse)
            except ValueError:
                torn += 1
                continue
            account.counts.setdefault(record["pid"], []).append(record["count"])
            _note_span(account, record)
    return account._replace(torn=torn)


def _note_span(account: Account, record: Dict[str, Any]) -> None:
    if record["type"] in ("start", "complete"):
        assert record["id"] not in account.started, "a span has started twice"
        account.started.add(record["id"])
    if record["type"] in ("stop", "complete"):
        assert record["id"] not in account.stopped, "a span has stopped twice"
        account.stopped.add(record["id"])


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


@pytest.fixture
def account() -> Callable[..., Account]:
    """Read record files: ``account(path).counts[pid]``."""
    return read_account


# --- jobs that meet faults -------------------------------------------------------------------------------------------


class Jobs(Rig):
    """Runs jobs that meet faults, and knows how they end without."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "job")
        self._healthy: Dict[str, Outcome] = {}

    def healthy(self, victim: str, **options: Any) -> Outcome:
        """Return how a job ends that meets no fault."""
        key = json.dumps([victim, options])
        if key not in self._healthy:
            (self._healthy[key],) = self.run([{"victim": victim, **options}])
        return self._healthy[key]


# How many of the calls that a fault may meet are tried, at least two; by default all, and under CI a part.
MOST_CASES = int(os.environ.get("FAULTS_AT_MOST", "3" if os.environ.get("CI") else "1000000"))


def bounded(cases: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return all cases, or so many as there may be, evenly spread, the first and the last among them."""
    number = min(MOST_CASES, len(cases))
    return [cases[round(each * (len(cases) - 1) / max(1, number - 1))] for each in range(number)]


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    rig = Jobs(tmp_path_factory.mktemp("jobs"))
    yield rig
    rig.close()


@pytest.fixture
def no_job_minds(rig: Jobs, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Run jobs with one kind of fault, one for each call that may meet it; fail if any of them shows it."""

    def check(where: str, fault: str, cases: List[Dict[str, Any]]) -> None:
        assert cases, "there is nothing to fail"
        cases = bounded(cases)
        outcomes = rig.run(cases)
        verdicts = [judge(outcome, rig.healthy(outcome.case["victim"])) for outcome in outcomes]
        injected = sum(outcome.result.get("injected", 0) for outcome in outcomes)
        unaffected = sum(verdict.is_application_unaffected for verdict in verdicts)
        problems = [
            f"{outcome.case}: {problem}" for outcome, verdict in zip(outcomes, verdicts) for problem in verdict.problems
        ]
        expected, found = (sum(verdict[column] for verdict in verdicts) for column in (2, 3))
        of_all = f"{unaffected}/{len(cases)}"
        verdict = "FAILED" if problems or not injected else "ok"
        add_row(request.config, INJECTED, fault, where, injected, of_all, expected, found, verdict)
        assert problems == []
        assert injected >= len(cases)

    return check


@pytest.fixture
def started(tmp_path: Path, run_python: Callable[..., Any]) -> Callable[..., List[str]]:
    """Start processes in some way and return what is wrong with what is left of them."""

    def start(way: str, processes: int, timeout: float = 200, **env: str) -> List[str]:
        program = [str(RIG / "starts.py"), way, str(tmp_path), str(processes)]
        try:
            out = run_python(program, timeout=timeout, check=False, env=env)
        except subprocess.TimeoutExpired:
            return ["it hangs"]
        return problems_of(tmp_path, out)

    return start


def pytest_terminal_summary(terminalreporter: Any) -> None:
    print_table(terminalreporter, INJECTED)
