"""How long training iterations took: figures, histogram, heat map, and throughput over time."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from nv_one_logger.report.engine.database import Database, Row
from nv_one_logger.report.model import DistributionBin, HeatMap, IterationStats, SeriesPoint

__all__ = ["declare_lengths", "distribution_of", "heat_map_of", "iteration_stats", "throughput_of"]

_BINS = 40
_COLUMNS = 400
_STRETCHES = 200
_SHORTEST_STRETCH_US = 200_000
_LEAST_FOR_TREND = 10
_LEAST_MEAN_US = 1000  # the resolution of records; a trend of shorter iterations is one of rounding


def declare_lengths(database: Database) -> None:
    """Make the views that everything about iterations reads; ``runs`` has to be there."""
    for view in ("steps", "window_steps", "lengths"):
        database.create_view(view, view)


def iteration_stats(database: Database) -> Tuple[IterationStats, ...]:
    """Return the figures of all ranks together, then of each; nothing when no iteration is recorded."""
    by_rank = [
        _stats(int(rank), values, bool(is_estimated))  # type: ignore[call-overload]
        for rank, *values, is_estimated in database.select("iteration_stats")
    ]
    if not by_rank:
        return ()
    is_estimated = all(stats.is_estimated for stats in by_rank)
    (values,) = database.select("iteration_stats_all", is_estimated=is_estimated)
    return (_stats(None, list(values), is_estimated), *by_rank)


def _stats(rank: Optional[int], values: Sequence[object], is_estimated: bool) -> IterationStats:
    iterations, samples, mean, median, p90, p99, slowest, slowest_iteration, slope = (_number(v) for v in values)
    trend = (
        slope * 1000 / mean
        if samples >= _LEAST_FOR_TREND and mean >= _LEAST_MEAN_US and values[-1] is not None
        else None
    )
    return IterationStats(
        rank=rank,
        count=int(iterations),
        mean=round(mean),
        median=round(median),
        p90=round(p90),
        p99=round(p99),
        slowest=int(slowest),
        slowest_iteration=int(slowest_iteration),
        trend=trend,
        is_estimated=is_estimated,
    )


def distribution_of(database: Database, overall: IterationStats) -> Tuple[DistributionBin, ...]:
    """Return the histogram: equal bins up to the 99th percentile, and one for all that is longer."""
    (bounds,) = database.select("iteration_range")
    low = int(_number(bounds[3]))
    width = max(0, overall.p99 - low) // _BINS + 1
    rows = database.select("distribution", low_us=low, width_us=width, bins=_BINS, is_estimated=overall.is_estimated)
    counts = {int(_number(bin_)): int(_number(count)) for bin_, count in rows}
    last = max(counts, default=0)
    bins = [DistributionBin(low + n * width, low + (n + 1) * width, counts.get(n, 0)) for n in range(last + 1)]
    if last == _BINS:
        bins[-1] = DistributionBin(bins[-1].low, max(overall.slowest + 1, bins[-1].low + 1), bins[-1].count)
    return tuple(bins)


def heat_map_of(database: Database) -> Optional[HeatMap]:
    """Return median lengths by rank and step, in at most 400 columns."""
    (bounds,) = database.select("iteration_range")
    if bounds[0] is None:
        return None
    first, last, most = (int(_number(value)) for value in bounds[:3])
    width = max(most, -(-(last - first + 1) // _COLUMNS))
    values: Dict[int, Dict[int, int]] = {}
    for rank, place, median in database.select("heat_map", first_iteration=first, width=width):
        values.setdefault(int(_number(rank)), {})[int(_number(place))] = round(_number(median))
    places = range((last - first) // width + 1)
    ranks = tuple(sorted(values))
    rows = tuple(tuple(values[rank].get(place) for place in places) for rank in ranks)
    return HeatMap(ranks, tuple(first + place * width for place in places), rows)


def throughput_of(
    database: Database, rank: int, origin: int, elapsed: int, batch_size: Optional[int]
) -> List[SeriesPoint]:
    """Return iterations a second over time, as one rank finished them, and samples a second where that is known."""
    stretch = max(_SHORTEST_STRETCH_US, -(-elapsed // _STRETCHES))
    rows: Sequence[Row] = database.select("throughput", rank=rank, origin_us=origin, stretch_us=stretch)
    points = []
    for place, count, iteration in rows:
        begin = origin + int(_number(place)) * stretch
        length = min(stretch, origin + elapsed - begin)
        if length <= 0:
            continue
        rate = _number(count) * 1e6 / length
        number = int(_number(iteration))
        points.append(SeriesPoint("iterations_per_second", "1/s", begin + length, number, rate))
        if batch_size is not None:
            points.append(SeriesPoint("samples_per_second", "1/s", begin + length, number, rate * batch_size))
    return sorted(points, key=lambda point: (point.name, point.moment))


def _number(value: object) -> float:
    return 0.0 if value is None else float(value)  # type: ignore[arg-type]
