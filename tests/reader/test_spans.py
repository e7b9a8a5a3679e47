from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.reader import ProcessKey, ProcessTree, Record, RecordReader, SpanNode, SpanTracker, build_trees

DATA = Path(__file__).parents[1] / "data" / "reference-2.3.1"
PROCESS = ProcessKey("f.jsonl", 7, 1)


def record(type_: str, process: ProcessKey = PROCESS, **data: Any) -> Record:
    return Record("f.jsonl", 1, 0, process, type_, {"type": type_, **data})


def moment(msec: Optional[int]) -> Dict[str, Any]:
    return {"name": "x", "attributes": {} if msec is None else {"timestamp_msec": msec}}


def start(id_: str, at: Optional[int] = 0, parent: Optional[str] = None, process: ProcessKey = PROCESS) -> Record:
    extra = {} if parent is None else {"parent_id": parent}
    return record("start", process, id=id_, name=f"name-{id_}", start_event=moment(at), **extra)


def stop(id_: str, at: Optional[int] = 10, process: ProcessKey = PROCESS, **attributes: Any) -> Record:
    return record("stop", process, id=id_, name=f"name-{id_}", attributes=attributes, stop_event=moment(at))


def complete(id_: str, parent: Optional[str] = None) -> Record:
    extra = {} if parent is None else {"parent_id": parent}
    return record("complete", id=id_, name=f"name-{id_}", start_event=moment(1), stop_event=moment(4), **extra)


def event(span_id: str, name: str = "e") -> Record:
    return record("event", span_id=span_id, event={"name": name, "attributes": {}})


def error(span_id: str) -> Record:
    return record("application_error", span_id=span_id, event={"name": "error", "attributes": {}})


def track(*records: Record) -> Tuple[List[SpanNode], SpanTracker]:
    tracker = SpanTracker()
    return [node for each in records for node in tracker.add(each)], tracker


def shape(nodes: Sequence[SpanNode]) -> Any:
    return {node.id: shape(node.children) for node in nodes}


def only_tree(records: Sequence[Record]) -> ProcessTree:
    (tree,) = build_trees(records)
    return tree


def test_span_is_returned_when_it_ends_and_not_kept() -> None:
    ended, tracker = track(start("a", 3), stop("a", 10))
    assert [(node.id, node.name, node.start_msec, node.stop_msec, node.is_open) for node in ended] == [
        ("a", "name-a", 3, 10, False)
    ]
    assert tracker.open_spans() == []


def test_complete_record_is_a_whole_span() -> None:
    (node,), _ = track(complete("a"))
    assert (node.duration_msec, node.start_lost, node.is_open) == (3, False, False)


def test_recorded_duration_beats_the_clock() -> None:
    (node,), _ = track(start("a", 3), stop("a", 10, duration_msec=5))
    assert node.duration_msec == 5


def test_attributes_of_start_and_stop_are_merged_and_the_later_win() -> None:
    begun = record("start", id="a", name="a", attributes={"x": 1, "y": 1}, start_event=moment(0))
    (node,), _ = track(begun, stop("a", 10, x=2))
    assert node.attributes == {"x": 2, "y": 1}


def test_lost_start_is_told_and_reckoned_from_the_duration() -> None:
    (node,), _ = track(stop("a", 10, duration_msec=4))
    assert (node.start_lost, node.start_msec, node.is_open) == (True, 6, False)


def test_unknown_duration_is_none() -> None:
    (node,), _ = track(start("a", None), stop("a", 10))
    assert node.duration_msec is None


def test_start_written_twice_makes_one_span_even_after_its_stop() -> None:
    ended, tracker = track(start("a"), start("a"), stop("a"), start("a"))
    assert len(ended) == 1
    assert tracker.open_spans() == []


def test_remembered_spans_are_bounded() -> None:
    ended, tracker = track(*(complete(str(index)) for index in range(3000)))
    assert len(ended) == 3000
    assert len(tracker._ended_set) == len(tracker._ended) == 1024


def test_open_spans_are_left_at_the_end_in_order() -> None:
    _, tracker = track(start("a"), start("b"), start("c"), stop("b"))
    assert [node.id for node in tracker.finish()] == ["a", "c"]
    assert tracker.finish() == []


def test_restart_under_the_same_process_id_ends_what_was_open() -> None:
    ended, tracker = track(start("a"), start("b", process=PROCESS._replace(run=2)))
    assert [(node.id, node.is_open) for node in ended] == [("a", True)]
    assert [node.id for node in tracker.open_spans()] == ["b"]


def test_restart_whose_first_record_ends_a_span_returns_both() -> None:
    ended, _ = track(start("a"), stop("b", process=PROCESS._replace(run=2)))
    assert [(node.id, node.is_open) for node in ended] == [("a", True), ("b", False)]


def test_another_process_leaves_open_spans_alone() -> None:
    ended, tracker = track(start("a"), start("b", process=ProcessKey("f.jsonl", 8, 1)))
    assert ended == []
    assert len(tracker.open_spans()) == 2


def test_events_and_errors_are_counted_on_their_span() -> None:
    (node,), _ = track(start("a"), event("a"), error("a"), event("other"), event("a"), stop("a"))
    assert (node.event_count, node.error_count, node.events) == (2, 1, [])


def test_records_about_no_span_change_nothing() -> None:
    ended, tracker = track(record("new_type", id="a"), record("start"), record("telemetry_data_error"))
    assert ended == tracker.open_spans() == []


def test_tree_follows_parent_ids() -> None:
    tree = only_tree([start("a"), start("b", parent="a"), complete("c", "b"), complete("d", "a"), stop("b"), stop("a")])
    assert shape(tree.roots) == {"a": {"b": {"c": {}}, "d": {}}}
    assert not tree.parents_inferred
    assert [node.id for node in tree.walk()] == ["a", "b", "c", "d"]


def test_tree_of_a_file_without_parent_ids_follows_the_order() -> None:
    tree = only_tree([start("a"), start("b"), complete("c"), stop("b"), complete("d"), stop("a"), complete("e")])
    assert shape(tree.roots) == {"a": {"b": {"c": {}}, "d": {}}, "e": {}}
    assert tree.parents_inferred


def test_parent_that_is_not_in_the_records_leaves_a_root() -> None:
    tree = only_tree([complete("a", "elsewhere"), complete("b")])
    assert shape(tree.roots) == {"a": {}, "b": {}}
    assert tree.roots[0].parent_id == "elsewhere"


def test_events_are_kept_in_the_tree_also_after_the_stop() -> None:
    tree = only_tree([start("a"), event("a", "first"), error("a"), stop("a"), event("a", "late"), error("a")])
    (node,) = tree.roots
    assert [each.name for each in node.events] == ["first", "error", "late", "error"]
    assert (node.event_count, node.error_count) == (2, 2)


def test_event_of_an_unknown_span_is_an_orphan() -> None:
    tree = only_tree([event("gone", "lost")])
    assert [each.name for each in tree.orphans] == ["lost"]


def test_telemetry_errors_stand_in_the_tree() -> None:
    tree = only_tree([record("telemetry_data_error", error={"name": "bad", "attributes": {}})])
    assert [each.name for each in tree.telemetry_errors] == ["bad"]


def test_processes_have_trees_of_their_own() -> None:
    other = ProcessKey("f.jsonl", 8, 1)
    trees = build_trees([start("a"), start("b", process=other), stop("a"), stop("b", process=other)])
    assert [(tree.process, shape(tree.roots)) for tree in trees] == [(PROCESS, {"a": {}}), (other, {"b": {}})]


def test_open_span_stands_in_the_tree() -> None:
    tree = only_tree([start("a"), start("b", parent="a")])
    assert shape(tree.roots) == {"a": {"b": {}}}
    assert tree.roots[0].is_open


def test_reference_file_of_a_killed_rank_shows_where_it_was() -> None:
    tree = only_tree(list(RecordReader([DATA / "attempt1-rank1.jsonl"])))
    assert [node.name for node in tree.walk() if node.is_open] == ["application", "training_loop"]
    assert [node.name for node in tree.roots[0].children] == [
        "model_initialization",
        "data_loader_initialization",
        "training_loop",
    ]
    assert tree.orphans == []


@given(parents=st.lists(st.integers(0, 9), max_size=10))
def test_every_span_stands_exactly_once_in_the_tree_whatever_the_parents(parents: List[int]) -> None:
    records = [complete(str(index), str(parent)) for index, parent in enumerate(parents)]
    trees = build_trees(records)
    ids = [node.id for tree in trees for node in tree.walk()]
    assert sorted(ids) == sorted(str(index) for index in range(len(parents)))


def heartbeat(*named: Any, process: ProcessKey = PROCESS) -> Record:
    return record("heartbeat", process, open_spans=list(named), open_span_count=len(named))


LOOP = {"id": "loop", "name": "name-loop", "start_msec": 10}
STEP = {"id": "step", "parent_id": "loop", "name": "name-step", "start_msec": 20}


def test_heartbeat_tells_of_open_spans_whose_start_was_never_written() -> None:
    ended, tracker = track(heartbeat(LOOP, STEP))
    assert ended == []
    left = tracker.finish()
    assert [(node.name, node.parent_id, node.enclosing_id, node.start_msec) for node in left] == [
        ("name-loop", None, None, 10),
        ("name-step", "loop", "loop", 20),
    ]
    assert all(node.is_open and not node.start_lost for node in left)


def test_span_that_a_heartbeat_told_of_first_is_completed_by_its_records() -> None:
    begun = record("start", id="loop", name="name-loop", attributes={"shard": 3}, start_event=moment(10))
    ended, tracker = track(heartbeat(LOOP, STEP), begun, complete("step", parent="loop"), stop("loop", 40))
    assert [(node.id, node.start_msec, node.stop_msec) for node in ended] == [("step", 20, 4), ("loop", 10, 40)]
    assert ended[1].attributes == {"shard": 3}
    assert tracker.finish() == []


def test_heartbeat_opens_no_span_that_has_ended() -> None:
    _, tracker = track(start("loop"), stop("loop"), heartbeat(LOOP))
    assert tracker.open_spans() == []


def test_heartbeat_of_a_restarted_process_ends_what_its_predecessor_left_open() -> None:
    ended, tracker = track(start("old"), heartbeat(LOOP, process=ProcessKey("f.jsonl", 7, 2)))
    assert [(node.id, node.is_open) for node in ended] == [("old", True)]
    assert [node.id for node in tracker.open_spans()] == ["loop"]


def test_tree_has_the_spans_that_only_heartbeats_tell_of() -> None:
    tree = only_tree([start("app"), heartbeat({"id": "app", "name": "name-app"}, {**LOOP, "parent_id": "app"}, STEP)])
    assert shape(tree.roots) == {"app": {"loop": {"step": {}}}}
