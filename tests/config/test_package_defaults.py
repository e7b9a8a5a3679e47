from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from nv_one_logger.config.models import OriginKind
from nv_one_logger.config.package_defaults import duplicate_defaults, origin_of, read_default, unread_default
from nv_one_logger.exporter.exporter_config import ExporterConfig
from nv_one_logger.host.catalogue import DEFAULTS_GROUP, Catalogue, CatalogueEntry


class Point:
    """An entry point that gives a ready object."""

    value = "acme.defaults:Defaults"
    group = DEFAULTS_GROUP
    dist = None

    def __init__(self, answer: Any, name: str = "acme") -> None:
        self.name = name
        self._answer = answer

    def load(self) -> object:
        answer = self._answer

        class Defaults:
            @staticmethod
            def get_default_config() -> Any:
                if isinstance(answer, BaseException):
                    raise answer
                return answer

        return Defaults


def entry_of(answer: Any) -> CatalogueEntry:
    (found,) = Catalogue(lambda: {DEFAULTS_GROUP: [Point(answer)]}).package_defaults()
    return found


def test_answer_becomes_an_entry_named_by_its_entry_point() -> None:
    answer = {"class_name": "file", "config": {"file_path": "x"}, "enabled": False, "background": True}
    entry, problems = read_default(entry_of(answer))

    assert problems == []
    assert entry is not None
    assert (entry.own_name, entry.is_enabled) == ("acme", False)
    assert entry.config["file_path"].value == "x"
    assert entry.config["file_path"].origin.kind is OriginKind.PACKAGE
    assert not entry.origin.asked


def test_answer_may_be_an_exporter_config() -> None:
    entry, problems = read_default(entry_of(ExporterConfig("file", {"file_path": "x"})))

    assert problems == []
    assert entry is not None
    assert entry.config["file_path"].value == "x"


def test_unknown_key_is_ignored_with_a_warning() -> None:
    entry, problems = read_default(entry_of({"class_name": "file", "name": "x", "comment": "y"}))

    assert entry is not None
    assert [problem.error.problem for problem in problems] == [
        "has the unknown key 'name', which is ignored",
        "has the unknown key 'comment', which is ignored",
    ]
    assert not any(problem.asked for problem in problems)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (None, "returned a NoneType, not a dict"),
        ([], "returned a list, not a dict"),
        ({}, "has neither a class_name nor a name"),
        ({"class_name": 7}, "is a number, not a text"),
        ({"class_name": "file", "config": 3}, "is a number, not a mapping"),
        (ValueError("no GPU"), "raised ValueError: no GPU"),
        (SystemExit(3), "raised SystemExit: 3"),
    ],
)
def test_wrong_answer_is_reported_and_gives_no_entry(answer: Any, problem: str) -> None:
    entry, problems = read_default(entry_of(answer))

    assert entry is None
    assert [found.error.problem for found in problems] == [problem]
    assert problems[0].error.source == "an unknown distribution (entry point 'acme')"
    assert not problems[0].asked


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("raise OSError('gone')", "cannot be loaded (OSError: gone)"),
        ("Defaults = None", "has no get_default_config() to call"),
        ("class Defaults: get_default_config = 3", "has no get_default_config() to call"),
    ],
)
def test_broken_distribution_is_named_with_its_reference_and_a_remedy(
    text: str, problem: str, install: Callable[..., Path]
) -> None:
    points = {DEFAULTS_GROUP: {"bad": "bad_defaults:Defaults"}}
    install("bad-dist", "3.1", entry_points=points, modules={"bad_defaults": text})
    point = next(found for found in Catalogue().package_defaults() if found.name == "bad")

    entry, (found,) = read_default(point)

    assert entry is None
    assert str(found.error) == (
        f"bad-dist 3.1 (entry point 'bad'): bad_defaults:Defaults {problem}. "
        "Tell its authors; until then switch it off with ONE_LOGGER_DISABLE."
    )


def test_default_that_is_off_stands_there_without_being_imported(install: Callable[..., Path]) -> None:
    install("off-dist", entry_points={DEFAULTS_GROUP: {"off": "off_defaults:D"}}, modules={"off_defaults": "1 / 0"})
    point = next(found for found in Catalogue().package_defaults() if found.name == "off")

    entry = unread_default(point)

    assert (entry.own_name, entry.is_loaded, entry.class_name) == ("off", False, None)
    assert (origin_of(point).distribution, origin_of(point).version) == ("off-dist", "1.0")
    assert "off_defaults" not in sys.modules


def test_name_of_several_distributions_is_reported_once() -> None:
    names: Dict[str, int] = {"same": 2, "other": 1}
    points: List[Point] = [Point(None, name) for name, times in names.items() for _ in range(times)]
    for number, point in enumerate(points):
        point.value = f"m{number}:D"
    found = Catalogue(lambda: {DEFAULTS_GROUP: points}).package_defaults()

    (problem,) = duplicate_defaults(found)

    assert str(problem.error) == (
        "package defaults: entry point nv_one_logger.exporter_configs = 'same' is published by an unknown distribution "
        "and an unknown distribution; all of them take effect. Ask the authors for different names, or uninstall one."
    )
