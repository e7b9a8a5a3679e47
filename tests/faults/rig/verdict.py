"""Judges how a job ended that met a fault: what the application, the other plugins and the plugin itself got."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

from facts import Facts, facts_of, facts_of_record
from injector import SHORT
from job import EXIT_STATUS, VICTIM
from record_grammar import Checker, Stream, read_stream
from runner import Outcome

from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.reader import RecordReader, order_rotated

OTHERS = ("first", "last")

# Faults that cost a record, or its safety, so that every call that meets one has to fail; others cost nothing.
TOLD = ("write", "fsync", "encode a record")

# One second that the job gives its flush, five until the process ends, and what a busy machine adds.
MOST_SECONDS = 1.0 + 5.0 + 5.0


class Verdict(NamedTuple):
    """How one job fared."""

    problems: List[str]
    is_application_unaffected: bool
    expected: int
    """Facts that the plugin should have: all, less those of the calls that failed."""
    found: int


def judge(outcome: Outcome, healthy: Outcome) -> Verdict:
    """Compare a job with one of the same kind that met no fault."""
    application = _problems_of_application(outcome, healthy)
    if not outcome.result or outcome.result["answer"] is None:
        return Verdict(application, False, 0, 0)
    everything = facts_of(read_stream([outcome.folder / "first.jsonl"]).records)
    problems = [
        *application,
        *_problems_of_others(outcome, healthy, everything),
        *_problems_of_counters(outcome, healthy),
    ]
    found = victim_facts(outcome)
    lost = everything - found if _may_lose_more(outcome) else _facts_of_failed_calls(outcome)
    problems += _problems_of_losses(outcome, lost) if _may_lose_more(outcome) else []
    problems += _differences(found, everything - lost)
    problems += _problems_of_stream(outcome, lost)
    return Verdict(problems, not application, sum((everything - lost).values()), sum(found.values()))


def _problems_of_application(outcome: Outcome, healthy: Outcome) -> List[str]:
    if outcome.is_hung:
        return ["the job hangs"]
    if not outcome.result:
        return [f"the job died, status {outcome.status}"]
    problems = []
    wanted_status = 1 if outcome.case.get("ends") == "error" else EXIT_STATUS
    if outcome.status != wanted_status:
        problems.append(f"exit status {outcome.status}, not {wanted_status}")
    if outcome.result["answer"] != healthy.result["answer"]:
        problems.append(f"the job's result is {outcome.result['answer']}, not {healthy.result['answer']}")
    said = (outcome.folder / "err").read_text(encoding="utf-8")
    if outcome.case.get("ends") == "error" and "\nRuntimeError: of the application\n" not in said:
        problems.append(f"the application's own error is not what is seen: {said[-200:]!r}")
    return problems


def _problems_of_others(outcome: Outcome, healthy: Outcome, everything: Facts) -> List[str]:
    problems = []
    shape = _shape(healthy.folder / "first.jsonl")
    for name in OTHERS:
        path = outcome.folder / f"{name}.jsonl"
        stream = read_stream([path])
        problems += [f"{name}: {problem}" for problem in Checker().check(stream.records)]
        if stream.bad or _shape(path) != shape or facts_of(stream.records) != everything:
            problems.append(f"{name} does not have everything")
        (account,) = _accounts([path])
        if not account.is_clean:
            problems.append(f"{name}: the reader finds {account}")
        status, usual = _plugin(outcome, name), _plugin(healthy, name)
        if {**status, "slow_calls": 0} != {**usual, "slow_calls": 0}:  # how long a call takes is the machine's
            problems.append(f"{name} is counted as {status}, not {usual}")
    return problems


def _shape(path: Path) -> Any:
    """Return what a job's stream tells, without what differs between two runs of the same job."""
    records = read_stream([path]).records
    names: Dict[str, str] = {}
    found: Any = Counter()
    for record in records:
        names.setdefault(record.get("id", ""), record.get("name", ""))
        for fact in facts_of_record(record):
            found[(fact[0], names.get(fact[1]), record["event"]["name"] if "event" in record else "")] += 1
    return found


def _problems_of_counters(outcome: Outcome, healthy: Outcome) -> List[str]:
    status, usual, result = _plugin(outcome, VICTIM), _plugin(healthy, VICTIM), outcome.result
    failed = result["hit" if outcome.case.get("point") in TOLD else "raised"]
    counted = sum(number for hook, number in failed.items() if hook != "export_telemetry_data_error")
    if outcome.case["victim"] == "background":
        counted = min(1, sum(failed.values()))  # the failures since the last report are one failing call
    is_hanging = outcome.case.get("fault") == "hang"
    counted += is_hanging and not result["finished"].get("flush")  # the one flush of the job was not done in time
    problems = []
    if is_hanging and result["seconds"] > MOST_SECONDS:
        problems.append(f"the job took {result['seconds']:.1f} s")
    if status["failures"] != counted:
        problems.append(f"{status['failures']} failures are counted, {counted} happened ({status['last_error']})")
    if (status["state"] != "failed" and status["calls"] + status["skipped"] != usual["calls"]) or status["lost_stops"]:
        problems.append(f"calls do not add up to {usual['calls']}: {status}")
    if status["state"] == "paused" and outcome.case.get("point") == "write":
        problems.append(f"failed writes pause the plugin: {status}")
    if status["skipped"] and status["state"] != "paused":
        problems.append(f"state and calls do not go together: {status}")
    if outcome.case["victim"] == "background" and result["dropped"] != status["calls"] - _delivered(result):
        problems.append(f"{result['dropped']} drops are counted, {status['calls'] - _delivered(result)} happened")
    return problems


def _delivered(result: Dict[str, Any]) -> int:
    hooks = ("export_start", "export_stop", "export_event", "export_error")
    return sum(result["finished"].get(hook, 0) + result["raised"].get(hook, 0) for hook in hooks)


def _plugin(outcome: Outcome, name: str) -> Dict[str, Any]:
    return next(status for status in outcome.result["status"] if status["name"] == name)


def _victim_files(outcome: Outcome) -> List[Path]:
    return [Path(path) for path in order_rotated(sorted((outcome.folder / "victim").iterdir()))]


def _failed_writes(outcome: Outcome) -> List[Any]:
    return [write for write in outcome.result["writes"] if write[1] != len(write[0].encode())]


def _is_whole(text: str, written: int) -> bool:
    """Whether a short write left out nothing but the line end."""
    return written >= len(text.rstrip("\n").encode())


def _may_lose_more(outcome: Outcome) -> bool:
    """Whether a plugin was no longer called after some fault; how much it lacks must then agree with the counters."""
    is_hanging = outcome.case.get("fault") == "hang" and str(outcome.case["point"]).startswith("export_")
    return is_hanging or _plugin(outcome, VICTIM)["state"] in ("failed", "paused")


def _problems_of_losses(outcome: Outcome, lost: Facts) -> List[str]:
    number, result = sum(lost.values()), outcome.result
    if _plugin(outcome, VICTIM)["state"] == "failed":
        return []  # it was left out from the beginning
    if _plugin(outcome, VICTIM)["state"] == "paused":
        told = len(result["lost"]) + _plugin(outcome, VICTIM)["skipped"]
        return [] if number == told else [f"{number} facts are lost, the counters tell of {told}"]
    # The exporter that hangs may also hold back one start, which it was given before.
    told = result["dropped"]
    return [] if told <= number <= told + 1 else [f"{number} facts are lost, the counter of drops says {told}"]


def _facts_of_failed_calls(outcome: Outcome) -> Facts:
    """Return what the plugin may lack: what the very calls that failed were to tell."""
    lost = Counter(tuple(fact) for fact in outcome.result["lost"])
    for text, written in _failed_writes(outcome):
        if not _is_whole(text, written):
            lost.update(facts_of([json.loads(text)]))
    return lost


def victim_facts(outcome: Outcome) -> Facts:
    if outcome.result["told"] is not None:
        return Counter(tuple(fact) for fact in outcome.result["told"])
    return facts_of(_victim_stream(outcome).records)


def _victim_stream(outcome: Outcome) -> Stream:
    if outcome.case["victim"] != "logger":
        return read_stream(_victim_files(outcome))
    lines = (outcome.folder / "victim" / "run.jsonl").read_text(encoding="utf-8").splitlines()
    return Stream([LoggerExporter.deserialize_log(line) for line in lines], [], False)


def _differences(found: Facts, expected: Facts) -> List[str]:
    lacking, surplus = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    return [f"lost beyond the bound: {fact}" for fact in lacking] + [f"not expected: {fact}" for fact in surplus]


def _problems_of_stream(outcome: Outcome, lost: Facts) -> List[str]:
    if outcome.result["told"] is not None:
        return []
    stream = _victim_stream(outcome)
    checker = Checker(
        [fact[1] for fact in lost if fact[0] == "start"],
        [fact[1] for fact in lost if fact[0] == "stop"],
        len(_failed_writes(outcome)) + _records_never_made(outcome),
        may_stay_open=_plugin(outcome, VICTIM)["state"] != "on",
    )
    problems = checker.check(stream.records, is_keys_ordered=outcome.case["victim"] != "logger")
    if outcome.case["victim"] != "logger":
        problems += _problems_of_account(outcome, stream)
    return problems


def _records_never_made(outcome: Outcome) -> int:
    return int(outcome.result["injected"]) if outcome.case.get("point") == "encode a record" else 0


def _problems_of_account(outcome: Outcome, stream: Stream) -> List[str]:
    """Compare the reader's account of the plugin's files with what the file system was really given."""
    accounts = _accounts(_victim_files(outcome))
    whole = len(outcome.result["writes"]) - len(_failed_writes(outcome))
    fault = str(outcome.case.get("fault"))
    torn = 0
    if fault in SHORT:
        whole += sum(fault == "short by one byte" for _ in _failed_writes(outcome))
        torn = sum(fault == "short by half" for _ in _failed_writes(outcome))
    last = max((record["count"] for record in stream.records), default=0)
    lost_numbers = [
        json.loads(text)["count"] for text, written in _failed_writes(outcome) if not _is_whole(text, written)
    ]
    gaps = sum(number < last for number in lost_numbers)  # the last ones leave none
    missing = gaps + _records_never_made(outcome)
    wanted = {"records": whole, "missing": missing, "damaged lines": torn}
    found = {
        "records": sum(account.records for account in accounts),
        "missing": sum(account.missing for account in accounts),
        "damaged lines": sum(account.corrupt_lines + account.torn_lines for account in accounts),
    }
    return [] if found == wanted else [f"the reader says {found}, the truth is {wanted}"]


def _accounts(paths: List[Path]) -> List[Any]:
    reader = RecordReader(paths)
    for _ in reader:
        pass
    return reader.accounts
