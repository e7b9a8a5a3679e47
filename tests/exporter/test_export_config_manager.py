"""The public front; the tests named after defects show that page 03's are mended."""

from __future__ import annotations

import copy
import json
import logging
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from nv_one_logger.core.exceptions import ConfigError, ConfigErrors
from nv_one_logger.exporter import export_config_manager
from nv_one_logger.exporter.export_config_manager import ExporterConfigManager
from nv_one_logger.exporter.exporter_config import ExporterConfig
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter

PATH = "nv_one_logger.exporter.file_exporter.FileExporter"
LOGGER_PATH = "nv_one_logger.exporter.logger_exporter.LoggerExporter"


class Point:
    """An entry point, as programs double it."""

    def __init__(self, name: str, config: Any) -> None:
        self.name = name
        self.config = config

    def load(self) -> object:
        if isinstance(self.config, Exception):
            raise self.config
        return type("Defaults", (), {"get_default_config": staticmethod(lambda: self.config)})


class Selectable:
    """What ``entry_points()`` returns since Python 3.10."""

    def __init__(self, *points: Point) -> None:
        self.points = points

    def select(self, *, group: str) -> List[Point]:
        return list(self.points) if group == "nv_one_logger.exporter_configs" else []


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export_config_manager, "entry_points", dict)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*points: Point) -> ExporterConfigManager:
        with monkeypatch.context() as patch:
            patch.setattr(export_config_manager, "entry_points", lambda: Selectable(*points))
            return ExporterConfigManager()

    return make


def file_entry(path: str = "a", **more: Any) -> Dict[str, Any]:
    return {"class_name": PATH, "config": {"file_path": path, **more}, "enabled": True}


def write(name: str, *entries: Dict[str, Any]) -> str:
    Path(name).write_text(json.dumps({"exporters": list(entries)}))
    return name


def paths(configs: List[ExporterConfig]) -> List[Optional[str]]:
    return [config.config.get("file_path") for config in configs]


def test_group_is_the_one_that_distributions_use() -> None:
    assert ExporterConfigManager.ENTRY_POINT_NAME == "nv_one_logger.exporter_configs"


class TestEntryPoints:
    def test_objects_are_loaded_at_first_use_by_name(self, install: Any) -> None:
        manager = install(Point("one", file_entry()), Point("bad", ImportError("gone")))

        assert list(manager.entry_point_exporter_configs) == ["one"]
        assert manager.entry_point_exporter_configs["one"].get_default_config() == file_entry()
        assert manager.entry_point_exporter_configs is manager.entry_point_exporter_configs

    def test_creating_the_manager_loads_nothing(self, install: Any) -> None:
        install(Point("bad", AssertionError("loaded")))

    @pytest.mark.parametrize("shape", ["select", "get", "list"])
    def test_every_historic_shape_is_understood(self, shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
        point = Point("one", file_entry())
        shapes: Dict[str, Any] = {
            "select": Selectable(point),
            "get": {"nv_one_logger.exporter_configs": [point]},
            "list": [point],
        }
        monkeypatch.setattr(export_config_manager, "entry_points", lambda: shapes[shape])

        assert list(ExporterConfigManager().entry_point_exporter_configs) == ([] if shape == "list" else ["one"])

    def test_unreadable_metadata_is_a_warning(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken() -> object:
            raise ValueError("bad metadata")

        monkeypatch.setattr(export_config_manager, "entry_points", broken)

        assert ExporterConfigManager().entry_point_exporter_configs == {}
        assert "bad metadata" in caplog.text

    def test_objects_may_be_replaced_by_the_program(self) -> None:
        manager = ExporterConfigManager()
        manager.entry_point_exporter_configs = {"mine": Point("mine", file_entry("mine")).load()}

        assert paths(manager.generate_export_config()) == ["mine"]

    def test_failing_default_is_skipped_with_a_warning(self, install: Any, caplog: pytest.LogCaptureFixture) -> None:
        manager = install(Point("bad", 3), Point("good", file_entry("good")))

        assert paths(manager.generate_export_config()) == ["good"]
        assert "returned a int, not a dict" in caplog.text


class TestGenerate:
    def test_nothing_gives_nothing(self) -> None:
        assert ExporterConfigManager().generate_export_config() == []

    def test_code_beats_file_beats_package_key_by_key(self, install: Any) -> None:
        manager = install(Point("team", file_entry("package", fsync=True, backup_count=1)))
        path = write("conf.json", file_entry("file", backup_count=2))

        (config,) = manager.generate_export_config([{"class_name": PATH, "config": {"file_path": "code"}}], path)

        assert config == ExporterConfig(PATH, {"file_path": "code", "fsync": True, "backup_count": 2}, True)

    def test_file_adds_to_package_defaults(self, install: Any) -> None:
        manager = install(Point("team", file_entry("package")))
        path = write("conf.json", {"class_name": LOGGER_PATH, "config": {"logger": "x"}})

        assert [config.class_name for config in manager.generate_export_config(None, path)] == [PATH, LOGGER_PATH]

    def test_entry_that_is_off_is_in_the_list(self) -> None:
        (config,) = ExporterConfigManager().generate_export_config([{"class_name": PATH, "enabled": False}])

        assert not config.enabled

    def test_switches_turn_entries_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ONE_LOGGER_DISABLE", "file")

        assert [config.enabled for config in ExporterConfigManager().generate_export_config([file_entry()])] == [False]

    def test_strict_raises_for_warnings(self, install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ONE_LOGGER_STRICT", "1")

        with pytest.raises(ConfigError, match="returned a int"):
            install(Point("bad", 3)).generate_export_config()

    def test_names_and_background_are_kept(self) -> None:
        entry = {**file_entry(), "name": "mine", "background": True}

        (config,) = ExporterConfigManager().generate_export_config([entry])

        assert (config.name, config.background) == ("mine", True)

    def test_name_alone_gives_the_catalogue_entry(self) -> None:
        (config,) = ExporterConfigManager().generate_export_config([{"name": "file", "config": {"file_path": "x"}}])

        assert (config.class_name, config.name) == ("file", "file")

    def test_stray_broken_file_is_logged_once_and_left_out(self, caplog: pytest.LogCaptureFixture) -> None:
        Path("one_logger_exporters_config.yaml").write_text("exporters: 3\n")

        assert paths(ExporterConfigManager().generate_export_config([file_entry()])) == ["a"]
        assert [record.levelno for record in caplog.records] == [logging.ERROR]


class TestDefects:
    """Page 03, known defects of the reference."""

    def test_16_several_exporters_of_one_class_do_not_collapse(self) -> None:
        manager = ExporterConfigManager()
        path = write("conf.json", {**file_entry("c"), "name": "c"}, {**file_entry("d"), "name": "d"})

        assert paths(manager.generate_export_config([file_entry("a"), file_entry("b")])) == ["a", "b"]
        assert paths(manager.generate_export_config([{"class_name": "x.X"}], path)) == ["c", "d", None]

    def test_17_merging_changes_no_object_of_the_caller(self) -> None:
        manager = ExporterConfigManager()
        base = [ExporterConfig(PATH, {"file_path": "a", "labels": {"x": 1}})]
        override = [ExporterConfig(PATH, {"labels": {"y": 2}}, False)]
        before = copy.deepcopy((base, override))

        (merged,) = manager._merge_configs(base, override)
        merged.config["labels"]["y"] = 3
        manager.generate_export_config(override)[0].config["labels"]["y"] = 4

        assert (base, override) == before

    def test_18_wrong_path_is_an_error_and_no_other_file_is_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write("one_logger_exporters_config.json", file_entry("stray"))
        manager = ExporterConfigManager()

        with pytest.raises(ConfigError, match=r"typo\.yaml: does not exist"):
            manager.generate_export_config(None, "typo.yaml")
        monkeypatch.setenv("ONE_LOGGER_EXPORTER_CONFIG_PATH", "other.yaml")
        with pytest.raises(ConfigError, match=r"other\.yaml \(named by ONE_LOGGER_EXPORTER_CONFIG_PATH\)"):
            manager.generate_export_config()

    def test_19_file_can_drop_package_defaults_by_saying_so(self, install: Any) -> None:
        manager = install(Point("team", file_entry("package")))
        Path("conf.yaml").write_text("inherit: false\nexporters: []\n")

        assert manager.generate_export_config(None, "conf.yaml") == []

    def test_20_same_mistake_is_the_same_error_in_code_and_file(self) -> None:
        manager = ExporterConfigManager()
        mixed: List[Any] = [{"config": {}}, ExporterConfig(PATH), 3]
        path = write("conf.json", {"config": {}})

        with pytest.raises(ConfigErrors, match=r"exporters_config\[0\] has neither a class_name nor a name"):
            manager.generate_export_config(mixed)
        with pytest.raises(ConfigError, match=r"exporters\[0\] has neither a class_name nor a name"):
            manager.generate_export_config(None, path)
        assert len(manager.generate_export_config([ExporterConfig(PATH), {"class_name": LOGGER_PATH}])) == 2

    def test_21_only_exporters_and_plugins_are_called(self, caplog: pytest.LogCaptureFixture) -> None:
        configs = [ExporterConfig("builtins.dict"), ExporterConfig("subprocess.Popen", {"args": ["touch", "trace"]})]

        assert ExporterConfigManager().create_exporters_from_config(configs) == []
        assert caplog.text.count("neither an exporter nor a plugin") == 2
        assert not Path("trace").exists()

    def test_22_logger_exporter_can_be_described_in_a_file(self) -> None:
        manager = ExporterConfigManager()
        path = write("conf.json", {"class_name": LOGGER_PATH, "config": {"logger": "my.metrics"}})

        (exporter,) = manager.create_exporters_from_config(manager.generate_export_config(None, path))

        assert isinstance(exporter, LoggerExporter)
        assert exporter._logger is logging.getLogger("my.metrics")


class TestCreate:
    def test_exporters_are_built_in_order_each_entry_its_own(self) -> None:
        configs = [ExporterConfig(PATH, {"file_path": "a"}), ExporterConfig(PATH, {"file_path": "b"})]

        exporters = ExporterConfigManager().create_exporters_from_config(configs)

        assert [exporter._filepath for exporter in exporters if isinstance(exporter, FileExporter)] == [
            Path("a"),
            Path("b"),
        ]
        assert configs[0].config == {"file_path": "a"}

    @pytest.mark.parametrize(
        ("config", "warning"),
        [
            (ExporterConfig("nowhere.Exporter"), "cannot be imported"),
            (ExporterConfig("nv_one_logger.exporter.file_exporter.Nothing"), "cannot be found"),
            (ExporterConfig("nothing"), "is no installed exporter"),
            (ExporterConfig(PATH, {"wrong": 1}), "is no argument of FileExporter"),
            (ExporterConfig(PATH), "is missing"),
            (ExporterConfig(LOGGER_PATH, {"logger": 3}), "does not fit"),
            (ExporterConfig(PATH, {"file_path": "a", "max_bytes": -1}), "cannot be constructed"),
            (ExporterConfig(PATH, {"file_path": "a"}, "maybe"), "is a text, not true or false"),  # type: ignore[arg-type]
        ],
    )
    def test_what_cannot_be_built_is_skipped_with_a_warning(
        self, config: ExporterConfig, warning: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        good = ExporterConfig(PATH, {"file_path": "a"})

        exporters = ExporterConfigManager().create_exporters_from_config([config, good])

        assert len(exporters) == 1
        assert warning in caplog.text
        assert {record.levelno for record in caplog.records} == {logging.WARNING}

    def test_entries_that_are_off_are_skipped_silently(self, caplog: pytest.LogCaptureFixture) -> None:
        assert ExporterConfigManager().create_exporters_from_config([ExporterConfig("nowhere.E", {}, False)]) == []
        assert caplog.records == []

    def test_falsy_exporters_are_dropped(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.syspath_prepend(str(tmp_path))
        (tmp_path / "falsy_exporter.py").write_text(
            "from nv_one_logger.exporter.exporter import BaseExporter\n"
            "class Falsy(BaseExporter):\n    def __bool__(self):\n        return False\n"
        )
        try:
            assert ExporterConfigManager().create_exporters_from_config([ExporterConfig("falsy_exporter.Falsy")]) == []
        finally:
            sys.modules.pop("falsy_exporter", None)

    def test_older_telemetry_is_skipped_without_its_configuration(self, caplog: pytest.LogCaptureFixture) -> None:
        name = "nv_one_logger.training_telemetry.v1_adapter.v1_compatible_wandb_exporter.V1CompatibleExporter"

        assert ExporterConfigManager().create_exporters_from_config([ExporterConfig(name)]) == []
        assert "needs an OneLoggerConfig" in caplog.text


class TestInternals:
    """What users' tests call although it begins with an underscore (page 03)."""

    def test_file_is_found_by_path_variable_and_default_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        manager = ExporterConfigManager()
        assert manager._find_config_file() is None
        write("one_logger_exporters_config.yml")
        assert manager._find_config_file() == Path("one_logger_exporters_config.yml")
        monkeypatch.setenv("ONE_LOGGER_EXPORTER_CONFIG_PATH", write("env.json"))
        assert manager._find_config_file() == Path("env.json")
        assert manager._find_config_file(write("given.json")) == Path("given.json")

    def test_missing_file_that_was_named_raises(self) -> None:
        with pytest.raises(ConfigError, match="does not exist"):
            ExporterConfigManager()._find_config_file("typo.yaml")

    def test_file_config_is_a_list_of_entries(self) -> None:
        manager = ExporterConfigManager()

        assert manager._get_file_config() == []
        assert manager._get_file_config(write("conf.json", file_entry("x"))) == [
            ExporterConfig(PATH, {"file_path": "x"})
        ]

    def test_file_config_given_by_a_double_is_merged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        manager = ExporterConfigManager()
        monkeypatch.setattr(
            manager, "_get_file_config", lambda path=None: [ExporterConfig(PATH, {"file_path": "double"})]
        )

        assert paths(manager.generate_export_config()) == ["double"]

    def test_found_file_given_by_a_double_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        manager = ExporterConfigManager()
        write("other.json", file_entry("double"))
        monkeypatch.setattr(manager, "_find_config_file", lambda path=None: Path("other.json"))

        assert paths(manager.generate_export_config()) == ["double"]

    def test_merging_overlays_entry_by_entry(self) -> None:
        base = [ExporterConfig(PATH, {"file_path": "a", "fsync": True}), ExporterConfig("b.B")]
        override = [ExporterConfig("c.C"), ExporterConfig(PATH, {"file_path": "z"}, False)]

        assert ExporterConfigManager()._merge_configs(base, override) == [
            ExporterConfig(PATH, {"file_path": "z", "fsync": True}, False),
            ExporterConfig("b.B"),
            ExporterConfig("c.C"),
        ]

    def test_merging_what_is_ambiguous_raises(self) -> None:
        with pytest.raises(ConfigError, match="is ambiguous"):
            ExporterConfigManager()._merge_configs([ExporterConfig(PATH)] * 2, [ExporterConfig(PATH)])

    def test_dicts_become_entries(self) -> None:
        manager = ExporterConfigManager()

        assert manager._build_exporter_configs([{"class_name": PATH, "enabled": False}]) == [
            ExporterConfig(PATH, {}, False)
        ]
        with pytest.raises(ConfigError, match="has neither a class_name nor a name"):
            manager._build_exporter_configs([{}])
