from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import pytest

from nv_one_logger.config.provenance import State
from nv_one_logger.config.resolve import Resolution, resolve
from nv_one_logger.config.sources import LoadedSources, load_sources
from nv_one_logger.config.switches import Switches
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host.catalogue import DEFAULTS_GROUP, EXPORTERS_GROUP, Catalogue

FILE = {"class_name": "file", "config": {"file_path": "x"}}


class Point:
    """An installed entry point; loading is counted."""

    def __init__(self, name: str, value: str, config: Optional[Mapping[str, Any]] = None) -> None:
        self.name, self.value, self.dist = name, value, None
        self.config = config
        self.loads = 0

    def load(self) -> object:
        self.loads += 1
        return type("Defaults", (), {"get_default_config": staticmethod(lambda: self.config)})


def catalogue_of(*defaults: Point, exporters: Sequence[Point] = ()) -> Catalogue:
    groups: Dict[str, List[Point]] = {DEFAULTS_GROUP: list(defaults), EXPORTERS_GROUP: list(exporters)}
    return Catalogue(lambda: groups)


def states(resolution: Resolution) -> Dict[str, str]:
    return {plan.decision.name: str(plan.decision.state) for plan in resolution.plans}


def load(code: Sequence[Mapping[str, Any]] = (), file: str = "", path: Optional[Path] = None) -> LoadedSources:
    if path is not None:
        path.write_text(file)
    return load_sources(list(code), path, environ={}, cwd="/", call_site="train.py:7")


def decide(
    *code: Mapping[str, Any],
    catalogue: Optional[Catalogue] = None,
    environ: Optional[Dict[str, str]] = None,
    **options: Any,
) -> Resolution:
    return resolve([load(code)], catalogue or catalogue_of(), Switches.from_environ(environ or {}), **options)


def test_every_decision_tells_its_reason() -> None:
    resolution = decide(
        FILE,
        {"class_name": "logger", "enabled": False},
        {"name": "mine", "class_name": "acme.A"},
        environ={"ONE_LOGGER_DISABLE": "mine"},
    )

    assert [(plan.decision.name, str(plan.decision.state), plan.decision.reason) for plan in resolution.plans] == [
        ("file", "on", "mentioned in code at train.py:7"),
        ("logger", "off", "enabled: false in code at train.py:7"),
        ("mine", "blocked", "ONE_LOGGER_DISABLE names mine"),
    ]


@pytest.mark.parametrize(
    "name",
    ["mine", "file", "nv_one_logger.exporter.file_exporter.FileExporter", "nv_one_logger.exporter:FileExporter"],
)
def test_plugin_is_switched_off_by_any_of_its_names(name: str) -> None:
    entry = {**FILE, "name": "mine"}

    assert states(decide(entry, environ={"ONE_LOGGER_DISABLE": name})) == {"mine": "blocked"}
    assert states(decide(entry, blocked=[name])) == {"mine": "blocked"}
    assert decide(entry, blocked=[name]).plans[0].decision.reason == f"blocked in code as {name}"


def test_safe_mode_runs_built_in_exporters_only_and_reads_no_package_default() -> None:
    default = Point("team", "m:D", FILE)

    resolution = decide(
        FILE, {"class_name": "acme.A"}, catalogue=catalogue_of(default), environ={"ONE_LOGGER_SAFE_MODE": "1"}
    )

    assert states(resolution) == {"team": "blocked", "file": "on", "acme.A": "blocked"}
    assert default.loads == 0


def test_package_default_completed_by_a_file_stays_blocked_in_safe_mode(tmp_path: Path) -> None:
    source = load(file="exporters: [{name: team, class_name: file, config: {file_path: x}}]", path=tmp_path / "a.yaml")

    resolution = resolve([source], catalogue_of(Point("team", "m:D", FILE)), Switches(safe_mode=True))

    assert states(resolution) == {"team": "blocked"}


def test_everything_off_reads_nothing() -> None:
    def read() -> object:
        raise AssertionError("read although everything is off")

    resolution = resolve([load([FILE])], Catalogue(read), Switches(disabled=True))

    assert resolution.plans == ()
    assert resolution.explanation.switches == ("ONE_LOGGER_DISABLED=1",)


@pytest.mark.parametrize(
    ("code", "environ", "expected", "loads"),
    [
        ([], {"ONE_LOGGER_DISABLE": "team"}, "blocked", 0),
        ([{"name": "team", "enabled": False}], {}, "off", 0),
        ([{"name": "team", "enabled": False}, {"name": "logger", "config": {"logger": "x"}}], {}, "off", 0),
        ([{"class_name": "file", "enabled": False}], {}, "off", 1),
        ([], {}, "on", 1),
        ([{"name": "team"}], {}, "on", 1),
    ],
)
def test_package_default_is_read_only_when_it_may_be_on(
    code: List[Dict[str, Any]], environ: Dict[str, str], expected: str, loads: int
) -> None:
    default = Point("team", "m:D", FILE)

    resolution = decide(*code, catalogue=catalogue_of(default), environ=environ)

    assert states(resolution)["team"] == expected
    assert default.loads == loads
    assert resolution.problems == ()


def test_code_may_turn_on_again_what_a_file_turned_off(tmp_path: Path) -> None:
    default = Point("team", "m:D", FILE)
    off = "exporters: [{name: team, enabled: false}]"

    by_name = resolve([load([{"name": "team"}], off, tmp_path / "a.yaml")], catalogue_of(default), Switches())
    by_class = resolve([load([{"class_name": "file"}], off, tmp_path / "a.yaml")], catalogue_of(default), Switches())

    for resolution in (by_name, by_class):
        assert states(resolution) == {"team": "on"}
        assert resolution.plans[0].merged.config()["file_path"].value == "x"


def test_inherit_false_leaves_package_defaults_out_unread(tmp_path: Path) -> None:
    default = Point("team", "m:D", FILE)

    resolution = resolve(
        [load(file="inherit: false\nexporters: []\n", path=tmp_path / "a.yaml")], catalogue_of(default), Switches()
    )

    assert resolution.plans == ()
    assert default.loads == 0
    assert resolution.sources[-1] == f"no package defaults (inherit: false in {tmp_path / 'a.yaml'}, line 1, column 10)"


def test_empty_list_in_a_file_drops_no_package_default(tmp_path: Path) -> None:
    source = load(file="exporters: []\n", path=tmp_path / "a.yaml")

    assert states(resolve([source], catalogue_of(Point("team", "m:D", FILE)), Switches())) == {"team": "on"}


def test_broken_package_default_is_a_warning_and_a_decision_and_the_rest_go_on() -> None:
    resolution = decide(catalogue=catalogue_of(Point("bad", "m:D", {}), Point("good", "m:E", FILE)))

    assert states(resolution) == {"bad": "broken", "good": "on"}
    assert [problem.asked for problem in resolution.problems] == [False]
    assert "has neither a class_name nor a name" in resolution.plans[0].decision.reason


def test_broken_package_default_is_an_error_once_it_is_mentioned() -> None:
    resolution = decide({"name": "bad"}, catalogue=catalogue_of(Point("bad", "m:D", {})))

    assert [problem.asked for problem in resolution.problems] == [True]


def test_entry_that_completes_a_broken_package_default_runs() -> None:
    resolution = decide({**FILE, "name": "bad"}, catalogue=catalogue_of(Point("bad", "m:D", {})))

    assert states(resolution) == {"bad": "on"}


def test_several_calls_add_up_and_one_file_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    first = load([FILE], "exporters: [{name: logger, config: {logger: a}}]", path)
    second = load_sources([{"class_name": "b.B"}], path, environ={})

    resolution = resolve([first, second], catalogue_of(), Switches())

    assert states(resolution) == {"logger": "on", "file": "on", "b.B": "on"}
    assert resolution.sources == ("code at train.py:7", "code", str(path))


def test_broken_file_is_left_out_as_a_whole_but_tried(tmp_path: Path) -> None:
    text = "inherit: false\nexporters:\n  - class_name: file\n  - class_name: logger\n    enabld: 1\n"
    source = load([{"class_name": "b.B"}], text, tmp_path / "a.yaml")

    resolution = resolve([source], catalogue_of(Point("team", "m:D", FILE)), Switches())

    assert states(resolution) == {"team": "on", "b.B": "on"}
    assert [plan.decision.name for plan in resolution.trial.plans] == ["team", "logger", "b.B"]
    assert any("left out, it has mistakes" in text for text in resolution.sources)


def test_mistaken_entry_in_code_is_left_out_alone() -> None:
    resolution = decide({"class_name": "a.A", "enabld": 1}, {"class_name": "b.B"})

    assert states(resolution) == {"b.B": "on"}
    assert [plan.decision.name for plan in resolution.trial.plans] == ["a.A", "b.B"]


def test_switch_that_looks_misspelt_is_a_warning_and_any_other_unknown_name_is_fine() -> None:
    def warnings(names: str, **options: Any) -> List[str]:
        return [str(p.error) for p in decide(FILE, environ={"ONE_LOGGER_DISABLE": names}, **options).problems]

    assert warnings("something_else_entirely,logger") == []
    assert warnings("fil") == ["environment: ONE_LOGGER_DISABLE = 'fil' names no plugin. Did you mean 'file'?"]
    assert warnings("tapper", known_names=["tapper2"]) == [
        "environment: ONE_LOGGER_DISABLE = 'tapper' names no plugin. Did you mean 'tapper2'?"
    ]
    assert warnings("tapper2", known_names=["tapper2"]) == []


def test_odd_switch_and_odd_distribution_are_warnings() -> None:
    catalogue = catalogue_of(exporters=[Point("file", "evil:E")])

    resolution = decide(catalogue=catalogue, environ={"ONE_LOGGER_STRICT": "maybe"})

    assert [(problem.error.key, problem.asked) for problem in resolution.problems] == [
        ("ONE_LOGGER_STRICT", False),
        ("entry point nv_one_logger.exporters", False),
    ]


class TestByHand:
    """Plugins registered in code, which the provider asks about."""

    def verdict(self, name: Optional[str] = None, *code: Mapping[str, Any], **options: Any) -> Any:
        return decide(*code, **options).verdict(FileExporter("x"), name)

    def test_it_runs_and_answers_to_its_catalogue_name(self) -> None:
        verdict = self.verdict()

        assert verdict.state is State.ON
        assert verdict.names == ("file", "nv_one_logger.exporter.file_exporter.FileExporter")
        assert self.verdict("mine").names[0] == "mine"

    @pytest.mark.parametrize("name", ["mine", "file", "nv_one_logger.exporter.FileExporter"])
    def test_it_is_blocked_by_any_of_its_names(self, name: str) -> None:
        assert self.verdict("mine", blocked=[name]).state is State.BLOCKED
        assert self.verdict("mine", environ={"ONE_LOGGER_DISABLE": name}).state is State.BLOCKED

    def test_safe_mode_blocks_all_but_built_in_ones(self) -> None:
        resolution = decide(environ={"ONE_LOGGER_SAFE_MODE": "1"})

        assert resolution.verdict(FileExporter("x")).state is State.ON
        assert resolution.verdict(sys.modules[__name__]).state is State.BLOCKED
        assert resolution.verdict(Point).reason == "ONE_LOGGER_SAFE_MODE=1 runs built-in exporters only"

    def test_code_turns_it_off_and_a_file_does_not(self, tmp_path: Path) -> None:
        off = {"class_name": "file", "enabled": False}
        from_file = load(file="exporters: [{class_name: file, enabled: false}]", path=tmp_path / "a.yaml")

        assert self.verdict(None, off).state is State.OFF
        assert self.verdict("mine", off).reason == "enabled: false in code at train.py:7"
        assert resolve([from_file], catalogue_of(), Switches()).verdict(FileExporter("x")).state is State.ON


def test_hundred_installed_plugins_are_decided_about_without_importing_one(install: Callable[..., Path]) -> None:
    for number in range(100):
        install(f"idle-{number}", entry_points={EXPORTERS_GROUP: {f"idle{number}": f"idle_{number}:Exporter"}})

    resolution = resolve([load([FILE])], Catalogue(), Switches())

    assert states(resolution)["file"] == "on"
    assert not [name for name in sys.modules if name.startswith("idle_")]
