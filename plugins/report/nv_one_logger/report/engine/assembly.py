"""Puts the parts of a report together."""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence, Tuple

from nv_one_logger.reader.stream import rotation_base
from nv_one_logger.report.engine import details, iterations, progress
from nv_one_logger.report.engine.causes import cause_of, cause_of_attempt, open_spans_of
from nv_one_logger.report.engine.database import Database
from nv_one_logger.report.engine.ledger import cut, declare_span_kinds, make_ledger, merge
from nv_one_logger.report.engine.remarks import remarks_of
from nv_one_logger.report.engine.runs import AttemptWindow, Process, Run, group_attempts
from nv_one_logger.report.engine.stragglers import find_stragglers
from nv_one_logger.report.model import (
    Attempt,
    Bucket,
    FileFinding,
    ProcessRun,
    Report,
    Segment,
    SeriesPoint,
    SessionSummary,
)

__all__ = ["assemble", "read_files"]


def assemble(database: Database, processes: Sequence[Process], files: Sequence[FileFinding], now: int) -> Report:
    """Make the report of one session.

    Args:
        database: All tables.
        processes: The processes of the session.
        files: Findings about all files.
        now: The present moment, microseconds.
    """
    windows = group_attempts(processes)
    index = progress.declare_runs(database, windows)
    declare_span_kinds(database)
    iterations.declare_lengths(database)
    work = progress.read_work(database, windows)
    runs = [_process_run(run, window, work, now, window is windows[-1]) for window in windows for run in window.runs]
    runs.sort(key=lambda run: (run.attempt, -1 if run.rank is None else run.rank, run.started))
    cells = progress.make_cells(index, windows, work, runs)
    started, elapsed = windows[0].started, windows[-1].ended - windows[0].started
    totals, pieces = cut(database, cells, started, elapsed)
    gaps = progress.gaps_between(windows)
    ranks = sorted({cell.rank for cell in cells})
    in_gaps = [
        Segment(gap.attempt, rank, Bucket.ATTEMPT_GAP, gap.start, gap.stop)
        for gap in gaps
        for rank in ranks
        if gap.start < gap.stop
    ]
    stats = iterations.iteration_stats(database)
    summary = _summary(processes, windows)
    by_attempt: Dict[int, List[ProcessRun]] = {}
    for run in runs:
        by_attempt.setdefault(run.attempt, []).append(run)
    attempts = tuple(_attempt(window, work, by_attempt[window.number], summary.world_size) for window in windows)
    hosts = {run.rank: run.process.host for window in windows for run in window.runs if run.process.host}
    own_files = _own_files(processes, files)
    return Report(
        session=summary,
        attempts=attempts,
        processes=tuple(runs),
        ledger=make_ledger(cells, totals, gaps, elapsed, progress.iterations_kept(windows, work)),
        timeline=tuple(merge([*pieces, *in_gaps])),
        iterations=stats,
        distribution=iterations.distribution_of(database, stats[0]) if stats else (),
        heat_map=iterations.heat_map_of(database) if stats else None,
        series=_series(database, processes, ranks[0], started, elapsed, bool(stats)),
        checkpoints=details.checkpoints_of(database),
        errors=details.error_groups_of(database),
        stragglers=find_stragglers(database, {rank: host for rank, host in hosts.items() if host}),
        never_reached_last_common=_behind(windows[-1], work),
        files=own_files,
        remarks=remarks_of(windows, summary.world_size, own_files, len(summary.hosts)),
    )


def read_files(database: Database) -> List[FileFinding]:
    """Return the files with something to say."""
    found = []
    for path, *counts, error in database.select("files"):
        records, missing, corrupt, torn = (int(count) for count in counts)  # type: ignore[call-overload]
        if missing or corrupt or torn or error:
            said = None if error is None else str(error)
            found.append(FileFinding(str(path), records, missing, corrupt, torn, said))
    return found


def _own_files(processes: Sequence[Process], files: Sequence[FileFinding]) -> Tuple[FileFinding, ...]:
    """Return the findings about files of the session, rotated ones too, and about files without records."""
    sources = {rotation_base(process.path) for process in processes}
    return tuple(file for file in files if rotation_base(file.path) in sources or not file.records)


def _process_run(
    run: Run, window: AttemptWindow, work: Mapping[int, progress.Work], now: int, is_last_attempt: bool
) -> ProcessRun:
    process, did = run.process, work[run.process.process]
    cause, text = cause_of(process, now, is_last_attempt=is_last_attempt)
    return ProcessRun(
        attempt=run.attempt,
        rank=run.rank,
        host=process.host,
        pid=process.pid,
        path=process.path,
        started=process.first_us,
        ended=process.last_us,
        iterations=did.iterations,
        last_iteration=did.last_iteration,
        open_spans=() if process.application_ended else open_spans_of(process, window.ended),
        cause=cause,
        cause_text=text,
        records_missing=process.missing,
    )


def _attempt(
    window: AttemptWindow,
    work: Mapping[int, progress.Work],
    own: Sequence[ProcessRun],
    world_size: int,
) -> Attempt:
    cause, text = cause_of_attempt(own)
    # A world size of a million would be a mistake in a record, and no reason to list a million ranks.
    expected = set(range(min(world_size, 100_000)))
    return Attempt(
        number=window.number,
        started=window.started,
        ended=window.ended,
        ranks=window.ranks,
        missing_ranks=tuple(sorted(expected - set(window.ranks))),
        first_iteration=window.first_iteration,
        last_iteration=progress.last_iteration(window.runs, work),
        last_common_iteration=_last_common(window, work),
        lost_iterations=progress.lost_iterations(window, work),
        cause=cause,
        cause_text=text,
    )


def _last_by_rank(window: AttemptWindow, work: Mapping[int, progress.Work]) -> Dict[int, int]:
    """Return the last iteration of each rank, -1 for one that finished none."""
    last: Dict[int, int] = {}
    for run in window.runs:
        own = work[run.process.process].last_iteration
        last[run.rank] = max(last.get(run.rank, -1), -1 if own is None else own)
    return last


def _last_common(window: AttemptWindow, work: Mapping[int, progress.Work]) -> int | None:
    lowest = min(_last_by_rank(window, work).values())
    return None if lowest < 0 else lowest


def _behind(window: AttemptWindow, work: Mapping[int, progress.Work]) -> Tuple[int, ...]:
    last = _last_by_rank(window, work)
    furthest = max(last.values())
    return tuple(sorted(rank for rank, number in last.items() if number < furthest))


def _summary(processes: Sequence[Process], windows: Sequence[AttemptWindow]) -> SessionSummary:
    ranks = {rank for window in windows for rank in window.ranks}
    return SessionSummary(
        application=next((process.application for process in processes if process.application), None),
        tag=next((process.session_tag for process in processes if process.session_tag), None),
        world_size=max((process.world_size for process in processes if process.world_size), default=len(ranks)),
        hosts=tuple(sorted({process.host for process in processes if process.host})),
        started=windows[0].started,
        ended=windows[-1].ended,
        records=sum(process.records for process in processes),
    )


def _series(
    database: Database, processes: Sequence[Process], rank: int, started: int, elapsed: int, has_iterations: bool
) -> Tuple[SeriesPoint, ...]:
    batch = next((process.global_batch_size for process in processes if process.global_batch_size), None)
    throughput = iterations.throughput_of(database, rank, started, elapsed, batch) if has_iterations else []
    return tuple(sorted([*details.series_of(database), *throughput], key=lambda point: (point.name, point.moment)))
