from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nv_one_logger.reader import FileAccount, RecordReader
from nv_one_logger.report.store import scan
from nv_one_logger.report.store.scan import SourceScanner


class Taker:
    """Keeps what one process wrote."""

    def __init__(self, path: str, pid: Optional[int], run: int) -> None:
        self.missing = 0
        self.pid, self.run = pid, run
        self.records: List[Tuple[str, Dict[str, object]]] = []

    def take(self, kind: str, data: Dict[str, object]) -> None:
        self.records.append((kind, data))


def read(*paths: Path, **options: int) -> Tuple[List[FileAccount], List[Taker]]:
    takers: List[Taker] = []

    def make(path: str, pid: Optional[int], run: int) -> Taker:
        takers.append(Taker(path, pid, run))
        return takers[-1]

    scanner = SourceScanner(make, **options)
    for path in paths:
        scanner.read(str(path))
    return scanner.accounts, takers


def records_of_reader(reader: RecordReader) -> Dict[Tuple[Optional[int], int], List[Dict[str, object]]]:
    by_process: Dict[Tuple[Optional[int], int], List[Dict[str, object]]] = {}
    for record in reader:
        by_process.setdefault((record.process.pid, record.process.run), []).append(dict(record.data))
    return by_process


def assert_same(*paths: Path) -> None:
    reader = RecordReader(paths)
    expected = records_of_reader(reader)
    accounts, takers = read(*paths)
    assert accounts == reader.accounts
    found: Dict[Tuple[Optional[int], int], List[Dict[str, object]]] = {}
    for taker in takers:
        assert taker.records
        found.setdefault((taker.pid, taker.run), []).extend(data for _, data in taker.records)
    # repr: NaN is equal to nothing, and a float to no integer here.
    assert {key: len(value) for key, value in found.items()} == {key: len(value) for key, value in expected.items()}
    assert sum(taker.missing for taker in takers) == sum(account.missing for account in accounts)


WHOLE = b'{"type":"complete","name":"a","attributes":{"duration_msec":4},"count":%d,"pid":7}'
ODD = [
    b"",
    b"  \t",
    b"{",
    b"[]",
    b'"text"',
    b"17",
    b'{"type":"x"}',
    b'{"type":1,"count":2,"pid":7}',
    b'{"type":"x","count":NaN,"pid":7}',
    b'{"type":"x","count":true,"pid":true}',
    b'{"type":"x","count":1.0,"pid":7}',
    b'{"type":"x","count":1,"pid":7.0}',
    b'{"type":"x","count":0,"pid":7}',
    b'{"type":"x","count":-3,"pid":7}',
    b'{"type":"x","count":1,"pid":[7]}',
    b'{"type":"x","count":99999999999999999999999,"pid":7}',
    b'{"type":"x","count":3,"pid":99999999999999999999999}',
    b'{"type":"\\ud800","count":5,"pid":7}',
    b'{"type":"x","count":6,"pid":7,"a":1e999}',
    b'\xef\xbb\xbf{"type":"x","count":6,"pid":7}',
    b"\x00\x00\x00\x00",
    b'{"type":"x\xff","count":6,"pid":7}',
    b'{"type":"x","count":6,"pid":7}\r',
    b"[" * 2000,
    b'{"type":"x","n":' + b"9" * 5000 + b"}",
]
LINES = st.one_of(st.integers(1, 9).map(lambda number: WHOLE % number), st.sampled_from(ODD), st.binary(max_size=40))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=30), ended=st.booleans())
def test_account_and_records_are_those_of_the_reader(lines: List[bytes], ended: bool, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"\n".join(lines) + (b"\n" if ended else b""))
    assert_same(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_real_files_cut_and_overwritten_anywhere(data: st.DataObject, reference: Path, tmp_path: Path) -> None:
    content = bytearray((reference / "attempt1-rank0.jsonl").read_bytes()[: data.draw(st.integers(0, 40_000))])
    for _ in range(data.draw(st.integers(0, 6)) if content else 0):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(max_size=30))
        content[at : at + data.draw(st.integers(0, 300))] = piece
        if not content:
            break
    path = tmp_path / "run.jsonl"
    path.write_bytes(bytes(content))
    assert_same(path)


def test_lines_across_pieces_of_the_file(monkeypatch: pytest.MonkeyPatch, reference: Path) -> None:
    for size in (1, 7, 100, 1000):
        monkeypatch.setattr(scan, "_CHUNK_BYTES", size)
        assert_same(reference / "attempt1-rank1.jsonl")


def test_rotated_set_carries_its_numbers_on(tmp_path: Path) -> None:
    old, new = tmp_path / "run.jsonl.1", tmp_path / "run.jsonl"
    old.write_bytes(b"".join(WHOLE % number + b"\n" for number in (1, 2, 3)))
    new.write_bytes(b"".join(WHOLE % number + b"\n" for number in (4, 6, 1)))
    assert_same(old, new)
    accounts, takers = read(old, new)
    assert [account.missing for account in accounts] == [0, 1]
    assert [(taker.run, len(taker.records), taker.missing) for taker in takers] == [(1, 5, 1), (2, 1, 0)]


def test_line_beyond_the_limit_is_corrupt_and_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scan, "_CHUNK_BYTES", 64)
    path = tmp_path / "run.jsonl"
    path.write_bytes(WHOLE % 1 + b"\n" + b"x" * 5000 + b"\n" + WHOLE % 2 + b"\n" + b"y" * 3000)
    reader = RecordReader([path], max_line_bytes=1000)
    list(reader)
    (account,), _ = read(path, max_line_bytes=1000)
    assert account == reader.accounts[0]
    assert (account.records, account.corrupt_lines, account.torn_lines) == (2, 1, 1)


@pytest.mark.parametrize("name", ["no/such.jsonl", "a\0b.jsonl", "."])
def test_file_that_cannot_be_read_has_an_error(name: str, tmp_path: Path) -> None:
    (account,), takers = read(tmp_path / name)
    assert account.error
    assert takers == []


def test_progress_counts_every_byte(reference: Path) -> None:
    path = reference / "attempt1-rank0.jsonl"
    seen: List[int] = []
    SourceScanner(Taker, progress=seen.append).read(str(path))
    assert sum(seen) == path.stat().st_size
