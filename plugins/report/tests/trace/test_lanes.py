from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.report.trace.lanes import Lanes, Placed

MSEC = 1_000_000


def test_child_in_the_same_millisecond_is_inside_its_parent() -> None:
    lanes = Lanes()
    lanes.begin("parent", None, 5 * MSEC)
    lanes.begin("child", "parent", 5 * MSEC)
    child = lanes.end("child", 5 * MSEC)
    parent = lanes.end("parent", 5 * MSEC)
    assert parent.lane == child.lane == 1
    assert parent.start < child.start <= child.stop <= parent.stop


def test_children_at_the_same_time_get_tracks_of_their_own() -> None:
    lanes = Lanes()
    lanes.begin("parent", None, 0)
    for name in ("a", "b"):
        lanes.begin(name, "parent", MSEC)
    assert (lanes.lane_of("a"), lanes.lane_of("b"), lanes.lane_of("parent")) == (1, 2, 1)


def test_spans_without_parents_nest_by_their_order() -> None:
    lanes = Lanes()
    lanes.begin("outer", None, 0)
    lanes.begin("inner", None, MSEC)
    assert lanes.lane_of("inner") == 1
    assert lanes.count == 1


def test_root_beside_another_root_gets_a_track_where_parents_are_recorded() -> None:
    lanes = Lanes()
    lanes.begin("outer", None, 0)
    lanes.begin("child", "outer", 1)
    lanes.begin("other thread", None, MSEC)
    assert lanes.lane_of("other thread") == 2


def test_span_that_outlives_the_one_around_it_moves_away() -> None:
    lanes = Lanes()
    lanes.begin("outer", None, 0)
    lanes.begin("longer", None, MSEC)
    outer = lanes.end("outer", 2 * MSEC)
    longer = lanes.end("longer", 3 * MSEC)
    assert outer == Placed(1, 0, 2 * MSEC)
    assert longer == Placed(2, MSEC, 3 * MSEC)


def test_clock_set_back_never_makes_spans_cross() -> None:
    lanes = Lanes()
    lanes.begin("a", None, 100 * MSEC)
    lanes.end("a", 200 * MSEC)
    lanes.begin("b", None, 50 * MSEC)
    assert lanes.end("b", 60 * MSEC) == Placed(2, 50 * MSEC, 60 * MSEC)


ACTIONS = st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 8), st.integers(0, 5), st.booleans()), max_size=60)


@given(ACTIONS)
def test_spans_of_a_track_never_cross(actions: list[tuple[int, int, int, bool]]) -> None:
    lanes, now, opened = Lanes(), 0, set[int]()
    placed: list[Placed] = []
    for name, step, parent, names_parent in actions:
        now += step * MSEC
        if name in opened:
            opened.remove(name)
            placed.append(lanes.end(str(name), now))
        else:
            opened.add(name)
            lanes.begin(str(name), str(parent) if names_parent else None, now)
    placed += [lanes.end(str(name), now + MSEC) for name in sorted(opened)]
    for index, one in enumerate(placed):
        assert one.start <= one.stop
        for other in placed[index + 1 :]:
            if one.lane == other.lane:
                first, second = sorted([one, other], key=lambda each: (each.start, -each.stop))
                assert second.start >= first.stop or second.stop <= first.stop
