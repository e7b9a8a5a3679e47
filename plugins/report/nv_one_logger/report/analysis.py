"""From paths to reports: the functions that everything else stands behind."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, List, Optional, Tuple, Union

from nv_one_logger.report.exceptions import InputError, SessionChoiceError
from nv_one_logger.report.model import Report

if TYPE_CHECKING:
    from nv_one_logger.report.engine.database import Database

__all__ = ["analyze", "analyze_all"]


def analyze(
    paths: Iterable[Union[str, Path]],
    *,
    session: Optional[str] = None,
    now: Optional[int] = None,
    workers: int = 1,
    progress: Optional[Callable[[int], None]] = None,
) -> Report:
    """Read the records of one session, all ranks and all attempts, and say what they tell.

    Args:
        paths: Files of records (JSON Lines), folders and globs of them, or folders that ``one-logger convert`` wrote.
        session: The session tag; needed when the files hold several.
        now: The present moment, microseconds since the epoch; by default the clock's. A process whose last record is
            recent may still be running.
        workers: Processes that read files. More than one starts new interpreters, so the calling program needs the
            usual ``if __name__ == "__main__":``.
        progress: Called with a number of bytes whenever so many more were read.

    Raises:
        InputError: A path names nothing, or no file holds a record.
        SessionChoiceError: ``session`` is needed, or not in the files.
    """
    reports = analyze_all(paths, session=session, now=now, workers=workers, progress=progress)
    if len(reports) > 1:
        tags = ", ".join(str(report.session.tag) for report in reports)
        raise SessionChoiceError(f"The files hold {len(reports)} sessions: {tags}. Choose one with session=.")
    return reports[0]


def analyze_all(
    paths: Iterable[Union[str, Path]],
    *,
    session: Optional[str] = None,
    now: Optional[int] = None,
    workers: int = 1,
    progress: Optional[Callable[[int], None]] = None,
) -> Tuple[Report, ...]:
    """Do as :func:`analyze` for each session in the files, in order of their first moment.

    Raises:
        InputError: As above.
        SessionChoiceError: ``session`` is given and not in the files.
    """
    # Imported here: commands that only look at files should start without an SQL engine.
    from nv_one_logger.report.engine.assembly import assemble, read_files
    from nv_one_logger.report.engine.runs import group_sessions, read_processes

    moment = time.time_ns() // 1000 if now is None else now
    listed = [str(path) for path in paths]
    with _opened(listed, workers, progress) as database:
        sessions = group_sessions(read_processes(database.select("processes")))
        if not sessions:
            raise InputError(f"No records in {', '.join(listed)}; 'one-logger verify' tells what is there instead.")
        if session is not None:
            if session not in sessions:
                tags = ", ".join(str(tag) for tag in sessions)
                raise SessionChoiceError(f"No session {session!r} in the files, which hold: {tags}.")
            sessions = {session: sessions[session]}
        files = read_files(database)
        reports: List[Report] = [assemble(database, processes, files, moment) for processes in sessions.values()]
    return tuple(sorted(reports, key=lambda report: report.session.started))


@contextmanager
def _opened(paths: List[str], workers: int, progress: Optional[Callable[[int], None]]) -> Iterator[Database]:
    from nv_one_logger.report.engine.database import Database
    from nv_one_logger.report.store.ingest import ingest
    from nv_one_logger.report.store.inputs import find_inputs

    inputs = find_inputs(paths)
    with tempfile.TemporaryDirectory(prefix="one-logger-report-") as scratch:
        folders = list(inputs.tables)
        if inputs.sources:
            read = Path(scratch) / "tables"
            ingest(inputs.sources, read, workers=workers, progress=progress)
            folders.append(read)
        with Database(folders, Path(scratch)) as database:
            yield database
