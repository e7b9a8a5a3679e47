"""Writes ranks for a person."""

from __future__ import annotations

from typing import List, Sequence

__all__ = ["name_ranks"]

_MOST = 12


def name_ranks(ranks: Sequence[int]) -> str:
    """Return ``rank 3``, ``ranks 0-3, 7``; of many stretches the first twelve and how many more ranks there are."""
    stretches: List[List[int]] = []
    for rank in ranks:
        if stretches and rank == stretches[-1][1] + 1:
            stretches[-1][1] = rank
        else:
            stretches.append([rank, rank])
    text = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in stretches[:_MOST])
    left = sum(high - low + 1 for low, high in stretches[_MOST:])
    return f"rank{'s' if len(ranks) != 1 else ''} {text}" + (f" and {left:,} more" if left else "")
