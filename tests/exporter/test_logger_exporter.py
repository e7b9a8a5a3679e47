from __future__ import annotations

import logging
from typing import Any, Dict, List
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import ExportError
from nv_one_logger.exporter.internal.encoder import plain_value
from nv_one_logger.exporter.logger_exporter import LoggerExporter

LOGGER = logging.getLogger("test.records")

START = {
    "type": "start",
    "id": "0d5c0c1e-6f0e-4e6a-9b61-2f6f1f0a7c11",
    "name": "ingest",
    "attributes": {"shard": 3},
    "start_event": {"name": "span_start", "attributes": {"timestamp_msec": 1750000000000}},
    "count": 1,
    "pid": 4242,
}
LINE = (
    '[type="start" | start_event.name="span_start" | start_event.attributes.timestamp_msec=1750000000000 | pid=4242 '
    '| name="ingest" | id="0d5c0c1e-6f0e-4e6a-9b61-2f6f1f0a7c11" | count=1 | attributes.shard=3]'
)


@pytest.fixture
def exporter() -> LoggerExporter:
    return LoggerExporter(LOGGER)


def test_record_is_one_readable_line(exporter: LoggerExporter) -> None:
    assert exporter._format_log(START) == LINE
    assert LoggerExporter.deserialize_log(LINE) == START


def test_records_are_logged_at_info_with_one_argument() -> None:
    logger = MagicMock(spec=logging.Logger)
    exporter = LoggerExporter(logger)
    exporter.initialize()
    span = Span.create("a", span_attributes=Attributes({"rate": "100 %s"}))
    exporter.export_start(span)
    span.stop()
    exporter.export_stop(span)
    (call,) = logger.info.call_args_list
    assert call.kwargs == {}
    (line,) = call.args
    assert LoggerExporter.deserialize_log(line)["attributes"]["rate"] == "100 %s"


def test_prefix_stands_before_every_key(exporter: LoggerExporter) -> None:
    assert exporter._format_log({"a": 1, "b": {"c": 2}}, "p") == "p.b.c=2 | p.a=1"
    assert exporter._format_log({}) == ""


@pytest.mark.parametrize("text", ["", "no record here", "[INFO] nothing", "[", "[]", "[a=]", "[a=1", "[a=1 | a.b=2]"])
def test_line_without_a_record_is_an_error(text: str) -> None:
    with pytest.raises(ExportError, match="No record found"):
        LoggerExporter.deserialize_log(text)


@pytest.mark.parametrize("prefix", ["INFO:app:", "[INFO] [rank 3] ", "2026-01-01 [x=1 "])
def test_prefix_of_the_logging_format_is_passed_over(prefix: str) -> None:
    assert LoggerExporter.deserialize_log(f"{prefix}{LINE} [end]") == START


@pytest.mark.parametrize("prefix", ["[rank=3] ", '[rank=3 | host="a"] [step=5] ', '[a=1][b="]"]'])
def test_prefix_that_looks_like_a_record_is_passed_over(prefix: str) -> None:
    assert LoggerExporter.deserialize_log(f"{prefix}{LINE} [c=2]") == START


def test_text_that_is_no_record_of_an_exporter_is_read_all_the_same() -> None:
    assert LoggerExporter.deserialize_log("[INFO] [a=1] [b=2]") == {"a": 1}


@pytest.mark.parametrize("key", ["a\u2028b", "a\x85b", "a\x0bb", "a\rb", "\x1b[31m", "\xa0"])
def test_key_never_ends_the_line_nor_moves_the_cursor(exporter: LoggerExporter, key: str) -> None:
    line = exporter._format_log({key: 1})
    assert line.isprintable()
    assert LoggerExporter.deserialize_log(line) == {key: 1}


@pytest.mark.parametrize(
    "record",
    [
        {"value": "a=b | c=d"},
        {"value": "]["},
        {"a.b": {"c d": 1}},
        {"": {"": 1}},
        {"a=b": 1, "a | b": 2, '"quoted"': 3, "[x]": 4, " lead": 5, "new\nline": 6},
        {"empty": {}, "list": [1, 2, {"x": None}], "no": None, "yes": True},
        {"nan": "NaN"},
    ],
    ids=str,
)
def test_awkward_record_comes_back(exporter: LoggerExporter, record: Dict[str, Any]) -> None:
    line = exporter._format_log(record)
    assert "\n" not in line
    assert LoggerExporter.deserialize_log(line) == record


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(record=st.dictionaries(st.text(), json_values, min_size=1, max_size=5), prefix=st.sampled_from(["", "[INFO] "]))
def test_every_record_comes_back(record: Dict[str, Any], prefix: str) -> None:
    line = LoggerExporter(LOGGER)._format_log(record)
    assert len(line.splitlines()) == 1
    assert LoggerExporter.deserialize_log(prefix + line) == plain_value(record)


@pytest.mark.parametrize("logger", ["app.metrics", None, 5])
def test_what_cannot_log_is_refused(logger: Any) -> None:
    with pytest.raises(OneLoggerError, match=r"needs a logging.Logger"):
        LoggerExporter(logger)


def test_adapter_of_a_logger_will_do(caplog: pytest.LogCaptureFixture) -> None:
    exporter = LoggerExporter(logging.LoggerAdapter(LOGGER, {}))
    with caplog.at_level(logging.INFO):
        exporter.initialize()
        exporter.export_start(Span.create("a"))
        exporter.close()
    assert any(record.getMessage().startswith("[type=") for record in caplog.records)


def test_logger_of_another_library_needs_only_info() -> None:
    class Simple:
        def __init__(self) -> None:
            self.lines: List[str] = []

        def info(self, line: str) -> None:
            self.lines.append(line)

    logger = Simple()
    exporter = LoggerExporter(logger)  # type: ignore[arg-type]
    exporter.initialize()
    exporter.export_start(Span.create("a"))
    exporter.close()
    assert len(logger.lines) == 1


def test_logger_that_lets_nothing_through_is_told(caplog: pytest.LogCaptureFixture) -> None:
    quiet = logging.getLogger("test.quiet")
    quiet.setLevel(logging.ERROR)
    LoggerExporter(quiet).initialize()
    messages: List[str] = [record.getMessage() for record in caplog.records]
    assert any("will log nothing" in message and "test.quiet" in message for message in messages)
