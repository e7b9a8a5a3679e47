"""Mistakes that a type checker must find: each ignore below is an error where the library stops noticing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.time import TracingTimestamp

if TYPE_CHECKING:
    from nv_one_logger.exporter.exporter import Exporter

    Exporter()  # type: ignore[abstract]
    TracingTimestamp.now().seconds_since_epoch = 1.0  # type: ignore[misc]
    Attributes({1: "a"})  # type: ignore[dict-item]
    number: int = Attributes({"a": 1}).get_int_value("a")  # type: ignore[assignment]
