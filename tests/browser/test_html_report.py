"""The HTML report as a reader sees it: in a real browser, on a desk and on a phone, light and dark, and on paper."""

from __future__ import annotations

import base64
import dataclasses
import json
import struct
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

KEYS = ["waterfall", "timeline", "heat-map", "distribution", "series-0", "series-1", "checkpoints"]
EVIL = "</script><script>window.evil = 1</script><img src=x onerror='window.evil = 2'><b onclick=1>"
MOST_BYTES = 300_000

OpenPage = Callable[..., Any]
Helpers = Dict[str, Callable[..., Any]]


def range_of(driver: Any, key: str) -> List[float]:
    found = driver.execute_script(
        f"const axis = document.getElementById('{key}')._fullLayout.xaxis; return axis.range.map((x) => axis.r2l(x))"
    )
    return [float(end) for end in found]


def width_of(driver: Any, key: str) -> float:
    low, high = range_of(driver, key)
    return high - low


def press(driver: Any, key: str, how: str) -> None:
    driver.execute_script(f'document.querySelector(\'.zoom[data-for="{key}"] [data-zoom="{how}"]\').click()')


def requests_of(driver: Any, page: Path) -> List[str]:
    """Return what the page asked for; Chromium's own first tab is another document."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    urls = [each["request"]["url"] for each in sent if each["documentURL"] == page.as_uri()]
    return [url for url in urls if not url.startswith("data:")]


@pytest.mark.parametrize(
    ("width", "dark", "touch"),
    [(1280, False, False), (1280, True, False), (400, False, True)],
    ids=["desk", "desk-dark", "phone"],
)
def test_page_draws_all_figures_without_a_word_or_a_request(
    page: Path, open_page: OpenPage, width: int, dark: bool, touch: bool
) -> None:
    driver = open_page(page, width, dark=dark, touch=touch)
    drawn = driver.execute_script(
        "return [...document.querySelectorAll('.plot')].map((p) => [p.id, p.querySelectorAll('.main-svg').length > 0,"
        " p.querySelectorAll('.points path, .plot image, .js-line').length, p.getBoundingClientRect().width])"
    )
    assert [key for key, *_ in drawn] == KEYS
    assert all(has_svg and marks and plot_width > 300 for _, has_svg, marks, plot_width in drawn), drawn
    assert driver.get_log("browser") == []
    assert requests_of(driver, page) == [page.as_uri()]


@pytest.mark.parametrize("width", [1280, 768, 400, 320])
def test_nothing_scrolls_sideways_nor_moves_on_loading(page: Path, open_page: OpenPage, width: int) -> None:
    driver = open_page(page, width, touch=width < 500)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    wide = driver.execute_script(
        "return [...document.querySelectorAll('body *')]"
        ".filter((e) => !e.closest('.scroll, pre, .plot, .unseen, .skip'))"
        f".filter((e) => e.getBoundingClientRect().right > {width + 1}).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    assert driver.execute_script("return window.shifts") == []


def test_buttons_zoom_move_and_reset(page: Path, open_page: OpenPage) -> None:
    driver = open_page(page)
    whole = range_of(driver, "timeline")
    press(driver, "timeline", "in")
    assert width_of(driver, "timeline") == pytest.approx((whole[1] - whole[0]) / 2)
    before = range_of(driver, "timeline")
    press(driver, "timeline", "right")
    assert range_of(driver, "timeline")[0] > before[0]
    press(driver, "timeline", "out")
    press(driver, "timeline", "out")
    assert range_of(driver, "timeline") == pytest.approx(whole)
    press(driver, "heat-map", "in")
    press(driver, "heat-map", "reset")
    assert width_of(driver, "heat-map") == pytest.approx(1000, rel=0.02)
    assert driver.get_log("browser") == []


def test_moving_never_leaves_what_is_recorded(page: Path, open_page: OpenPage) -> None:
    driver = open_page(page)
    whole = range_of(driver, "timeline")
    press(driver, "timeline", "in")
    for _ in range(9):
        press(driver, "timeline", "right")
    low, high = range_of(driver, "timeline")
    assert high <= whole[1] + 1
    assert high - low == pytest.approx((whole[1] - whole[0]) / 2)


def test_buttons_work_from_the_keyboard(page: Path, open_page: OpenPage) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    driver = open_page(page)
    before = width_of(driver, "timeline")
    button = driver.find_element(By.CSS_SELECTOR, '.zoom[data-for="timeline"] [data-zoom="in"]')
    button.send_keys(Keys.ENTER)
    assert width_of(driver, "timeline") == pytest.approx(before / 2)
    assert button.accessible_name == "Zoom in: Attempts and ranks over time"


def test_dragging_zooms_into_a_stretch_of_time(page: Path, open_page: OpenPage, in_page: Helpers) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    driver = open_page(page)
    before = width_of(driver, "timeline")
    plot = driver.find_element(By.ID, "timeline")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", plot)
    drag = driver.find_element(By.CSS_SELECTOR, "#timeline .nsewdrag")
    ActionChains(driver).move_to_element(drag).click_and_hold().move_by_offset(200, 0).release().perform()
    in_page["wait_until"](
        driver,
        "(() => { const a = document.getElementById('timeline')._fullLayout.xaxis;"
        f" return a.r2l(a.range[1]) - a.r2l(a.range[0]) < {before / 2} }})()",
    )


def test_finger_on_a_figure_scrolls_the_page(page: Path, open_page: OpenPage) -> None:
    driver = open_page(page, 400, touch=True)
    assert driver.execute_script("return document.getElementById('timeline')._fullLayout.dragmode") is False


def test_theme_changes_page_and_figures_and_keeps_the_zoom(page: Path, open_page: OpenPage, in_page: Helpers) -> None:
    driver = open_page(page)
    press(driver, "timeline", "in")
    zoomed = range_of(driver, "timeline")

    def look() -> List[str]:
        return list(
            driver.execute_script(
                "const bar = document.querySelector('#distribution .points path');"
                "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(bar).fill]"
            )
        )

    light = look()
    in_page["emulate"](driver, dark=True)
    in_page["wait_until"](
        driver, f"getComputedStyle(document.querySelector('#distribution .points path')).fill !== '{light[1]}'"
    )
    dark = look()
    assert light == ["rgb(255, 255, 255)", "rgb(0, 114, 178)"]
    assert dark == ["rgb(16, 19, 24)", "rgb(74, 159, 224)"]
    assert range_of(driver, "timeline") == pytest.approx(zoomed)


def test_paper_is_light_whatever_the_screen_is(page: Path, open_page: OpenPage, in_page: Helpers) -> None:
    driver = open_page(page, dark=True)
    in_page["emulate"](driver, dark=True, media="print")
    in_page["wait_until"](
        driver, "getComputedStyle(document.querySelector('#distribution .points path')).fill === 'rgb(0, 114, 178)'"
    )
    assert driver.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


def test_every_figure_is_named_in_the_accessibility_tree(page: Path, open_page: OpenPage) -> None:
    driver = open_page(page)
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    images = [node for node in nodes if node.get("role", {}).get("value") in ("img", "image") and not node["ignored"]]
    names = [node["name"]["value"] for node in images]
    assert len(names) == len(KEYS) + 1  # and the bar of the first screen
    assert all(len(name) > 40 for name in names)


def test_hostile_texts_of_records_stay_texts(
    report: Any, open_page: OpenPage, in_page: Helpers, tmp_path: Path
) -> None:
    def spoiled(value: Any) -> Any:
        if isinstance(value, str) and type(value) is str and value not in ("save", "load"):
            return EVIL + value
        if isinstance(value, tuple):
            return tuple(spoiled(each) for each in value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: spoiled(getattr(value, field.name)) for field in dataclasses.fields(value)}
            return dataclasses.replace(value, **fields)
        return value

    page = in_page["write_page"](spoiled(report), tmp_path)
    driver = open_page(page)
    assert driver.execute_script("return window.evil") is None
    assert driver.execute_script("return document.querySelectorAll('img, b[onclick]').length") == 0
    assert driver.get_log("browser") == []
    assert requests_of(driver, page) == [page.as_uri()]


def test_script_that_got_into_the_page_would_not_run(page: Path, open_page: OpenPage, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    text = page.read_text(encoding="utf-8")
    broken.write_text(text.replace("<main", "<script>window.evil = 1</script><main", 1), encoding="utf-8")
    driver = open_page(broken)
    assert driver.execute_script("return window.evil") is None


def test_many_ranks_and_ten_thousand_pieces_are_drawn(
    report: Any, open_page: OpenPage, in_page: Helpers, tmp_path: Path
) -> None:
    first = [piece for piece in report.timeline if piece.rank == 0][:156]
    timeline = tuple(dataclasses.replace(piece, rank=rank) for rank in range(64) for piece in first)
    heat_map = report.heat_map
    rows = tuple(heat_map.values[rank % 4] * 2 for rank in range(64))
    wide = dataclasses.replace(heat_map, ranks=tuple(range(64)), steps=tuple(range(400)), values=rows)
    driver = open_page(in_page["write_page"](dataclasses.replace(report, timeline=timeline, heat_map=wide), tmp_path))
    assert driver.execute_script("return document.querySelectorAll('#timeline .point').length") == len(timeline)


@pytest.mark.parametrize(
    ("name", "width", "top", "height", "dark"),
    [
        ("report-1280", 1280, None, 1500, False),
        ("report-1280-figures", 1280, "#timeline-section", 1120, False),
        ("report-1280-dark", 1280, None, 900, True),
        ("report-400", 400, None, 1500, False),
        ("report-400-dark", 400, "#timeline-section", 1300, True),
    ],
)
def test_screenshots_are_as_wide_as_promised_and_small(
    page: Path,
    open_page: OpenPage,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    name: str,
    width: int,
    top: str,
    height: int,
    dark: bool,
) -> None:
    driver = open_page(page, width, dark=dark, touch=width == 400)
    start = (
        0
        if top is None
        else driver.execute_script(
            f"return document.querySelector('{top}').getBoundingClientRect().top + window.scrollY - 16"
        )
    )
    clip = {"x": 0, "y": start, "width": width, "height": height, "scale": 1}
    taken = driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
    )
    image = base64.b64decode(taken["data"])
    folder = Path(pytestconfig.getoption("--screenshots") or tmp_path)
    (folder / f"{name}.png").write_bytes(image)
    assert struct.unpack(">II", image[16:24]) == (width, height)
    assert len(image) < MOST_BYTES
