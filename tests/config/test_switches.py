from __future__ import annotations

import pytest

from nv_one_logger.config.switches import DISABLE, DISABLED, EXPLAIN, SAFE_MODE, STRICT, Switches


def test_without_variables_nothing_is_switched() -> None:
    assert Switches.from_environ({}) == Switches()


@pytest.mark.parametrize("text", ["1", "true", "YES", " on "])
def test_variables_switch_on(text: str) -> None:
    switches = Switches.from_environ(dict.fromkeys((DISABLED, EXPLAIN, SAFE_MODE, STRICT), text))

    assert switches == Switches(safe_mode=True, disabled=True, explain=True, strict=True)


@pytest.mark.parametrize("text", ["", "0", "false", "No", "off"])
def test_variables_switch_off(text: str) -> None:
    assert Switches.from_environ(dict.fromkeys((DISABLED, EXPLAIN, SAFE_MODE, STRICT), text)) == Switches()


def test_odd_value_is_off_and_reported() -> None:
    switches = Switches.from_environ({STRICT: "very"})

    assert not switches.strict
    assert [str(problem) for problem in switches.problems] == [
        "environment: ONE_LOGGER_STRICT = 'very' is neither on nor off, and is taken as off. Set it to 1 or 0."
    ]


def test_names_to_disable_are_split_at_commas() -> None:
    assert Switches.from_environ({DISABLE: " wandb, otel,,wandb "}).disable == ("wandb", "otel")
