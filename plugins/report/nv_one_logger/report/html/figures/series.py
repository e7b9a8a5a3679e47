"""Numbers over time, such as loss and throughput: one figure for each, one line for each attempt."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Sequence, Tuple

from nv_one_logger.report.html.figures.figure import Figure, axis_title, figure_text, make_layout
from nv_one_logger.report.html.table import Table, make_table
from nv_one_logger.report.html.words import clock, count, moment, number
from nv_one_logger.report.model import SeriesPoint

__all__ = ["MOST_SERIES", "draw_series", "order_series"]

MOST_SERIES = 12
"""So many figures are drawn; nobody looks at more, and a job may log hundreds of numbers."""
_FIRST = (re.compile("loss"), re.compile("throughput|per_second|flops"), re.compile("accuracy|perplexity|lr|learning"))
_HEIGHT = 260
_TABLE_ROWS = 24


def draw_series(points: Sequence[SeriesPoint]) -> List[Figure]:
    """Draw the first :data:`MOST_SERIES` names; the points of each are in order of time."""
    by_name: Dict[str, List[SeriesPoint]] = {}
    for point in points:
        by_name.setdefault(point.name, []).append(point)
    return [_draw(index, name, by_name[name]) for index, name in enumerate(order_series(by_name)[:MOST_SERIES])]


def order_series(names: Iterable[str]) -> List[str]:
    """Return names with those first that people look for: losses, then throughput, then the others by name."""
    return sorted(names, key=lambda name: (next((i for i, p in enumerate(_FIRST) if p.search(name)), 9), name))


def _draw(index: int, name: str, points: Sequence[SeriesPoint]) -> Figure:
    unit = points[0].unit
    by_iteration = all(point.iteration is not None for point in points)
    values = [point.value for point in points]
    with_unit = f"{name} ({unit})" if unit else name
    x: Dict[str, Any] = (
        {"title": axis_title("iteration")} if by_iteration else {"title": axis_title("UTC"), "type": "date"}
    )
    pieces = _split(points) if by_iteration else [points]
    return Figure(
        key=f"series-{index}",
        title=with_unit,
        note="A dashed line is what an earlier attempt had recorded." if len(pieces) > 1 else "",
        label=(
            f"Line of {with_unit} over {'iterations' if by_iteration else 'time'}: {count(len(points), 'value')}, "
            f"first {number(values[0])}, last {number(values[-1])}, lowest {number(min(values))}, "
            f"highest {number(max(values))}."
        ),
        height=_HEIGHT,
        data=[_line(piece, by_iteration, is_last=piece is pieces[-1]) for piece in pieces],
        layout=make_layout(_HEIGHT, x=x, y={"fixedrange": True, "nticks": 6}, dragmode="zoom", hovermode="closest"),
        table=_table(with_unit, points),
        is_zoomable=True,
    )


def _split(points: Sequence[SeriesPoint]) -> List[Sequence[SeriesPoint]]:
    """Cut the points where the iterations go back: there a new attempt began."""
    pieces: List[List[SeriesPoint]] = [[]]
    for point in points:
        if pieces[-1] and (point.iteration or 0) < (pieces[-1][-1].iteration or 0):
            pieces.append([])
        pieces[-1].append(point)
    return list(pieces)


def _line(points: Sequence[SeriesPoint], by_iteration: bool, *, is_last: bool) -> Dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines" if len(points) > 1 else "markers",
        "x": [point.iteration if by_iteration else point.moment / 1000 for point in points],
        "y": [point.value for point in points],
        "hovertext": [f"{number(point.value)} {figure_text(point.unit)}" for point in points],
        "customdata": [clock(point.moment) for point in points],
        "hovertemplate": (
            "<b>%{hovertext}</b><br>"
            + ("iteration %{x:,}, " if by_iteration else "")
            + "%{customdata} UTC<extra></extra>"
        ),
        "line": {
            "color": "var(--figure-training)" if is_last else "var(--figure-lost)",
            "width": 1.8,
            "dash": "solid" if is_last else "dot",
        },
    }


def _table(name: str, points: Sequence[SeriesPoint]) -> Table:
    step = max(1, -(-len(points) // _TABLE_ROWS))
    rows: List[Tuple[str, ...]] = [
        (moment(point.moment), count(point.iteration), number(point.value)) for point in points[::step]
    ]
    caption = f"{name}: {count(len(rows), 'value')} of {count(len(points))}"
    return make_table(caption, ("UTC", "Iteration", name), rows, numeric=(1, 2))
