from __future__ import annotations

from nv_one_logger.exporter.exporter_config import ExporterConfig


def test_only_the_class_is_required() -> None:
    config = ExporterConfig("pkg.mod.Class")

    assert (config.class_name, config.config, config.enabled) == ("pkg.mod.Class", {}, True)
    assert (config.name, config.background) == (None, None)


def test_each_has_a_dict_of_its_own() -> None:
    assert ExporterConfig("a").config is not ExporterConfig("a").config


def test_positions_are_those_of_earlier_releases() -> None:
    assert ExporterConfig("a", {"x": 1}, False) == ExporterConfig(class_name="a", config={"x": 1}, enabled=False)
