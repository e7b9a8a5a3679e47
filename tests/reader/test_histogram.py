from __future__ import annotations

import statistics
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.reader.histogram import DurationHistogram


def histogram_of(values: List[float]) -> DurationHistogram:
    histogram = DurationHistogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(values=st.lists(st.integers(0, 4095), min_size=1))
def test_median_of_whole_milliseconds_is_exact(values: List[float]) -> None:
    assert histogram_of(values).quantile(0.5) == statistics.median(values)


@given(values=st.lists(st.floats(1e-3, 1e12), min_size=1))
def test_median_is_never_off_by_more_than_one_part_in_2048(values: List[float]) -> None:
    assert histogram_of(values).quantile(0.5) == pytest.approx(statistics.median(values), rel=1 / 2048)


def test_quantiles_reach_from_the_shortest_to_the_longest() -> None:
    histogram = histogram_of([10, 20, 30])
    assert (histogram.quantile(0), histogram.quantile(0.5), histogram.quantile(1)) == (10, 20, 30)


def test_empty_histogram_has_no_quantile() -> None:
    assert DurationHistogram().quantile(0.5) is None


def test_duration_of_a_clock_set_back_counts_as_zero() -> None:
    assert histogram_of([-5]).quantile(1) == 0


def test_million_durations_take_a_bounded_number_of_buckets() -> None:
    histogram = histogram_of([1000 + index * 0.001 for index in range(200_000)])
    assert histogram.count == 200_000
    assert len(histogram._buckets) < 1000
