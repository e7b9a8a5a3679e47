"""Plugins of others, built with their own tools, installed by pip beside ours, and configured from every source."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Set

import pytest

# A platform team's package of defaults, as the contract shows it, made with setuptools.
SETUPTOOLS = {
    "setup.py": """
from setuptools import find_packages, setup

setup(
    name="my-team-exporter-config",
    version="1.4.0",
    packages=find_packages(),
    python_requires=">=3.8",
    install_requires=["nv-one-logger-core>=2.1.0,<3"],
    entry_points={
        "nv_one_logger.exporter_configs": ["my_file_exporter = my_team_exporter_config.configs:MyFileExporterConfig"],
        "nv_one_logger.exporters": ["my_exporter = my_team_exporter_config.exporter:MyExporter"],
    },
)
""",
    "my_team_exporter_config/__init__.py": "",
    "my_team_exporter_config/configs.py": """
class MyFileExporterConfig:
    @staticmethod
    def get_default_config():
        return {
            "class_name": "nv_one_logger.exporter.file_exporter.FileExporter",
            "config": {"file_path": "team.jsonl", "fsync": True, "backup_count": 3},
            "enabled": True,
        }
""",
    "my_team_exporter_config/exporter.py": """
from nv_one_logger.exporter.exporter import BaseExporter


class MyExporter(BaseExporter):
    def __init__(self, retries: int = 1) -> None:
        super().__init__()
        self.retries = retries
""",
}

# A module of bare hook functions, made with Poetry; its defaults enable it by its catalogue name.
POETRY = {
    "pyproject.toml": """
[tool.poetry]
name = "my-taps"
version = "0.2.0"
description = "Hook functions in a module"
authors = ["My Team <team@example.invalid>"]
packages = [{ include = "my_taps" }]

[tool.poetry.dependencies]
python = "^3.8"
nv-one-logger-core = "^2.1.0"

[tool.poetry.plugins."nv_one_logger.exporters"]
taps = "my_taps.hooks"

[tool.poetry.plugins."nv_one_logger.exporter_configs"]
taps_on = "my_taps.defaults:Defaults"

[build-system]
requires = ["poetry-core>=1.0.0"]
build-backend = "poetry.core.masonry.api"
""",
    "my_taps/__init__.py": "",
    "my_taps/defaults.py": """
class Defaults:
    @staticmethod
    def get_default_config():
        return {"class_name": "taps"}
""",
    "my_taps/hooks.py": """
from nv_one_logger.host import hookimpl

seen = []


@hookimpl
def export_start(span):
    seen.append(span.name_str)
""",
}

PROGRAM = """
import json, os, sys
from nv_one_logger.config import Switches, build, load_sources, resolve
from nv_one_logger.host.catalogue import Catalogue

sources = load_sources(ARGUMENTS["code"], ARGUMENTS["file"], call_site="train.py:12")
catalogue = Catalogue()
resolution = resolve([sources], catalogue, Switches.from_environ(os.environ), blocked=ARGUMENTS["blocked"])
imported_by_deciding = sorted(name for name in sys.modules if name.startswith("my_"))
built = build(resolution, one_logger_config=None, quiet=False, strict=False)
print(json.dumps({
    "catalogue": {e.name: [e.value, e.distribution, e.version] for e in catalogue.exporters()},
    "deciding": imported_by_deciding,
    "imported": sorted(name for name in sys.modules if name.startswith("my_")),
    "built": {b.name: type(b.plugin).__name__ for b in built},
    "plugins": built.explanation.as_dict()["plugins"],
    "text": built.explanation.render(),
}))
"""


class Site:
    """An environment with both distributions, in which programs configure themselves."""

    def __init__(self, environment: Any) -> None:
        self.environment = environment

    def configure(
        self,
        workdir: Path,
        *,
        code: Optional[object] = None,
        file: str = "",
        blocked: object = (),
        env: Optional[Mapping[str, str]] = None,
    ) -> Dict[str, Any]:
        """Configure in a fresh process and return what it found out."""
        if file:
            (workdir / "exporters.yaml").write_text(file)
        arguments = {"code": code, "file": "exporters.yaml" if file else None, "blocked": blocked}
        program = f"import json\nARGUMENTS = json.loads({json.dumps(arguments)!r})\n{PROGRAM}"
        return dict(json.loads(self.environment.run(program, cwd=workdir, env=env)))


def value(found: Mapping[str, Any], plugin: str, key: str) -> Dict[str, Any]:
    """Return the effective value of a plugin, its origin, and what it beat."""
    (decision,) = [item for item in found["plugins"] if item["name"] == plugin]
    (item,) = [item for item in decision["values"] if item["key"] == key]
    return dict(item)


def state(found: Mapping[str, Any], plugin: str) -> str:
    (decision,) = [item for item in found["plugins"] if item["name"] == plugin]
    return str(decision["state"])


def _build(folder: Path, files: Mapping[str, str], shelf: Path) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(shelf), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both distributions and return the folder with their wheels."""
    shelf = tmp_path_factory.mktemp("third-party")
    _build(tmp_path_factory.mktemp("setuptools"), SETUPTOOLS, shelf)
    _build(tmp_path_factory.mktemp("poetry"), POETRY, shelf)
    return shelf


@pytest.fixture(scope="session")
def site(make_site: Callable[[], Any], third_party: Path) -> Site:
    """Install both with pip, which finds ours as their dependency."""
    environment = make_site()
    environment.pip("install", "my-team-exporter-config", "my-taps", "--find-links", str(third_party))
    return Site(environment)


@pytest.fixture(scope="session")
def make_site(shelf: Path, wheels: Path, installed: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Any]:
    """Make an environment of the session's own, of the class that the shared one has."""
    return lambda: type(installed)(tmp_path_factory.mktemp("site") / "venv", shelf, wheels)


def test_pip_installed_ours_as_the_dependency_of_both(site: Site) -> None:
    assert site.environment.version("nv-one-logger-core").startswith("2.")
    assert site.environment.version("my-team-exporter-config") == "1.4.0"
    assert site.environment.version("my-taps") == "0.2.0"


def test_catalogue_knows_both_with_distribution_and_version(site: Site, tmp_path: Path) -> None:
    catalogue = site.configure(tmp_path)["catalogue"]

    assert catalogue["my_exporter"] == [
        "my_team_exporter_config.exporter:MyExporter",
        "my-team-exporter-config",
        "1.4.0",
    ]
    assert catalogue["taps"] == ["my_taps.hooks", "my-taps", "0.2.0"]
    assert set(catalogue) >= {"file", "logger"}


def test_package_defaults_run_and_deciding_imports_no_plugin(site: Site, tmp_path: Path) -> None:
    found = site.configure(tmp_path)

    assert found["built"] == {"my_file_exporter": "FileExporter", "taps_on": "module"}
    assert "my_taps.hooks" not in found["deciding"]
    assert "my_taps.hooks" in found["imported"]
    assert "my_team_exporter_config.exporter" not in found["imported"]  # in the catalogue, and nobody enabled it


def test_every_value_of_a_package_default_names_distribution_and_version(site: Site, tmp_path: Path) -> None:
    found = site.configure(tmp_path)

    origin = "my-team-exporter-config 1.4.0 (entry point 'my_file_exporter')"
    assert value(found, "my_file_exporter", "config.file_path")["origin"] == origin
    assert value(found, "my_file_exporter", "config.max_bytes")["origin"] == "default of FileExporter"


def test_yaml_changes_one_argument_and_code_another(site: Site, tmp_path: Path) -> None:
    file = "exporters:\n  - name: my_file_exporter\n    config:\n      backup_count: 9\n"
    code = [{"name": "my_file_exporter", "config": {"file_path": "mine.jsonl"}}]

    found = site.configure(tmp_path, file=file, code=code)

    def effective(key: str) -> Any:
        item = value(found, "my_file_exporter", f"config.{key}")
        return item["value"], item["origin"], [lost["value"] for lost in item["beaten"]]

    package = "my-team-exporter-config 1.4.0 (entry point 'my_file_exporter')"
    assert effective("backup_count") == (9, "exporters.yaml, line 4, column 21", [3])
    assert effective("file_path") == ("mine.jsonl", "code at train.py:12", ["team.jsonl"])
    assert effective("fsync") == (True, package, [])
    assert "beats 'team.jsonl'  <- " + package in found["text"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"file": "exporters:\n  - name: taps_on\n    enabled: false\n"}, "off"),
        ({"code": [{"name": "taps_on", "enabled": False}]}, "off"),
        ({"env": {"ONE_LOGGER_DISABLE": "taps_on"}}, "blocked"),
        ({"env": {"ONE_LOGGER_SAFE_MODE": "1"}}, "blocked"),
        ({"blocked": ["taps_on"]}, "blocked"),
    ],
    ids=["file", "code", "disable", "safe-mode", "in-code"],
)
def test_plugin_that_is_off_is_not_imported_nor_is_its_module_of_defaults(
    options: Dict[str, Any], expected: str, site: Site, tmp_path: Path
) -> None:
    found = site.configure(tmp_path, **options)

    assert state(found, "taps_on") == expected
    assert [name for name in found["imported"] if name.startswith("my_taps")] == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"file": "exporters:\n  - class_name: taps\n    enabled: false\n"}, "off"),
        ({"file": "exporters:\n  - name: taps\n    enabled: false\n"}, "off"),
        ({"env": {"ONE_LOGGER_DISABLE": "other, taps"}}, "blocked"),
        ({"env": {"ONE_LOGGER_DISABLE": "my_taps.hooks"}}, "blocked"),
    ],
    ids=["class", "catalogue-name", "disable-name", "disable-path"],
)
def test_plugin_that_is_off_by_another_of_its_names_is_not_imported(
    options: Dict[str, Any], expected: str, site: Site, tmp_path: Path
) -> None:
    found = site.configure(tmp_path, **options)

    assert state(found, "taps_on") == expected
    assert "my_taps.hooks" not in found["imported"]
    assert found["built"] == {"my_file_exporter": "FileExporter"}


def test_catalogue_entry_is_enabled_by_its_name_with_converted_arguments(site: Site, tmp_path: Path) -> None:
    found = site.configure(tmp_path, file="exporters:\n  - name: my_exporter\n    config: {retries: '4'}\n")

    assert found["built"]["my_exporter"] == "MyExporter"


def test_inherit_false_starts_without_package_defaults(site: Site, tmp_path: Path) -> None:
    found = site.configure(tmp_path, file="inherit: false\nexporters: []\n")

    assert found["built"] == {}
    assert found["imported"] == []


def test_one_switch_turns_everything_off_before_anything_is_imported(site: Site, tmp_path: Path) -> None:
    found = site.configure(tmp_path, env={"ONE_LOGGER_DISABLED": "1"})

    assert (found["plugins"], found["imported"]) == ([], [])


def test_public_front_gives_the_same_list_and_objects(site: Site, tmp_path: Path) -> None:
    program = """
from nv_one_logger.exporter.export_config_manager import ExporterConfigManager
manager = ExporterConfigManager()
configs = manager.generate_export_config([{"class_name": "file", "config": {"file_path": "mine.jsonl"}}])
print(sorted(manager.entry_point_exporter_configs))
print(sorted((c.class_name, c.enabled, dict(sorted(c.config.items()))) for c in configs))
print(sorted(getattr(e, "__name__", type(e).__name__) for e in manager.create_exporters_from_config(configs)))
"""
    names, configs, exporters = site.environment.run(program, cwd=tmp_path).splitlines()

    assert names == "['my_file_exporter', 'taps_on']"
    assert configs == (
        "[('file', True, {'backup_count': 3, 'file_path': 'mine.jsonl', 'fsync': True}), ('taps', True, {})]"
    )
    assert exporters == "['FileExporter', 'my_taps.hooks']"


PROVIDER = """
import json, sys
from nv_one_logger.training_telemetry.api.callbacks import on_app_end, on_app_start
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

provider = TrainingTelemetryProvider.instance()
provider.with_export_config([{"name": "my_file_exporter", "config": {"file_path": "mine.jsonl"}}]).configure_provider()
on_app_start()
on_app_end()
taps = sys.modules.get("my_taps.hooks")
print(json.dumps([[name for name, _ in provider.host.plugins()], taps.seen if taps else None]))
"""


@pytest.mark.parametrize(
    ("env", "plugins", "seen"),
    [
        ({}, {"my_file_exporter", "taps_on"}, ["application"]),
        ({"ONE_LOGGER_DISABLE": "taps_on"}, {"my_file_exporter"}, None),
        ({"ONE_LOGGER_DISABLED": "1"}, set(), None),
    ],
    ids=["on", "disable", "disabled"],
)
def test_provider_runs_both_and_the_switches_act_before_any_import(
    env: Dict[str, str], plugins: Set[str], seen: Optional[List[str]], site: Site, tmp_path: Path
) -> None:
    found, recorded = json.loads(site.environment.run(PROVIDER, cwd=tmp_path, env=env))

    assert set(found) == plugins
    assert recorded == seen
    assert (tmp_path / "mine.jsonl").exists() == bool(plugins)
