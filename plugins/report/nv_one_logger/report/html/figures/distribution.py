"""The distribution of iteration lengths, with median and percentiles marked."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from nv_one_logger.report.html.figures.figure import Figure, axis_title, make_layout
from nv_one_logger.report.html.table import Table, make_table
from nv_one_logger.report.html.words import count, duration
from nv_one_logger.report.model import DistributionBin, IterationStats

__all__ = ["draw_distribution"]

_HEIGHT = 300
# Which unit the axis has: the largest one that the longest iteration fills.
_UNITS = ((60_000_000, "min"), (1_000_000, "s"), (1_000, "ms"), (1, "µs"))


def draw_distribution(bins: Sequence[DistributionBin], overall: Optional[IterationStats]) -> Figure:
    """Draw the histogram; ``overall`` gives the marks, and is ``None`` when there are no statistics."""
    scale, unit = next(((size, name) for size, name in _UNITS if bins[-1].high >= size), _UNITS[-1])
    marks = [] if overall is None else [("median", overall.median), ("p90", overall.p90), ("p99", overall.p99)]
    said = ", ".join(f"{name} {duration(value)}" for name, value in marks)
    return Figure(
        key="distribution",
        title="How long iterations took",
        note="Many narrow bars far to the right of the rest are hiccups; two hills are two kinds of iterations.",
        label=(
            f"Histogram of the lengths of {sum(each.count for each in bins):,} iterations between "
            f"{duration(bins[0].low)} and {duration(bins[-1].high)}{': ' + said if said else ''}."
        ),
        height=_HEIGHT,
        data=[_bars(bins, scale)],
        layout=make_layout(
            _HEIGHT,
            x={"title": axis_title(f"length ({unit})"), "showgrid": False},
            y={"title": axis_title("iterations"), "fixedrange": True, "rangemode": "tozero"},
            bargap=0.06,
            dragmode="zoom",
            margin={"l": 8, "r": 12, "t": 52, "b": 8},
            shapes=[_line(value / scale) for _, value in marks],
            annotations=[_text(name, value / scale, level) for level, (name, value) in enumerate(marks)],
        ),
        table=_table(bins),
        is_zoomable=True,
    )


def _bars(bins: Sequence[DistributionBin], scale: int) -> Dict[str, Any]:
    return {
        "type": "bar",
        "x": [(each.low + each.high) / 2 / scale for each in bins],
        "width": [(each.high - each.low) / scale * 0.94 for each in bins],
        "y": [each.count for each in bins],
        "hovertext": [f"{duration(each.low)} to {duration(each.high)}" for each in bins],
        "hovertemplate": "<b>%{y:,} iterations</b><br>%{hovertext}<extra></extra>",
        "marker": {"color": "var(--figure-training)", "line": {"width": 0}},
    }


def _line(position: float) -> Dict[str, Any]:
    return {
        "type": "line",
        "x0": position,
        "x1": position,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": "var(--figure-strong)", "width": 1, "dash": "dot"},
    }


def _text(name: str, position: float, level: int) -> Dict[str, Any]:
    """Label a mark; each stands a line higher than the one before, as they may lie close together."""
    return {
        "x": position,
        "yref": "paper",
        "y": 1,
        "yshift": 15 * level,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "text": name,
        "font": {"size": 11, "color": "var(--figure-strong)"},
    }


def _table(bins: Sequence[DistributionBin]) -> Table:
    rows: List[Sequence[str]] = [(f"{duration(b.low)} to {duration(b.high)}", count(b.count)) for b in bins if b.count]
    return make_table("Iterations by length", ("Length", "Iterations"), rows, numeric=(1,))
