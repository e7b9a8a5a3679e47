from __future__ import annotations

from nv_one_logger.config.document import Scalar
from nv_one_logger.config.models import Entry, Merged, Origin, OriginKind, Setting
from nv_one_logger.config.names import Names
from nv_one_logger.host.catalogue import Catalogue

FILE_EXPORTER = "nv_one_logger.exporter.file_exporter.FileExporter"
NAMES = Names.from_catalogue(Catalogue(dict))
ORIGIN = Origin(OriginKind.CODE, "code")


def entry(class_name: str = "", name: str = "", default_name: str = "") -> Entry:
    return Entry(
        ORIGIN,
        "e",
        name=Setting(Scalar(name), ORIGIN) if name else None,
        class_name=Setting(Scalar(class_name), ORIGIN) if class_name else None,
        default_name=default_name,
    )


def test_all_spellings_of_a_class_are_one_key() -> None:
    spellings = (
        "file",
        FILE_EXPORTER,
        "nv_one_logger.exporter.file_exporter:FileExporter",
        "nv_one_logger.exporter.FileExporter",
        "nv_one_logger.exporter:FileExporter",
    )

    assert {NAMES.key(spelling) for spelling in spellings} == {FILE_EXPORTER}


def test_unknown_class_is_its_own_key() -> None:
    assert NAMES.key("acme.mod:Outer.Inner") == "acme.mod.Outer.Inner"


def test_name_published_twice_is_known_but_means_no_class() -> None:
    class Point:
        group = "nv_one_logger.exporters"

        def __init__(self, value: str) -> None:
            self.name, self.value = "twin", value

    names = Names.from_catalogue(Catalogue(lambda: {Point.group: [Point("a:A"), Point("b:B")]}))

    assert names.is_known("twin")
    assert names.key("twin") == "twin"
    assert names.all_names() == ("file", "logger", "twin")


def test_merged_entry_answers_to_its_name_its_entry_point_its_catalogue_name_and_its_path() -> None:
    merged = Merged((entry(name="mine"), entry("file", default_name="team_file")))

    assert NAMES.answers_to(merged) == ("team_file", "mine", "file", FILE_EXPORTER)
    assert NAMES.matches("nv_one_logger.exporter:FileExporter", NAMES.answers_to(merged))
    assert not NAMES.matches("logger", NAMES.answers_to(merged))


def test_package_default_that_was_not_read_answers_to_its_entry_point_only() -> None:
    merged = Merged((entry(default_name="team_file"),))

    assert NAMES.class_key(merged) == ""
    assert NAMES.answers_to(merged) == ("team_file",)


def test_built_in_classes_are_known_without_a_look_at_what_is_installed() -> None:
    assert Names.of_builtins().key("file") == FILE_EXPORTER


def test_built_in_classes_are_known() -> None:
    assert NAMES.is_builtin(FILE_EXPORTER)
    assert not NAMES.is_builtin("acme.Exporter")
