from __future__ import annotations

from typing import Any

import pytest
import requests

from nv_one_logger.otel.exporter.internal.connection import Connection, _watched_session
from nv_one_logger.otel.exporter.internal.sender import Answers


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (None, None),
        ("http://h:1", "http://h:1/v1/logs"),
        ("http://h:1/base/", "http://h:1/base/v1/logs"),
        ("http://h:1/v1/traces", "http://h:1/v1/logs"),
        ("http://h:1/v1/logs", "http://h:1/v1/logs"),
    ],
)
def test_address_of_a_signal(endpoint: str | None, expected: str | None) -> None:
    assert Connection(endpoint)._http_endpoint("v1/logs") == expected


def test_traces_protocol_goes_before_the_general_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc")
    assert Connection().resolved_protocol() == "grpc"
    assert Connection(protocol="http/protobuf").resolved_protocol() == "http/protobuf"


def test_credential_provider_of_the_sdk_brings_its_own_session(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(_watched_session(Answers(), object), requests.Session)
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "cloud")
    assert _watched_session(Answers(), object) is None


class _Unreadable:
    def ParseFromString(self, content: Any) -> None:  # noqa: N802  # protobuf's name
        raise ValueError("no protobuf")


def test_answer_that_is_no_protobuf_counts_as_success() -> None:
    answers = Answers()
    session = _watched_session(answers, _Unreadable)
    assert session is not None
    response = requests.Response()
    response.status_code = 200
    response._content = b"{}"
    (note,) = session.hooks["response"]
    note(response)
    assert answers.take() == (0, "")
