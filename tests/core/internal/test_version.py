from __future__ import annotations

import logging
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any, Optional

import pytest

from nv_one_logger.core.internal import version as version_module
from nv_one_logger.core.internal.version import find_pyproject, get_version, get_version_from_pyproject

ROOT = Path(__file__).resolve().parents[3]


def not_installed(name: str) -> str:
    raise PackageNotFoundError(name)


def declared_version() -> str:
    (line,) = [
        line
        for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
        if line.startswith("version")
    ]
    return line.split('"')[1]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree whose package is not installed; the test writes its pyproject.toml."""
    package = tmp_path / "project" / "package"
    package.mkdir(parents=True)
    monkeypatch.setattr(version_module, "__file__", str(package / "version.py"))
    monkeypatch.setattr(version_module, "version", not_installed)
    return package.parent


def test_version_of_an_installed_distribution_is_that_of_its_metadata() -> None:
    assert get_version("pytest") == pytest.__version__


def test_source_tree_reports_the_version_its_pyproject_declares(project: Path) -> None:
    (project / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert get_version("nv-one-logger-core") == declared_version()


def test_version_of_a_stranger_above_the_module_is_never_reported(
    project: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "stranger"\nversion = "9.9"\n', encoding="utf-8")
    assert get_version("nv-one-logger-core") == "unknown"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert capsys.readouterr() == ("", "")


def test_missing_pyproject_is_no_output_and_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(version_module, "find_pyproject", lambda: None)
    assert get_version_from_pyproject() is None
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[project]\nname = "a-b"\nversion = "1.2"  # both\n', "1.2"),
        ("[project]\nname = 'A_b'\nversion = '1.2'\n", "1.2"),
        ('[tool.poetry]\nname = "a.b"\nversion = "3.4"\n', "3.4"),
        ('[project]\nname = "a-b"\n[tool.poetry]\nname = "a-b"\nversion = "3.4"\n', "3.4"),
        ('[project]\nname = "a-b"\ndynamic = ["version"]\n', None),
        ('[project]\nversion = "1.2"\n', None),
        ('[[tool.poetry.source]]\nname = "a-b"\nversion = "5"\n', None),
        ('[tool.poetry.dependencies]\nversion = "5"\n', None),
        ('[project]\nname = "a-b"\n[[project.list]]\nversion = "5"\n', None),
        ("", None),
    ],
)
def test_pyproject_counts_only_for_the_package_it_names(project: Path, text: str, expected: Optional[str]) -> None:
    (project / "pyproject.toml").write_text(text, encoding="utf-8")
    assert get_version_from_pyproject("a-b") == expected


def test_without_a_name_the_nearest_project_is_meant(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.poetry]\nname = "any"\nversion = "3.4"\n', encoding="utf-8")
    assert get_version_from_pyproject() == "3.4"


@pytest.mark.parametrize("text", ['project = "text"\n', "[project]\nversion = 3\nname = 'a'\n", 'tool = "x"\n'])
def test_odd_pyproject_is_no_error(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text, encoding="utf-8")
    assert get_version("a-b") == "unknown"


def test_unreadable_pyproject_is_logged_and_ignored(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    (project / "pyproject.toml").write_bytes(b"\xff\xfe[project")
    assert get_version_from_pyproject() is None
    assert "cannot be read" in caplog.text


def test_minimal_parser_finds_what_a_toml_parser_finds() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    text += '[tool.poetry]\nname = "p"\n[[tool.poetry.source]]\nname = "s"\n[tool.poetry.group]\nversion = "5"\n'
    assert version_module._parse_names_and_versions(text) == {
        "project": {"name": "nv-one-logger-core", "version": declared_version()},
        "tool": {"poetry": {"name": "p"}},
    }


def test_metadata_without_a_version_is_not_believed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: Any = lambda name: None  # noqa: E731  # what importlib.metadata returns for broken metadata before 3.13
    monkeypatch.setattr(version_module, "version", broken)
    assert get_version("a-b") == "unknown"


def test_nearest_pyproject_wins(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert find_pyproject(inner) == (tmp_path / "pyproject.toml").resolve()
    (inner / "pyproject.toml").touch()
    assert find_pyproject(inner) == (inner / "pyproject.toml").resolve()


def test_root_of_the_file_system_is_not_inspected() -> None:
    assert find_pyproject(Path(ROOT.anchor)) is None
