from __future__ import annotations

import asyncio
import inspect
import logging
from enum import Enum
from typing import Any, List
from unittest.mock import MagicMock, call

import pytest

from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.api.recorder import Recorder
from nv_one_logger.api.timed_span import get_recorder, timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.strenum import StrEnum
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.core.span import Span, StandardSpanName


class Name(StrEnum):
    WORK = "work"


class PlainName(Enum):
    WORK = "work"


def make_config(**arguments: Any) -> OneLoggerConfig:
    return OneLoggerConfig(application_name="app", world_size_or_fn=1, session_tag_or_fn="s", **arguments)


@pytest.fixture
def recorder() -> MagicMock:
    """A recorder that telemetry is configured with, and that makes a new span for every start."""
    double = MagicMock(spec=Recorder)
    double.start.side_effect = lambda **arguments: Span.create(arguments["span_name"])
    OneLoggerProvider.instance().configure(make_config(), double)
    return double


def names(recorder: MagicMock) -> List[str]:
    return [name for name, _, _ in recorder.method_calls]


# --- calls to the recorder -------------------------------------------------------------------------------------------


def test_recorder_is_that_of_the_provider(recorder: MagicMock) -> None:
    assert get_recorder() is recorder


def test_recorder_is_an_error_without_configuration() -> None:
    with pytest.raises(OneLoggerError):
        get_recorder()


def test_block_is_started_and_stopped_with_exactly_these_calls(recorder: MagicMock) -> None:
    attributes, start_attributes = Attributes({"a": 1}), Attributes({"b": 2})
    with timed_span("work", attributes, start_event_attributes=start_attributes) as span:
        assert span.name == "work"
        assert names(recorder) == ["start"]
    assert recorder.method_calls == [
        call.start(span_name="work", span_attributes=attributes, start_event_attributes=start_attributes),
        call.stop(span),
    ]


def test_arguments_that_were_not_given_are_passed_as_none(recorder: MagicMock) -> None:
    with timed_span(name=StandardSpanName.APPLICATION) as span:
        pass
    assert recorder.method_calls == [
        call.start(span_name=StandardSpanName.APPLICATION, span_attributes=None, start_event_attributes=None),
        call.stop(span),
    ]


@pytest.mark.parametrize("name", ["work", Name.WORK, PlainName.WORK])
def test_error_of_the_block_is_recorded_and_goes_on_as_the_same_object(recorder: MagicMock, name: Any) -> None:
    error = ValueError()
    with pytest.raises(ValueError) as raised, timed_span(name) as span:  # noqa: PT011  # it has no message, on purpose
        raise error
    assert raised.value is error
    assert recorder.method_calls[1:] == [call.error(span, "Error in work: ", error), call.stop(span)]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_exit_of_the_program_stops_the_span_without_an_error_event(recorder: MagicMock, error: BaseException) -> None:
    with pytest.raises(type(error)), timed_span("work"):
        raise error
    assert names(recorder) == ["start", "stop"]


def test_recorder_is_looked_up_once_at_entry(recorder: MagicMock) -> None:
    with timed_span("work") as span:
        OneLoggerProvider.instance()._reset()
    assert recorder.method_calls[-1] == call.stop(span)


# --- what goes wrong in telemetry ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["error", "stop"])
def test_error_of_the_application_wins_over_one_of_telemetry(
    recorder: MagicMock, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    getattr(recorder, method).side_effect = OneLoggerError("of telemetry")
    error = ValueError("of the application")
    with pytest.raises(ValueError, match="of the application") as raised, timed_span("work"):
        raise error
    assert raised.value is error
    assert names(recorder) == ["start", "error", "stop"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("method", ["start", "stop"])
def test_error_of_telemetry_reaches_the_caller_when_nothing_else_passes(recorder: MagicMock, method: str) -> None:
    getattr(recorder, method).side_effect = OneLoggerError("of telemetry")
    with pytest.raises(OneLoggerError, match="of telemetry"), timed_span("work"):
        pass


def test_object_can_be_used_again_also_after_a_failed_start(recorder: MagicMock) -> None:
    make_span = recorder.start.side_effect
    again = timed_span("work")
    recorder.start.side_effect = OneLoggerError("of telemetry")
    with pytest.raises(OneLoggerError), again:
        pass
    recorder.start.side_effect = make_span
    for _ in range(2):
        with again:
            pass
    assert names(recorder) == ["start", "start", "stop", "start", "stop"]


def test_object_cannot_be_entered_twice_at_a_time(recorder: MagicMock) -> None:
    block = timed_span("work")
    with block, pytest.raises(OneLoggerError, match="entered already"), block:
        pass
    assert names(recorder) == ["start", "stop"]


# --- telemetry is off ------------------------------------------------------------------------------------------------


def use_span() -> Span:
    with timed_span("work") as span:
        span.add_attribute("rows", 3)
        span.stop()
    return span


def test_unconfigured_block_gets_a_null_span_and_one_line_at_most(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(100):
        assert use_span() is NULL_SPAN
    assert len(caplog.records) == 1
    assert "timed_span" in caplog.text


@pytest.mark.parametrize("switch", ["rank", "force"])
def test_block_that_is_switched_off_gets_a_null_span_and_calls_nothing(
    recorder: MagicMock, switch: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = OneLoggerProvider.instance()
    if switch == "rank":
        provider.config.enable_for_current_rank = False
    else:
        provider.force_disable_logging()
    for _ in range(100):
        assert use_span() is NULL_SPAN
    assert recorder.method_calls == []
    assert len(caplog.records) == 1


@pytest.mark.parametrize("answer", [None, NULL_SPAN])
def test_recorder_that_starts_nothing_is_left_alone(recorder: MagicMock, answer: Any) -> None:
    recorder.start.side_effect = None
    recorder.start.return_value = answer
    assert use_span() is NULL_SPAN
    assert names(recorder) == ["start"]


def test_error_of_the_application_passes_a_null_span_unchanged() -> None:
    error = ValueError("of the application")
    with pytest.raises(ValueError, match="of the application") as raised, timed_span("work"):
        raise error
    assert raised.value is error


def test_span_started_before_switching_off_is_still_handed_to_the_recorder(recorder: MagicMock) -> None:
    with timed_span("work"):
        OneLoggerProvider.instance().force_disable_logging()
    assert names(recorder) == ["start", "stop"]


def test_recorder_without_a_configuration_is_used() -> None:
    recorder = MagicMock(spec=Recorder)
    OneLoggerProvider.instance()._recorder = recorder
    with timed_span("work") as span:
        assert span is recorder.start.return_value
    assert names(recorder) == ["start", "stop"]


# --- as a decorator --------------------------------------------------------------------------------------------------


def test_every_call_of_a_decorated_function_is_a_span(recorder: MagicMock) -> None:
    attributes = Attributes({"a": 1})

    @timed_span("work", attributes)
    def double(value: int) -> int:
        """Double."""
        return 2 * value

    assert recorder.method_calls == []
    assert [double(1), double(value=2)] == [2, 4]
    assert (double.__name__, double.__doc__) == ("double", "Double.")
    assert names(recorder) == ["start", "stop", "start", "stop"]
    assert recorder.start.call_args == call(span_name="work", span_attributes=attributes, start_event_attributes=None)


def test_recursive_calls_have_spans_of_their_own(recorder: MagicMock) -> None:
    @timed_span("work")
    def factorial(number: int) -> int:
        return 1 if number < 2 else number * factorial(number - 1)

    assert factorial(3) == 6
    assert names(recorder) == ["start"] * 3 + ["stop"] * 3
    stopped = [args[0] for name, args, _ in recorder.method_calls if name == "stop"]
    assert len(set(stopped)) == 3


def test_span_of_a_coroutine_function_lasts_until_the_coroutine_is_finished(recorder: MagicMock) -> None:
    async def step() -> int:
        return 5

    @timed_span("work")
    async def work() -> int:
        result = await step()
        assert names(recorder) == ["start"]
        return result

    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(work()) == 5
    assert names(recorder) == ["start", "stop"]


def test_error_of_a_coroutine_is_recorded(recorder: MagicMock) -> None:
    @timed_span("work")
    async def work() -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        asyncio.run(work())
    assert names(recorder) == ["start", "error", "stop"]


def test_decorated_function_works_without_telemetry() -> None:
    @timed_span("work")
    def double(value: int) -> int:
        return 2 * value

    assert double(2) == 4


def test_quiet_strategy_changes_nothing_for_a_working_block(recorder: MagicMock) -> None:
    provider = OneLoggerProvider.instance()
    provider.config.error_handling_strategy = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR
    with timed_span("work"):
        pass
    assert names(recorder) == ["start", "stop"]
