"""Whatever a log or a record file holds, reading it gives what can be read, and an exact account of the rest."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nv_one_logger.exporter.exporter import ExportError
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.reader import RecordReader, RunSummary, build_trees

some = settings(max_examples=100, deadline=None)

# --- log lines -------------------------------------------------------------------------------------------------------

SCRAPS = st.sampled_from(
    [*'[]{}="|.,:\\ ', " | ", "type", '="start"', "=1", "=NaN", "null", "\n", "\ud800", "\0", "9" * 5000, "[" * 2000]
)


@some
@given(text=st.lists(SCRAPS | st.text(max_size=3), max_size=40).map("".join))
@example(text="[a=" + "[" * 100_000)
@example(text="[a=" + '{"a":' * 100_000)
@example(text="[" * 100_000)
@example(text="[a=1 | " * 20_000)
@example(text='[a="[a=\\"' * 20_000)
@example(text="[" + "a." * 50_000 + "b=1]")
def test_any_line_is_a_record_or_an_export_error(text: str) -> None:
    started = time.process_time()
    try:
        record = LoggerExporter.deserialize_log(text)
    except ExportError as error:
        message = str(error)
    else:
        message = ""
        assert isinstance(record, dict)
    assert len(message) < 10_000
    assert time.process_time() - started < 10


# --- record files ----------------------------------------------------------------------------------------------------

NUMBERS = st.integers() | st.floats(allow_nan=True) | st.sampled_from([0, -1, 10**400, 1e308, 2**64])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["start", "stop", "complete", "event", "application_error", "telemetry_data_error", "odd"])
IDS = st.sampled_from(["a", "b", "c"])
ATTRIBUTES = st.fixed_dictionaries(
    {}, optional={"timestamp_msec": JSON, "duration_msec": JSON, "error_message": JSON, "exception_type": JSON}
)
EVENTS = st.fixed_dictionaries({}, optional={"name": JSON, "attributes": ATTRIBUTES | JSON})
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES | JSON,
        "id": IDS | JSON,
        "span_id": IDS | JSON,
        "parent_id": IDS | JSON,
        "name": IDS | JSON,
        "attributes": ATTRIBUTES | JSON,
        "start_event": EVENTS | JSON,
        "stop_event": EVENTS | JSON,
        "event": EVENTS | JSON,
        "error": EVENTS | JSON,
        "count": st.integers(0, 5) | JSON,
        "pid": st.integers(1, 2) | JSON,
    },
)


@pytest.fixture(scope="session")
def record_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records") / "x.jsonl"


def read_in_other_ways(path: Path) -> None:
    """Make trees of a file and sum it up."""
    for tree in build_trees(RecordReader([path])):
        for root in tree.roots:
            for node in root.walk():
                assert node.duration_msec is None or node.duration_msec == node.duration_msec
    summary = RunSummary()
    for record in RecordReader([path]):
        summary.add(record)
    summary.finish()


@some
@given(records=st.lists(RECORDS, max_size=8))
def test_records_of_any_content_can_be_read_summed_up_and_made_into_trees(
    record_path: Path, records: List[Dict[str, Any]]
) -> None:
    record_path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    reader = RecordReader([record_path])
    read = list(reader)
    (account,) = reader.accounts
    assert len(read) + len(account.bad_lines) == len(records)
    read_in_other_ways(record_path)


@some
@given(
    content=st.binary(max_size=300) | st.lists(SCRAPS, max_size=20).map(lambda s: "".join(s).encode("utf-8", "replace"))
)
@example(content=b"{" * 200_000)
@example(content=b'{"a":' * 100_000)
@example(content=b"\xff\xfe\x00" * 1000)
@example(content=b'{"type": "stop", "count": ' + b"9" * 10_000 + b"}\n")
def test_file_of_any_bytes_can_be_read(record_path: Path, content: bytes) -> None:
    record_path.write_bytes(content)
    list(RecordReader([record_path]))
    read_in_other_ways(record_path)
