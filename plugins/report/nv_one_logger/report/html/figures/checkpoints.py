"""Checkpoints over time: how long each took, and which are not known to be complete."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from nv_one_logger.report.html.figures.figure import Figure, axis_title, make_layout
from nv_one_logger.report.html.table import Table, make_table
from nv_one_logger.report.html.words import clock, count, duration, moment
from nv_one_logger.report.model import Checkpoint

__all__ = ["draw_checkpoints"]

_HEIGHT = 280
# Name, of which kind, whether successful, colour, symbol.
_KINDS = (
    ("saved", "save", True, "checkpoint", "circle"),
    ("save not known to be complete", "save", False, "lost", "x"),
    ("loaded", "load", True, "setup", "square"),
    ("load not known to be complete", "load", False, "lost", "cross"),
)


def draw_checkpoints(checkpoints: Sequence[Checkpoint]) -> Figure:
    """Draw one mark for each checkpoint and rank; one that never ended stands on the axis."""
    saves = [each for each in checkpoints if each.kind == "save"]
    doubtful = sum(not each.is_successful for each in checkpoints)
    return Figure(
        key="checkpoints",
        title="How long checkpoints took",
        note="One mark for each checkpoint and rank. A cross is one that is not known to be complete.",
        label=(
            f"Checkpoints over time by length: {count(len(saves), 'save')}, "
            f"{count(len(checkpoints) - len(saves), 'load')}, of which {doubtful} not known to be complete."
        ),
        height=_HEIGHT,
        data=[trace for trace in (_marks(checkpoints, *kind) for kind in _KINDS) if trace["x"]],
        layout=make_layout(
            _HEIGHT,
            x={"type": "date", "title": axis_title("UTC")},
            y={"title": axis_title("length (s)"), "rangemode": "tozero", "fixedrange": True, "nticks": 6},
            dragmode="zoom",
            hovermode="closest",
            showlegend=True,
            legend={
                "orientation": "h",
                "x": 0,
                "y": 1.02,
                "yanchor": "bottom",
                "font": {"color": "var(--figure-text)"},
            },
        ),
        table=_table(checkpoints),
        is_zoomable=True,
    )


def _marks(
    checkpoints: Sequence[Checkpoint], name: str, kind: str, is_successful: bool, tone: str, symbol: str
) -> Dict[str, Any]:
    chosen = [each for each in checkpoints if each.kind == kind and each.is_successful == is_successful]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [each.started / 1000 for each in chosen],
        "y": [(each.length or 0) / 1e6 for each in chosen],
        "hovertext": [_hover(each, name) for each in chosen],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"color": f"var(--figure-{tone})", "symbol": symbol, "size": 9, "opacity": 0.9},
    }


def _hover(checkpoint: Checkpoint, name: str) -> str:
    length = "never ended" if checkpoint.length is None else duration(checkpoint.length)
    rank = "" if checkpoint.rank is None else f", rank {checkpoint.rank}"
    iteration = "" if checkpoint.iteration is None else f"<br>iteration {checkpoint.iteration:,}"
    return f"<b>{length}</b>, {name}{iteration}{rank}<br>{clock(checkpoint.started)} UTC"


def _table(checkpoints: Sequence[Checkpoint]) -> Table:
    rows: List[Sequence[str]] = [
        (
            moment(each.started),
            "save" if each.kind == "save" else "load",
            str(each.attempt),
            count(each.rank),
            count(each.iteration),
            "never ended" if each.length is None else duration(each.length),
            "yes" if each.is_successful else "not known",
        )
        for each in checkpoints
    ]
    headings = ("Started (UTC)", "Kind", "Attempt", "Rank", "Iteration", "Length", "Complete")
    return make_table("Checkpoints in order of time", headings, rows, numeric=(2, 3, 4, 5))
