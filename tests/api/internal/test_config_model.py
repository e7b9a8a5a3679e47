from __future__ import annotations

import copy
import pickle
import threading
from typing import Any, Callable, List, Union

import pytest
from pydantic import ConfigDict

from nv_one_logger.api.internal import config_model
from nv_one_logger.api.internal.config_model import ConfigModel, EvaluatedOnce, warn_once


class Sample(ConfigModel):
    size_or_fn: Union[int, Callable[[], int]] = 1
    log_level: str = "INFO"

    @property
    def size(self) -> int:
        size: int = self._evaluate("size_or_fn")
        return size


def returning(*results: int) -> Callable[[], int]:
    """Return a function that gives another result at each call, and fails when it is called too often."""
    left = list(results)
    return lambda: left.pop(0)


@pytest.fixture(autouse=True)
def nothing_was_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_model, "_reported", set())


def test_callable_is_evaluated_once() -> None:
    left = [3]
    sample = Sample(size_or_fn=lambda: left.pop())
    assert left == [3]
    assert [sample.size, sample.size] == [3, 3]


def test_assignment_takes_effect_at_once() -> None:
    sample = Sample(size_or_fn=lambda: 3)
    assert sample.size == 3
    sample.size_or_fn = lambda: 4
    assert sample.size == 4
    sample.size_or_fn = 5
    assert sample.size == 5


def test_callable_that_failed_is_tried_again() -> None:
    failures = [RuntimeError("no process group yet")]

    def size() -> int:
        if failures:
            raise failures.pop()
        return 2

    sample = Sample(size_or_fn=size)
    with pytest.raises(RuntimeError, match="no process group yet"):
        _ = sample.size
    assert sample.size == 2


def test_threads_that_race_for_the_first_evaluation_get_one_value() -> None:
    both_are_inside = threading.Barrier(2)
    made = iter(range(10))

    def size() -> int:
        both_are_inside.wait(timeout=10)
        return next(made)

    sample = Sample(size_or_fn=size)
    seen: List[int] = []
    threads = [threading.Thread(target=lambda: seen.append(sample.size)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_being_read_is_no_difference_between_configurations() -> None:
    size = returning(3)
    read, fresh = Sample(size_or_fn=size), Sample(size_or_fn=size)
    assert read.size == 3
    assert read == fresh
    assert EvaluatedOnce() != object()
    assert hash(EvaluatedOnce()) == hash(EvaluatedOnce())


@pytest.mark.parametrize("duplicate", [lambda s: s.model_copy(), lambda s: s.model_copy(deep=True), copy.copy])
def test_copy_knows_the_value_but_can_change_its_own(duplicate: Callable[[Sample], Sample]) -> None:
    sample = Sample(size_or_fn=returning(3))
    assert sample.size == 3
    other = duplicate(sample)
    assert other.size == 3
    other.size_or_fn = lambda: 9
    assert (sample.size, other.size) == (3, 9)


def test_model_can_be_pickled() -> None:
    sample = Sample(size_or_fn=4)
    assert pickle.loads(pickle.dumps(sample)) == sample


def test_unknown_argument_is_ignored_with_one_warning_that_knows_the_right_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = {"size_or_f": 2}
    for _ in range(3):
        assert Sample(**given).size == 1  # type: ignore[arg-type]
    assert [record.getMessage() for record in caplog.records] == [
        "Sample: unknown argument 'size_or_f' is ignored. Did you mean size_or_fn?"
    ]
    assert given == {"size_or_f": 2}


def test_unknown_argument_like_no_other_gets_the_list(caplog: pytest.LogCaptureFixture) -> None:
    Sample(zzz=1)  # type: ignore[call-arg]
    assert "Known: size_or_fn, log_level." in caplog.text


def test_argument_meant_for_another_class_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    class Combined(Sample):
        _arguments_for_others = frozenset({"application_name"})

    Combined(application_name="app")  # type: ignore[call-arg]
    assert caplog.records == []


def test_subclass_that_takes_extra_arguments_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    class Open(Sample):
        model_config = ConfigDict(extra="allow")

    assert Open(more=1).model_extra == {"more": 1}  # type: ignore[call-arg]
    assert caplog.records == []


def test_input_that_is_no_dict_is_left_to_pydantic() -> None:
    sample = Sample()
    assert Sample.model_validate(sample) is sample


def test_warning_of_one_cause_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    causes: List[Any] = [("a", 1), ("a", 1), ("b", 1)]
    for cause in causes:
        warn_once(cause, "odd %s", cause[0])
    assert [record.getMessage() for record in caplog.records] == ["odd a", "odd b"]


def failing() -> int:
    raise LookupError("no such file")


def test_callable_that_raises_before_telemetry_runs_raises_what_it_raised() -> None:
    sample = Sample(size_or_fn=failing)
    for evaluate in (sample._evaluate, sample._evaluate_anew):
        with pytest.raises(LookupError, match="no such file"):
            evaluate("size_or_fn")


def test_callable_can_be_evaluated_anew() -> None:
    sample = Sample(size_or_fn=returning(1, 2))
    assert [sample._evaluate_anew("size_or_fn"), sample._evaluate_anew("size_or_fn")] == [1, 2]
    assert sample._evaluate_anew("log_level") == "INFO"
