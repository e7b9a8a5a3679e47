"""What the built distributions contain, declare and need."""

from __future__ import annotations

import ast
import tarfile
from configparser import ConfigParser
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict, Iterator, List, Mapping, Set

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "plugins" / "training-telemetry"
NEEDS_AN_EXTRA = ("nv_one_logger/cli/", "nv_one_logger/testing/")  # click and rich; pytest
SHARED = ("nv_one_logger/training_telemetry/", "nv_one_logger/training_recorder/")


def source_files() -> Dict[str, bytes]:
    files = (path for path in (ROOT / "nv_one_logger").rglob("*") if path.is_file())
    return {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in files if "__pycache__" not in p.parts}


def folders_with_init(files: Mapping[str, bytes]) -> Set[str]:
    return {str(PurePosixPath(path).parent) for path in files if path.endswith("/__init__.py")}


def entry_points(built: Any) -> Dict[str, Dict[str, str]]:
    parser = ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parser.read_string(built.info()["entry_points.txt"])
    return {section: dict(parser[section]) for section in parser.sections()}


def names_in(module: str) -> Iterator[str]:
    """Yield the top-level names of a module of the source tree, without importing it."""
    base = ROOT.joinpath(*module.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


# --- core ------------------------------------------------------------------------------------------------------------


def test_core_contains_the_whole_tree_and_nothing_else(built: Mapping[str, Any]) -> None:
    assert built["core"].files() == source_files()


@pytest.mark.parametrize("name", ["core", "training_telemetry"])
def test_wheel_from_the_sdist_equals_the_one_from_the_checkout(built: Mapping[str, Any], name: str) -> None:
    assert built[name].files() == built[name].direct_files()


@pytest.mark.parametrize("name", ["core", "training_telemetry"])
def test_sdist_brings_what_a_reader_expects(built: Mapping[str, Any], name: str) -> None:
    with tarfile.open(built[name].sdist) as archive:
        paths = {path.split("/", 1)[1] for path in archive.getnames()}
    assert {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "PKG-INFO"} <= paths


@pytest.mark.parametrize("name", ["core", "training_telemetry"])
@pytest.mark.parametrize("namespace", ["nv_one_logger", "nv_one_logger/training_telemetry"])
def test_namespaces_have_no_init(built: Mapping[str, Any], name: str, namespace: str) -> None:
    assert namespace not in folders_with_init(built[name].files())


@pytest.mark.parametrize("name", ["core", "training_telemetry"])
def test_every_regular_package_is_marked_as_typed(built: Mapping[str, Any], name: str) -> None:
    files = built[name].files()
    assert [folder for folder in sorted(folders_with_init(files)) if f"{folder}/py.typed" not in files] == []


@pytest.mark.parametrize("name", ["core", "training_telemetry"])
def test_wheel_is_for_every_platform_and_carries_the_licence(built: Mapping[str, Any], name: str) -> None:
    assert built[name].wheel.name.endswith("-py3-none-any.whl")
    assert built[name].info()["licenses/LICENSE"] == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert built[name].headers()["License-Expression"] == "Apache-2.0"
    assert built[name].headers()["Requires-Python"] == ">=3.8"


def test_core_needs_only_the_dependencies_of_its_design(built: Mapping[str, Any]) -> None:
    required: List[str] = built["core"].headers().get_all("Requires-Dist")
    assert sorted(item.replace('"', "'") for item in required if "extra ==" not in item) == [
        "importlib-metadata>=4.6; python_version < '3.10'",
        "overrides>=7.3",
        "pluggy<2,>=1.5",
        "pydantic<3,>=2.10",
        "pyyaml>=6",
    ]


def test_heavier_dependencies_sit_behind_an_extra(built: Mapping[str, Any]) -> None:
    headers = built["core"].headers()
    behind = {item.split(">")[0] for item in headers.get_all("Requires-Dist") if "extra == 'cli'" in item}
    assert headers.get_all("Provides-Extra") == ["cli"]
    assert behind == {"click", "rich"}


def test_every_entry_point_leads_to_something_that_exists(built: Mapping[str, Any]) -> None:
    groups = entry_points(built["core"])
    for value in (value for group in groups.values() for value in group.values()):
        module, _, attribute = value.partition(":")
        assert not attribute or attribute in names_in(module), value
        assert list(names_in(module)), value


def test_built_in_exporters_are_in_the_catalogue(built: Mapping[str, Any]) -> None:
    groups = entry_points(built["core"])
    assert groups["console_scripts"] == {"one-logger": "nv_one_logger.cli.main:main"}
    assert {"file", "logger"} <= set(groups["nv_one_logger.exporters"])
    assert "demo" in groups["nv_one_logger.commands"]


# --- training telemetry ----------------------------------------------------------------------------------------------


def test_training_telemetry_contains_the_same_files_as_core(built: Mapping[str, Any]) -> None:
    shared = {path: content for path, content in built["core"].files().items() if path.startswith(SHARED)}
    assert "nv_one_logger/training_telemetry/api/__init__.py" in shared
    assert built["training_telemetry"].files() == shared


def test_both_distributions_have_one_version_and_depend_on_it(built: Mapping[str, Any]) -> None:
    version = built["core"].headers()["Version"]
    headers = built["training_telemetry"].headers()
    assert headers["Version"] == version
    assert headers.get_all("Requires-Dist") == [f"nv-one-logger-core=={version}"]


def test_licence_of_training_telemetry_is_a_true_copy() -> None:
    assert (PLUGIN / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


# --- installed -------------------------------------------------------------------------------------------------------


def test_core_alone_installs_and_every_module_works_without_extras(
    make_environment: Callable[[], Any], built: Mapping[str, Any]
) -> None:
    environment = make_environment()
    environment.pip("install", "nv-one-logger-core")

    environment.pip("check")
    paths = [path for path in built["core"].files() if path.endswith(".py") and not path.startswith(NEEDS_AN_EXTRA)]
    modules = [path[: -len(".py")].replace("/", ".") for path in paths]
    environment.run(f"import importlib\nfor name in {modules!r}: importlib.import_module(name)")


def test_command_without_its_extra_names_the_remedy(installed: Any) -> None:
    said = installed.run(
        "import subprocess, pathlib, sys\n"
        "command = pathlib.Path(sys.executable).parent / 'one-logger'\n"
        "done = subprocess.run([str(command), '--help'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)\n"
        "print(done.returncode, done.stdout.decode())"
    )

    assert not said.startswith("0 ")
    assert "nv-one-logger-core[cli]" in said
    assert "Traceback" not in said


def test_installed_distribution_publishes_its_exporters(installed: Any) -> None:
    found = installed.run(
        "from importlib.metadata import distribution\n"
        "for item in distribution('nv-one-logger-core').entry_points:\n"
        "    if item.group == 'nv_one_logger.exporters':\n"
        "        print(item.name, item.load().__name__)"
    )

    assert set(found.splitlines()) == {"file FileExporter", "logger LoggerExporter"}
