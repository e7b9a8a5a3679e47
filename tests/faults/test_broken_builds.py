"""For every promise there is a broken build, and the check of that promise fails on it."""

from __future__ import annotations

import os
from typing import Any, Callable, List

import pytest
from verdict import judge

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks a process for each fault")

# The mutation, the fault that shows it, and the words in which the verdict says so.
BROKEN_JOBS = [
    (
        "next_record_after_a_short_write_begins_in_its_line",
        "file",
        "write",
        5,
        "short by half",
        {},
        "the reader says",
    ),
    ("failed_write_is_swallowed", "file", "write", 5, "ENOSPC", {}, "0 failures are counted, 1 happened"),
    ("number_of_a_lost_record_is_used_again", "file", "write", 5, "EIO", {}, "the reader says"),
    ("failed_write_pauses_the_exporter", "file", "write", 5, "ENOSPC", {"times": 12}, "failed writes pause the plugin"),
    ("failures_are_not_counted", "hooks", "export_event", 3, "raise", {}, "0 failures are counted, 1 happened"),
    ("skipped_calls_are_not_counted", "hooks", "export_event", 1, "raise", {"times": 99}, "calls do not add up"),
    ("error_of_a_plugin_reaches_the_application", "hooks", "export_stop", 2, "raise", {}, "exit status 1, not 3"),
    ("plugin_that_cannot_start_stops_the_job", "file", "open", 1, "ENOSPC", {"quiet": True}, "exit status 1, not 3"),
    ("failing_rotation_costs_the_record", "rotating", "replace", 1, "EIO", {}, "lost beyond the bound"),
    ("event_overtakes_the_start_of_its_span", "file", "write", 5, "EIO", {}, "first: event on a span that is not open"),
    ("exit_waits_for_a_plugin_for_ever", "hooks", "close", 1, "hang", {"timeout_sec": 12}, "the job hangs"),
    (
        "drops_are_not_counted",
        "background",
        "export_stop",
        1,
        "hang",
        {"close_timeout_sec": 0.2},
        "0 drops are counted",
    ),
    ("exit_status_is_another", "file", "write", 5, "EIO", {}, "the job died, status 0"),
]


@pytest.mark.parametrize(
    ("mutation", "victim", "point", "nth", "fault", "more", "words"), BROKEN_JOBS, ids=[row[0] for row in BROKEN_JOBS]
)
def test_verdict_on_a_broken_build(
    rig: Any, mutation: str, victim: str, point: str, nth: int, fault: str, more: Any, words: str
) -> None:
    case = {"victim": victim, "point": point, "nth": nth, "fault": fault, **more}
    broken, sound = (judge(outcome, rig.healthy(victim)) for outcome in rig.run([{**case, "mutation": mutation}, case]))
    assert sound.problems == []
    assert words in " ".join(broken.problems)


def test_failure_behind_the_queue_at_its_end(rig: Any) -> None:
    last = rig.healthy("background").result["calls"]["write"]
    mutation = "failures_behind_the_queue_at_its_end_are_not_counted"
    case = {"victim": "background", "point": "write", "nth": last, "fault": "EIO", "mutation": mutation}
    (outcome,) = rig.run([case])
    assert "0 failures are counted, 1 happened" in " ".join(judge(outcome, rig.healthy("background")).problems)


BROKEN_STARTS = [
    ("ids_go_on_after_a_fork", "Process, fork", "span starts twice"),
    ("process_id_is_the_parents", "Process, fork", "spans of each process"),
    ("child_finishes_what_the_parent_began", "os.fork", "stop of a span that is not open"),
    ("child_of_multiprocessing_does_not_close", "Process, fork", "spans of each process"),
    ("record_is_written_in_pieces", "Process, fork", "not a record"),
    ("file_is_truncated", "subprocess", "spans of each process"),
    ("locks_stay_as_a_fork_finds_them", "os.fork", "it hangs"),
]


@pytest.mark.parametrize(("mutation", "way", "words"), BROKEN_STARTS, ids=[row[0] for row in BROKEN_STARTS])
def test_processes_of_a_broken_build(started: Callable[..., List[str]], mutation: str, way: str, words: str) -> None:
    processes = 1 if way == "subprocess" else 8
    timeout = 10 if words == "it hangs" else 200
    found = " ".join(started(way, processes, timeout=timeout, MUTATION=mutation))
    assert words in found
