from __future__ import annotations

import logging
import threading

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nv_one_logger.otel.exporter.internal.sdk_log import SdkLog

LOGGER = logging.getLogger(OTLPSpanExporter.__module__)


@pytest.fixture
def log() -> SdkLog:
    return SdkLog(OTLPSpanExporter(endpoint="http://127.0.0.1:1/v1/traces"))


def test_first_line_with_the_cause_is_kept_back(log: SdkLog, caplog: pytest.LogCaptureFixture) -> None:
    log.begin()
    LOGGER.warning("cannot reach %s", "it")
    LOGGER.error("gave up")
    assert log.cause == "cannot reach it"
    assert log.end() == "cannot reach it"
    assert log.cause == ""
    assert caplog.text == ""


def test_nothing_is_kept_back_before_and_after(log: SdkLog, caplog: pytest.LogCaptureFixture) -> None:
    LOGGER.warning("before")
    log.begin()
    assert log.end() == ""
    LOGGER.warning("after")
    assert [record.getMessage() for record in caplog.records] == ["before", "after"]


def test_lines_of_other_threads_and_lesser_ones_appear(log: SdkLog, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log.begin()
    LOGGER.debug("a detail")
    thread = threading.Thread(target=LOGGER.error, args=("of the application's own exporter",))
    thread.start()
    thread.join()
    assert log.end() == ""
    assert len(caplog.records) == 2


def test_logger_has_one_filter_however_many_exporters_there_are(log: SdkLog) -> None:
    before = list(LOGGER.filters)
    SdkLog(OTLPSpanExporter(endpoint="http://127.0.0.1:1/v1/traces"))
    assert LOGGER.filters == before


def test_other_exporters_say_what_they_say() -> None:
    logger = logging.getLogger(InMemorySpanExporter.__module__)
    SdkLog(InMemorySpanExporter())
    assert logger.filters == []
