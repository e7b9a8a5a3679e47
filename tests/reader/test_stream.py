from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nv_one_logger.reader import BadLine, FileAccount, Gap, Record, RecordReader, RunSummary, build_trees, order_rotated

DATA = Path(__file__).parents[1] / "data" / "reference-2.3.1"


def line(count: int = 1, pid: int = 7, **extra: Any) -> bytes:
    return json.dumps({"type": "event", "span_id": "s", "count": count, "pid": pid, **extra}).encode() + b"\n"


def write(tmp_path: Path, content: bytes, name: str = "run.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def read(*paths: Path) -> Tuple[List[Record], List[FileAccount]]:
    reader = RecordReader(paths)
    return list(reader), reader.accounts


def test_record_knows_where_it_stands(tmp_path: Path) -> None:
    path = write(tmp_path, line(1) + b"\n" + line(2))
    records, (account,) = read(path)
    assert [(record.path, record.line, record.offset) for record in records] == [
        (str(path), 1, 0),
        (str(path), 3, len(line(1)) + 1),
    ]
    assert (account.lines, account.records, account.blank_lines) == (3, 2, 1)
    assert account.is_clean


def test_torn_last_line_is_reported_and_the_rest_read(tmp_path: Path) -> None:
    path = write(tmp_path, line(1) + line(2)[:20])
    records, (account,) = read(path)
    assert [record.count for record in records] == [1]
    (bad,) = account.bad_lines
    assert (bad.line, bad.offset, bad.size, bad.torn) == (2, len(line(1)), 20, True)
    assert (account.torn_lines, account.corrupt_lines) == (1, 0)


def test_last_record_without_its_newline_is_read(tmp_path: Path) -> None:
    records, (account,) = read(write(tmp_path, line(1)[:-1]))
    assert len(records) == 1
    assert account.is_clean


def test_torn_line_in_the_middle_is_corrupt(tmp_path: Path) -> None:
    path = write(tmp_path, line(1)[:9] + b"\n" + line(1) + b"\r\n \n")
    records, (account,) = read(path)
    assert len(records) == 1
    assert (account.corrupt_lines, account.torn_lines, account.blank_lines) == (1, 0, 2)


def test_gaps_are_told_per_process(tmp_path: Path) -> None:
    path = write(tmp_path, line(1, 7) + line(1, 8) + line(4, 7) + line(2, 8) + line(6, 7))
    _, (account,) = read(path)
    assert [(gap.line, gap.pid, gap.first, gap.last) for gap in account.gaps] == [(3, 7, 2, 3), (5, 7, 5, 5)]
    assert account.missing == 3
    assert account.processes[7].missing == 3
    assert account.processes[8].missing == 0


def test_restarted_process_of_the_same_id_is_another_run(tmp_path: Path) -> None:
    records, (account,) = read(write(tmp_path, line(1) + line(2) + line(1) + line(2)))
    assert [record.process.run for record in records] == [1, 1, 2, 2]
    assert account.processes[7].runs == 2
    assert account.is_clean


def test_files_are_accounted_by_themselves(tmp_path: Path) -> None:
    first = write(tmp_path, line(1) + line(2), "rank0.jsonl")
    second = write(tmp_path, line(3), "rank1.jsonl")
    _, accounts = read(first, second)
    assert [account.missing for account in accounts] == [0, 2]


def test_rotated_files_continue_each_other(tmp_path: Path) -> None:
    newest = write(tmp_path, line(4), "run.jsonl")
    middle = write(tmp_path, line(3), "run.jsonl.1")
    oldest = write(tmp_path, line(1) + line(2), "run.jsonl.2")
    reader = RecordReader(order_rotated([newest, oldest, middle]))
    assert [record.count for record in reader] == [1, 2, 3, 4]
    assert all(account.is_clean for account in reader.accounts)
    assert {record.process.source for record in reader} == {str(newest)}


def test_dated_name_is_not_taken_for_a_rotated_one() -> None:
    assert order_rotated(["b/v1.2", "a/v1.1"]) == ["b/v1.2", "a/v1.1"]


def test_record_without_number_is_read_and_counted_as_such(tmp_path: Path) -> None:
    path = write(tmp_path, line(1) + b'{"type":"new_type","pid":7}\n{"type":"x"}\n' + line(2))
    records, (account,) = read(path)
    assert len(records) == 4
    assert account.uncounted == 2
    assert account.is_clean


def test_missing_file_is_in_the_account_and_the_others_are_read(tmp_path: Path) -> None:
    present = write(tmp_path, line(1))
    records, accounts = read(tmp_path / "absent.jsonl", present)
    assert len(records) == 1
    assert accounts[0].error == "No such file or directory"
    assert accounts[1].error is None


def test_directory_is_in_the_account_as_unreadable(tmp_path: Path) -> None:
    _, (account,) = read(tmp_path)
    assert account.error == "Is a directory"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_read_error_is_in_the_account() -> None:
    _, (account,) = read(Path("/proc/self/mem"))
    assert account.error == "Input/output error"


def test_overlong_line_is_corrupt_and_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, line(1) + b"x" * 500 + b"\n" + line(2))
    reader = RecordReader([path], max_line_bytes=200)
    assert [record.count for record in reader] == [1, 2]
    assert [bad.reason for bad in reader.accounts[0].bad_lines] == ["longer than the reader accepts"]


def test_callbacks_get_what_the_account_no_longer_keeps(tmp_path: Path) -> None:
    bad: List[BadLine] = []
    gaps: List[Gap] = []
    path = write(tmp_path, b"a\nb\n" + line(2) + line(4))
    reader = RecordReader([path], max_details=1, on_bad_line=bad.append, on_gap=gaps.append)
    assert len(list(reader)) == 2
    account = reader.accounts[0]
    assert (len(account.bad_lines), account.corrupt_lines, len(bad)) == (1, 2, 2)
    assert (len(account.gaps), account.missing, len(gaps)) == (1, 2, 2)


def test_reading_again_starts_the_accounts_anew(tmp_path: Path) -> None:
    reader = RecordReader([write(tmp_path, line(1))])
    assert len(list(reader)) == len(list(reader)) == 1
    assert [account.records for account in reader.accounts] == [1]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.writelines(line(number, payload="x" * 400) for number in range(1, 12_001))
    tracemalloc.start()
    try:
        assert sum(1 for _ in RecordReader([path])) == 12_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 5_000_000
    assert peak < 2_000_000


def test_reference_files_are_read_whole() -> None:
    _, accounts = read(DATA / "attempt1-rank1.jsonl", DATA / "attempt2-rank0.jsonl")
    assert [(account.records, account.is_clean) for account in accounts] == [(24, True), (46, True)]


@st.composite
def record_files(draw: st.DrawFn) -> Tuple[List[Dict[str, Any]], bytes, int]:
    """Records of two processes with some lost and blank lines between, and where the file is cut."""
    next_count = {11: 1, 22: 1}
    written = []
    content = b""
    for pid, fate in draw(
        st.lists(
            st.tuples(st.sampled_from([11, 22]), st.sampled_from(["keep", "lose", "restart", "blank"])), max_size=12
        )
    ):
        if fate == "restart":
            next_count[pid] = 1
        count = next_count[pid]
        next_count[pid] += 1
        if fate == "blank":
            content += b"\n"
        if fate == "lose":
            continue
        data = {"type": draw(st.sampled_from(["start", "stop", "event", "novel"])), "text": draw(st.text(max_size=5))}
        data.update(count=count, pid=pid)
        written.append({"end": 0, **data})
        content += json.dumps(data, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass") + b"\n"
        written[-1]["end"] = len(content) - 1  # whole without its newline, too
    return written, content, draw(st.integers(0, len(content)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(file=record_files())
def test_any_records_cut_anywhere_have_an_exact_account(
    tmp_path_factory: pytest.TempPathFactory, file: Tuple[List[Dict[str, Any]], bytes, int]
) -> None:
    written, content, cut = file
    path = write(tmp_path_factory.mktemp("cut"), content[:cut])
    records, (account,) = read(path)
    whole = [data for data in written if data["end"] <= cut]
    assert [(record.data["count"], record.data["pid"], record.data["text"]) for record in records] == [
        (data["count"], data["pid"], data["text"]) for data in whole
    ]
    assert account.bytes == cut
    assert account.lines == account.records + account.blank_lines + account.torn_lines
    assert account.corrupt_lines == 0
    assert account.missing == expected_missing(whole) == sum(gap.missing for gap in account.gaps)
    partial = len(content[:cut]) - (content[:cut].rfind(b"\n") + 1)
    is_whole = any(data["end"] == cut for data in whole)
    assert account.torn_lines == (1 if partial and not is_whole else 0)


def expected_missing(whole: List[Dict[str, Any]]) -> int:
    last = {11: 0, 22: 0}
    missing = 0
    for data in whole:
        if data["count"] <= last[data["pid"]]:
            last[data["pid"]] = 0
        missing += data["count"] - last[data["pid"]] - 1
        last[data["pid"]] = data["count"]
    return missing


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    damage=st.lists(st.tuples(st.integers(0, 15_000), st.binary(min_size=1, max_size=40)), max_size=6),
    cut=st.integers(0, 16_000),
)
def test_damaged_file_never_raises_and_every_line_is_accounted(
    tmp_path_factory: pytest.TempPathFactory, damage: List[Tuple[int, bytes]], cut: int
) -> None:
    content = bytearray((DATA / "attempt2-rank0.jsonl").read_bytes())
    for place, noise in damage:
        content[place : place + len(noise)] = noise
    path = write(tmp_path_factory.mktemp("damaged"), bytes(content[:cut]))
    reader, summary = RecordReader([path]), RunSummary()
    for record in reader:
        summary.add(record)
    summary.finish()
    (account,) = reader.accounts
    assert account.bytes == path.stat().st_size
    assert account.lines == account.records + account.blank_lines + account.corrupt_lines + account.torn_lines
    assert summary.records == account.records
    trees = build_trees(reader)
    assert all(tree.process.source == str(path) for tree in trees)
