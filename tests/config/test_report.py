from __future__ import annotations

import logging

import pytest

from nv_one_logger.config.models import Problem
from nv_one_logger.config.report import combined, in_order, is_raised, report, with_further
from nv_one_logger.core.exceptions import ConfigError, ConfigErrors

ASKED = Problem(ConfigError("asked"), asked=True)
FOUND = Problem(ConfigError("found"), asked=False)
STRAY = Problem(ConfigError("stray"), asked=False, is_error=True)


@pytest.mark.parametrize(
    ("problem", "quiet", "strict", "expected"),
    [
        (ASKED, False, False, True),
        (ASKED, True, False, False),
        (ASKED, True, True, True),
        (FOUND, False, False, False),
        (FOUND, False, True, True),
        (FOUND, True, True, True),
        (STRAY, False, False, False),
        (STRAY, True, True, True),
    ],
)
def test_what_raises(problem: Problem, quiet: bool, strict: bool, expected: bool) -> None:
    assert is_raised(problem, quiet=quiet, strict=strict) is expected


def test_rest_is_logged_and_a_stray_file_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    report([ASKED, FOUND, STRAY], quiet=True, strict=False)

    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "asked"),
        (logging.WARNING, "found"),
        (logging.ERROR, "stray"),
    ]


def test_warnings_are_logged_also_when_something_else_raises(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match="asked"):
        report([ASKED, FOUND], quiet=False, strict=False)

    assert [record.getMessage() for record in caplog.records] == ["found"]


def test_several_mistakes_come_in_one_error() -> None:
    with pytest.raises(ConfigErrors) as raised:
        report([ASKED, FOUND, STRAY], quiet=False, strict=True)

    assert str(raised.value) == "asked\nfound\nstray"
    assert raised.value.errors == (ASKED.error, FOUND.error, STRAY.error)


def test_single_mistake_is_raised_itself() -> None:
    assert combined([ASKED.error]) is ASKED.error


def error(file: str, line: int, key: str = "", problem: str = "is bad") -> Problem:
    return Problem(ConfigError(problem, file=file, line=line, column=1, key=key), asked=True)


def test_mistakes_of_a_file_are_sorted_by_place_and_sources_stay_in_order() -> None:
    problems = [error("", 0, "code"), error("b", 9), error("a", 5), error("b", 2)]

    assert [(p.error.file, p.error.line) for p in in_order(problems)] == [("", 0), ("b", 2), ("b", 9), ("a", 5)]


def test_mistake_that_follows_from_a_known_one_is_left_out() -> None:
    known = [error("a", 1, "e[0].config")]
    further = [
        error("a", 1, "e[0].config"),
        error("a", 2, "e[0].config.x"),
        error("a", 2, "e[0].config[1]"),
        error("a", 3, "e[0].configure"),
        error("b", 2, "e[0].config.x"),
    ]

    assert [(p.error.file, p.error.key) for p in with_further(known, further)] == [
        ("a", "e[0].config"),
        ("a", "e[0].configure"),
        ("b", "e[0].config.x"),
    ]


def test_same_text_is_not_repeated_even_without_a_key() -> None:
    assert with_further([ASKED], [ASKED, FOUND]) == [ASKED, FOUND]
