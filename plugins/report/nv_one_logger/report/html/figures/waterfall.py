"""The goodput waterfall: from all the time there was, bucket by bucket, down to what was training."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from nv_one_logger.report.html.buckets import LOOKS
from nv_one_logger.report.html.figures.figure import Figure, axis_title, make_layout
from nv_one_logger.report.html.table import Table, make_table
from nv_one_logger.report.html.words import duration, percent
from nv_one_logger.report.model import Bucket, Ledger, LedgerEntry

__all__ = ["draw_waterfall"]

_ROW_HEIGHT = 30
_ROOM_FOR_TEXT = 15  # percent of the width; what a text takes on a phone


def draw_waterfall(ledger: Ledger) -> Figure:
    """Draw the ledger: whole time on top, each loss where the one above it ended, training at the bottom."""
    losses = [entry for entry in ledger.entries if entry.bucket is not Bucket.TRAINING and entry.total]
    losses.sort(key=lambda entry: -entry.total)
    height = 76 + _ROW_HEIGHT * (len(losses) + 2)
    said = "; ".join(f"{LOOKS[entry.bucket].label} {percent(entry.share)}" for entry in losses) or "nothing"
    return Figure(
        key="waterfall",
        title="From elapsed time to goodput",
        note="Each bar starts where the one above it ends: what is left at the bottom is training that was kept.",
        label=(
            f"Waterfall of {duration(ledger.total)} of rank time. Goodput {percent(ledger.goodput)}. Lost to: {said}."
        ),
        height=height,
        data=[_bars(ledger, losses)],
        layout=make_layout(
            height,
            x={
                "range": [0, 100],
                "ticksuffix": " %",
                "title": axis_title(f"share of {duration(ledger.total)} (elapsed time \u00d7 ranks)"),
                "fixedrange": True,
            },
            y={"autorange": "reversed", "fixedrange": True, "ticks": "", "showgrid": False, "type": "category"},
            bargap=0.28,
        ),
        table=_table(ledger),
    )


def _bars(ledger: Ledger, losses: Sequence[LedgerEntry]) -> Dict[str, Any]:
    bars = [
        {
            "name": "All rank time",
            "from": 0.0,
            "by": 100.0,
            "color": "var(--figure-line)",
            "text": "100 %",
            "text_color": "var(--figure-strong)",
            "hover": f"<b>All rank time</b><br>{duration(ledger.total)}",
        }
    ]
    left = 100.0
    for entry in losses:
        share = entry.share * 100
        # A text stands where its bar points to: to the left, but not across the names of the rows.
        to_the_left = left - share > _ROOM_FOR_TEXT
        bars.append(_bar(entry, left if to_the_left else left - share, -share if to_the_left else share))
        left -= share
    bars += [_bar(each, 0.0, each.share * 100) for each in ledger.entries if each.bucket is Bucket.TRAINING]
    return {
        "type": "bar",
        "orientation": "h",
        "y": [bar["name"] for bar in bars],
        "x": [bar["by"] for bar in bars],
        "base": [bar["from"] for bar in bars],
        "text": [bar["text"] for bar in bars],
        "textposition": "auto",
        "textangle": 0,
        "cliponaxis": False,
        "insidetextfont": {"color": [bar["text_color"] for bar in bars]},
        "outsidetextfont": {"color": "var(--figure-strong)"},
        "constraintext": "none",
        "hovertext": [bar["hover"] for bar in bars],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {
            "color": [bar["color"] for bar in bars],
            "pattern": {
                "shape": [bar.get("shape", "") for bar in bars],
                "fgcolor": "var(--figure-pattern)",
                "fillmode": "overlay",
                "size": 6,
            },
            "line": {"width": 0},
        },
    }


def _bar(entry: LedgerEntry, start: float, length: float) -> Dict[str, Any]:
    look = LOOKS[entry.bucket]
    return {
        "name": look.label,
        "from": round(start, 4),
        "by": round(length, 4),
        "color": look.color,
        "shape": look.pattern,
        "text": percent(entry.share),
        "text_color": "var(--figure-on-bar)",
        "hover": f"<b>{look.label}</b><br>{percent(entry.share)}, {duration(entry.total)}<br>{look.meaning}",
    }


def _table(ledger: Ledger) -> Table:
    rows = [
        (
            LOOKS[entry.bucket].label,
            percent(entry.share),
            duration(entry.total),
            *(duration(length) for length in entry.by_rank),
        )
        for entry in ledger.entries
    ]
    columns = ("Bucket", "Share", "Rank time", *(f"Rank {rank}" for rank in ledger.ranks))
    return make_table("The goodput ledger by bucket and rank", columns, rows, numeric=range(1, len(columns)))
