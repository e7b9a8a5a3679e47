from __future__ import annotations

import os
from typing import Any, Callable

import pytest

from nv_one_logger.core.internal.utils import evaluate_value, patch_function, patch_method, temporarily_modify_env

NAME = "TEST_UTILS_VARIABLE"


def test_variable_is_set_inside_and_removed_afterwards() -> None:
    with temporarily_modify_env(NAME, "inside"):
        assert os.environ[NAME] == "inside"
    assert NAME not in os.environ


def test_variable_is_removed_inside_and_restored_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "before")
    with temporarily_modify_env(NAME):
        assert NAME not in os.environ
    assert os.environ[NAME] == "before"


def test_variable_that_was_absent_does_not_leak_when_the_block_sets_it() -> None:
    with temporarily_modify_env(NAME):
        os.environ[NAME] = "set inside"
    assert NAME not in os.environ


def test_variable_is_restored_when_the_block_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "before")
    with pytest.raises(ValueError, match="boom"), temporarily_modify_env(NAME, "inside"):
        raise ValueError("boom")
    assert os.environ[NAME] == "before"


@pytest.mark.parametrize("value", [3, "text", None, [1]])
def test_plain_value_is_returned_as_it_is(value: Any) -> None:
    assert evaluate_value(value) is value


def test_callable_is_called() -> None:
    assert evaluate_value(lambda: 7) == 7


def test_patched_function_passes_the_original_to_the_wrapper() -> None:
    def add(left: int, right: int = 0) -> int:
        """Add."""
        return left + right

    @patch_function(add)
    def doubled(original: Callable[..., int], *args: Any, **kwargs: Any) -> int:
        return 2 * original(*args, **kwargs)

    assert doubled(1, right=2) == 6
    assert (doubled.__name__, doubled.__doc__) == ("add", "Add.")


def test_patched_method_works_for_instances_that_exist_already() -> None:
    class Counter:
        def __init__(self, step: int) -> None:
            self.step = step

        def advance(self, times: int) -> int:
            """Advance."""
            return self.step * times

    before = Counter(3)

    @patch_method(Counter.advance)
    def negated(original: Callable[..., int], self: Counter, *args: Any) -> int:
        return -original(self, *args)

    Counter.advance = negated  # type: ignore[method-assign]
    assert before.advance(2) == -6
    assert Counter(1).advance(2) == -2
    assert (Counter.advance.__name__, Counter.advance.__doc__) == ("advance", "Advance.")
