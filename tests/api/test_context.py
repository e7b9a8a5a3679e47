from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Iterator, List, Optional

import pytest

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.api.context import propagate_span
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.span import Span
from nv_one_logger.recorder.default_recorder import DefaultRecorder

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


# --- with the recorder of the library --------------------------------------------------------------------------------


@pytest.fixture
def recorder() -> DefaultRecorder:
    config = OneLoggerConfig(application_name="app", world_size_or_fn=1, session_tag_or_fn="s")
    recorder = DefaultRecorder(exporters=[])
    OneLoggerProvider.instance().configure(config, recorder)
    return recorder


def parent_seen_by_a_span() -> Optional[Span]:
    with timed_span("child") as child:
        return child.parent_span


@pytest.mark.usefixtures("recorder")
def test_span_of_a_pool_is_a_child_only_with_help() -> None:
    with ThreadPoolExecutor(max_workers=1) as pool, timed_span("parent") as parent:
        assert pool.submit(parent_seen_by_a_span).result(timeout=10) is None
        assert pool.submit(propagate_span(parent_seen_by_a_span)).result(timeout=10) is parent


@pytest.mark.usefixtures("recorder")
def test_task_of_asyncio_needs_no_help_but_an_executor_does() -> None:
    async def child() -> Optional[Span]:
        return parent_seen_by_a_span()

    async def main() -> None:
        with timed_span("parent") as parent:
            assert await asyncio.gather(child(), child()) == [parent, parent]
            loop = asyncio.get_running_loop()
            assert await loop.run_in_executor(None, parent_seen_by_a_span) is None
            assert await loop.run_in_executor(None, propagate_span(parent_seen_by_a_span)) is parent

    asyncio.run(main())


def test_parent_can_be_given_by_hand_in_another_thread(recorder: DefaultRecorder) -> None:
    started: List[Span] = []
    with timed_span("parent") as parent:
        thread = threading.Thread(target=lambda: started.append(recorder.start("child", parent_span=parent)))
        thread.start()
        thread.join(timeout=10)
    (child,) = started
    recorder.stop(child)
    assert child.parent_span is parent
    assert not child.active
