from __future__ import annotations

from typing import Any, Optional

import pytest

from nv_one_logger.cli.tail.filters import Filters
from nv_one_logger.reader import ProcessKey, Record


def record(type_: str, name: str = "") -> Record:
    data = (
        {"type": type_, "name": name}
        if type_ in ("start", "stop", "complete")
        else {"type": type_, "event": {"name": name}}
    )
    return Record("f", 1, 0, ProcessKey("f", 7, 1), type_, data)


@pytest.mark.parametrize("type_", ["start", "event", "application_error", "novel"])
def test_without_filters_everything_is_shown(type_: str) -> None:
    assert Filters().accept(record(type_, "x"), None, None)


@pytest.mark.parametrize(
    ("each", "attached_to", "shown"),
    [
        (record("start", "training_loop"), None, True),
        (record("complete", "training_loop"), None, True),
        (record("event", "saved"), "training_loop", True),
        (record("application_error", "error"), "training_loop", True),
        (record("event", "training_loop"), None, False),
        (record("stop", "validation"), "validation", False),
    ],
)
def test_span_shows_spans_of_that_name_and_what_is_attached(
    each: Record, attached_to: Optional[str], shown: bool
) -> None:
    assert Filters(spans=("training_*",)).accept(each, attached_to, None) is shown


def test_event_shows_events_of_that_name() -> None:
    filters = Filters(events=("save_*", "begun"))
    assert filters.accept(record("event", "save_success"), "s", None)
    assert filters.accept(record("event", "begun"), None, None)
    assert not filters.accept(record("event", "lost"), "s", None)
    assert not filters.accept(record("start", "save_x"), None, None)


def test_errors_shows_both_kinds_of_errors() -> None:
    filters = Filters(errors=True)
    assert filters.accept(record("application_error", "error"), "s", None)
    assert filters.accept(record("telemetry_data_error", "t"), None, None)
    assert not filters.accept(record("event", "error"), "s", None)


def test_kinds_add_up() -> None:
    filters = Filters(spans=("loop",), errors=True)
    assert filters.accept(record("start", "loop"), None, None)
    assert filters.accept(record("telemetry_data_error"), None, None)


@pytest.mark.parametrize(("rank", "shown"), [(1, True), (2, True), (0, False), (None, False)])
def test_rank_narrows_all_the_rest(rank: Any, shown: bool) -> None:
    assert Filters(ranks=(1, 2)).accept(record("start", "x"), None, rank) is shown
    assert Filters(spans=("x",), ranks=(1, 2)).accept(record("start", "x"), None, rank) is shown
