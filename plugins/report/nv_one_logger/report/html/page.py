"""Puts the page together: one file that needs nothing else and asks nobody for anything."""

from __future__ import annotations

from pathlib import Path
from typing import List

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nv_one_logger.report.html.buckets import LOOKS, Look
from nv_one_logger.report.html.embed import json_for_html, make_policy, script_for_html
from nv_one_logger.report.html.figures.figure import Figure
from nv_one_logger.report.html.sections import Section, make_sections
from nv_one_logger.report.html.summary import summarize
from nv_one_logger.report.model import Report

__all__ = ["render"]


def render(report: Report) -> str:
    """Return the report as one HTML document.

    It holds plotly's script, so it is some five megabytes large and works without a network. Its Content Security
    Policy forbids loading anything and running any script but those two that it comes with. Every text that comes from
    records is escaped, in the page and in the figures. Write it as UTF-8.
    """
    sections = make_sections(report)
    plotly, script = script_for_html(get_plotlyjs()), script_for_html(_own_file("page.js"))
    environment = Environment(
        loader=DictLoader({"page.html": _own_file("page.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("page.html").render(
        page=summarize(report),
        sections=sections,
        timeline_legend=_legend(report),
        figure_json=[(f.key, json_for_html({"data": f.data, "layout": f.layout})) for f in _figures(sections)],
        policy=make_policy([plotly, script]),
        style=Markup(_own_file("style.css")),  # our own
        plotly=plotly,
        script=script,
    )
    # Lone surrogates, which a record may hold, cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


def _figures(sections: List[Section]) -> List[Figure]:
    return [figure for section in sections for figure in section.figures]


def _legend(report: Report) -> List[Look]:
    present = {segment.bucket for segment in report.timeline}
    return [look for bucket, look in LOOKS.items() if bucket in present]


def _own_file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
