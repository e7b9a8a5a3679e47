from __future__ import annotations

from nv_one_logger.report.store.identity import Identity


def test_session_record_beats_the_initialization_event_which_beats_the_file_name() -> None:
    identity = Identity("runs/rank-7.jsonl")
    assert identity.rank == 7
    identity.take_initialization({"rank": 3, "world_size": 8, "session_tag": "a", "node_name": "n1"})
    assert (identity.rank, identity.world_size, identity.session_tag, identity.host) == (3, 8, "a", "n1")
    assert not identity.tells_exit
    identity.take_session({"rank": 2, "world_size": 16, "session_tag": "b", "host": "n2", "attempt": 2})
    assert (identity.rank, identity.world_size, identity.session_tag, identity.host) == (2, 16, "b", "n2")
    assert (identity.attempt, identity.tells_exit) == (2, True)


def test_odd_values_are_no_values() -> None:
    identity = Identity("x.jsonl")
    identity.take_session(
        {"rank": -1, "world_size": 0, "attempt": True, "session_tag": 5, "host": None, "process_start_msec": "soon"}
    )
    identity.take_initialization({"rank": "0", "world_size": 2**80, "one_logger_training_telemetry_version": "x.y"})
    found = (identity.rank, identity.world_size, identity.attempt, identity.session_tag, identity.process_start_us)
    assert found == (None,) * 5


def test_release_that_tells_why_it_ended_is_known_by_its_number() -> None:
    for version, tells in (("2.3.1", False), ("2.4.0", True), ("10.0.0rc1", True)):
        identity = Identity("x.jsonl")
        identity.take_initialization({"one_logger_training_telemetry_version": version})
        assert identity.tells_exit is tells


def test_application_without_a_name_goes_by_its_performance_tag() -> None:
    identity = Identity("x.jsonl")
    identity.take_training_config({"perf_tag": ["fast", "small"], "global_batch_size": 64})
    assert (identity.application, identity.global_batch_size) == ("fast", 64)
    identity.take_session({"application_name": "digits"})
    assert identity.application == "digits"
