from __future__ import annotations

from nv_one_logger.core.event import Event
from nv_one_logger.core.internal.latest_events import MAX_KEPT_EVENTS, LatestEvents


def test_memory_is_bounded_and_the_count_is_not() -> None:
    events = LatestEvents()
    for number in range(3 * MAX_KEPT_EVENTS):
        events.kept.append(Event.create(str(number)))
        events.tally.tick()
    assert (len(events.kept), events.tally.value) == (MAX_KEPT_EVENTS, 3 * MAX_KEPT_EVENTS)
    assert events.kept[-1].name == str(3 * MAX_KEPT_EVENTS - 1)


def test_copy_is_not_reached_by_later_events() -> None:
    events = LatestEvents()
    events.kept.append(Event.create("first"))
    events.tally.tick()
    copy = events.copy()
    events.kept.append(Event.create("second"))
    events.tally.tick()
    assert ([event.name for event in copy.kept], copy.tally.value) == (["first"], 1)
