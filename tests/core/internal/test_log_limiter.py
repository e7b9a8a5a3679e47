from __future__ import annotations

import logging
from typing import Any, List

import pytest

from nv_one_logger.core.internal import log_limiter
from nv_one_logger.core.internal.log_limiter import LogLimiter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> LogLimiter:
    return LogLimiter(logging.getLogger("test.limiter"), 60.0, clock)


def test_one_line_per_cause_and_interval(limiter: LogLimiter, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        limiter.error("disk", "disk %s", "full")
    limiter.warning("network", "gone")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "disk full"),
        ("WARNING", "gone"),
    ]
    clock.now = 60.0
    limiter.error("disk", "disk %s", "full")
    assert caplog.records[-1].getMessage() == "disk full (4 more like this since the last such line.)"


def test_traceback_is_logged(limiter: LogLimiter, caplog: pytest.LogCaptureFixture) -> None:
    limiter.error("cause", "failed", exc_info=ValueError("why"))
    assert "ValueError: why" in caplog.text


def test_remembered_causes_are_bounded(limiter: LogLimiter, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(log_limiter._MAX_CAUSES + 1):
        limiter.warning(number, "line")
    limiter.warning(0, "line")
    assert len(caplog.records) == log_limiter._MAX_CAUSES + 2


def test_handler_that_uses_the_limiter_itself_does_not_recurse(limiter: LogLimiter) -> None:
    lines: List[str] = []

    class Chatty(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())
            limiter.error("inner", "from within")

    logger = logging.getLogger("test.limiter")
    handler = Chatty()
    logger.addHandler(handler)
    try:
        limiter.error("outer", "from outside")
    finally:
        logger.removeHandler(handler)
    assert lines == ["from outside"]


def test_broken_handler_is_kept_from_the_caller(limiter: LogLimiter) -> None:
    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> Any:
            raise RuntimeError("broken")

    logger = logging.getLogger("test.limiter")
    broken = Broken()
    logger.addFilter(broken)
    try:
        limiter.error("cause", "line")
    finally:
        logger.removeFilter(broken)


def test_lock_that_nobody_will_release_costs_a_line_and_not_the_caller(
    limiter: LogLimiter, caplog: pytest.LogCaptureFixture
) -> None:
    with limiter._lock:
        limiter.error("cause", "line")
    assert not caplog.records
