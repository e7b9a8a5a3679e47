"""The heat map: length of iterations by rank and step, in which slow ranks are rows and slow moments are columns."""

from __future__ import annotations

from statistics import median
from typing import Any, List, Optional, Sequence

from nv_one_logger.report.html.figures.figure import Figure, axis_title, make_layout
from nv_one_logger.report.html.table import Table, make_table
from nv_one_logger.report.html.words import duration
from nv_one_logger.report.model import HeatMap

__all__ = ["draw_heat_map"]

_MOST_TABLE_COLUMNS = 8


def draw_heat_map(heat_map: HeatMap) -> Figure:
    """Draw the lengths; the scale ends at the 99th percentile, lest one slow step make all others look alike."""
    known = sorted(value for row in heat_map.values for value in row if value is not None)
    low, high = (known[0], known[int(0.99 * (len(known) - 1))]) if known else (0, 1)
    height = 96 + min(520, max(204, 28 * len(heat_map.ranks)))
    steps = f"{heat_map.steps[0]:,} to {heat_map.steps[-1]:,}" if heat_map.steps else "none"
    return Figure(
        key="heat-map",
        title="Length of iterations by rank and step",
        note="A bright row is a slow rank, a bright column a slow moment of the whole job. Empty: not recorded.",
        label=(
            f"Heat map of the length of iterations of {len(heat_map.ranks)} ranks over steps {steps}, from "
            f"{duration(low)} to {duration(high)} and more. The table below shows the medians of groups of steps."
        ),
        height=height,
        data=[_map(heat_map, low, max(high, low + 1))],
        layout=make_layout(
            height,
            x={"title": axis_title("step"), "showgrid": False, "type": "linear"},
            y={
                "type": "category",
                "autorange": "reversed",
                "fixedrange": True,
                "showgrid": False,
                "ticks": "",
            },
            dragmode="zoom",
        ),
        table=_table(heat_map),
        is_zoomable=True,
    )


def _map(heat_map: HeatMap, low: int, high: int) -> Any:
    return {
        "type": "heatmap",
        "x": list(heat_map.steps),
        "y": [f"rank {rank}" for rank in heat_map.ranks],
        "z": [[None if value is None else value / 1e6 for value in row] for row in heat_map.values],
        "text": [[duration(value) for value in row] for row in heat_map.values],
        "hovertemplate": "<b>%{text}</b><br>%{y}, step %{x} on<extra></extra>",
        "hoverongaps": False,
        "colorscale": "Cividis",
        "zmin": low / 1e6,
        "zmax": high / 1e6,
        "ygap": 2,
        "colorbar": {
            "orientation": "v",
            "thickness": 10,
            "outlinewidth": 0,
            "ticksuffix": " s",
            "tickfont": {"size": 11, "color": "var(--figure-text)"},
            "xpad": 4,
            "nticks": 4,
        },
    }


def _table(heat_map: HeatMap) -> Table:
    width = max(1, -(-len(heat_map.steps) // _MOST_TABLE_COLUMNS))
    starts = range(0, len(heat_map.steps), width)
    rows = [
        (f"Rank {rank}", *(_middle(values[start : start + width]) for start in starts))
        for rank, values in zip(heat_map.ranks, heat_map.values)
    ]
    headings: List[str] = ["Rank", *(f"from step {heat_map.steps[start]:,}" for start in starts)]
    caption = "Median length of iterations by rank and groups of steps"
    return make_table(caption, headings, rows, numeric=range(1, len(headings)))


def _middle(values: Sequence[Optional[int]]) -> str:
    known = [value for value in values if value is not None]
    return duration(round(median(known)) if known else None)
