"""What every figure consists of, and the layout that all of them share."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional

from nv_one_logger.report.html.table import Table

__all__ = ["Figure", "axis_title", "figure_text", "make_layout"]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        key: Its id in the page.
        title: Its heading.
        note: How to read it, in a sentence or two; empty for none.
        label: What it shows, for those who cannot see it: the accessible name.
        height: Its height (CSS pixels), reserved before it is drawn, so that nothing moves.
        data: plotly's traces.
        layout: plotly's layout.
        table: The same as a table.
        is_zoomable: Whether it has buttons to zoom along its horizontal axis.
    """

    key: str
    title: str
    note: str
    label: str
    height: int
    data: List[Dict[str, Any]]
    layout: Dict[str, Any]
    table: Table
    is_zoomable: bool = False


def figure_text(text: str) -> str:
    """Make a text show as it is: plotly reads markup, and entities, in every text it draws."""
    return html.escape(text, quote=False)


def make_layout(
    height: int,
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    **more: Any,
) -> Dict[str, Any]:
    """Return a layout with the look that all figures share.

    Args:
        height: CSS pixels.
        x: What is special about the horizontal axis.
        y: What is special about the vertical axis.
        more: What else is special.
    """
    axis = {
        "automargin": True,
        "color": "var(--figure-text)",
        "gridcolor": "var(--figure-grid)",
        "linecolor": "var(--figure-line)",
        "zeroline": False,
    }
    return {
        "height": height,
        "autosize": True,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12, "color": "var(--figure-text)"},
        "hoverlabel": {
            "align": "left",
            "bgcolor": "var(--figure-card)",
            "bordercolor": "var(--figure-line)",
            "font": {"size": 12, "color": "var(--figure-strong)"},
        },
        "showlegend": False,
        "xaxis": {**axis, **x},
        "yaxis": {**axis, **y},
        **more,
    }


def axis_title(text: str, standoff: Optional[int] = 8) -> Dict[str, Any]:
    """Return the title of an axis."""
    return {"text": figure_text(text), "standoff": standoff, "font": {"size": 12, "color": "var(--figure-text)"}}
