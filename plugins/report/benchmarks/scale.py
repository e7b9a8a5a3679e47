"""Measures time and peak memory of ``one-logger verify`` and ``report`` on made-up files of many ranks.

    python plugins/report/benchmarks/scale.py --records 1000000 10000000

Each rank records three spans a step (waiting for data, forward pass, the step), a metrics event every 50 steps and a
checkpoint every 1,000; one rank is slow. Memory is the resident set of all processes together, looked at ten times a
second (Linux only). Seconds of the processor are those of all processes, and tell more than those of the clock where
others use the machine, too. What has to hold everywhere is that memory stays below 1 GiB and that time grows with the
records.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Set

START_MSEC = 1_700_000_000_000
STEP_MSEC = 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_MOMENT = '"{kind}_event":{{"name":"span_{kind}","attributes":{{"timestamp_msec":{at}}}}}'


class Cost(NamedTuple):
    """What one command took."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def main() -> None:
    """Make files, run the commands on them, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--ranks", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="where the files go  [default: a temporary folder]")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print(f"{'records':>12} {'command':>8} {'seconds':>8} {'cpu sec':>8} {'cpu us/record':>13} {'peak MiB':>8}")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for records in options.records:
            files = Path(folder) / str(records)
            files.mkdir()
            written = sum(write_rank(files, rank, records // options.ranks) for rank in range(options.ranks))
            for command in ("verify", "report"):
                cost = measure([sys.executable, "-m", "nv_one_logger.cli.main", command, "--json", str(files)])
                peak = cost.peak_bytes / 2**20
                each = cost.cpu_seconds / written * 1e6
                times = f"{cost.seconds:8.1f} {cost.cpu_seconds:8.1f} {each:13.2f}"
                print(f"{written:12,} {command:>8} {times} {peak:8.0f}", flush=True)
            for path in files.iterdir():
                path.unlink()


def write_rank(folder: Path, rank: int, records: int) -> int:
    """Write the file of one rank and return how many records it has."""
    count = 0
    with (folder / f"rank{rank}.jsonl").open("w", encoding="ascii", buffering=1 << 20) as file:
        for line in lines_of(rank, records):
            count += 1
            file.write(f'{line},"count":{count},"pid":{1000 + rank}}}\n')
    return count


def lines_of(rank: int, records: int) -> Iterator[str]:
    """Yield about so many records, without the end that they all have."""
    identity = f'"session_tag":"scale","rank":{rank},"world_size":64,"node_name":"node-{rank // 8}"'
    yield start("a", "application", 0)
    yield event("a", "one_logger_initialization", 0, identity)
    yield start("b", "training_loop", 100, '"train_iterations_start":0')
    own = 9 if rank == 5 else 6
    for step in range((records - 5) * 50 // 152):
        at = 100 + step * STEP_MSEC
        yield complete(f"c{step}", "data_loading", at, 2)
        yield complete(f"d{step}", "model_forward", at + 2, own)
        yield complete(f"e{step}", "training_single_iteration", at, STEP_MSEC - 1)
        if step % 50 == 49:
            total = (step + 1) * STEP_MSEC / 1000
            yield event(
                "b", "training_metrics_update", at + STEP_MSEC, f'"current_iteration":{step},'
                f'"num_iterations":{step + 1},"total_iteration_time_sec":{total},"latest_loss":{1 / (step + 1)}',
            )  # fmt: skip
        if step % 1000 == 999:
            yield complete(f"f{step}", "checkpoint_save_sync", at, 5, f',"current_iteration":{step + 1}')
    end = 100 + (records // 3) * STEP_MSEC
    yield stop("b", "training_loop", end)
    yield stop("a", "application", end)


def start(span: str, name: str, at: int, attributes: str = "") -> str:
    """Return the beginning of a start record."""
    moment = _MOMENT.format(kind="start", at=START_MSEC + at)
    return f'{{"type":"start","id":"{identifier(span)}","name":"{name}","attributes":{{{attributes}}},{moment}'


def stop(span: str, name: str, at: int) -> str:
    """Return the beginning of a stop record."""
    moment = _MOMENT.format(kind="stop", at=START_MSEC + at)
    return f'{{"type":"stop","id":"{identifier(span)}","name":"{name}","attributes":{{"duration_msec":{at}}},{moment}'


def complete(span: str, name: str, at: int, length: int, more: str = "") -> str:
    """Return the beginning of the record of a span with nothing in between."""
    begun = _MOMENT.format(kind="start", at=START_MSEC + at)
    ended = _MOMENT.format(kind="stop", at=START_MSEC + at + length)
    said = f'"id":"{identifier(span)}","parent_id":"{identifier("b")}","name":"{name}"'
    return f'{{"type":"complete",{said},"attributes":{{"duration_msec":{length}{more}}},{begun},{ended}'


def event(span: str, name: str, at: int, attributes: str) -> str:
    """Return the beginning of an event record."""
    said = f'"name":"{name}","attributes":{{{attributes},"timestamp_msec":{START_MSEC + at}}}'
    return f'{{"type":"event","span_id":"{identifier(span)}","event":{{{said}}}'


def identifier(span: str) -> str:
    """Return an id as long as a real one."""
    return f"00000000-0000-4000-8000-{span:0>12}"


def measure(command: List[str]) -> Cost:
    """Run a command and watch the memory of all its processes."""
    begun, used = time.perf_counter(), cpu_of_children()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, resident_bytes(process.pid))
            time.sleep(0.1)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(time.perf_counter() - begun, cpu_of_children() - used, peak)


def cpu_of_children() -> float:
    """Return the processor seconds of all processes below this one that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def resident_bytes(root: int) -> int:
    """Return the resident memory of a process and all below it."""
    parents: Dict[int, int] = {}
    resident: Dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents[int(folder.name)] = int(fields[1])
        resident[int(folder.name)] = int(fields[21]) * PAGE_BYTES
    family: Set[int] = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        if not more:
            return sum(resident.get(pid, 0) for pid in family)
        family |= more


if __name__ == "__main__":
    main()
