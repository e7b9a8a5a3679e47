from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional
from unittest.mock import MagicMock, patch

import pytest

from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.api.recorder import Recorder
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.safe_execution import exception_guard, report_skipped, safely_execute
from nv_one_logger.core.null_span import NULL_SPAN
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.recorder.default_recorder import DefaultRecorder

PROPAGATE = OneLoggerErrorHandlingStrategy.PROPAGATE_EXCEPTIONS
QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR

decorators = pytest.mark.parametrize("decorate", [exception_guard, safely_execute])


class RecordingRecorder(Recorder):
    """Guarded like the recorder of the library, and able to close while telemetry is off."""

    def __init__(self) -> None:
        self.calls: List[str] = []
        self.is_closed = False

    @safely_execute
    def start(self, span_name: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_open()
        self.calls.append(f"start {span_name}")

    @safely_execute
    def stop(self, span: Any, *args: Any, **kwargs: Any) -> None:
        self._check_open()

    @safely_execute
    def event(self, span: Any, event: Any) -> Any:
        self._check_open()

    @safely_execute
    def error(self, span: Any, error_message: str, exception: Optional[Exception] = None) -> Any:
        self._check_open()

    @safely_execute
    def telemetry_data_error(self, error_message: str, attributes: Any = None) -> None:
        self._check_open()
        self.calls.append(error_message)

    @safely_execute
    def close(self) -> None:
        self._close_now()

    def _close_now(self) -> None:
        self.is_closed = True

    def _check_open(self) -> None:
        if self.is_closed:
            raise OneLoggerError("The recorder is closed.")


def make_config(strategy: OneLoggerErrorHandlingStrategy) -> OneLoggerConfig:
    return OneLoggerConfig(
        application_name="app", world_size_or_fn=1, session_tag_or_fn="s", error_handling_strategy=strategy
    )


def configure(strategy: OneLoggerErrorHandlingStrategy) -> RecordingRecorder:
    recorder = RecordingRecorder()
    OneLoggerProvider.instance().configure(make_config(strategy), recorder)
    return recorder


def failing(error: BaseException, decorate: Callable[..., Any]) -> Callable[..., Any]:
    @decorate
    def fail(*args: Any) -> None:
        raise error

    return fail  # type: ignore[no-any-return]


def levels(caplog: pytest.LogCaptureFixture) -> List[int]:
    return [record.levelno for record in caplog.records]


# --- both ------------------------------------------------------------------------------------------------------------


@decorators
def test_decorated_function_works_and_keeps_its_metadata(decorate: Callable[..., Any]) -> None:
    configure(PROPAGATE)

    @decorate
    def add(left: int, right: int = 1) -> int:
        """Add."""
        return left + right

    assert add(2, right=3) == 5
    assert (add.__name__, add.__doc__) == ("add", "Add.")
    assert set(add.__annotations__) == {"left", "right", "return"}


@decorators
def test_error_propagates_as_the_same_object_after_being_logged_and_reported(
    decorate: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    recorder = configure(PROPAGATE)
    error = KeyError("missing")
    with pytest.raises(KeyError) as raised:
        failing(error, decorate)()
    assert raised.value is error
    assert recorder.calls == ["Error in fail: KeyError: 'missing'"]
    assert levels(caplog) == [logging.ERROR]
    assert OneLoggerProvider.instance().one_logger_enabled


@decorators
def test_quiet_error_ends_telemetry_with_one_log_line(
    decorate: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    recorder = configure(QUIET)
    fail = failing(ValueError("boom"), decorate)
    assert [fail(), fail(), fail()] == [None, None, None]
    assert recorder.calls == ["Error in fail: ValueError: boom"]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "Error in fail: boom. Telemetry is switched off for the rest of this run; the application goes on."
    ]
    assert not OneLoggerProvider.instance().one_logger_enabled


@decorators
def test_quiet_error_closes_what_is_open(decorate: Callable[..., Any]) -> None:
    recorder = configure(QUIET)
    failing(ValueError("boom"), decorate)()
    assert recorder.is_closed


@decorators
def test_recorder_that_cannot_be_closed_harms_nobody(
    decorate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(QUIET)
    monkeypatch.setattr(RecordingRecorder, "_close_now", lambda self: 1 / 0)
    assert failing(ValueError("boom"), decorate)() is None


@decorators
@pytest.mark.parametrize("strategy", [PROPAGATE, QUIET])
def test_exit_and_ctrl_c_are_never_touched(
    decorate: Callable[..., Any], strategy: OneLoggerErrorHandlingStrategy
) -> None:
    recorder = configure(strategy)
    with pytest.raises(KeyboardInterrupt):
        failing(KeyboardInterrupt(), decorate)()
    assert recorder.calls == []
    assert OneLoggerProvider.instance().one_logger_enabled


@decorators
def test_unknown_strategy_propagates(decorate: Callable[..., Any]) -> None:
    configure(PROPAGATE)
    OneLoggerProvider.instance().config.error_handling_strategy = "something else"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="boom"):
        failing(ValueError("boom"), decorate)()


@decorators
def test_failing_report_does_not_hide_the_error(
    decorate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    configure(PROPAGATE)
    monkeypatch.setattr(RecordingRecorder, "telemetry_data_error", lambda *args: 1 / 0)
    with pytest.raises(ValueError, match="boom"):
        failing(ValueError("boom"), decorate)()
    assert levels(caplog) == [logging.ERROR]


def test_quiet_error_leaves_a_complete_file_behind(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    recorder = DefaultRecorder([FileExporter(file_path=path)])
    OneLoggerProvider.instance().configure(make_config(QUIET), recorder)
    outer, inner = recorder.start("outer"), recorder.start("inner")
    failing(ValueError("boom"), exception_guard)()
    assert not outer.active
    assert not inner.active
    assert recorder.start("late") is NULL_SPAN
    types = [json.loads(line)["type"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert types.count("telemetry_data_error") == 1
    assert types.count("start") + 2 * types.count("complete") + types.count("stop") == 4


# --- a closed recorder (no recursion) --------------------------------------------------------------------------------


def test_call_on_a_closed_recorder_is_one_error_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    recorder = configure(PROPAGATE)
    recorder.close()
    with pytest.raises(OneLoggerError, match="closed"):
        recorder.start("late")
    assert levels(caplog) == [logging.ERROR]


def test_quiet_call_on_a_closed_recorder_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    recorder = configure(QUIET)
    recorder.close()
    assert recorder.start("late") is None
    assert levels(caplog) == [logging.ERROR]


# --- the application's exception wins --------------------------------------------------------------------------------


@decorators
def test_error_while_the_applications_exception_passes_is_only_logged(
    decorate: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    recorder = configure(PROPAGATE)
    application_error = ZeroDivisionError("of the application")

    def fail_and_clean_up() -> None:
        try:
            raise application_error
        finally:
            failing(ValueError("of telemetry"), decorate)()

    with pytest.raises(ZeroDivisionError) as raised:
        fail_and_clean_up()
    assert raised.value is application_error
    assert application_error.__context__ is None
    assert levels(caplog) == [logging.ERROR]
    assert recorder.calls == ["Error in fail: ValueError: of telemetry"]


@decorators
def test_error_after_the_applications_exception_was_handled_propagates(decorate: Callable[..., Any]) -> None:
    configure(PROPAGATE)
    try:
        raise ZeroDivisionError("handled")
    except ZeroDivisionError:
        pass
    with pytest.raises(ValueError, match="of telemetry"):
        failing(ValueError("of telemetry"), decorate)()


def test_error_that_telemetry_handled_inside_does_not_count_as_the_applications() -> None:
    configure(PROPAGATE)

    @exception_guard
    def convert() -> None:
        try:
            int("x")
        except ValueError as error:
            raise OneLoggerError("no number") from error

    with pytest.raises(OneLoggerError, match="no number"):
        convert()


# --- before configuration, and test doubles of the provider ----------------------------------------------------------


def test_guard_works_before_configuration(caplog: pytest.LogCaptureFixture) -> None:
    assert exception_guard(lambda: 5)() == 5
    with pytest.raises(ValueError, match="boom"):
        failing(ValueError("boom"), exception_guard)()
    assert levels(caplog) == [logging.ERROR]


@pytest.fixture
def provider_double() -> Iterator[MagicMock]:
    double = MagicMock(spec=OneLoggerProvider)
    double.one_logger_enabled = True
    double.config = MagicMock()
    with patch("nv_one_logger.core.internal.safe_execution.OneLoggerProvider.instance", return_value=double):
        yield double


@decorators
def test_double_of_the_provider_in_propagate_mode(decorate: Callable[..., Any], provider_double: MagicMock) -> None:
    provider_double.config.error_handling_strategy = PROPAGATE
    with pytest.raises(ValueError, match="boom"):
        failing(ValueError("boom"), decorate)()
    provider_double.recorder.telemetry_data_error.assert_called_once()
    provider_double.force_disable_logging.assert_not_called()


@decorators
def test_double_of_the_provider_in_quiet_mode(
    decorate: Callable[..., Any], provider_double: MagicMock, caplog: pytest.LogCaptureFixture
) -> None:
    provider_double.config.error_handling_strategy = QUIET
    fail = failing(ValueError("boom"), decorate)
    assert [fail(), fail()] == [None, None]
    assert provider_double.force_disable_logging.call_count == 2
    assert [call[0] for call in provider_double.recorder.method_calls] == ["telemetry_data_error"] * 2
    assert levels(caplog) == [logging.ERROR]


def test_double_of_the_provider_that_is_disabled(provider_double: MagicMock, caplog: pytest.LogCaptureFixture) -> None:
    provider_double.one_logger_enabled = False
    provider_double.config.error_handling_strategy = QUIET
    assert failing(ValueError("boom"), safely_execute)() is None
    assert failing(ValueError("boom"), exception_guard)() is None
    assert "Skipping execution of fail" in caplog.text
    provider_double.recorder.telemetry_data_error.assert_not_called()
    provider_double.force_disable_logging.assert_not_called()


# --- skipping --------------------------------------------------------------------------------------------------------


def on_something(required: int) -> int:
    return required


def test_skipped_call_does_not_bind_its_arguments(caplog: pytest.LogCaptureFixture) -> None:
    assert safely_execute(on_something)() is None  # type: ignore[call-arg]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "Skipping execution of on_something" in caplog.text
    assert "not configured" in caplog.text


def test_skipped_calls_are_told_once_for_all_functions(caplog: pytest.LogCaptureFixture) -> None:
    first, second = safely_execute(on_something), safely_execute(levels)
    for _ in range(100):
        first(1)
        second(caplog)
    assert len(caplog.records) == 1


def test_skipped_calls_are_told_again_in_another_state(caplog: pytest.LogCaptureFixture) -> None:
    safe = safely_execute(on_something)
    safe(1)
    configure(PROPAGATE)
    assert safe(1) == 1
    OneLoggerProvider.instance().force_disable_logging()
    safe(1)
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "telemetry is not configured.",
        "telemetry was switched off.",
    ]
    OneLoggerProvider.instance()._reset()
    safe(1)
    assert len(caplog.records) == 3


def test_disabled_rank_is_the_reason_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    configure(PROPAGATE)
    OneLoggerProvider.instance().config.enable_for_current_rank = False
    safely_execute(on_something)(1)
    assert "telemetry is disabled for this rank" in caplog.text


def test_provider_that_is_reset_meanwhile_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(OneLoggerProvider, "one_logger_ready", property(lambda self: True))
    assert safely_execute(on_something)(1) is None
    assert "not configured" in caplog.text


def test_threads_that_skip_at_once_log_one_line(caplog: pytest.LogCaptureFixture) -> None:
    report_skipped("warm up: the state is known", logging.DEBUG)
    caplog.clear()
    everyone_is_ready = threading.Barrier(8)
    safe = safely_execute(on_something)

    def skip() -> None:
        everyone_is_ready.wait(timeout=10)
        safe(1)

    threads = [threading.Thread(target=skip) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(caplog.records) == 1


def test_function_can_say_what_a_skipped_call_returns() -> None:
    @safely_execute(otherwise="nothing")
    def value() -> str:
        return "something"

    assert value() == "nothing"
    configure(PROPAGATE)
    assert value() == "something"


def test_function_can_say_what_a_call_returns_that_failed_quietly() -> None:
    configure(QUIET)

    @safely_execute(otherwise="nothing")
    def value() -> str:
        raise ValueError("boom")

    assert value() == "nothing"


def test_nested_guards_each_handle_the_error(caplog: pytest.LogCaptureFixture) -> None:
    configure(PROPAGATE)
    inner = failing(ValueError("boom"), exception_guard)
    outer = exception_guard(inner)
    with pytest.raises(ValueError, match="boom"):
        outer()
    assert levels(caplog) == [logging.ERROR, logging.ERROR]
