"""What tests of the data model share."""

from __future__ import annotations

import logging

import pytest

from nv_one_logger.core import event, span
from nv_one_logger.core.internal.log_limiter import LogLimiter


@pytest.fixture(autouse=True)
def said_nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test see the warnings that are otherwise logged once a minute."""
    for module in (event, span):
        monkeypatch.setattr(module, "_log", LogLimiter(logging.getLogger(module.__name__)))
