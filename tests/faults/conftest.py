"""What the tests under real faults share: the check that every record of a process is where it belongs."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Set, Union

import pytest

RIG = Path(__file__).parent / "rig"
sys.path.append(str(RIG))  # what these tests and the programs they start have in common

from table import add_row, print_table  # noqa: E402  # of the rig
from verdict import Outcome, judge  # noqa: E402


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


class Rig:
    """Runs jobs, each in a process of its own that is forked from one that has imported everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._healthy: Dict[str, Outcome] = {}
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(_paths_of_the_library())}
        self._zygote = subprocess.Popen(
            [sys.executable, str(RIG / "zygote.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
        )

    def run(self, cases: Iterable[Dict[str, Any]]) -> List[Outcome]:
        """Run jobs, a few at once, and return how they ended, in order."""
        asked: Dict[str, Dict[str, Any]] = {}
        for case in cases:
            folder = self._folder / str(next(self._numbers))
            folder.mkdir()
            asked[str(folder)] = {"program": "job", **case, "folder": str(folder)}
        pipe = self._zygote
        assert pipe.stdin is not None
        assert pipe.stdout is not None
        pipe.stdin.write("".join(json.dumps(case) + "\n" for case in asked.values()).encode())
        pipe.stdin.flush()
        answers = [json.loads(pipe.stdout.readline()) for _ in asked]
        ended = {answer["folder"]: answer for answer in answers}
        return [_outcome(case, ended[folder]) for folder, case in asked.items()]

    def healthy(self, victim: str, **options: Any) -> Outcome:
        """Return how a job ends that meets no fault."""
        key = json.dumps([victim, options])
        if key not in self._healthy:
            (self._healthy[key],) = self.run([{"victim": victim, **options}])
        return self._healthy[key]

    def close(self) -> None:
        self._zygote.communicate(timeout=60)


def _paths_of_the_library() -> List[str]:
    import nv_one_logger.core

    home = Path(nv_one_logger.core.__file__).parent.parent.parent
    return [] if "site-packages" in str(home) else [str(home)]


def _outcome(case: Dict[str, Any], answer: Dict[str, Any]) -> Outcome:
    result = Path(case["folder"]) / "result.json"
    found = json.loads(result.read_text()) if result.exists() else {}
    return Outcome(case, answer["status"], answer["is_hung"], found)


# How many of the calls that a fault may meet are tried, at least two; by default all, and under CI a part.
MOST_CASES = int(os.environ.get("FAULTS_AT_MOST", "8" if os.environ.get("CI") else "1000000"))


def bounded(cases: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return all cases, or so many as there may be, evenly spread, the first and the last among them."""
    number = min(MOST_CASES, len(cases))
    return [cases[round(each * (len(cases) - 1) / max(1, number - 1))] for each in range(number)]


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("jobs"))
    yield rig
    rig.close()


@pytest.fixture
def no_job_minds(rig: Rig, request: pytest.FixtureRequest) -> Callable[..., None]:
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
        add_row(request.config, fault, where, injected, of_all, expected, found, verdict)
        assert problems == []
        assert injected >= len(cases)

    return check


def pytest_terminal_summary(terminalreporter: Any) -> None:
    heading = ("fault", "met by", "injected", "job unaffected", "expected", "found", "verdict")
    print_table(terminalreporter, "injected faults", heading)
