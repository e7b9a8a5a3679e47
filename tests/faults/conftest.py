"""What the tests under real faults share: the check that every record of a process is where it belongs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Set, Union

import pytest


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
