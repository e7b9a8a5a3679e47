"""What makes a report less exact, in sentences."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from nv_one_logger.report.engine.runs import AttemptWindow
from nv_one_logger.report.model import FileFinding

__all__ = ["remarks_of"]


def remarks_of(
    windows: Sequence[AttemptWindow], world_size: int, files: Sequence[FileFinding], hosts: int
) -> Tuple[str, ...]:
    """Say what the records do not tell."""
    runs = [run for window in windows for run in window.runs]
    remarks: List[str] = []
    unnamed = sum(not run.process.has_session_record for run in runs)
    if unnamed:
        remarks.append(
            f"{unnamed} of {len(runs)} processes wrote no session record: the time they took to start and import is "
            "missing, and attempts are told by ranks that begin again. FileExporter(session_record=True) writes it."
        )
    silent = sum(bool(run.process.open_at_end) and not run.process.heartbeats for run in runs)
    if silent:
        remarks.append(
            f"{silent} of the processes that vanished wrote no heartbeat, and may have lived on after their last "
            "record. FileExporter(heartbeat_sec=...) writes them."
        )
    unranked = len({run.process.path for run in runs if run.process.rank is None})
    if unranked:
        remarks.append(f"{unranked} files tell no rank; a free one was given to each.")
    coarse = sorted(
        {
            run.rank
            for run in runs
            if not run.process.iterations_recorded and run.process.loop_first_iteration is not None
        }
    )
    if coarse:
        listed = ", ".join(map(str, coarse[:20])) + (", ..." if len(coarse) > 20 else "")
        remarks.append(
            f"Single iterations are not recorded by all processes of ranks {listed}: their training time is that of "
            "the training loop less what else is recorded in it, their iterations are those that metrics events and "
            "checkpoints tell, and the moment from which iterations are lost is interpolated."
        )
    seen = {rank for window in windows for rank in window.ranks}
    if world_size > len(seen):
        remarks.append(f"Records of {len(seen)} of {world_size} ranks were given; the ledger is of those.")
    if any(file.missing or file.corrupt_lines or file.error for file in files):
        remarks.append(
            "Records are missing or damaged; what they would have told is counted as if it had not happened."
        )
    if hosts > 1:
        remarks.append(f"The clocks of {hosts} machines were taken as they are.")
    if any(before.ended == after.started for before, after in zip(windows, windows[1:], strict=False)):
        remarks.append("An attempt began before the one before it had ended, which was cut off there.")
    return tuple(remarks)
