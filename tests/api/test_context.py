from __future__ import annotations

import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Iterator, List, Optional

import pytest

from nv_one_logger.api.context import propagate_span

# Stands for the recorder's current span: that is one context variable too.
current: contextvars.ContextVar[Optional[str]] = contextvars.ContextVar("current", default=None)


@pytest.fixture
def in_application() -> Iterator[None]:
    token = current.set("application")
    yield
    current.reset(token)


@pytest.mark.usefixtures("in_application")
def test_new_thread_sees_what_was_current_when_the_function_was_wrapped() -> None:
    seen: List[Optional[str]] = []
    thread = threading.Thread(target=propagate_span(lambda: seen.append(current.get())))
    thread.start()
    thread.join(timeout=10)
    assert seen == ["application"]


@pytest.mark.usefixtures("in_application")
def test_one_wrapper_serves_many_workers_at_once() -> None:
    all_are_inside = threading.Barrier(4)

    def work(number: int) -> str:
        current.set(f"{current.get()}/{number}")
        all_are_inside.wait(timeout=10)
        return str(current.get())

    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(propagate_span(work), range(4)))
    assert found == [f"application/{number}" for number in range(4)]
    assert current.get() == "application"


@pytest.mark.usefixtures("in_application")
def test_later_changes_of_the_caller_are_not_seen() -> None:
    wrapped = propagate_span(lambda: current.get())
    token = current.set("something else")
    assert wrapped() == "application"
    current.reset(token)


def test_wrapper_keeps_arguments_result_and_metadata() -> None:
    def add(left: int, right: int = 1) -> int:
        """Add."""
        return left + right

    wrapped = propagate_span(add)
    assert wrapped(2, right=3) == 5
    assert (wrapped.__name__, wrapped.__doc__) == ("add", "Add.")


def test_error_of_the_function_reaches_its_caller() -> None:
    error = ValueError("boom")

    def fail() -> None:
        raise error

    with pytest.raises(ValueError, match="boom") as raised:
        propagate_span(fail)()
    assert raised.value is error
