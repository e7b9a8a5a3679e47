"""What applications import: configuration, provider, the recorder's interface and ``timed_span``."""

from __future__ import annotations

from nv_one_logger.api.config import LoggerConfig, OneLoggerConfig, OneLoggerErrorHandlingStrategy

__all__ = ["LoggerConfig", "OneLoggerConfig", "OneLoggerErrorHandlingStrategy"]
