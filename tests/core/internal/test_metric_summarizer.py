from __future__ import annotations

import math
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.internal.metric_summarizer import MetricSummarizer


def summary(values: List[float]) -> MetricSummarizer[float]:
    summarizer = MetricSummarizer[float]()
    for value in values:
        summarizer.add_value(value)
    return summarizer


def test_nothing_is_known_before_the_first_value() -> None:
    empty = MetricSummarizer[int]()
    assert empty.count == 0
    assert [empty.latest_value, empty.min_value, empty.max_value, empty.avg_value, empty.total_value] == [None] * 5


def test_average_of_one_int_stays_an_int() -> None:
    one = MetricSummarizer[int]()
    one.add_value(4)
    assert type(one.avg_value) is int
    one.add_value(5)
    assert one.avg_value == 4.5


@given(st.lists(st.integers(min_value=-(2**40), max_value=2**40), min_size=1))
def test_summary_of_ints_equals_the_brute_force_one(values: List[int]) -> None:
    found = summary([*values])
    assert found.latest_value == values[-1]
    assert found.min_value == min(values)
    assert found.max_value == max(values)
    assert found.total_value == sum(values)
    assert found.avg_value == float(sum(values)) / len(values)
    assert found.count == len(values)


@given(st.lists(st.floats(min_value=-1e9, max_value=1e9), min_size=1))
def test_average_of_floats_lies_between_the_extremes(values: List[float]) -> None:
    found = summary(values)
    assert found.min_value is not None
    assert found.max_value is not None
    assert found.avg_value is not None
    slack = 1e-9 * max(1.0, abs(found.min_value), abs(found.max_value))
    assert found.min_value - slack <= found.avg_value <= found.max_value + slack


@pytest.mark.parametrize("values", [[math.nan, 1.0, 2.0], [1.0, math.nan, 2.0], [1.0, 2.0, math.nan]])
def test_nan_hides_neither_extreme_but_shows_in_the_average(values: List[float]) -> None:
    found = summary(values)
    assert (found.min_value, found.max_value) == (1.0, 2.0)
    assert found.avg_value is not None
    assert math.isnan(found.avg_value)


def test_summaries_with_equal_content_are_equal() -> None:
    assert summary([1.0, 2.0]) == summary([1.0, 2.0])
    assert summary([1.0, 2.0]) != summary([2.0, 1.0])  # the latest value differs
    assert summary([]) != object()
    assert "count=2" in repr(summary([1.0, 2.0]))


def test_hash_agrees_with_equality_and_survives_new_values() -> None:
    changing = summary([1.0])
    keys = {changing: "found"}
    assert hash(changing) == hash(summary([1.0]))
    changing.add_value(2.0)
    assert keys[changing] == "found"
