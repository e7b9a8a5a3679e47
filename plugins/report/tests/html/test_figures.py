from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

import nv_one_logger.report.html as html_package
from nv_one_logger.report.html import figures
from nv_one_logger.report.html.buckets import LOOKS
from nv_one_logger.report.html.sections import make_sections
from nv_one_logger.report.model import Bucket, Checkpoint, Report, SeriesPoint

STYLE = (Path(html_package.__file__).parent / "style.css").read_text(encoding="utf-8")


def all_figures(report: Report) -> list[figures.Figure]:
    return [figure for section in make_sections(report) for figure in section.figures]


def test_every_figure_is_valid_plotly(report: Report) -> None:
    drawn = all_figures(report)
    assert len(drawn) == 7
    for figure in drawn:
        go.Figure(data=figure.data, layout=figure.layout)  # raises for what plotly does not know


def test_every_figure_has_a_name_a_height_and_a_table(report: Report) -> None:
    for figure in all_figures(report):
        assert len(figure.label) > 40
        assert figure.layout["height"] == figure.height
        assert figure.table.rows


def test_waterfall_ends_where_training_is_left(report: Report) -> None:
    trace = figures.draw_waterfall(report.ledger).data[0]
    ends = dict(zip(trace["y"], zip(trace["base"], trace["x"])))
    losses = [name for name in trace["y"] if name not in ("All rank time", "Training")]
    lowest = min(min(ends[name][0], ends[name][0] + ends[name][1]) for name in losses)
    assert lowest == pytest.approx(report.ledger.goodput * 100, abs=0.01)
    assert ends["Training"] == (0.0, pytest.approx(report.ledger.goodput * 100, abs=0.01))


def test_timeline_draws_every_segment_once(report: Report) -> None:
    figure = figures.draw_timeline(report)
    assert sum(len(trace["x"]) for trace in figure.data) == len(report.timeline)
    assert sum(sum(trace["x"]) for trace in figure.data) == pytest.approx(report.ledger.total / 1000)


def test_heat_map_scale_is_not_spoilt_by_one_outlier(report: Report) -> None:
    assert report.heat_map is not None
    trace = figures.draw_heat_map(report.heat_map).data[0]
    longest = max(value for row in trace["z"] for value in row if value is not None)
    assert trace["zmax"] < longest
    assert trace["z"][1][60] is None


def test_series_is_cut_where_an_attempt_began_again(report: Report) -> None:
    loss, throughput = figures.draw_series(report.series)
    assert (loss.title, throughput.title) == ("loss", "throughput (samples/s)")
    assert [trace["line"]["dash"] for trace in loss.data] == ["dot", "solid"]
    assert sum(len(trace["x"]) for trace in loss.data) == sum(point.name == "loss" for point in report.series)


def test_series_without_iterations_runs_over_time() -> None:
    points = [SeriesPoint("tokens", "1/s", 1_795_507_200_000_000 + i, None, float(i)) for i in range(3)]
    (figure,) = figures.draw_series(points)
    assert figure.layout["xaxis"]["type"] == "date"
    go.Figure(data=figure.data, layout=figure.layout)


def test_no_more_series_are_drawn_than_anybody_looks_at() -> None:
    points = [SeriesPoint(f"s{i:03}", "", 0, 0, 1.0) for i in range(50)]
    assert len(figures.draw_series(points)) == 12


def test_loss_and_throughput_come_first() -> None:
    names = ["avg_time", "interval_throughput", "val_loss", "lr", "tokens_per_second", "loss"]
    assert figures.order_series(names) == [
        "loss",
        "val_loss",
        "interval_throughput",
        "tokens_per_second",
        "lr",
        "avg_time",
    ]


def test_checkpoint_that_never_ended_is_a_cross(report: Report) -> None:
    hanging = Checkpoint("save", 1, None, None, 1_795_507_200_000_000, None, False)
    figure = figures.draw_checkpoints([hanging])
    assert figure.data[0]["marker"]["symbol"] == "x"
    assert "never ended" in figure.data[0]["hovertext"][0]
    assert figure.table.rows[0][5] == "never ended"


def test_texts_of_records_are_no_markup_for_plotly() -> None:
    (figure,) = figures.draw_series([SeriesPoint("<b>x</b>", "<a href='https://x'>u</a>", 0, 1, 2.0)])
    assert "&lt;a href" in figure.data[0]["hovertext"][0]


# --- colours ---------------------------------------------------------------------------------------------------------


def theme(dark: bool) -> dict[str, tuple[float, float, float]]:
    """Return the figures' colours of one theme as linear RGB."""
    block = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[1 if dark else 0]
    found = re.findall(r"--(page|figure-[a-z-]+): #([0-9a-f]{6})", block)
    return {name: tuple(linear(int(code[i : i + 2], 16) / 255) for i in (0, 2, 4)) for name, code in found}  # type: ignore[misc]


def linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(color: tuple[float, float, float]) -> float:
    return 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]


# Viénot, Brettel, Mollon: "Digital video colourmaps for checking the legibility of displays by dichromats" (1999).
PROTAN = ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0))
DEUTAN = ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0))
NORMAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def lab(color: tuple[float, float, float], vision: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    seen = [min(1.0, max(0.0, sum(m * c for m, c in zip(row, color)))) for row in vision]
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = (sum(m * c for m, c in zip(row, seen)) / w for row, w in zip(matrix, (0.9505, 1.0, 1.089)))
    fx, fy, fz = (math.cbrt(t) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("vision", [NORMAL, PROTAN, DEUTAN], ids=["normal", "protanopia", "deuteranopia"])
def test_buckets_look_different_to_everybody(dark: bool, vision: tuple[tuple[float, ...], ...]) -> None:
    colors = theme(dark)
    looks = list(LOOKS.values())
    alike = []
    for index, one in enumerate(looks):
        for other in looks[index + 1 :]:
            if one.pattern != other.pattern:
                continue
            distance = math.dist(lab(colors[f"figure-{one.tone}"], vision), lab(colors[f"figure-{other.tone}"], vision))
            if distance < 20:  # some nine times what can just be told apart side by side
                alike.append((one.label, other.label, round(distance, 1)))
    assert alike == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_buckets_stand_out_from_the_page(dark: bool) -> None:
    colors = theme(dark)
    page = luminance(colors["page"])
    for name in {look.tone for look in LOOKS.values()}:
        low, high = sorted((page, luminance(colors[f"figure-{name}"])))
        assert (high + 0.05) / (low + 0.05) >= (2.0 if name == "idle" else 3.0), name


def test_every_bucket_has_a_look_of_its_own() -> None:
    assert list(LOOKS) == list(Bucket)
    assert len({(look.tone, look.pattern) for look in LOOKS.values()}) == len(LOOKS)
    for look in LOOKS.values():
        assert all(f".{name} {{" in STYLE for name in look.css_class.split()[:2])


def test_colours_are_references_that_the_style_resolves(report: Report) -> None:
    used = {
        name
        for figure in all_figures(report)
        for name in re.findall(r"var\((--[\w-]+)\)", repr(dataclasses.astuple(figure)))
    }
    assert used
    assert [name for name in used if f"{name}:" not in STYLE] == []
