from __future__ import annotations

import os
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict

import pytest

from nv_one_logger.config.models import OriginKind
from nv_one_logger.config.sources import DEFAULT_FILE_NAMES, find_file, load_entries, load_sources
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.exporter.exporter_config import ExporterConfig

YAML = "exporters:\n  - class_name: file\n    config: {file_path: ${RUN:-x}}\n".replace("${RUN:-x}", "'${RUN:-x}'")


def test_without_anything_there_is_nothing(workdir: Path, environ: Dict[str, str]) -> None:
    sources = load_sources(environ=environ)

    assert (sources.code, sources.file, sources.all_problems()) == ((), None, ())


def test_file_that_was_given_beats_the_variable_and_the_working_directory(workdir: Path) -> None:
    for name in ("given.yaml", "named.yaml", DEFAULT_FILE_NAMES[0]):
        Path(name).write_text(YAML)

    given = load_sources(None, "given.yaml", environ={"ONE_LOGGER_EXPORTER_CONFIG_PATH": "named.yaml"})
    named = load_sources(environ={"ONE_LOGGER_EXPORTER_CONFIG_PATH": "named.yaml"})
    found = load_sources(environ={"ONE_LOGGER_EXPORTER_CONFIG_PATH": ""})

    assert given.file is not None
    assert (given.file.path, given.file.origin.asked) == (Path("given.yaml"), True)
    assert named.file is not None
    assert (named.file.path, named.file.origin.asked) == (Path("named.yaml"), True)
    assert named.file.origin.label == "named.yaml (named by ONE_LOGGER_EXPORTER_CONFIG_PATH)"
    assert found.file is not None
    assert (found.file.origin.label, found.file.origin.asked) == (DEFAULT_FILE_NAMES[0], False)


def test_default_names_are_looked_for_in_order(workdir: Path, environ: Dict[str, str]) -> None:
    assert tuple(f"one_logger_exporters_config.{suffix}" for suffix in ("yaml", "yml", "json")) == DEFAULT_FILE_NAMES
    for name in reversed(DEFAULT_FILE_NAMES):
        Path(name).write_text("{}")
        found = find_file(None, environ=environ)
        assert found is not None
        assert found[0] == Path(name)


def test_working_directory_may_be_another(tmp_path: Path, environ: Dict[str, str]) -> None:
    (tmp_path / DEFAULT_FILE_NAMES[2]).write_text('{"exporters": []}')

    sources = load_sources(environ=environ, cwd=tmp_path)

    assert sources.file is not None
    assert sources.file.origin.file == str(tmp_path / DEFAULT_FILE_NAMES[2])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", YAML),
        ("a.YML", YAML),
        ("a.json", '{"exporters": [{"class_name": "file", "config": {"file_path": "${RUN:-x}"}}]}'),
        ("a.Json", '\ufeff{"exporters": [{"class_name": "file", "config": {"file_path": "${RUN:-x}"}}]}'),
    ],
)
def test_format_follows_from_the_suffix(name: str, text: str, workdir: Path) -> None:
    Path(name).write_text(text, encoding="utf-8")

    sources = load_sources(None, Path(name), environ={"RUN": "run7"})

    assert sources.file is not None
    assert sources.file.problems == ()
    setting = sources.file.entries[0].config["file_path"]
    assert setting.value == "run7"
    assert setting.origin.variables == ("RUN",)


def test_file_and_environment_are_read_at_once(workdir: Path, environ: Dict[str, str]) -> None:
    Path("a.yaml").write_text(YAML)
    environ["RUN"] = "early"
    sources = load_sources(None, "a.yaml", environ=environ)
    environ["RUN"] = "late"
    Path("a.yaml").unlink()

    assert sources.file is not None
    assert sources.file.entries[0].config["file_path"].value == "early"


def test_entries_given_in_code_are_read_at_once_and_never_changed() -> None:
    config: Dict[str, Any] = {"labels": {"a": 1}}
    given = [{"class_name": "file", "config": config}]
    (entry,), problems = load_entries(given)
    config["labels"]["a"] = 2
    config["more"] = 3

    assert problems == ()
    assert {key: setting.value for key, setting in entry.config.items()} == {"labels": {"a": 1}}
    assert given == [{"class_name": "file", "config": {"labels": {"a": 2}, "more": 3}}]


def test_dicts_mappings_and_objects_may_be_mixed() -> None:
    entries, problems = load_entries(
        [
            {"class_name": "a.A"},
            ExporterConfig("b.B", {"x": 1}, False, name="b", background=True),
            MappingProxyType({"class_name": "c.C", "config": MappingProxyType({"y": 2})}),
        ],
        call_site="train.py:3",
    )

    assert problems == ()
    assert [entry.class_name.value for entry in entries if entry.class_name is not None] == ["a.A", "b.B", "c.C"]
    assert [entry.is_enabled for entry in entries] == [True, False, True]
    assert [entry.own_name for entry in entries] == ["", "b", ""]
    assert entries[1].background is not None
    assert entries[2].config["y"].value == 2
    assert all(entry.origin.label == "code at train.py:3" for entry in entries)
    assert entries[0].origin.kind is OriginKind.CODE


@pytest.mark.parametrize("wrong", [{"class_name": "file"}, "file", 3, {"file"}, iter(())])
def test_entries_that_are_no_list_raise_at_once(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"exporters_config is a \w+, not a list of entries"):
        load_sources(wrong)


@pytest.mark.parametrize(("wrong", "problem"), [(3, "is a int, not a path"), ("", "is empty"), (b"x", "is a bytes")])
def test_path_that_is_none_raises_at_once(wrong: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load_sources(None, wrong)


def problem_of(path: Path) -> str:
    sources = load_sources(None, path, environ={})
    assert sources.file is not None
    assert sources.file.is_broken
    (problem,) = sources.all_problems()
    return problem.error.problem


def test_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()

    assert problem_of(tmp_path / "a.yaml") == "is not a regular file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")

    assert problem_of(tmp_path / "a.yaml") == "is not a regular file"


def test_path_the_system_refuses_is_reported(tmp_path: Path) -> None:
    assert problem_of(tmp_path / ("x" * 300 + ".yaml")).startswith("cannot be read (")
    reason = problem_of(tmp_path / "a\0.yaml")
    assert reason.startswith("cannot be read (") or reason == "does not exist"  # newer Pythons treat it as missing


def test_link_to_nothing_is_a_broken_file_not_a_missing_one(workdir: Path, environ: Dict[str, str]) -> None:
    os.symlink("nowhere", DEFAULT_FILE_NAMES[0])

    sources = load_sources(environ=environ)

    assert sources.file is not None
    (problem,) = sources.file.problems
    assert (problem.error.problem, problem.asked, problem.is_error) == ("does not exist", False, True)


def test_mistakes_of_form_and_content_come_together_once_each(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("exporters:\n  - class_name: 010\n    enabld: ${NOT_SET}\n    name: &x !!int y\n  - name: *x\n")

    sources = load_sources(None, path, environ={})

    assert sources.file is not None
    keys = [problem.error.key for problem in sources.file.problems]
    assert sorted(keys) == sorted(set(keys))
    assert set(keys) >= {"exporters[0].class_name", "exporters[0].enabld", "exporters[0].name"}


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read every file")
def test_file_that_may_not_be_read_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(YAML)
    path.chmod(0)

    assert problem_of(path) == "cannot be read (Permission denied)"
