"""Every call that the file exporter makes of the file system fails once, for every fault; nobody else notices."""

from __future__ import annotations

import os
from typing import Any, Callable, List

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks a process for each fault")

ERRORS = ["ENOSPC", "EIO", "EINTR", "EBADF", "MemoryError"]
SHORT_WRITES = ["short by half", "short by one byte", "nothing written"]


def every(rig: Any, victim: str, point: str, fault: str, **more: Any) -> List[Any]:
    """Return a job for every call at a point that a healthy job makes."""
    calls = rig.healthy(victim).result["calls"].get(point, 0)
    return [{"victim": victim, "point": point, "nth": nth, "fault": fault, **more} for nth in range(1, calls + 1)]


@pytest.mark.parametrize("fault", ERRORS + SHORT_WRITES)
@pytest.mark.parametrize("victim", ["file", "background", "rotating"])
def test_every_write(rig: Any, no_job_minds: Callable[..., None], victim: str, fault: str) -> None:
    no_job_minds(f"write, {victim}", fault, every(rig, victim, "write", fault))


@pytest.mark.parametrize("point", ["encode a record", "make a line"])
def test_memory_runs_out_while_a_record_is_made(rig: Any, no_job_minds: Callable[..., None], point: str) -> None:
    """The short way to a line has the long one to fall back on; that one costs its record."""
    no_job_minds(f"{point}, file", "MemoryError", every(rig, "file", point, "MemoryError"))


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO"])
def test_every_fsync(rig: Any, no_job_minds: Callable[..., None], fault: str) -> None:
    no_job_minds("fsync, fsync=True", fault, every(rig, "fsync", "fsync", fault))


@pytest.mark.parametrize("fault", ["EIO", "MemoryError"])
@pytest.mark.parametrize("point", ["replace", "flock", "fstat", "stat", "open", "open to look", "mkdir"])
def test_every_step_of_a_rotation(rig: Any, no_job_minds: Callable[..., None], point: str, fault: str) -> None:
    """The first call of some of them belongs to ``initialize`` and is tested there."""
    cases = every(rig, "rotating", point, fault)
    first = 0 if point in ("replace", "flock", "fstat") else 1
    no_job_minds(f"{point}, rotating", fault, cases[first:])


@pytest.mark.parametrize("fault", ERRORS)
@pytest.mark.parametrize("point", ["mkdir", "open"])
def test_file_that_cannot_be_opened(rig: Any, no_job_minds: Callable[..., None], point: str, fault: str) -> None:
    """In the quiet error strategy the plugin is left out."""
    no_job_minds(f"{point}, file", fault, [{"victim": "file", "point": point, "fault": fault, "quiet": True}])


@pytest.mark.parametrize("point", ["stat", "open to look", "close file"])
def test_calls_beside_the_writing(rig: Any, no_job_minds: Callable[..., None], point: str) -> None:
    no_job_minds(f"{point}, file", "EIO", every(rig, "file", point, "EIO"))


@pytest.mark.parametrize("fault", ["ENOSPC", "short by half"])
@pytest.mark.parametrize("times", [12, 1000])
def test_writes_that_fail_for_a_while(rig: Any, no_job_minds: Callable[..., None], fault: str, times: int) -> None:
    until = "to the end" if times == 1000 else f"{times} times"
    no_job_minds(f"write, file, {until}", fault, every(rig, "file", "write", fault, times=times))


def test_error_of_the_application_is_the_one_that_is_seen(rig: Any, no_job_minds: Callable[..., None]) -> None:
    cases = every(rig, "file", "write", "ENOSPC", times=1000, ends="error")
    no_job_minds("write, job fails itself", "ENOSPC", cases)


@pytest.mark.parametrize("point", ["mkdir", "open"])
def test_where_errors_propagate_a_file_that_cannot_be_opened_is_refused(rig: Any, point: str) -> None:
    (outcome,) = rig.run([{"victim": "file", "point": point, "fault": "ENOSPC"}])
    assert outcome.status == 1
    assert outcome.result["refused"].startswith("ExportError: FileExporter cannot open")
