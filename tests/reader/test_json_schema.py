from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, List

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.internal.record_type import RecordType
from nv_one_logger.exporter.internal.session_record import SessionDescription
from nv_one_logger.reader.json_schema import RECORD_SCHEMA_VERSION, record_schema
from nv_one_logger.reader.record import KNOWN_TYPES

DATA = Path(__file__).parents[1] / "data" / "reference-2.3.1"

Record = Dict[str, Any]

VALUES = st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=3)


def mistakes(record: Any) -> List[str]:
    return [error.message for error in jsonschema.Draft202012Validator(record_schema()).iter_errors(record)]


def written(path: Path, attributes: Dict[str, Any], name: str = "work") -> List[Record]:
    """Write one record of each kind, and read them back."""
    exporter = FileExporter(path, session_record=True, heartbeat_sec=3600.0)
    exporter.configure(SimpleNamespace(application_name="digits", session_tag="run-7", world_size=4))
    exporter.initialize()
    outer = Span.create(name, span_attributes=Attributes(attributes))
    exporter.export_start(outer)
    exporter.export_event(Event.create(name, Attributes(attributes)), outer)
    inner = Span.create(name, parent_span=outer, span_attributes=Attributes(attributes))
    exporter.export_start(inner)
    exporter.write_heartbeat_if_due(time.monotonic() + 7200.0)
    inner.stop()
    exporter.export_stop(inner)
    exporter.export_error(ErrorEvent.create("bad row", ValueError("row 7")), outer)
    kind = TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA
    exporter.export_telemetry_data_error(TelemetryDataError.create(kind, "a span was stopped twice"))
    outer.stop()
    exporter.export_stop(outer)
    exporter.close()
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def test_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(record_schema())


def test_version_is_that_of_session_records() -> None:
    assert SessionDescription().content({})["schema_version"] == RECORD_SCHEMA_VERSION


def test_caller_may_change_what_it_gets() -> None:
    record_schema().clear()
    assert record_schema()["required"] == ["type", "count", "pid"]


def test_every_type_of_record_is_described() -> None:
    described = {one["if"]["properties"]["type"]["const"] for one in record_schema()["allOf"]}
    assert described == {kind.value for kind in RecordType} == KNOWN_TYPES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(attributes=st.dictionaries(st.text(max_size=5), VALUES, max_size=3), name=st.text(max_size=5))
def test_whatever_is_recorded_is_valid(attributes: Dict[str, Any], name: str, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    if path.exists():
        path.unlink()
    records = written(path, attributes, name)
    assert {record["type"] for record in records} == KNOWN_TYPES
    assert [mistakes(record) for record in records] == [[]] * len(records)


def test_files_of_the_reference_are_valid() -> None:
    for path in DATA.glob("*.jsonl"):
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert [mistakes(record) for record in records] == [[]] * len(records)


def test_unknown_keys_and_types_are_valid(tmp_path: Path) -> None:
    assert mistakes({"type": "rumour", "count": 1, "pid": 7, "anything": [1]}) == []
    for record in written(tmp_path / "run.jsonl", {}):
        assert mistakes({**record, "anything": [1]}) == []


def without(*keys: str) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        inner = record
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]

    return change


def with_value(value: Any, *keys: Any) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        inner: Any = record
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("start", without("type")),
        ("start", without("count")),
        ("start", without("pid")),
        ("start", with_value(0, "count")),
        ("start", with_value("7", "pid")),
        ("start", without("id")),
        ("start", with_value("7", "id")),
        ("start", without("name")),
        ("start", without("start_event", "attributes", "timestamp_msec")),
        ("start", with_value([], "attributes")),
        ("stop", without("stop_event")),
        ("stop", without("attributes", "duration_msec")),
        ("complete", with_value(1.5, "attributes", "duration_msec")),
        ("complete", without("start_event")),
        ("complete", with_value(None, "parent_id")),
        ("event", without("span_id")),
        ("event", without("event", "name")),
        ("event", with_value("now", "event", "attributes", "timestamp_msec")),
        ("application_error", without("event", "attributes", "error_message")),
        ("application_error", with_value(7, "event", "attributes", "exception_type")),
        ("telemetry_data_error", without("error")),
        ("telemetry_data_error", without("error", "attributes", "telemetry_data_error_type")),
        ("session", without("session")),
        ("session", without("session", "schema_version")),
        ("session", with_value(0, "session", "world_size")),
        ("session", with_value(-1, "session", "rank")),
        ("session", with_value(0, "session", "attempt")),
        ("session", with_value(3, "session", "versions", "core")),
        ("heartbeat", without("timestamp_msec")),
        ("heartbeat", without("open_spans", 0, "start_msec")),  # type: ignore[arg-type]
        ("heartbeat", with_value("none", "open_spans")),
        ("heartbeat", with_value(-1, "open_span_count")),
    ],
)
def test_broken_record_is_refused(tmp_path: Path, kind: str, change: Callable[[Record], None]) -> None:
    (record,) = [one for one in written(tmp_path / "run.jsonl", {"shard": 3}) if one["type"] == kind]
    broken = copy.deepcopy(record)
    change(broken)
    assert mistakes(record) == []
    assert mistakes(broken) != []


@pytest.mark.parametrize("value", [None, 3, "start", [], [{"type": "start"}]])
def test_what_is_no_object_is_refused(value: Any) -> None:
    assert mistakes(value) != []
