from __future__ import annotations

from typing import Dict, List

import pytest

from nv_one_logger.core.span import Span
from nv_one_logger.host.backlog import MAX_OWED_STOPS, Backlog, MissedCall


@pytest.fixture
def started() -> Dict[Span, int]:
    return {}


@pytest.fixture
def backlog(started: Dict[Span, int]) -> Backlog:
    return Backlog(started)


def make_spans(*names: str) -> List[Span]:
    return [Span.create(name) for name in names]


def texts(calls: object) -> List[str]:
    assert hasattr(calls, "__iter__")
    return [f"{call.hook} {call.span.name_str}" for call in calls]


def test_stops_owed_come_before_starts_missed(backlog: Backlog, started: Dict[Span, int]) -> None:
    old, new = make_spans("old", "new")
    started[old] = 1
    backlog.add_start(new)
    backlog.add_stop(old)
    assert texts(backlog.take()) == ["export_stop old", "export_start new"]
    assert texts(backlog.take()) == []


def test_span_that_came_and_went_is_not_told_at_all(backlog: Backlog) -> None:
    (span,) = make_spans("short")
    backlog.add_start(span)
    backlog.add_stop(span)
    assert texts(backlog.take()) == []


def test_stop_of_a_span_whose_start_was_never_told_is_not_owed(backlog: Backlog) -> None:
    (span,) = make_spans("unknown")
    backlog.add_stop(span)
    assert texts(backlog.take()) == []


def test_open_spans_are_told_in_their_order_and_no_others(backlog: Backlog) -> None:
    parent, child, grandchild, over = make_spans("parent", "child", "grandchild", "over")
    for span in (grandchild, over, child):
        backlog.add_start(span)
    backlog.set_open([parent, child, grandchild])
    assert texts(backlog.take()) == ["export_start parent", "export_start child", "export_start grandchild"]


def test_start_that_another_thread_has_told_is_not_told_again(backlog: Backlog, started: Dict[Span, int]) -> None:
    told, missed = make_spans("told", "missed")
    backlog.set_open([told, missed])
    started[told] = 7
    assert texts(backlog.take()) == ["export_start missed"]
    assert started[told] == 7


def test_stop_that_comes_while_its_start_is_being_told_is_owed(backlog: Backlog) -> None:
    (span,) = make_spans("span")
    backlog.add_start(span)
    assert texts(backlog.take()) == ["export_start span"]
    backlog.add_stop(span)
    assert texts(backlog.take()) == ["export_stop span"]


def test_start_that_arrives_after_it_was_taken_as_open_does_not_swallow_the_stop(backlog: Backlog) -> None:
    """The span was seen among the open ones before its own call reached the plugin."""
    (span,) = make_spans("span")
    backlog.set_open([span])
    assert texts(backlog.take()) == ["export_start span"]
    backlog.add_start(span)
    backlog.add_stop(span)
    assert texts(backlog.take()) == ["export_stop span"]


def test_owed_stops_are_bounded_and_the_rest_is_counted(backlog: Backlog, started: Dict[Span, int]) -> None:
    many = make_spans(*(str(number) for number in range(MAX_OWED_STOPS + 3)))
    for span in many:
        started[span] = 1
        backlog.add_stop(span)
    assert len(backlog.take()) == MAX_OWED_STOPS
    assert backlog.lost_stops.value == 3
    assert not set(many[MAX_OWED_STOPS:]) & set(started)


def test_what_was_not_told_is_kept_in_front_of_what_came_later(backlog: Backlog, started: Dict[Span, int]) -> None:
    ended, first, second, later = make_spans("ended", "first", "second", "later")
    started[ended] = 1
    backlog.add_stop(ended)
    backlog.add_start(first)
    backlog.add_start(second)
    calls = backlog.take()
    backlog.add_start(later)
    backlog.put_back(calls)
    assert first not in started
    assert texts(backlog.take()) == [
        "export_stop ended",
        "export_start first",
        "export_start second",
        "export_start later",
    ]


def test_span_that_ended_untold_is_forgotten_when_put_back(backlog: Backlog, started: Dict[Span, int]) -> None:
    span, known = make_spans("span", "known")
    started[known] = 1
    backlog.add_start(span)
    calls = backlog.take()
    backlog.add_stop(span)
    backlog.add_stop(known)
    backlog.put_back(calls)
    assert span not in started
    assert texts(backlog.take()) == ["export_stop known"]


def test_clear_forgets_everything_but_what_was_started(backlog: Backlog, started: Dict[Span, int]) -> None:
    ended, missed = make_spans("ended", "missed")
    started[ended] = 1
    backlog.add_stop(ended)
    backlog.add_start(missed)
    backlog.clear()
    assert texts(backlog.take()) == []
    assert list(started) == [ended]


def test_missed_call_names_hook_and_span() -> None:
    (span,) = make_spans("span")
    assert MissedCall("export_stop", span)._asdict() == {"hook": "export_stop", "span": span}
