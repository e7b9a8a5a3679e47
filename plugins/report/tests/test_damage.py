"""Files that were cut, overwritten and mixed up: never an exception, always an exact account, and sums that hold."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Dict, List

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from nv_one_logger.reader import RecordReader
from nv_one_logger.report import InputError, analyze_all
from nv_one_logger.report.as_json import as_json
from nv_one_logger.report.store.ingest import NEEDED_SPANS, ingest
from nv_one_logger.report.store.schema import TABLES
from nv_one_logger.report.verification import verify
from nv_one_logger.report.view import show

ODD_VALUES = [
    b"null", b"true", b"-1", b"1e400", b"NaN", b"99999999999999999999999999", b'"\\ud800"', b"[]", b"{}", b'""', b"0.5",
    b"9007199254740993", b"-9223372036854775808", b"1700000000000",
]  # fmt: skip
KEYS = [
    b'"timestamp_msec":', b'"count":', b'"pid":', b'"id":', b'"name":', b'"attributes":', b'"train_iterations_start":',
    b'"current_iteration":', b'"duration_msec":', b'"rank":', b'"world_size":', b'"session_tag":', b'"start_event":',
    b'"total_iteration_time_sec":', b'"num_iterations":',
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Cut a file somewhere, and overwrite, repeat, drop and swap pieces of it."""
    lines = content.splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 12))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["value", "drop", "repeat", "swap", "bytes"]))
        if kind == "value":
            key, value = draw(st.sampled_from(KEYS)), draw(st.sampled_from(ODD_VALUES))
            head, found, tail = lines[at].partition(key)
            rest = tail[min((tail.find(end) for end in (b",", b"}") if end in tail), default=0) :]
            lines[at] = head + found + value + rest if found else lines[at]
        elif kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "repeat":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif kind == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            place = draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:place] + draw(st.binary(max_size=9)) + lines[at][place + draw(st.integers(0, 20)) :]
    return b"".join(lines)[: draw(st.integers(0, len(content)) | st.just(len(content)))]


REFERENCE = Path(__file__).parent / "data" / "reference-2.3.1"
NAMES = ("attempt1-rank0.jsonl", "attempt1-rank1.jsonl", "attempt2-rank1.jsonl")


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(contents=st.tuples(*(damaged((REFERENCE / name).read_bytes()) for name in NAMES)))
def test_damaged_files_are_read_as_far_as_they_go(
    contents: List[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("records")
    for name, content in zip(NAMES, contents, strict=True):
        (folder / name).write_bytes(content)
    reader = RecordReader(sorted(folder.iterdir()))
    expected = sum(1 for _ in reader)
    accounts = ingest([(str(path),) for path in sorted(folder.iterdir())], tmp_path_factory.mktemp("tables"))
    assert accounts == reader.accounts
    try:
        reports = analyze_all([folder])
    except InputError:  # nothing at all is left
        assert not any(record.timestamp_msec for record in reader)
        return
    json.dumps(as_json(reports), allow_nan=False)
    for report in reports:
        show(report, Console(file=io.StringIO(), width=80, force_terminal=True))
        assert report.ledger.adds_up
        for rank in report.ledger.ranks:
            pieces = [piece for piece in report.timeline if piece.rank == rank]
            assert sum(piece.ended - piece.started for piece in pieces) == report.ledger.elapsed
    assert sum(report.session.records for report in reports) <= expected
    told = {file.path: file for file in reports[0].files}
    for account in reader.accounts:
        if str(account.path) in told:
            found = told[str(account.path)]
            assert (found.corrupt_lines, found.torn_lines) == (account.corrupt_lines, account.torn_lines)


def rows(folder: Path, table: str, columns: List[str]) -> List[Dict[str, object]]:
    found: List[Dict[str, object]] = pq.read_table(folder / table, columns=columns).to_pylist()
    return [row for row in found if table != "spans" or row["name"] in NEEDED_SPANS]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=damaged((REFERENCE / NAMES[0]).read_bytes()))
def test_report_and_conversion_make_the_same_rows(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("records")
    path = folder / "run.jsonl"
    path.write_bytes(content)
    for name, is_whole in (("some", False), ("all", True)):
        ingest([(str(path),)], folder / name, is_whole=is_whole)
    for table, schema in TABLES.items():
        columns = [name for name in schema.names if name not in ("span_id", "parent_id", "attributes")]
        if table != "events":  # of which the report keeps few
            assert rows(folder / "some", table, columns) == rows(folder / "all", table, columns)


def test_two_exporters_of_a_process_in_one_file_cost_no_more_than_one(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    line = (
        '{{"type":"complete","id":"{0}","name":"training_single_iteration","attributes":{{}},'
        '"start_event":{{"attributes":{{"timestamp_msec":{1}}}}},"stop_event":{{"attributes":{{"timestamp_msec":{2}}}}},'
        '"count":{0},"pid":7}}\n'
    )
    path.write_text("".join(line.format(number, 10 * number, 10 * number + 9) * 2 for number in range(1, 3000)))
    (report,) = analyze_all([path])
    assert report.ledger.adds_up
    assert report.session.records == 2 * 2999
    (file,) = verify([path]).files
    assert len(file.processes) == 1000
    assert file.account.records == sum(process.records for process in file.processes) == 2 * 2999
