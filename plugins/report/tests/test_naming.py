from __future__ import annotations

from typing import List

import pytest

from nv_one_logger.report.naming import name_ranks


@pytest.mark.parametrize(
    ("ranks", "text"),
    [
        ([3], "rank 3"),
        ([0, 1, 2], "ranks 0-2"),
        ([0, 2, 3, 7], "ranks 0, 2-3, 7"),
        (list(range(0, 40, 2)), "ranks 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22 and 8 more"),
    ],
)
def test_ranks_are_put_together(ranks: List[int], text: str) -> None:
    assert name_ranks(ranks) == text
