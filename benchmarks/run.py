"""Runs the workloads of all peers side by side and prints what ours cost in proportion to theirs.

Absolute times of a shared machine mean little, so every figure is a ratio: in each round each peer runs the workload
once, in a fresh process, one right after the other; the ratio is taken within the round, and the median over the
rounds is printed. A run that lost records voids its figure.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from workloads import PEERS, SAME_WORK_IN_REFERENCE, WORKLOADS, Workload, further_figure

HERE = Path(__file__).resolve().parent


class Measurement(NamedTuple):
    """What one process said."""

    nanoseconds: float
    further: Optional[float]
    problem: str


def main() -> int:
    """Run and report; the exit status is 0 unless a figure of ours is void."""
    options = parse_arguments()
    interpreters = {"ours": options.python, "reference": options.reference}
    interpreters.update({peer: options.python for peer in PEERS if peer not in interpreters})
    results: Dict[str, Dict[str, List[Measurement]]] = {}
    for name in options.only or WORKLOADS:
        results[name] = run_rounds(name, WORKLOADS[name], interpreters, options.rounds)
        print_workload(name, WORKLOADS[name], results[name])
    write_json(results, options.json)
    void = [name for name, peers in results.items() if any(one.problem for one in peers["ours"])]
    for name in void:
        print(f"VOID: {name}: {results[name]['ours'][0].problem}")
    return 1 if void else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="interpreter that has this project and the peers")
    parser.add_argument("--reference", default="", help="interpreter that has nv-one-logger 2.3.1, if there is one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=sorted(WORKLOADS), help="these workloads only")
    parser.add_argument("--json", type=Path, default=Path("benchmark.json"), help="where to write the figures")
    return parser.parse_args()


def run_rounds(
    name: str, workload: Workload, interpreters: Dict[str, str], rounds: int
) -> Dict[str, List[Measurement]]:
    results: Dict[str, List[Measurement]] = {peer: [] for peer in ("ours", *workload.others)}
    for _ in range(rounds):
        for peer, measurements in results.items():
            measurements.append(run_once(peer, name, workload, interpreters[peer]))
    return results


def run_once(peer: str, name: str, workload: Workload, interpreter: str) -> Measurement:
    if not interpreter:
        return Measurement(0.0, None, "not installed")
    script, argument = script_of(peer, name)
    with tempfile.TemporaryDirectory() as directory:
        command = [interpreter, str(HERE / "peers" / script), argument, str(workload.operations), directory]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ONE_LOGGER")}
        if peer == "reference":
            environment.pop("PYTHONPATH", None)
        done = subprocess.run(command, capture_output=True, text=True, cwd=directory, env=environment, check=False)
    if done.returncode != 0:
        last_line = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return Measurement(0.0, None, f"failed: {last_line}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    further = further_figure(name)
    lost = f"{said['lost']} records lost" if said["lost"] else ""
    return Measurement(said["ns"], said.get(further[0]) if further else None, lost)


def script_of(peer: str, name: str) -> List[str]:
    if peer in ("logging", "structlog", "loguru"):
        return ["loggers.py", f"{peer}.{name}"]
    if peer == "reference":
        return ["one_logger.py", SAME_WORK_IN_REFERENCE.get(name, name)]
    return [f"{peer}.py", name]


def ratios(mine: List[Measurement], theirs: List[Measurement]) -> List[float]:
    """Return ours divided by theirs, round by round, of the rounds in which both are valid."""
    return [
        one.nanoseconds / other.nanoseconds
        for one, other in zip(mine, theirs)
        if not one.problem and not other.problem and other.nanoseconds
    ]


def print_workload(name: str, workload: Workload, results: Dict[str, List[Measurement]]) -> None:
    scale = {"us": 1e3, "ms": 1e6, "bytes": 1.0}[workload.unit]
    median = statistics.median(one.nanoseconds for one in results["ours"]) / scale
    print(f"{workload.title}: {median:.2f} {workload.unit}", flush=True)
    for peer in workload.others:
        found = ratios(results["ours"], results[peer])
        target = workload.targets.get(peer)
        if not found:
            print(f"    / {peer:10s} {results[peer][0].problem}")
            continue
        ratio = statistics.median(found)
        verdict = "" if target is None else f"  target {target:g} {'met' if ratio <= target else 'MISSED'}"
        print(f"    / {peer:10s} {ratio:6.3f}   ({min(found):.3f} to {max(found):.3f}){verdict}", flush=True)
    print_further(name, results)


def print_further(name: str, results: Dict[str, List[Measurement]]) -> None:
    further = further_figure(name)
    if further is None:
        return
    _, title, target = further
    for peer, measurements in results.items():
        valid = [one for one in measurements if not one.problem and one.further]
        if not valid:
            continue
        ratio = statistics.median((one.further or 0.0) / one.nanoseconds for one in valid)
        verdict = ""
        if peer == "ours" and target is not None:
            verdict = f"  target {target:g} {'met' if ratio <= target else 'MISSED'}"
        print(f"    {title}: {peer} {ratio:.2f}{verdict}", flush=True)


def write_json(results: Dict[str, Dict[str, List[Measurement]]], path: Path) -> None:
    document = {
        name: {peer: [measurement._asdict() for measurement in measurements] for peer, measurements in peers.items()}
        for name, peers in results.items()
    }
    path.write_text(json.dumps({"python": sys.version.split()[0], "workloads": document}, indent=1) + "\n")
    print(f"Figures of every process: {path}")


if __name__ == "__main__":
    sys.exit(main())
