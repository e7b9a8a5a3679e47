from __future__ import annotations

import inspect
from typing import Any, List, Optional

import pytest

from nv_one_logger.api.recorder import Recorder

SIGNATURES = {
    "start": ["span_name", "span_attributes", "start_event_attributes", "start_time", "parent_span"],
    "stop": ["span", "stop_event_attributes", "stop_time"],
    "event": ["span", "event"],
    "error": ["span", "error_message", "exception"],
    "telemetry_data_error": ["error_message", "attributes"],
    "close": [],
}
OPTIONAL = {
    "span_attributes",
    "start_event_attributes",
    "start_time",
    "parent_span",
    "stop_event_attributes",
    "stop_time",
    "exception",
    "attributes",
}


def test_interface_is_the_one_recorders_of_users_implement() -> None:
    assert Recorder.__abstractmethods__ == set(SIGNATURES)


@pytest.mark.parametrize("method", sorted(SIGNATURES))
def test_parameters_and_defaults_are_fixed(method: str) -> None:
    parameters = list(inspect.signature(getattr(Recorder, method)).parameters.values())[1:]
    assert [parameter.name for parameter in parameters] == SIGNATURES[method]
    assert {p.name for p in parameters if p.default is None} == OPTIONAL & set(SIGNATURES[method])


def test_subclass_needs_no_override_decorator() -> None:
    class Own(Recorder):
        def __init__(self) -> None:
            self.calls: List[str] = []

        def start(self, span_name: Any, *args: Any, **kwargs: Any) -> Any:
            self.calls.append(f"start {span_name}")

        def stop(self, span: Any, *args: Any, **kwargs: Any) -> None:
            self.calls.append("stop")

        def event(self, span: Any, event: Any) -> Any:
            return event

        def error(self, span: Any, error_message: str, exception: Optional[Exception] = None) -> Any:
            return None

        def telemetry_data_error(self, error_message: str, attributes: Any = None) -> None:
            self.calls.append(error_message)

        def close(self) -> None:
            self.calls.append("close")

    own = Own()
    own.stop(own.start("work"))
    assert own.calls == ["start work", "stop"]


def test_incomplete_recorder_cannot_be_made() -> None:
    class Incomplete(Recorder):
        pass

    with pytest.raises(TypeError):
        Incomplete()  # type: ignore[abstract]
