from __future__ import annotations

import random
from typing import Optional, Sequence

import pytest

from nv_one_logger.reader import ProcessKey
from nv_one_logger.report.store.identity import Identity
from nv_one_logger.report.trace.clocks import compare_clocks, shifts_of
from nv_one_logger.report.trace.survey import CommonMoments, ProcessFacts

STEP = 250_000  # microseconds


def process(
    rank: int,
    host: Optional[str],
    ahead: int = 0,
    *,
    steps: Sequence[int] = range(200),
    start: int = 10**12,
    jitter: int = 0,
) -> ProcessFacts:
    chance = random.Random(rank)
    key = ProcessKey(f"r{rank}-{start}.jsonl", 100 + rank, 1)
    facts = ProcessFacts(key, Identity(key.source))
    facts.identity.take_session({"rank": rank, "host": host, "session_tag": "run"})
    for place, step in enumerate(steps):
        moment = start + place * STEP + ahead + chance.randint(-jitter, jitter)
        facts.moments.add("iteration", step, moment)
        facts.widen(moment)
    return facts


def test_machine_whose_clock_is_ahead_is_shifted_back() -> None:
    first, second = process(0, "a"), process(1, "b", ahead=40_000, jitter=3_000)
    reference, other = compare_clocks([first, second])
    assert reference.is_reference
    assert other.offset == pytest.approx(40_000, abs=1_000)
    assert other.error is not None
    assert 1_000 <= other.error < 4_000
    assert other.is_corrected
    assert shifts_of([reference, other]) == {first.key: 0, second.key: -(other.offset or 0)}


def test_ranks_of_one_machine_share_its_clock() -> None:
    (only,) = compare_clocks([process(0, "a"), process(1, "a", ahead=90_000)])
    assert only.is_reference
    assert only.ranks == (0, 1)


def test_offset_within_the_error_is_left_as_it_is() -> None:
    _, other = compare_clocks([process(0, "a"), process(1, "b", ahead=700)])
    assert other.error == 1_000  # records know whole milliseconds
    assert not other.is_corrected
    assert set(shifts_of([other]).values()) == {0}


def test_single_stalled_steps_do_not_move_the_offset() -> None:
    late = process(1, "b", ahead=20_000)
    for key in list(late.moments.by_key)[:20]:
        late.moments.by_key[key] += 5_000_000
    _, other = compare_clocks([process(0, "a"), late])
    assert other.offset == 20_000


def test_restarted_job_is_compared_within_one_attempt() -> None:
    later = 10**12 + 200 * STEP
    ranks = [process(0, "a"), process(0, "a", start=later, steps=range(150, 300))]
    ranks += [process(1, "b", ahead=30_000), process(1, "b", ahead=30_000, start=later, steps=range(150, 300))]
    _, other = compare_clocks(ranks)
    assert other.offset == 30_000
    assert other.moments == 350


def test_clock_without_common_steps_is_taken_as_it_is() -> None:
    _, other = compare_clocks([process(0, "a"), process(1, "b", steps=range(500, 600))])
    assert (other.offset, other.error, other.is_corrected) == (None, None, False)


def test_processes_without_a_machine_have_clocks_of_their_own() -> None:
    assert len(compare_clocks([process(0, None), process(1, None, ahead=9_000)])) == 2


def test_very_many_moments_are_thinned_alike_on_all_ranks() -> None:
    few, many = CommonMoments(), CommonMoments()
    for step in range(20_000):
        many.add("iteration", step, step)
        if step < 3_000:
            few.add("iteration", step, step)
    assert len(many.by_key) <= 2_048
    assert len(few.by_key.keys() & many.by_key.keys()) > 100
