from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Sequence

import pytest

from nv_one_logger.config.build import BuiltPlugins, build, check
from nv_one_logger.config.prepare import V1_EXPORTER
from nv_one_logger.config.resolve import Resolution, resolve
from nv_one_logger.config.sources import load_sources
from nv_one_logger.config.switches import Switches
from nv_one_logger.core.exceptions import ConfigError, ConfigErrors
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.host.catalogue import DEFAULTS_GROUP, Catalogue


def resolution_of(code: Sequence[Any] = (), file: str = "", catalogue: Optional[Catalogue] = None) -> Resolution:
    path = None
    if file:
        path = "conf.yaml"
        Path(path).write_text(file)
    sources = load_sources(list(code), path, environ={}, cwd="/", call_site="train.py:7")
    return resolve([sources], catalogue or Catalogue(dict), Switches())


def make(code: Sequence[Any] = (), file: str = "", **options: Any) -> BuiltPlugins:
    settings = {"one_logger_config": None, "quiet": False, "strict": False, **options}
    catalogue = settings.pop("catalogue", None)
    return build(resolution_of(code, file, catalogue), **settings)


def test_built_in_exporters_are_built_from_a_file(workdir: Path) -> None:
    built = make(
        file="exporters:\n"
        "  - class_name: file\n    config: {file_path: run.jsonl}\n"
        "  - class_name: logger\n    config: {logger: my.metrics}\n"
    )

    file, logger = (item.plugin for item in built)
    assert isinstance(file, FileExporter)
    assert file._filepath == Path("run.jsonl")
    assert isinstance(logger, LoggerExporter)
    assert [item.name for item in built] == ["file", "logger"]
    assert built[0].aliases == ("file", "nv_one_logger.exporter.file_exporter.FileExporter")
    assert not Path("run.jsonl").exists()


def test_arguments_are_converted_before_anything_is_constructed(acme: str) -> None:
    config = {"url": "x", "retries": "7", "mode": "FAST", "folder": "f", "ports": ["1"], "foreign": 3}
    (built,) = make([{"class_name": "acme.AcmeExporter", "config": config}])

    arguments = built.plugin.arguments  # type: ignore[attr-defined]  # the module is made for the test
    mode = importlib.import_module("acme").Mode.FAST
    assert (arguments["retries"], arguments["mode"], arguments["folder"]) == (7, mode, Path("f"))
    assert (arguments["ports"], arguments["foreign"]) == ([1], 3)


def test_classes_modules_and_objects_with_hookimpls_are_plugins(acme: str) -> None:
    built = make(
        [{"class_name": "acme.Tap", "config": {"limit": "3"}}, {"class_name": "acme"}, {"class_name": "acme.tap"}]
    )

    tap, module, ready = (item.plugin for item in built)
    assert tap.limit == 3  # type: ignore[attr-defined]  # the module is made for the test
    assert isinstance(module, ModuleType)
    assert ready.limit == 7  # type: ignore[attr-defined]  # the module is made for the test


def test_order_is_that_of_the_merge_and_names_are_unique(acme: str) -> None:
    built = make([{"class_name": "acme.Tap"}, {"name": "b", "class_name": "acme.Tap"}, {"class_name": "acme.Tap"}])

    assert [item.name for item in built] == ["acme.Tap", "b", "acme.Tap#2"]


def test_what_is_off_is_not_imported(workdir: Path, module: Callable[[str, str], str]) -> None:
    module("never", "raise AssertionError('imported')\n")

    assert make([{"class_name": "never.Exporter", "enabled": False}]) == []
    assert "never" not in sys.modules


@pytest.mark.parametrize("background", [True, {"max_queue": "5", "when_full": "block"}])
def test_background_wraps_the_exporter(background: object) -> None:
    entry = {"class_name": "file", "config": {"file_path": "x"}, "background": background}
    (built,) = make([entry])

    assert isinstance(built.plugin, BackgroundExporter)
    assert built.name == "file"
    assert "nv_one_logger.exporter.file_exporter.FileExporter" in built.aliases


@pytest.mark.parametrize("background", [False, None])
def test_without_background_nothing_is_wrapped(background: object) -> None:
    (built,) = make([{"class_name": "file", "config": {"file_path": "x"}, "background": background}])

    assert isinstance(built.plugin, FileExporter)


def test_nothing_is_constructed_while_anything_is_wrong(module: Callable[[str, str], str]) -> None:
    module(
        "counted",
        "from nv_one_logger.exporter.exporter import BaseExporter\nmade = []\n"
        "class Counted(BaseExporter):\n    def __init__(self, n: int = 0) -> None:\n        made.append(n)\n",
    )

    with pytest.raises(ConfigErrors) as raised:
        make(
            [
                {"class_name": "counted.Counted"},
                {"class_name": "counted.Counted", "config": {"n": "x"}},
                {"class_name": "counted.Coutned"},
            ]
        )

    assert len(raised.value.errors) == 2
    assert importlib.import_module("counted").made == []


CLOSING = (
    "from nv_one_logger.exporter.exporter import BaseExporter\nlog = []\n"
    "class Good(BaseExporter):\n"
    "    def __init__(self, n: int) -> None:\n        super().__init__()\n        self.n = n\n"
    "    def close(self) -> None:\n        log.append(self.n)\n        if self.n == 2: raise OSError('no')\n"
    "from nv_one_logger.host import hookimpl\n@hookimpl\ndef export_start(span): ...\n"
    "class Bad(BaseExporter):\n    def __init__(self) -> None:\n        raise ValueError('no')\n"
)


def test_constructor_that_raises_closes_what_was_made_before_it(
    module: Callable[[str, str], str], caplog: pytest.LogCaptureFixture
) -> None:
    module("closing", CLOSING)
    entries: List[Dict[str, Any]] = [{"class_name": "closing.Good", "config": {"n": n}} for n in (1, 2, 3)]

    with pytest.raises(ConfigError, match=r"cannot be constructed \(ValueError: no\)"):
        make([*entries, {"class_name": "closing"}, {"class_name": "closing.Bad"}])

    assert importlib.import_module("closing").log == [3, 2, 1]
    assert "Closing closing.Good#2 after a failed configuration raised." in caplog.text


def test_quiet_mode_never_raises_and_builds_the_rest(
    acme: str, workdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    built = make(
        [
            {"class_name": "acme.Raises"},
            {"class_name": "acme.Nothing"},
            {"class_name": "acme.AcmeExporter"},
            {"class_name": "subprocess.Popen"},
            {"enabled": True},
            {"class_name": "file", "config": {"file_path": "x"}},
        ],
        file="exporters: 3\n",
        quiet=True,
    )

    assert [item.name for item in built] == ["file"]
    states = {decision.name: str(decision.state) for decision in built.explanation.decisions}
    assert states == {
        "acme.Raises": "broken",
        "acme.Nothing": "broken",
        "acme.AcmeExporter": "broken",
        "subprocess.Popen": "broken",
        "file": "on",
    }
    assert len(caplog.records) == 6
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert len(built.explanation.problems) == 6


def test_strict_raises_for_warnings_in_quiet_mode_too(acme: str) -> None:
    class Point:
        name, value, dist = "bad", "m:D", None

        def load(self) -> object:
            return object()

    catalogue = Catalogue(lambda: {DEFAULTS_GROUP: [Point()]})

    assert make(quiet=True, catalogue=catalogue) == []
    with pytest.raises(ConfigError, match="has no get_default_config"):
        make(quiet=True, strict=True, catalogue=catalogue)


def test_stray_file_with_a_mistake_stops_nothing_and_is_logged_as_an_error(
    workdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Path("one_logger_exporters_config.yaml").write_text("exporters:\n  - class_name: file\n    enabld: true\n")
    resolution = resolve([load_sources(environ={})], Catalogue(dict), Switches())

    assert build(resolution, one_logger_config=None, quiet=False, strict=False) == []
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.ERROR,
        (
            "one_logger_exporters_config.yaml, line 3, column 5: exporters[0].enabld is not a known key. "
            "Did you mean 'enabled'?"
        ),
    )


def test_stray_file_with_a_class_that_cannot_be_had_stops_nothing(
    workdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Path("one_logger_exporters_config.yaml").write_text("exporters:\n  - class_name: nowhere.Exporter\n")
    resolution = resolve([load_sources(environ={})], Catalogue(dict), Switches())

    assert build(resolution, one_logger_config=None, quiet=False, strict=False) == []
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_broken_package_default_only_warns(caplog: pytest.LogCaptureFixture) -> None:
    class Point:
        name, value, dist = "team", "m:D", None

        def load(self) -> object:
            config = {"class_name": "nowhere.Exporter"}
            return type("D", (), {"get_default_config": staticmethod(lambda: config)})

    built = make(catalogue=Catalogue(lambda: {DEFAULTS_GROUP: [Point()]}))

    assert built == []
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert str(built.explanation.decisions[0].state) == "broken"


def test_one_class_by_two_paths_runs_twice_with_a_warning(
    module: Callable[[str, str], str], caplog: pytest.LogCaptureFixture
) -> None:
    module("front", "from nv_one_logger.exporter.exporter import BaseExporter\nclass E(BaseExporter): ...\n")
    module("behind", "from front import E\n")

    built = make([{"class_name": "front.E"}, {"class_name": "behind.E"}, {"name": "x", "class_name": "behind.E"}])

    assert len(built) == 3
    assert caplog.messages == [
        (
            "code at train.py:7: exporters_config[1].class_name = 'behind.E' is the same class as front.E in "
            "code at train.py:7; both run. Write the class the same way, or give each entry a name."
        )
    ]


def test_defaults_of_the_constructor_have_an_origin_too() -> None:
    built = make([{"class_name": "file", "config": {"file_path": "x"}}])

    value = built.explanation.decisions[0].value("config.fsync")
    assert value is not None
    assert (value.value, str(value.origin)) == (False, "default of FileExporter")


@pytest.fixture
def v1_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """The class of the reference's older telemetry, which is no exporter of ours."""
    name, _, attribute = V1_EXPORTER.rpartition(".")

    class V1CompatibleExporter:
        def __init__(self, one_logger_config: object, config: Dict[str, Any]) -> None:
            self.given = (one_logger_config, config)

    module = ModuleType(name)
    setattr(module, attribute, V1CompatibleExporter)
    parents = name.split(".")
    for end in range(2, len(parents)):
        parent = ".".join(parents[:end])
        if parent not in sys.modules:
            monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
    monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("v1_module")
def test_class_of_the_older_telemetry_gets_its_own_kind_of_arguments() -> None:
    marker = object()

    (built,) = make([{"class_name": V1_EXPORTER, "config": {"a": 1}}], one_logger_config=marker)

    assert built.plugin.given == (marker, {"a": 1})  # type: ignore[attr-defined]  # the class is made for the test


@pytest.mark.usefixtures("v1_module")
def test_class_of_the_older_telemetry_needs_the_configuration() -> None:
    with pytest.raises(ConfigError, match="needs an OneLoggerConfig, and none was given"):
        make([{"class_name": V1_EXPORTER}])


def test_class_of_the_older_telemetry_may_be_missing() -> None:
    with pytest.raises(ConfigError, match="cannot be imported"):
        make([{"class_name": V1_EXPORTER}], one_logger_config=object())


def test_checking_finds_everything_and_constructs_nothing(acme: str, workdir: Path) -> None:
    problems = check(
        resolution_of(
            file="exporters:\n"
            "  - class_name: acme.Raises\n"
            "  - class_name: acme.AcmeExporter\n    config: {urll: x}\n    enabld: true\n"
            "  - name: fil\n"
        )
    )

    assert [(problem.error.line, problem.error.key) for problem in problems] == [
        (4, "exporters[1].config.urll"),
        (5, "exporters[1].enabld"),
        (6, "exporters[2].name"),
    ]
