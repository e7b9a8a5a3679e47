from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Dict, List, Optional

import pytest

from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host import catalogue as catalogue_module
from nv_one_logger.host.catalogue import (
    COMMANDS_GROUP,
    DEFAULTS_GROUP,
    EXPORTERS_GROUP,
    Catalogue,
    CatalogueEntry,
    CatalogueError,
    select_group,
)


class Point:
    """An entry point as the standard library has it, as far as it is used."""

    def __init__(self, name: str, value: str, group: str = EXPORTERS_GROUP, dist: object = None) -> None:
        self.name, self.value, self.group, self.dist = name, value, group, dist

    def load(self) -> object:
        module, _, attribute = self.value.partition(":")
        return getattr(importlib.import_module(module), attribute)


def distribution(name: str, version: str) -> object:
    return SimpleNamespace(metadata={"Name": name}, version=version)


def catalogue_of(*points: Point) -> Catalogue:
    groups: Dict[str, List[Point]] = {}
    for point in points:
        groups.setdefault(point.group, []).append(point)
    return Catalogue(lambda: groups)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, entry_points: str, version: str = "1.0", metadata: Optional[str] = None) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)
    importlib.invalidate_caches()


def test_built_in_exporters_are_there_without_any_metadata() -> None:
    catalogue = Catalogue(dict)

    assert [entry.name for entry in catalogue.exporters()] == ["file", "logger"]
    assert all(entry.is_builtin for entry in catalogue.exporters())
    file = catalogue.find("file")
    assert file is not None
    assert file.load() is FileExporter
    assert file.import_path == "nv_one_logger.exporter.file_exporter.FileExporter"
    assert file.distribution == "nv-one-logger-core"


def test_installed_exporter_is_known_with_distribution_and_version_and_not_imported(folder: Path) -> None:
    install(folder, "acme-telemetry", "[nv_one_logger.exporters]\nacme = acme_not_imported:Exporter\n", "1.2")

    entry = Catalogue().find("acme")

    assert entry is not None
    assert (entry.distribution, entry.version, entry.publisher) == ("acme-telemetry", "1.2", "acme-telemetry 1.2")
    assert (entry.value, entry.import_path) == ("acme_not_imported:Exporter", "acme_not_imported.Exporter")
    assert not entry.is_builtin
    assert repr(entry) == "<CatalogueEntry acme = acme_not_imported:Exporter of acme-telemetry 1.2>"
    assert "acme_not_imported" not in sys.modules


def test_all_three_groups_are_read(folder: Path) -> None:
    install(
        folder,
        "acme",
        "[nv_one_logger.exporter_configs]\nd = m:D\n[nv_one_logger.commands]\nc = m:c\n[console_scripts]\ns = m:s\n",
    )

    catalogue = Catalogue()

    assert "d" in [entry.name for entry in catalogue.package_defaults()]
    assert "c" in [entry.name for entry in catalogue.commands()]


def test_nothing_is_read_before_the_first_question() -> None:
    def read() -> object:
        raise AssertionError("read too early")

    Catalogue(read)


def test_entry_points_are_read_once() -> None:
    calls: List[int] = []

    def read() -> object:
        calls.append(1)
        return {}

    catalogue = Catalogue(read)
    catalogue.exporters(), catalogue.package_defaults(), catalogue.exporters(), catalogue.problems()

    assert len(calls) == 1


def test_unknown_name_is_not_found() -> None:
    assert Catalogue(dict).find("nothing") is None


def test_name_published_twice_is_an_error_only_when_it_is_used() -> None:
    catalogue = catalogue_of(
        Point("twin", "a:A", dist=distribution("dist-a", "1")),
        Point("twin", "b:B", dist=distribution("dist-b", "2")),
        Point("other", "c:C"),
    )

    assert catalogue.find("other") is not None
    with pytest.raises(CatalogueError) as raised:
        catalogue.find("twin")
    assert str(raised.value) == "'twin' is published by dist-a 1 (a:A) and dist-b 2 (b:B). Use the class path."


def test_one_entry_point_seen_twice_on_the_path_counts_once() -> None:
    dist = distribution("acme", "1")

    assert catalogue_of(Point("x", "a:A", dist=dist), Point("x", "a:A", dist=dist)).find("x") is not None


def test_built_in_name_cannot_be_taken_by_somebody_else() -> None:
    catalogue = catalogue_of(Point("file", "evil:Exporter", dist=distribution("evil", "6.6")))

    found = catalogue.find("file")
    assert found is not None
    assert found.is_builtin
    (problem,) = catalogue.problems()
    assert str(problem) == (
        "evil 6.6: entry point nv_one_logger.exporters = 'file' is ignored: it is the name of a built-in exporter. "
        "Ask its authors for another name, or use the class path."
    )


def test_own_entry_points_of_the_built_in_exporters_are_no_second_mention() -> None:
    catalogue = catalogue_of(Point("file", "nv_one_logger.exporter.file_exporter:FileExporter"))

    assert [entry.name for entry in catalogue.exporters()] == ["file", "logger"]
    assert catalogue.problems() == ()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("import sys; sys.exit(4)", "SystemExit: 4"),
        ("x = 1", "AttributeError: module 'ill_{n}' has no attribute 'Exporter'"),
    ],
)
def test_entry_point_that_cannot_be_loaded_names_itself_its_distribution_and_the_cause(
    folder: Path, text: str, cause: str
) -> None:
    number = abs(hash(text))
    (folder / f"ill_{number}.py").write_text(text)
    importlib.invalidate_caches()
    entry = catalogue_of(Point("ill", f"ill_{number}:Exporter", dist=distribution("ill-dist", "3"))).find("ill")

    assert entry is not None
    with pytest.raises(CatalogueError) as raised:
        entry.load()
    assert str(raised.value) == (
        f"'ill' is an entry point of ill-dist 3 (ill_{number}:Exporter) that cannot be loaded "
        f"({cause.format(n=number)}). Repair or uninstall that distribution."
    )


def test_one_malformed_entry_points_file_does_not_hide_the_others(folder: Path) -> None:
    install(folder, "broken", "[nv_one_logger.exporters]\nthis line is no pair\n")
    install(folder, "sound", "[nv_one_logger.exporters]\nsound = m:S\n")
    (folder / "broken-1.0.dist-info" / "entry_points.txt").write_bytes(b"[nv_one_logger.exporters]\n\xff\xfe = \xff\n")

    catalogue = Catalogue()

    assert catalogue.find("sound") is not None
    (problem,) = catalogue.problems()
    assert problem.source == "distribution broken"
    assert problem.key == "entry_points.txt"
    assert problem.remedy == "Reinstall that distribution"


def test_distribution_hidden_by_another_copy_earlier_on_the_path_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, folder in enumerate(("front", "back")):
        (tmp_path / folder).mkdir()
        install(tmp_path / folder, "acme", f"[nv_one_logger.exporters]\nacme{number} = m:S\n")
    (tmp_path / "broken").mkdir()
    install(tmp_path / "broken", "broken", "")
    (tmp_path / "broken" / "broken-1.0.dist-info" / "entry_points.txt").write_bytes(b"[a]\n\xff = \xff\n")
    for folder in ("broken", "back", "front"):
        monkeypatch.syspath_prepend(str(tmp_path / folder))

    catalogue = Catalogue()

    assert catalogue.find("acme0") is not None
    assert catalogue.find("acme1") is None


@pytest.mark.parametrize(
    "dist", [None, SimpleNamespace(metadata={"Name": 3}, version="1"), SimpleNamespace(metadata=None, version="1")]
)
def test_publisher_nobody_knows_is_called_so(dist: object) -> None:
    entry = catalogue_of(Point("x", "a:A", dist=dist)).find("x")

    assert entry is not None
    assert (entry.distribution, entry.version, entry.publisher) == ("", "", "an unknown distribution")


def test_version_of_the_built_in_exporters_is_unknown_in_a_tree_without_metadata(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalogue_module, "distributions", lambda **_: [])

    assert CatalogueEntry("file", "m:C", EXPORTERS_GROUP).version == ""


def test_extras_in_an_object_reference_are_no_part_of_the_import_path() -> None:
    assert CatalogueEntry("x", "pkg.mod:Class [gpu]", EXPORTERS_GROUP).import_path == "pkg.mod.Class"


class OnlyGet:
    def get(self, group: str, default: List[str]) -> List[str]:
        return [group, *default]


class OnlySelect:
    def select(self, *, group: str) -> List[str]:
        return [group]


@pytest.mark.parametrize(
    ("found", "expected"),
    [(OnlySelect(), ["g"]), (OnlyGet(), ["g"]), ({"g": [1]}, [1]), ({}, []), ([1, 2], [])],
)
def test_every_shape_that_entry_points_ever_returned_is_understood(found: object, expected: List[object]) -> None:
    assert list(select_group(found, "g")) == expected


def test_groups_have_the_names_that_distributions_use() -> None:
    assert (EXPORTERS_GROUP, DEFAULTS_GROUP, COMMANDS_GROUP) == (
        "nv_one_logger.exporters",
        "nv_one_logger.exporter_configs",
        "nv_one_logger.commands",
    )


def test_hundred_installed_distributions_are_listed_without_importing_any(folder: Path) -> None:
    for number in range(100):
        install(
            folder,
            f"plugin-{number}",
            f"[nv_one_logger.exporters]\np{number} = plugin_{number}:Exporter\n"
            f"[nv_one_logger.exporter_configs]\nd{number} = plugin_{number}_defaults:Defaults\n",
        )

    names = {entry.name for entry in Catalogue().exporters()}

    assert names >= {f"p{number}" for number in range(100)}
    assert not [name for name in sys.modules if name.startswith("plugin_")]
