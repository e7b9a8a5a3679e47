"""The timeline: what every rank did in every attempt, from the first record to the last."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, DefaultDict, Dict, List, Sequence

from nv_one_logger.report.html.buckets import LOOKS
from nv_one_logger.report.html.figures.figure import Figure, axis_title, make_layout
from nv_one_logger.report.html.table import Table, make_table
from nv_one_logger.report.html.words import ATTEMPT_CAUSES, clock, duration, moment, ranks
from nv_one_logger.report.model import Attempt, Bucket, Report, Segment

__all__ = ["draw_timeline"]

# plotly makes every bar at least a pixel wide. Those that come with each iteration go below training, where they
# disappear unless they are large or looked at closely; on top they would seem to take half of the time.
_BELOW = (Bucket.DATA_WAIT, Bucket.IDLE)


def draw_timeline(report: Report) -> Figure:
    """Draw one row of bars for each rank; the horizontal axis is wall-clock time in UTC."""
    rows = sorted({segment.rank for segment in report.timeline})
    height = 84 + min(560, max(120, 30 * len(rows)))
    session = report.session
    return Figure(
        key="timeline",
        title="Attempts and ranks over time",
        note="One row a rank. Drag over a stretch of time, or use the buttons, to look closer.",
        label=(
            f"Timeline of {len(rows)} ranks in {len(report.attempts)} attempts, from {moment(session.started)} to "
            f"{moment(session.ended)} UTC, coloured by what each rank did. The table below says it by attempt."
        ),
        height=height,
        data=[_bars(bucket, pieces) for bucket, pieces in _by_bucket(report.timeline).items()],
        layout=make_layout(
            height,
            x={
                "type": "date",
                "range": [session.started / 1000, session.ended / 1000],
                "title": axis_title("UTC"),
                "hoverformat": "%H:%M:%S",
            },
            y={
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [_row(rank) for rank in rows],
                "autorange": "reversed",
                "fixedrange": True,
                "showgrid": False,
                "ticks": "",
            },
            barmode="overlay",
            bargap=0.18,
            dragmode="zoom",
            margin={"l": 8, "r": 12, "t": 28, "b": 8},
            shapes=[_start_line(attempt) for attempt in report.attempts],
            annotations=[_start_text(attempt) for attempt in report.attempts],
        ),
        table=_table(report.attempts),
        is_zoomable=True,
    )


def _row(rank: int) -> str:
    return f"rank {rank}"


def _by_bucket(timeline: Sequence[Segment]) -> Dict[Bucket, List[Segment]]:
    found: DefaultDict[Bucket, List[Segment]] = defaultdict(list)
    for segment in timeline:
        found[segment.bucket].append(segment)
    # What comes later is drawn on top.
    order = [*_BELOW, *(bucket for bucket in Bucket if bucket not in _BELOW)]
    return {bucket: found[bucket] for bucket in order if bucket in found}


def _bars(bucket: Bucket, pieces: Sequence[Segment]) -> Dict[str, Any]:
    look = LOOKS[bucket]
    return {
        "type": "bar",
        "orientation": "h",
        "name": look.label,
        "y": [_row(piece.rank) for piece in pieces],
        "base": [piece.started / 1000 for piece in pieces],
        "x": [(piece.ended - piece.started) / 1000 for piece in pieces],
        "customdata": [
            [piece.attempt, duration(piece.ended - piece.started), clock(piece.started)] for piece in pieces
        ],
        "hovertemplate": (
            f"<b>{look.label}</b> %{{customdata[1]}}<br>%{{y}}, attempt %{{customdata[0]}}<br>"
            "from %{customdata[2]} UTC<extra></extra>"
        ),
        "marker": {
            "color": look.color,
            "pattern": {"shape": look.pattern, "fgcolor": "var(--figure-pattern)", "fillmode": "overlay", "size": 6},
            "line": {"width": 0},
        },
    }


def _start_line(attempt: Attempt) -> Dict[str, Any]:
    start = attempt.started / 1000
    return {
        "type": "line",
        "x0": start,
        "x1": start,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": "var(--figure-strong)", "width": 1, "dash": "dot"},
    }


def _start_text(attempt: Attempt) -> Dict[str, Any]:
    return {
        "x": attempt.started / 1000,
        "yref": "paper",
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "text": f"attempt {attempt.number}",
        "font": {"size": 12, "color": "var(--figure-strong)"},
    }


def _table(attempts: Sequence[Attempt]) -> Table:
    rows = [
        (
            str(attempt.number),
            moment(attempt.started),
            moment(attempt.ended),
            duration(attempt.ended - attempt.started),
            ranks(attempt.ranks),
            ATTEMPT_CAUSES[attempt.cause],
        )
        for attempt in attempts
    ]
    headings = ("Attempt", "Started (UTC)", "Ended (UTC)", "Length", "Ranks", "How it ended")
    return make_table("The attempts in order of time", headings, rows, numeric=(3,))
