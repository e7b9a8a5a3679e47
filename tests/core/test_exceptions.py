from __future__ import annotations

import pytest

from nv_one_logger.core.exceptions import ConfigError, ConfigErrors, OneLoggerError, PluginError, assert_that
from nv_one_logger.exporter.exporter import ExportError


def test_one_except_catches_every_error_of_the_library() -> None:
    assert all(issubclass(error, OneLoggerError) for error in (ConfigError, ConfigErrors, PluginError, ExportError))


def test_message_is_the_text() -> None:
    error = OneLoggerError("what went wrong")
    assert (str(error), error.message) == ("what went wrong", "what went wrong")


@pytest.mark.parametrize("condition", [False, None, 0, "", []])
def test_falsy_condition_raises(condition: object) -> None:
    with pytest.raises(OneLoggerError, match=r"^no luck$"):
        assert_that(condition, "no luck")


def test_truthy_condition_passes() -> None:
    assert_that([0], "never seen")


def test_config_error_names_source_key_value_and_remedy() -> None:
    error = ConfigError(
        "cannot be imported (No module named 'acme')",
        source="config.yaml, line 7",
        key="exporters[1].class_name",
        value="acme.AcmeExporter",
        remedy="Run 'pip install acme' or set enabled: false",
    )
    assert str(error) == (
        "config.yaml, line 7: exporters[1].class_name = 'acme.AcmeExporter' cannot be imported "
        "(No module named 'acme'). Run 'pip install acme' or set enabled: false."
    )
    assert (error.source, error.key, error.value) == (
        "config.yaml, line 7",
        "exporters[1].class_name",
        "acme.AcmeExporter",
    )


def test_config_error_leaves_out_what_is_not_given() -> None:
    assert str(ConfigError("is broken")) == "is broken"
    assert str(ConfigError("is missing", key="exporters")) == "exporters is missing"
    assert str(ConfigError("is no number", value="x", remedy="Pass one")) == "'x' is no number. Pass one."


def test_several_config_errors_stand_one_per_line() -> None:
    errors = ConfigErrors([ConfigError("is bad", key="a"), ConfigError("is worse", key="b")])
    assert str(errors) == "a is bad\nb is worse"
    assert [error.key for error in errors.errors] == ["a", "b"]


class NoText:
    def __repr__(self) -> str:
        raise ValueError("no text")


def test_value_without_a_text_can_be_reported() -> None:
    assert str(ConfigError("is wrong", key="k", value=NoText())) == "k = <NoText without a text> is wrong"
    assert str(ConfigError("is wrong", value=10**6000)) == "<int without a text> is wrong"


def test_text_can_be_shown_anywhere_and_the_attributes_are_as_given() -> None:
    error = ConfigError("is\x1b[2J\tbad\n\ud800", source="a\nb", key="k\x00", value="\x07", remedy="Do \udc80")
    assert str(error) == "a\\nb: k\\x00 = '\\x07' is\\x1b[2J\tbad\n\\ud800. Do \\udc80."
    assert (error.key, error.value, error.problem) == ("k\x00", "\x07", "is\x1b[2J\tbad\n\ud800")


def test_long_parts_are_cut() -> None:
    error = ConfigError("p" * 10_000, source="s" * 10_000, key="k" * 10_000, value="v" * 10_000)
    assert len(str(error)) < 4000
    assert str(error).count("(10000 characters)") == 3


def test_hundred_mistakes_are_shown_and_all_are_kept() -> None:
    errors = ConfigErrors(ConfigError("is wrong", key=f"k{number}") for number in range(9000))
    assert len(errors.errors) == 9000
    assert str(errors).splitlines()[-2:] == ["k99 is wrong", "... and 8900 more mistakes."]
