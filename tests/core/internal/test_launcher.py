from __future__ import annotations

import os
import socket
import sys
from types import ModuleType, SimpleNamespace
from typing import Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.internal import launcher

TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "16",
    "LOCAL_RANK": "1",
    "TORCHELASTIC_RUN_ID": "run-7",
    "TORCHELASTIC_RESTART_COUNT": "0",
}
SLURM = {
    "SLURM_PROCID": "3",
    "SLURM_NTASKS": "8",
    "SLURM_LOCALID": "2",
    "SLURM_JOB_ID": "4242",
    "SLURM_STEP_ID": "0",
}
OPEN_MPI = {"OMPI_COMM_WORLD_RANK": "6", "OMPI_COMM_WORLD_SIZE": "12", "OMPI_COMM_WORLD_LOCAL_RANK": "4"}
PMI = {"PMI_RANK": "9", "PMI_SIZE": "10", "MPI_LOCALRANKID": "3"}
NONE: Dict[str, str] = {}


@pytest.fixture(autouse=True)
def warnings_are_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "_reported", set())


@pytest.mark.parametrize(
    ("environ", "rank", "world_size", "local_rank"),
    [
        (TORCHRUN, 5, 16, 1),
        (SLURM, 3, 8, 2),
        (OPEN_MPI, 6, 12, 4),
        (PMI, 9, 10, 3),
        (NONE, 0, 1, 0),
        ({**SLURM, **TORCHRUN}, 5, 16, 1),
        ({**SLURM, **OPEN_MPI}, 6, 12, 4),
    ],
    ids=["torchrun", "slurm", "open mpi", "pmi", "none", "torchrun in slurm", "mpirun in slurm"],
)
def test_each_launcher_tells_rank_and_size(
    environ: Dict[str, str], rank: int, world_size: int, local_rank: int
) -> None:
    before = dict(environ)
    assert launcher.rank(environ) == rank
    assert launcher.world_size(environ) == world_size
    assert launcher.local_rank(environ) == local_rank
    assert environ == before


@pytest.mark.parametrize("garbage", ["", " ", "zero", "1.5", "-1", "0x1", "1,2"])
def test_garbage_is_ignored_for_what_the_next_launcher_says(garbage: str, caplog: pytest.LogCaptureFixture) -> None:
    assert launcher.rank({**SLURM, "RANK": garbage}) == 3
    assert f"RANK = {garbage!r} is ignored" in caplog.text


def test_garbage_everywhere_leaves_the_defaults() -> None:
    environ = dict.fromkeys({**TORCHRUN, **SLURM, **OPEN_MPI, **PMI}, "garbage")
    assert (launcher.rank(environ), launcher.world_size(environ), launcher.local_rank(environ)) == (0, 1, 0)


def test_world_size_of_zero_is_no_world_size() -> None:
    assert launcher.world_size({"WORLD_SIZE": "0"}) == 1


def test_garbage_is_warned_about_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        launcher.rank({"RANK": "zero"})
    assert len(caplog.records) == 1


@given(st.dictionaries(st.sampled_from(sorted({**TORCHRUN, **SLURM, **OPEN_MPI, **PMI})), st.text(max_size=8)))
def test_no_environment_is_an_error(environ: Dict[str, str]) -> None:
    assert launcher.rank(environ) >= 0
    assert launcher.world_size(environ) >= 1
    assert launcher.local_rank(environ) >= 0
    assert launcher.session_tag(environ) != ""
    assert launcher.default_session_tag(environ).strip()


# --- session tag -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "tag"),
    [
        (TORCHRUN, "run-7"),
        ({**SLURM, **TORCHRUN}, "run-7"),
        (SLURM, "4242.0"),
        ({"SLURM_JOB_ID": "4242"}, "4242"),
        ({"PBS_JOBID": "17.server"}, "17.server"),
        ({"LSB_JOBID": "99"}, "99"),
        (OPEN_MPI, None),
        ({"TORCHELASTIC_RUN_ID": "none"}, None),
        ({"TORCHELASTIC_RUN_ID": " ", "SLURM_JOB_ID": " "}, None),
        (NONE, None),
    ],
)
def test_session_tag_is_the_launchers_id_of_the_job(environ: Dict[str, str], tag: str) -> None:
    assert launcher.session_tag(environ) == tag
    if tag is not None:
        assert launcher.default_session_tag(environ) == tag


def test_restart_by_torchrun_is_the_same_session() -> None:
    restarted = {**TORCHRUN, "TORCHELASTIC_RESTART_COUNT": "1", "RANK": "0"}
    assert launcher.default_session_tag(restarted) == launcher.default_session_tag(TORCHRUN)


def test_default_run_id_of_torchrun_does_not_make_two_jobs_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {**TORCHRUN, "TORCHELASTIC_RUN_ID": "none"}
    agent = {"identity": "boot-100-5000"}
    monkeypatch.setattr(launcher, "_parent_identity", lambda: agent["identity"])
    first = launcher.default_session_tag(environ)
    assert first == launcher.default_session_tag({**environ, "RANK": "6", "TORCHELASTIC_RESTART_COUNT": "2"})
    agent["identity"] = "boot-100-9000"
    assert launcher.default_session_tag(environ) != first


def test_workers_of_an_unknown_agent_get_a_tag_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "_parent_identity", lambda: None)
    environ = {"TORCHELASTIC_RUN_ID": "none"}
    assert launcher.default_session_tag(environ) != launcher.default_session_tag(environ)


def test_two_starts_without_a_launcher_are_never_equal() -> None:
    tags = [launcher.default_session_tag(NONE) for _ in range(100)]
    assert len(set(tags)) == 100


@pytest.mark.skipif(sys.platform != "linux", reason="the agent's start time is read from /proc")
def test_agent_is_told_by_its_start_and_not_only_by_its_number() -> None:
    first = launcher._parent_identity()
    assert first is not None
    assert first == launcher._parent_identity()
    assert all(part for part in first.split("-"))


def test_agent_is_unknown_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getppid", lambda: -1)
    assert launcher._parent_identity() is None


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "module", "name"),
    [
        (["/jobs/train_llm.py", "--lr", "1"], "", "train_llm"),
        (["train.v2.py"], "", "train.v2"),
        (["/venv/pkg/__main__.py"], "my_team.train.__main__", "my_team.train"),
        (["/jobs/train.py"], "my_team.train", "my_team.train"),
        (["/jobs/train.py"], "__main__", "train"),
        (["-c"], "", "python"),
        (["-"], "", "python"),
        ([""], "", "python"),
        ([], "", "python"),
    ],
)
def test_application_is_named_after_the_program(argv: List[str], module: str, name: str) -> None:
    assert launcher.application_name(NONE, argv, module) == name


def test_application_name_of_the_environment_wins() -> None:
    environ = {"ONE_LOGGER_APPLICATION_NAME": " my app "}
    assert launcher.application_name(environ, ["train.py"], "") == "my app"


def test_blank_application_name_counts_as_none() -> None:
    assert launcher.application_name({"ONE_LOGGER_APPLICATION_NAME": " "}, ["train.py"], "") == "train"


def test_application_name_of_this_process_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    main = ModuleType("__main__")
    main.__spec__ = SimpleNamespace(name="team.job.__main__")  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert launcher.application_name(NONE) == "team.job"
    main.__spec__ = None
    monkeypatch.setattr(sys, "argv", ["script.py"])
    assert launcher.application_name(NONE) == "script"


def test_node_is_the_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "node-17")
    assert launcher.node_name() == "node-17"


def test_node_without_a_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise OSError("no name")

    monkeypatch.setattr(socket, "gethostname", fail)
    assert launcher.node_name() == "unknown"


@pytest.mark.parametrize(
    ("environ", "attempt"),
    [
        (NONE, None),
        (OPEN_MPI, None),
        (TORCHRUN, 1),
        ({**TORCHRUN, "TORCHELASTIC_RESTART_COUNT": "2"}, 3),
        (SLURM, 1),
        ({**SLURM, "SLURM_RESTART_COUNT": "1"}, 2),
        ({**SLURM, **TORCHRUN, "TORCHELASTIC_RESTART_COUNT": "2"}, 3),
        ({**SLURM, **TORCHRUN, "SLURM_RESTART_COUNT": "1"}, None),
        ({"TORCHELASTIC_RESTART_COUNT": "twice"}, None),
    ],
    ids=["none", "open mpi", "first", "torchrun", "slurm", "requeued", "torchrun in slurm", "both", "no number"],
)
def test_attempt_is_what_one_launcher_counts(environ: Dict[str, str], attempt: int) -> None:
    assert launcher.attempt(environ) == attempt


def test_local_rank_is_known_where_a_launcher_says_it() -> None:
    assert launcher.known_local_rank(TORCHRUN) == 1
    assert launcher.known_local_rank(NONE) is None
