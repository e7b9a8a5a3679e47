"""Writes ranks for a person."""

from __future__ import annotations

from typing import List, Sequence, Tuple

__all__ = ["name_ranks", "stretches"]

_MOST = 12


def name_ranks(ranks: Sequence[int]) -> str:
    """Return ``rank 3``, ``ranks 0-3, 7``; of many stretches the first twelve and how many more ranks there are."""
    found = stretches(ranks)
    text = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in found[:_MOST])
    left = sum(high - low + 1 for low, high in found[_MOST:])
    return f"rank{'s' if len(ranks) != 1 else ''} {text}" + (f" and {left:,} more" if left else "")


def stretches(ranks: Sequence[int]) -> List[Tuple[int, int]]:
    """Return the first and last rank of each run of neighbours."""
    found: List[Tuple[int, int]] = []
    for rank in ranks:
        if found and rank == found[-1][1] + 1:
            found[-1] = (found[-1][0], rank)
        else:
            found.append((rank, rank))
    return found
