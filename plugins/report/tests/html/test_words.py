from __future__ import annotations

import pytest

from nv_one_logger.report.html import words


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (None, "\u2013"),
        (0, "0 s"),
        (840, "840 µs"),
        (12_500, "12.5 ms"),
        (999_499, "999 ms"),
        (999_500, "1.00 s"),
        (3_420_000, "3.42 s"),
        (59_949_999, "59.9 s"),
        (59_950_000, "1 min 00 s"),
        (307_000_000, "5 min 07 s"),
        (3_599_600_000, "1 h 00 min"),
        (7_500_000_000, "2 h 05 min"),
        (-2_000_000, "\u22122.00 s"),
    ],
)
def test_duration_has_three_digits_and_a_unit(microseconds: int | None, text: str) -> None:
    assert words.duration(microseconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0 %"), (0.0001, "<0.1 %"), (0.624, "62.4 %"), (0.99999, ">99.9 %"), (1, "100.0 %")],
)
def test_percent_never_rounds_something_to_nothing_or_to_all(share: float, text: str) -> None:
    assert words.percent(share) == text


def test_ranks_are_put_together() -> None:
    assert words.ranks([7, 0, 1, 2, 3, 9, 10]) == "0\u20133, 7, 9, 10"
    assert words.ranks([]) == "none"


def test_moments_are_utc_and_any_number_is_accepted() -> None:
    assert words.moment(1_795_507_200_250_000) == "2026-11-24 08:00:00"
    assert words.clock(1_795_507_200_250_999) == "08:00:00.250"
    assert words.moment(10**30).endswith("µs")


def test_counts_carry_their_noun() -> None:
    assert words.count(1, "record") == "1 record"
    assert words.count(12_000, "record") == "12,000 records"
    assert words.count(None) == "\u2013"


def test_numbers_have_up_to_five_digits() -> None:
    assert words.number(0.123456789) == "0.12346"
    assert words.number(1_234_567.8) == "1,234,568"
    assert words.number(9_840.5) == "9,840"
    assert words.number(None) == "\u2013"
    assert words.rate(None) == "\u2013"
    assert words.rate(598.51) == "598.5 / h"
