"""How far the clocks of machines are apart, told by steps that all ranks end together.

In a synchronous job the ranks leave each iteration and each checkpoint at nearly the same moment. The difference of
what two clocks say about it, in the median over all such moments, is the offset of the clocks; the error is the spread
around it. Ranks of one machine share its clock. What cannot be told from the spread is not corrected.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import DefaultDict, Dict, List, Mapping, Optional, Sequence, Tuple

from nv_one_logger.reader import ProcessKey
from nv_one_logger.report.trace.survey import ProcessFacts

__all__ = ["ClockOffset", "compare_clocks", "shifts_of"]

_LEAST_MOMENTS = 3
# Records hold whole milliseconds, the rest cut off, so the difference of two is known to one.
_RESOLUTION = 1000
# From the median of absolute deviations to a standard deviation, of normal errors.
_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class ClockOffset:
    """One clock compared with the reference.

    Attributes:
        name: The machine; of a process whose machine is unknown, its file.
        is_reference: It is the one that the others are compared with.
        ranks: Ranks that read it.
        offset: How far it is ahead of the reference (microseconds); ``None`` when there is nothing to compare by.
        error: Estimated error of the offset (microseconds): the spread of the differences, at least the resolution of
            the records.
        moments: Common moments compared.
        is_corrected: Whether its times are shifted by the offset: only where that is larger than the error.
        members: The processes that read it.
    """

    name: str
    is_reference: bool
    ranks: Tuple[int, ...]
    offset: Optional[int]
    error: Optional[int]
    moments: int
    is_corrected: bool
    members: Tuple[ProcessKey, ...]


def compare_clocks(processes: Sequence[ProcessFacts]) -> List[ClockOffset]:
    """Compare each clock of each session with that of the session's first rank; the processes are in that order."""
    sessions: DefaultDict[Optional[str], List[ProcessFacts]] = defaultdict(list)
    for facts in processes:
        sessions[facts.identity.session_tag].append(facts)
    return [offset for members in sessions.values() for offset in _compare_session(members)]


def shifts_of(offsets: Sequence[ClockOffset]) -> Mapping[ProcessKey, int]:
    """Return what to add to the times of each process (microseconds)."""
    return {key: -(each.offset or 0) if each.is_corrected else 0 for each in offsets for key in each.members}


def _compare_session(processes: Sequence[ProcessFacts]) -> List[ClockOffset]:
    clocks: Dict[str, List[ProcessFacts]] = {}
    for facts in processes:
        clocks.setdefault(facts.identity.host or facts.key.source, []).append(facts)
    # The clock of the lowest rank that can be compared with at all.
    reference = next((name for name, members in clocks.items() if any(m.moments.by_key for m in members)), None)
    reference = reference if reference is not None else next(iter(clocks))
    return [
        _compare(name, members, clocks[reference], is_reference=name == reference) for name, members in clocks.items()
    ]


def _compare(
    name: str, members: Sequence[ProcessFacts], reference: Sequence[ProcessFacts], *, is_reference: bool
) -> ClockOffset:
    ranks = tuple(sorted({m.identity.rank for m in members if m.identity.rank is not None}))
    keys = tuple(member.key for member in members)
    if is_reference:
        return ClockOffset(name, True, ranks, 0, 0, 0, False, keys)
    differences = [difference for member in members for difference in _differences(member, reference)]
    if len(differences) < _LEAST_MOMENTS:
        return ClockOffset(name, False, ranks, None, None, len(differences), False, keys)
    offset = round(median(differences))
    spread = median(abs(each - offset) for each in differences) * _TO_DEVIATION
    error = max(_RESOLUTION, round(spread))
    return ClockOffset(name, False, ranks, offset, error, len(differences), abs(offset) > error, keys)


def _differences(member: ProcessFacts, reference: Sequence[ProcessFacts]) -> List[int]:
    """Compare with the process of the reference that ran at the same time: a restarted job repeats its steps."""
    candidates = [each for each in reference if each.moments.by_key]
    if not candidates:
        return []
    partner = max(candidates, key=lambda each: _overlap(member, each))
    theirs = partner.moments.by_key
    return [moment - theirs[key] for key, moment in member.moments.by_key.items() if key in theirs]


def _overlap(one: ProcessFacts, other: ProcessFacts) -> int:
    """Return how long both ran; negative, the time between them, if they did not."""
    if one.first is None or one.last is None or other.first is None or other.last is None:
        return -(2**62)
    return min(one.last, other.last) - max(one.first, other.first)
