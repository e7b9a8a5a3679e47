from __future__ import annotations

import gzip
import json
import tracemalloc
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable, DefaultDict

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.report.exceptions import InputError
from nv_one_logger.report.trace import write_trace

Event = dict[str, Any]
# What "Trace Event Format" (Google, 2016) asks of each phase, beyond name, ph, pid and tid.
NEEDED = {"X": {"ts", "dur", "cat"}, "B": {"ts", "cat"}, "i": {"ts", "s", "cat"}, "C": {"ts", "args"}, "M": {"args"}}
METADATA = {"process_name", "process_labels", "process_sort_index", "thread_name", "thread_sort_index"}


def load(path: Path) -> Event:
    raw = path.read_bytes()
    data = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw, parse_constant=pytest.fail)
    assert set(data) == {"displayTimeUnit", "traceEvents", "otherData"}
    assert data["displayTimeUnit"] in ("ms", "ns")
    for event in data["traceEvents"]:
        check_event(event)
    check_nesting(data["traceEvents"])
    return dict(data)


def check_event(event: Event) -> None:
    assert {"name", "ph", "pid", "tid"} | NEEDED[event["ph"]] <= set(event), event
    assert isinstance(event["name"], str)
    assert event["name"]
    assert type(event["pid"]) is int
    assert type(event["tid"]) is int
    assert event.get("ts", 0) >= 0
    assert event.get("dur", 0) >= 0
    if event["ph"] == "i":
        assert event["s"] in ("t", "p", "g")
    if event["ph"] == "C":
        assert all(type(value) in (int, float) for value in event["args"].values())
    if event["ph"] == "M":
        assert event["name"] in METADATA


def check_nesting(events: list[Event]) -> None:
    """Spans of one track contain each other or are apart, as viewers need it."""
    tracks: DefaultDict[tuple[int, int], list[Event]] = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            tracks[event["pid"], event["tid"]].append(event)
    for spans in tracks.values():
        stack: list[float] = []
        for span in sorted(spans, key=lambda each: (each["ts"], -each["dur"])):
            while stack and stack[-1] <= span["ts"] + 1e-4:
                stack.pop()
            end = span["ts"] + span["dur"]
            assert not stack or end <= stack[-1] + 1e-4
            stack.append(end)


def of_phase(data: Event, phase: str) -> list[Event]:
    return [event for event in data["traceEvents"] if event["ph"] == phase]


def named(data: Event, name: str) -> list[Event]:
    return [event for event in data["traceEvents"] if event["name"] == name]


def job(recording: Callable[..., Any]) -> None:
    """Two ranks on two machines; the clock of the second is 25 ms ahead; it is killed in its last iteration."""
    for rank, ahead in ((0, 0), (1, 25)):
        one = recording(rank, pid=100 + rank, world_size=2)
        one.session(ahead, host=f"node-{rank}")
        one.begin(ahead)
        one.start("training_loop", ahead + 10, train_iterations_start=40)
        for step in range(20):
            one.span("training_single_iteration", ahead + 20 + step * 10, ahead + 30 + step * 10)
        one.event("training_metrics_update", ahead + 230, "training_loop", current_iteration=59, latest_loss=0.5)
        one.error("bad batch", ahead + 240, exception_type="ValueError")
        if rank == 0:
            one.stop("training_loop", 250)
            one.stop("application", 260)
        else:
            one.start("training_single_iteration", ahead + 231)


def test_trace_shows_every_rank_with_spans_events_errors_and_numbers(
    recording: Callable[..., Any], tmp_path: Path
) -> None:
    job(recording)
    summary = write_trace([tmp_path / "records"], tmp_path / "trace.json.gz")
    data = load(tmp_path / "trace.json.gz")
    assert {each["pid"]: each["args"]["name"] for each in named(data, "process_name")} == {1: "rank 0", 2: "rank 1"}
    assert len(of_phase(data, "X")) == summary.counts.spans == 42
    assert [(each["name"], each["args"]["value"]) for each in of_phase(data, "C")] == [("latest_loss", 0.5)] * 2
    assert [each["name"] for each in of_phase(data, "i") if each["cat"] == "error"] == ["error: ValueError"] * 2
    assert data["otherData"]["counts"]["moments"] == 4


def test_spans_of_a_killed_rank_are_unfinished(recording: Callable[..., Any], tmp_path: Path) -> None:
    job(recording)
    write_trace([tmp_path / "records"], tmp_path / "trace.json")
    unfinished = of_phase(load(tmp_path / "trace.json"), "B")
    assert [each["name"] for each in unfinished] == ["application", "training_loop", "training_single_iteration"]
    assert {each["pid"] for each in unfinished} == {2}


def test_clocks_are_aligned_and_the_error_is_stated(recording: Callable[..., Any], tmp_path: Path) -> None:
    job(recording)
    write_trace([tmp_path / "records"], tmp_path / "trace.json")
    data = load(tmp_path / "trace.json")
    ends: DefaultDict[int, list[float]] = defaultdict(list)
    for each in of_phase(data, "X"):
        if each["name"] == "training_single_iteration":
            ends[each["pid"]].append(each["ts"] + each["dur"])
    assert ends[1] == pytest.approx(ends[2])
    facts = data["otherData"]
    assert facts["clock_error_msec"] == 1.0
    assert [(each["name"], each["offset_msec"], each["is_corrected"]) for each in facts["clocks"]] == [
        ("node-0", 0.0, False),
        ("node-1", 25.0, True),
    ]
    labels = [each["args"]["labels"] for each in named(data, "process_labels")]
    assert "25.0 ms ahead of the reference, corrected; error \u00b11.0 ms, from 21 common moments" in labels[1]


def test_gap_in_the_numbers_stops_the_comparison_by_iterations(recording: Callable[..., Any], tmp_path: Path) -> None:
    """After a lost record nobody knows which iteration is which; one off would be a whole iteration of offset."""
    for rank in (0, 1):
        one = recording(rank, pid=100 + rank)
        one.session(0, host=f"node-{rank}")
        one.start("training_loop", 0)
        if rank == 1:
            one.span("training_single_iteration", 0, 10)
            one.skip(1)
        for step in range(rank * 2, 20):
            one.span("training_single_iteration", step * 10, step * 10 + 10)
    summary = write_trace([tmp_path / "records"], tmp_path / "trace.json")
    assert summary.clocks[1].offset is None
    assert summary.clocks[1].moments == 1


def test_files_of_the_reference_are_traced_too(reference: Path, tmp_path: Path) -> None:
    summary = write_trace([reference], tmp_path / "trace.json.gz")
    data = load(tmp_path / "trace.json.gz")
    assert summary.processes == 8
    assert summary.counts.untimed == 0
    assert "rank 1, attempt 2" in {each["args"]["name"] for each in named(data, "process_name")}
    assert {each["tid"] for each in of_phase(data, "X")} == {1}


def test_same_records_give_the_same_bytes(reference: Path, tmp_path: Path) -> None:
    for name in ("a.json.gz", "b.json.gz"):
        write_trace([reference], tmp_path / name)
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()


def test_children_of_several_threads_are_kept_apart(tmp_path: Path) -> None:
    exporter = FileExporter(tmp_path / "r.jsonl")
    exporter.initialize()
    root = Span.create("root")
    exporter.export_start(root)
    workers = [Span.create(f"worker {number}", parent_span=root) for number in range(3)]
    for worker in workers:
        exporter.export_start(worker)
    for span in [*workers, root]:
        span.stop()
        exporter.export_stop(span)
    exporter.close()
    write_trace([tmp_path / "r.jsonl"], tmp_path / "trace.json")
    spans = of_phase(load(tmp_path / "trace.json"), "X")
    assert len({each["tid"] for each in spans if each["name"].startswith("worker")}) == 3


def test_process_that_continues_a_file_ends_nothing_of_the_one_before(
    recording: Callable[..., Any], tmp_path: Path
) -> None:
    for at in (0, 100):
        one = recording(0, pid=7, file="r")
        one.start("application", at)
        one.span("step", at + 1, at + 2)
    summary = write_trace([tmp_path / "records"], tmp_path / "trace.json")
    assert summary.processes == 2
    assert len(of_phase(load(tmp_path / "trace.json"), "B")) == 2


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"complete","id":"x","name":"n","attributes":{"duration_msec":1e999}}',
        b'{"type":"start","id":"x","name":7,"start_event":{"attributes":{"timestamp_msec":-5}}}',
        (
            b'{"type":"complete","id":"x","name":"\\ud800","attributes":{"a":NaN,"b":"\\udfff","c":[1e400],"d":1e5},'
            b'"start_event":{"attributes":{"timestamp_msec":1700000000001}},'
            b'"stop_event":{"attributes":{"timestamp_msec":1700000000000}}}'
        ),
        (
            b'{"type":"event","span_id":"x","event":{"name":"training_metrics_update","attributes":'
            b'{"latest_loss":"NaN","timestamp_msec":1700000000000}}}'
        ),
        b'{"type":"application_error","event":[]}',
        b'{"type":"stop","id":"y"}',
        b'{"type":"start","id":"t","na',
        b"\x00\xff not a record",
    ],
)
def test_any_record_gives_a_valid_trace(line: bytes, recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording(0)
    one.start("application", 0)
    with one.path.open("ab") as file:
        file.write(line + b"\n")
    one.stop("application", 10)
    write_trace([one.path], tmp_path / "trace.json")
    assert len(of_phase(load(tmp_path / "trace.json"), "X")) in (1, 2)


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    def peak(spans: int) -> int:
        path = tmp_path / f"m{spans}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for number in range(1, spans + 1):
                moment = {"attributes": {"timestamp_msec": 1_700_000_000_000 + number}}
                span = {"type": "complete", "id": str(number), "name": "n", "start_event": moment, "stop_event": moment}
                file.write(json.dumps({**span, "count": number, "pid": 1}) + "\n")
        tracemalloc.start()
        write_trace([path], tmp_path / "trace.json.gz")
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(2_000)
    assert peak(20_000) < peak(4_000) * 1.5


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("no record\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"No record with a time in 1 files"):
        write_trace([tmp_path / "r.jsonl"], tmp_path / "trace.json")
    assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]


def test_input_is_never_overwritten(reference: Path, tmp_path: Path) -> None:
    copy = tmp_path / "r.jsonl"
    copy.write_bytes((reference / "attempt1-rank1.jsonl").read_bytes())
    with pytest.raises(InputError, match=r"is one of the files to read"):
        write_trace([copy], copy)
    assert copy.read_bytes() == (reference / "attempt1-rank1.jsonl").read_bytes()


def test_failure_leaves_the_older_trace(reference: Path, tmp_path: Path) -> None:
    output = tmp_path / "trace.json"
    output.write_text("older", encoding="utf-8")

    def fail(_: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_trace([reference], output, progress=fail)
    assert output.read_text(encoding="utf-8") == "older"
    assert len(list(tmp_path.iterdir())) == 1


def test_progress_adds_up_to_two_readings(reference: Path, tmp_path: Path) -> None:
    told: list[int] = []
    write_trace([reference], tmp_path / "t.json", progress=told.append)
    assert sum(told) == 2 * sum(path.stat().st_size for path in reference.glob("*.jsonl"))


def test_attributes_are_arguments_of_spans(tmp_path: Path) -> None:
    exporter = FileExporter(tmp_path / "r.jsonl")
    exporter.initialize()
    span = Span.create("s", span_attributes=Attributes({"text": "x" * 5000, "list": [1, 2], "big": 2**80}))
    exporter.export_start(span)
    span.stop()
    exporter.export_stop(span)
    exporter.close()
    write_trace([tmp_path / "r.jsonl"], tmp_path / "t.json")
    (shown,) = of_phase(load(tmp_path / "t.json"), "X")
    assert len(shown["args"]["text"]) == 2003
    assert shown["args"]["list"] == "[1, 2]"
    assert shown["args"]["big"] == str(2**80)
