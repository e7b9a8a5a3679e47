from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import pytest

from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host import hookimpl
from nv_one_logger.report.replay import ReplaySummary, replay_records
from nv_one_logger.report.replay.journal import Journal
from nv_one_logger.report.replay.target import Target

Read = Callable[[Path], List[Dict[str, Any]]]


def run(paths: List[Path], plugin: Any, state: Optional[Path] = None, **more: Any) -> ReplaySummary:
    plugin.initialize()
    try:
        summary = replay_records(paths, Target(plugin), Journal(state, "test"), **more)
    finally:
        plugin.close()
    assert summary.read == summary.before + summary.sent + summary.skipped_count + summary.failed_count
    return summary


def test_copy_made_by_the_file_exporter_is_equal(recorded: Path, tmp_path: Path, without_numbers: Read) -> None:
    summary = run([recorded], FileExporter(tmp_path / "copy.jsonl"))
    assert without_numbers(tmp_path / "copy.jsonl") == without_numbers(recorded)
    assert (summary.read, summary.sent, summary.skipped_count, summary.failed_count) == (17, 17, 0, 0)


def test_copies_of_the_references_files_are_equal(reference: Path, tmp_path: Path, without_numbers: Read) -> None:
    for path in sorted(reference.glob("*.jsonl")):
        copy = tmp_path / path.name
        summary = run([path], FileExporter(copy))
        assert summary.sent == summary.read
        assert without_numbers(copy) == without_numbers(path)


def test_span_that_took_long_keeps_start_and_stop_apart(
    recording: Callable[..., Any], tmp_path: Path, without_numbers: Read
) -> None:
    one = recording(0)
    one.start("slow", 0)
    one.stop("slow", 5000, duration_msec=5000)
    run([one.path], FileExporter(tmp_path / "copy.jsonl"))
    assert [each["type"] for each in without_numbers(tmp_path / "copy.jsonl")] == ["start", "stop"]


def test_session_and_heartbeat_records_are_skipped_and_counted(recording: Callable[..., Any], noting: Any) -> None:
    one = recording(0)
    one.session(0)
    one.begin(0)
    one.heartbeat(5)
    one.write({"type": "of the future"})
    summary = run([one.path], noting)
    assert summary.sent == 2
    assert summary.skipped == {
        "a record of type 'session' is about its own exporter": 1,
        "a record of type 'heartbeat' is about its own exporter": 1,
        "a record of type 'of the future' is about its own exporter": 1,
    }
    assert summary.open_spans == 1


def test_refused_records_are_counted_exactly(recorded: Path, noting: Any) -> None:
    noting.refuses = lambda what: what.startswith(("error", "start child 2"))
    summary = run([recorded], noting)
    assert summary.failed == {"ConnectionError: refused": 4}  # three errors, one start
    assert summary.sent == 13
    assert "stop child 2" not in noting.told


def test_records_of_a_span_whose_start_was_refused_are_skipped(recorded: Path, noting: Any) -> None:
    noting.refuses = lambda what: what == "start root"
    summary = run([recorded], noting)
    assert summary.failed_count == 1
    assert summary.skipped == {"the target refused the start of its span": 2}
    assert "event loaded" not in noting.told


def test_replay_ends_when_everything_is_refused_and_resumes_with_the_first_refused(
    recorded: Path, noting: Any, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    noting.refuses = lambda what: len(noting.told) >= 4
    first = run([recorded], noting, state, most_failures=3)
    assert first.is_stopped
    assert first.failed_count == 3
    again, whole = type(noting)(), type(noting)()
    second = run([recorded], again, state)
    assert second.before == first.sent
    assert second.sent == 17 - first.sent
    run([recorded], whole)
    assert again.told[0] == "start root"  # a new target is told what is open
    assert noting.told + again.told[1:] == whole.told


def test_interrupted_replay_continues_without_doubles(recorded: Path, tmp_path: Path, without_numbers: Read) -> None:
    state, copy = tmp_path / "state", tmp_path / "copy.jsonl"

    class Interrupted(FileExporter):
        def export_error(self, event: Any, span: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([recorded], Interrupted(copy), state)
    assert 0 < len(without_numbers(copy)) < 17
    summary = run([recorded], FileExporter(copy), state)
    assert without_numbers(copy) == without_numbers(recorded)
    assert summary.before > 0
    third = run([recorded], FileExporter(copy), state)
    assert (third.before, third.sent) == (17, 0)
    assert len(without_numbers(copy)) == 17


def test_resumed_replay_sends_what_was_added_and_new_files(
    recording: Callable[..., Any], noting: Any, tmp_path: Path
) -> None:
    one, state = recording(0), tmp_path / "state"
    one.span("a", 0, 1)
    run([one.path], noting, state)
    one.span("b", 2, 3)
    two = recording(1)
    two.span("c", 0, 1)
    summary = run([two.path, one.path], noting, state)
    assert (summary.before, summary.sent) == (1, 2)
    assert noting.told == ["start a", "stop a", "start c", "stop c", "start b", "stop b"]


def test_state_on_the_disk_is_right_before_every_record(recorded: Path, noting: Any, tmp_path: Path) -> None:
    """So ``kill -9`` costs at most the record that was on its way."""
    state, places = tmp_path / "state", []

    def look(what: str) -> bool:
        places.append(json.loads(state.read_text(encoding="utf-8").splitlines()[1])["offset"])
        return False

    noting.refuses = look
    run([recorded], noting, state)
    offsets, at = [], 0
    for line in recorded.read_bytes().splitlines(keepends=True):
        offsets.append(at + 1)
        at += len(line)
    assert sorted(set(places)) == [0, *offsets[:-1]]
    assert places == sorted(places)


def test_torn_and_corrupt_lines_are_told_and_passed_over(recorded: Path, noting: Any) -> None:
    lines = recorded.read_bytes().splitlines(keepends=True)
    lines[-2] = b"\xff not a record\n"
    recorded.write_bytes(b"".join(lines)[:-30])
    summary = run([recorded], noting)
    (account,) = summary.accounts
    assert (account.corrupt_lines, account.torn_lines) == (1, 1)
    assert (summary.read, summary.sent, summary.open_spans) == (15, 15, 1)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"type": "start", "name": "x"}, "it names no span"),
        ({"type": "start", "id": "x", "name": "x"}, "it has no time"),
        ({"type": "start", "id": "100-1", "name": "x"}, "its span was started before"),
        ({"type": "stop", "id": "x", "stop_event": {"attributes": {"timestamp_msec": 5}}}, "its start is not in"),
        ({"type": "event", "span_id": "x", "event": {"name": "e"}}, "its span is not in the files"),
        ({"type": "event", "span_id": "100-1", "event": {"attributes": {"timestamp_msec": 1}}}, "it has no name"),
        ({"type": "event", "span_id": "100-1", "event": {"name": "e"}}, "it has no time"),
        ({"type": "application_error", "span_id": "100-1", "event": []}, "it has no time"),
        ({"type": "telemetry_data_error", "error": {"attributes": {"timestamp_msec": 1e9}}}, "it has no time"),
    ],
)
def test_what_cannot_be_rebuilt_is_skipped_with_a_reason(
    record: Dict[str, Any], reason: str, recording: Callable[..., Any], noting: Any
) -> None:
    one = recording(0)
    one.start("application", 0)
    one.write(record)
    one.stop("application", 10)
    summary = run([one.path], noting)
    assert summary.sent == 2
    assert [text for text in summary.skipped if text.startswith(reason)]


def test_stop_whose_start_was_lost_is_a_span_all_the_same(recording: Callable[..., Any], noting: Any) -> None:
    one = recording(0)
    one.write(
        {"type": "stop", "id": "x", "name": "late", "attributes": {"duration_msec": 40},
         "stop_event": {"name": "span_stop", "attributes": {"timestamp_msec": 1_700_000_000_040}}}
    )  # fmt: skip
    assert run([one.path], noting).sent == 1
    assert noting.told == ["start late", "stop late"]


def test_attributes_that_the_library_refuses_become_text(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording(0)
    one.span("s", 0, 1, mixed=[1, "a", None], nested={"a": [1]})
    assert run([one.path], FileExporter(tmp_path / "copy.jsonl")).sent == 1
    (copy,) = [json.loads(line) for line in (tmp_path / "copy.jsonl").read_text(encoding="utf-8").splitlines()]
    assert copy["attributes"]["mixed"] == '[1, "a", null]'


class OfHooks:
    """A plugin that is no exporter."""

    def __init__(self) -> None:
        self.names: List[str] = []

    @hookimpl
    def should_export(self, span: Any) -> Optional[bool]:
        return None if span.name_str == "root" else False

    @hookimpl
    def export_event(self, event: Any) -> None:
        self.names.append(event.name_str)

    @hookimpl
    def flush(self, timeout_sec: float) -> None:
        raise ConnectionError("gone")


def test_plugin_of_hookimpls_gets_what_it_names_and_may_refuse_spans(recorded: Path) -> None:
    plugin = OfHooks()
    summary = replay_records([recorded], Target(plugin), Journal(None, "test"))
    assert plugin.names == ["loaded"]
    assert summary.sent == 4  # start, event and stop of the root, and the telemetry's error
    assert summary.skipped == {"the target does not want its span": 13}


def test_failure_to_deliver_at_the_end_is_told(recorded: Path) -> None:
    summary = replay_records([recorded], Target(OfHooks()), Journal(None, "test"))
    assert summary.closing_error == "ConnectionError: gone"


def test_progress_adds_up_to_the_size_of_the_files(recorded: Path, noting: Any) -> None:
    told: List[int] = []
    run([recorded], noting, progress=told.append)
    assert sum(told) == recorded.stat().st_size
