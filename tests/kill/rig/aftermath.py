"""Judges what killed writers left behind: their records, the torn ends, and what the reader says of both."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Set, Tuple

from record_grammar import Checker, Stream, read_stream
from runner import Outcome

from nv_one_logger.reader import RecordReader, RunSummary

Fact = Tuple[str, str]


class Aftermath(NamedTuple):
    """What became of the writers of one round."""

    problems: List[str]
    killed: int
    acknowledged: int
    found: int
    torn: int
    hidden: int
    """Whole records of another process that stand behind a torn one, in the same line."""


def judge(outcome: Outcome) -> Aftermath:
    """Compare the records of one round with what was acknowledged to the writers."""
    if outcome.is_hung or outcome.status != 0:
        return Aftermath([f"the round ends with {outcome.status}"], 0, 0, 0, 0, 0)
    path = outcome.folder / "run.jsonl"
    stream = read_stream([path])
    acknowledged = _acknowledged(outcome.folder)
    hidden = [record for line in stream.bad for record in _records_within(line)]
    found = {fact for record in stream.records for fact in _facts(record)}
    found_in_damaged_lines = {fact for record in hidden for fact in _facts(record)}
    problems = []
    lacking = acknowledged - found - found_in_damaged_lines
    if lacking:
        problems.append(f"{len(lacking)} acknowledged facts are lost, such as {sorted(lacking)[0]}")
    problems += _problems_of_damage(outcome, stream, hidden)
    problems += _problems_of_grammar(outcome, stream, hidden)
    problems += _problems_of_reader(path, stream)
    kept = len(acknowledged & (found | found_in_damaged_lines))
    return Aftermath(problems, len(outcome.result["killed"]), len(acknowledged), kept, len(stream.bad), len(hidden))


def _acknowledged(folder: Path) -> Set[Fact]:
    facts: Set[Fact] = set()
    for path in folder.glob("acknowledged.*"):
        *lines, _torn = path.read_text(encoding="utf-8").split("\n")
        for line in lines:
            kind, span = line.split()
            facts.add((kind, span))
    return facts


def _facts(record: Dict[str, Any]) -> Set[Fact]:
    kind = record["type"]
    if kind == "event":
        return {("event", record["span_id"])}
    return {(each, record["id"]) for each in ("start", "stop") if kind in (each, "complete")}


def _records_within(line: str) -> List[Dict[str, Any]]:
    """Return the whole record that stands behind a torn one, if one does."""
    position = line.rfind('{"type":')
    try:
        return [json.loads(line[position:])] if position > 0 else []
    except ValueError:
        return []


def _problems_of_damage(outcome: Outcome, stream: Stream, hidden: List[Dict[str, Any]]) -> List[str]:
    """A killed process may leave one torn line, at the end of what it wrote."""
    problems = []
    killed = set(outcome.result["killed"])
    if not killed <= set(outcome.result["doomed"]):
        problems.append("a process died that nobody killed")
    if len(stream.bad) > len(killed):
        problems.append(f"{len(stream.bad)} damaged lines, {len(killed)} processes were killed")
    if outcome.case["mode"] != "processes" and not outcome.case.get("restart") and len(stream.bad) != stream.is_torn:
        problems.append("a damaged line that is not the last one")
    if hidden and outcome.case["mode"] != "processes":
        problems.append("a record shares the line of a torn one")
    return problems


def _problems_of_grammar(outcome: Outcome, stream: Stream, hidden: List[Dict[str, Any]]) -> List[str]:
    lost = {fact[1] for record in hidden for fact in _facts(record) if fact[0] == "start"}
    checker = Checker(lost, lost_counts=len(hidden), may_stay_open=True)
    problems = checker.check(stream.records)
    ended = set(outcome.result["ended"])
    started: Counter[str] = Counter(fact[1] for r in stream.records if r["pid"] in ended for fact in _facts(r))
    if not hidden and any(number != 3 for number in started.values()):
        problems.append("a process that was not killed left something unfinished")
    return problems


def _problems_of_reader(path: Path, stream: Stream) -> List[str]:
    reader, summary = RecordReader([path]), RunSummary()
    for record in reader:
        summary.add(record)
    still_open = len(list(summary.finish()))
    (account,) = reader.accounts
    numbers: Dict[int, List[int]] = {}
    for one in stream.records:
        numbers.setdefault(one["pid"], []).append(one["count"])
    spans: Counter[str] = Counter(fact[0] for one in stream.records for fact in _facts(one))
    truth = {
        "records": len(stream.records),
        "missing": sum(max(counts) - len(counts) for counts in numbers.values()),
        "torn": int(stream.is_torn),
        "corrupt": len(stream.bad) - stream.is_torn,
        "processes": len(numbers),
    }
    said = {
        "records": account.records,
        "missing": account.missing,
        "torn": account.torn_lines,
        "corrupt": account.corrupt_lines,
        "processes": len(account.processes),
    }
    problems = [] if said == truth else [f"the reader says {said}, the truth is {truth}"]
    is_whole = truth["missing"] == 0
    if is_whole and still_open != spans["start"] - spans["stop"]:
        problems.append(f"the reader finds {still_open} open spans, there are {spans['start'] - spans['stop']}")
    return problems
