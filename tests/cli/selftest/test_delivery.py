from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest

from nv_one_logger.api.timed_span import get_recorder, timed_span
from nv_one_logger.cli.selftest.delivery import EVENT_NAME, SPAN_NAME, failures_meanwhile, send_span
from nv_one_logger.core.event import Event

FILE = "{class_name: file, config: {file_path: y.jsonl}}"


def outcomes(provider: Any) -> Dict[str, Tuple[str, str]]:
    return {one.name: (one.outcome, one.reason) for one in send_span(provider)}


def test_span_and_event_really_arrive(running: Any) -> None:
    assert outcomes(running(FILE)) == {"file": ("took it", "")}
    start, event, stop = map(json.loads, Path("y.jsonl").read_text().splitlines())
    assert (start["name"], event["event"]["name"], stop["type"]) == (SPAN_NAME, EVENT_NAME, "stop")


@pytest.mark.parametrize(
    ("plugin", "outcome", "reason"),
    [
        ("Fails", "FAILED", "export_stop: ExportError: the server is gone"),
        ("NeverStarts", "FAILED", "initialize: ExportError: no licence"),
        ("Cannot", "FAILED", "flush: ExportError: nothing arrived"),
        ("Elsewhere", "not asked", "has no hook for spans"),
        ("FailsLater", "took it", ""),
    ],
)
def test_outcome_of_each_plugin_is_its_own(plugin: str, outcome: str, reason: str, running: Any) -> None:
    found = outcomes(running(f"{{class_name: bad_exporters.{plugin}}}", FILE))
    assert found[f"bad_exporters.{plugin}"] == (outcome, reason)
    assert found["file"] == ("took it", "")


def test_plugin_that_is_off_or_cannot_be_built_is_told(running: Any) -> None:
    found = outcomes(
        running(
            "{class_name: file, name: quiet, enabled: false}",
            "{class_name: bad_exporters.Nothing, name: wrong}",
            FILE.replace("file,", "file, name: fine,"),
        )
    )
    assert found["quiet"][0] == "not asked"
    assert found["quiet"][1].startswith("enabled: false in x.yaml")
    assert found["wrong"][0] == "FAILED"
    assert "has no Nothing" in found["wrong"][1]
    assert found["fine"] == ("took it", "")


def test_dropped_span_is_no_failure(running: Any) -> None:
    found = outcomes(running("{class_name: bad_exporters.Drops}", FILE))
    assert found["file"] == ("not asked", "a plugin with should_export dropped the span")


def test_nothing_is_sent_where_telemetry_is_off(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_LOGGER_DISABLED", "1")
    assert outcomes(running(FILE)) == {}
    assert not Path("y.jsonl").exists()


def test_blocked_plugin_is_told(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_LOGGER_DISABLE", "file")
    assert outcomes(running(FILE)) == {"file": ("not asked", "ONE_LOGGER_DISABLE names file")}
    provider_of_a_user = running.remarks
    assert provider_of_a_user.texts == [] or "nothing is recorded" in provider_of_a_user.texts[0]


def test_name_blocked_in_code_is_told(running: Any) -> None:
    provider = running(FILE)
    provider.host.block("other")
    assert outcomes(provider)["other"] == ("not asked", "blocked")


def test_failures_after_the_span_are_told(running: Any) -> None:
    provider = running("{class_name: bad_exporters.FailsLater}", FILE)
    deliveries = send_span(provider)
    assert failures_meanwhile(provider, deliveries) == []
    with timed_span("again") as span:
        get_recorder().event(span, Event.create("again"))
    (remark,) = failures_meanwhile(provider, deliveries)
    assert remark.startswith("bad_exporters.FailsLater failed 1 times while it was measured. Last error: export_event")
