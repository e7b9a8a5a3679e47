from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRAWN_WITHIN_SEC = 60.0
# What keeps Chromium from asking anybody for anything, and lets it run as root in a container.
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

OpenPage = Callable[..., Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="FOLDER", help="where to keep the screenshots that the docs show")


def load_sample() -> ModuleType:
    """Import the made-up report of the plugin's tests."""
    path = ROOT / "plugins" / "report" / "tests" / "html" / "sample_report.py"
    spec = importlib.util.spec_from_file_location("sample_report", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def report() -> Any:
    pytest.importorskip("nv_one_logger.report.html", reason="nv-one-logger-report is not installed")
    return load_sample().make_report()


@pytest.fixture(scope="session")
def page(report: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(report, tmp_path_factory.mktemp("page"))


def write_page(report: Any, folder: Path) -> Path:
    from nv_one_logger.report.html import render

    path = folder / "report.html"
    path.write_text(render(report), encoding="utf-8")
    return path


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[OpenPage]:
    """Return a function that opens a file in a Chromium of its own and waits until the figures are drawn."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver_path is None:
        pytest.skip("chromium or chromedriver is not installed (Debian: apt-get install chromium chromium-driver)")
    drivers: List[Any] = []

    def open_(path: Path, width: int = 1280, height: int = 900, *, dark: bool = False, touch: bool = False) -> Any:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for switch in (*SWITCHES, f"--user-data-dir={tmp_path / f'profile-{len(drivers)}'}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(driver_path))
        drivers.append(driver)
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        emulate(driver, dark=dark)
        watch_layout = "window.shifts = []; new PerformanceObserver((list) => window.shifts.push(...list.getEntries()"
        watch_layout += ".map((e) => e.value))).observe({type: 'layout-shift', buffered: true});"
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": watch_layout})
        driver.get(path.as_uri())
        wait_until(driver, "document.documentElement.dataset.figures === 'drawn'")
        return driver

    yield open_
    for driver in drivers:
        driver.quit()


def emulate(driver: Any, *, dark: bool = False, media: str = "") -> None:
    """Choose the theme, and the medium: ``print`` or the screen."""
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def wait_until(driver: Any, condition: str) -> None:
    """Wait until an expression is true in the page."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, DRAWN_WITHIN_SEC).until(lambda each: each.execute_script(f"return {condition}"))


@pytest.fixture
def in_page() -> Dict[str, Callable[..., Any]]:
    """What tests do with a page; they cannot import it from here, as tests are no packages."""
    return {"emulate": emulate, "wait_until": wait_until, "write_page": write_page}
