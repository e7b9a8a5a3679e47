from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

from nv_one_logger.config.loading import LoadError, import_object, is_buildable, load_plugin
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host.catalogue import Catalogue

CATALOGUE = Catalogue(dict)


def load(class_name: str) -> object:
    return load_plugin(class_name, CATALOGUE)


@pytest.mark.parametrize(
    "class_name",
    [
        "file",
        "nv_one_logger.exporter.file_exporter.FileExporter",
        "nv_one_logger.exporter.file_exporter:FileExporter",
        "nv_one_logger.exporter.FileExporter",
    ],
)
def test_exporter_is_found_by_catalogue_name_and_by_path(class_name: str) -> None:
    assert load(class_name) is FileExporter


def test_everything_that_is_a_plugin_is_accepted(acme: str) -> None:
    assert is_buildable(load("acme.AcmeExporter"))
    assert is_buildable(load("acme:Tap"))
    assert not is_buildable(load("acme.tap"))
    assert isinstance(load("acme"), ModuleType)


def test_exporter_made_by_a_module_is_accepted(module: Callable[[str, str], str]) -> None:
    module("ready", "from nv_one_logger.exporter.file_exporter import FileExporter\nexporter = FileExporter('x')\n")

    assert isinstance(load("ready.exporter"), FileExporter)


def test_module_inside_a_package_is_imported(site: Path) -> None:
    (site / "parent").mkdir()
    (site / "parent" / "__init__.py").write_text("")
    (site / "parent" / "hooks.py").write_text(
        "from nv_one_logger.host import hookimpl\n@hookimpl\ndef close(): ...\nclass Outer:\n  class Inner: ...\n"
    )

    assert getattr(load("parent.hooks"), "__name__", "") == "parent.hooks"
    assert getattr(import_object("parent.hooks:Outer.Inner"), "__name__", "") == "Inner"
    assert getattr(import_object("parent.hooks.Outer.Inner"), "__name__", "") == "Inner"


def test_module_nobody_imported_is_found_in_a_package_that_is_loaded(site: Path) -> None:
    (site / "outer" / "inner").mkdir(parents=True)
    for package in ("outer", "outer/inner"):
        (site / package / "__init__.py").write_text("")
    (site / "outer" / "inner" / "late.py").write_text(
        "from nv_one_logger.exporter.file_exporter import FileExporter\nclass Late(FileExporter): ...\n"
    )
    import_object("outer.inner:__name__")

    assert getattr(load("outer.inner.late.Late"), "__name__", "") == "Late"


def test_module_that_exists_only_in_memory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("made.up.module")
    module.Exporter = FileExporter  # type: ignore[attr-defined]  # a module made for the test
    monkeypatch.setitem(sys.modules, "made.up.module", module)

    assert load("made.up.module.Exporter") is FileExporter


@pytest.mark.parametrize(
    "class_name", ["subprocess.Popen", "os.system", "builtins.eval", "builtins.dict", "logging", "acme.Settings"]
)
def test_nothing_else_is_let_through(class_name: str, acme: str) -> None:
    with pytest.raises(LoadError, match="neither an exporter nor a plugin"):
        load(class_name)


def test_error_inside_a_module_is_not_taken_for_a_missing_module(module: Callable[[str, str], str]) -> None:
    module("needs", "import a_module_nobody_has\n")

    with pytest.raises(LoadError) as raised:
        load("needs.Exporter")

    assert raised.value.problem == "cannot be imported (No module named 'a_module_nobody_has')"
    assert raised.value.remedy == "Correct the path or set enabled: false"


@pytest.mark.parametrize("class_name", ["", ".", ":", "a..b", ":x", "x:", "..", "1/2"])
def test_malformed_path_is_an_error_like_others(class_name: str) -> None:
    with pytest.raises(LoadError):
        load(class_name)
