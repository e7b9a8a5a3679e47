"""The figures of the page: each module turns a part of a report into one plotly specification, as plain data.

Colours are references to CSS variables (``var(--figure-...)``), for which ``page.js`` puts in what the theme says.
"""

from __future__ import annotations

from nv_one_logger.report.html.figures.checkpoints import draw_checkpoints
from nv_one_logger.report.html.figures.distribution import draw_distribution
from nv_one_logger.report.html.figures.figure import Figure
from nv_one_logger.report.html.figures.heat_map import draw_heat_map
from nv_one_logger.report.html.figures.series import draw_series, order_series
from nv_one_logger.report.html.figures.timeline import draw_timeline
from nv_one_logger.report.html.figures.waterfall import draw_waterfall

__all__ = [
    "Figure",
    "draw_checkpoints",
    "draw_distribution",
    "draw_heat_map",
    "draw_series",
    "draw_timeline",
    "draw_waterfall",
    "order_series",
]
