"""What was logged, saved and reported as wrong."""

from __future__ import annotations

from typing import List, Optional, Tuple

from nv_one_logger.report.engine.database import Database
from nv_one_logger.report.model import Checkpoint, ErrorGroup, SeriesPoint

__all__ = ["checkpoints_of", "error_groups_of", "series_of"]

_MOST_NAMES = 30
_MOST_POINTS = 500


def series_of(database: Database) -> List[SeriesPoint]:
    """Return the numbers that events carried, of the lowest rank that logged each, thinned to 500 points a name."""
    points: List[SeriesPoint] = []
    for name, rank, count in database.select("measure_names")[:_MOST_NAMES]:
        every = -(-_whole(count) // _MOST_POINTS)
        for unit, moment, iteration, value in database.select("measure_points", name=name, rank=rank, every=every):
            step = None if iteration is None else _whole(iteration)
            points.append(SeriesPoint(str(name), str(unit), _whole(moment), step, float(value)))  # type: ignore[arg-type]
    return points


def checkpoints_of(database: Database) -> Tuple[Checkpoint, ...]:
    """Return all checkpoints, in order of time."""
    found = []
    for kind, attempt, rank, iteration, start, stop, is_successful in database.select("checkpoints"):
        began, ended = _whole(start), _whole_or_none(stop)
        length = None if ended is None else ended - began
        found.append(
            Checkpoint(
                str(kind), _whole(attempt), _whole(rank), _whole_or_none(iteration), began, length, bool(is_successful)
            )
        )
    return tuple(found)


def error_groups_of(database: Database) -> Tuple[ErrorGroup, ...]:
    """Return the errors that are the same but for time, rank and numbers in their text; the 100 most frequent."""
    groups = []
    for type_, pattern, count, first, last in database.select("error_groups"):
        ranks = database.select("error_ranks", type=type_, pattern=pattern)
        (message, traceback) = database.select("error_first", type=type_, pattern=pattern)[0]
        groups.append(
            ErrorGroup(
                type=str(type_),
                message=str(message),
                count=_whole(count),
                ranks=tuple(_whole(rank) for (rank,) in ranks),
                first=_whole_or_none(first) or 0,
                last=_whole_or_none(last) or 0,
                traceback=str(traceback),
            )
        )
    return tuple(groups)


def _whole(value: object) -> int:
    return int(value)  # type: ignore[call-overload, no-any-return]


def _whole_or_none(value: object) -> Optional[int]:
    return None if value is None else _whole(value)
