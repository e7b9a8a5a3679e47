"""Gives a logger the level and the log files of the user's ``LoggerConfig``."""

from __future__ import annotations

import logging
from typing import List

from nv_one_logger.api.config import LoggerConfig
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.core.internal.library_logger import file_handler

__all__ = ["get_logger"]


def get_logger(name: str) -> logging.Logger:
    """Return ``logging.getLogger(name)``, set up by the configured ``LoggerConfig``.

    Nothing is changed while telemetry is not configured, nor on a logger that has handlers. Else its level is set and,
    on an enabled rank, one handler is added for each of the two files, which appear with the first line for them. Where
    a file cannot be written, a ``NullHandler`` takes the place of both. Never raises.

    This library's own modules do not use it: their loggers follow the configuration without it, and write only to
    files that the user named.
    """
    logger = logging.getLogger(name)
    try:
        provider = OneLoggerProvider.instance()
        if provider.one_logger_ready and not logger.handlers:
            _set_up(logger, provider.config.logger_config, bool(provider.one_logger_enabled))
    except Exception:  # whoever asks for a logger is about to report something worse
        logging.getLogger(__name__).debug("Logger %s could not be set up.", name, exc_info=True)
    return logger


def _set_up(logger: logging.Logger, config: LoggerConfig, is_enabled: bool) -> None:
    logger.setLevel(config.log_level)
    if not is_enabled:
        return
    handlers: List[logging.Handler]
    try:
        handlers = [
            file_handler(config.log_file_path_for_info, logging.INFO, config.log_format),
            file_handler(config.log_file_path_for_err, logging.ERROR, config.log_format),
        ]
    except OSError:
        handlers = [logging.NullHandler()]
    for handler in handlers:
        logger.addHandler(handler)
