"""Applies a user's logger settings to this library's own log output, and takes them back."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Callable, List, Optional, Union

__all__ = ["LIBRARY_LOGGER_NAME", "apply_logger_settings", "file_handler"]

LIBRARY_LOGGER_NAME = "nv_one_logger"


class _OpensWhenNeeded(logging.Filter):
    """Passes records while the file of a handler can be opened.

    A delayed ``FileHandler`` opens its file in ``emit()``, and lets the ``OSError`` of a directory that went away
    through to whoever logs, which is the application.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._opened = False

    def filter(self, record: logging.LogRecord) -> bool:
        if not self._opened:
            try:
                with open(self._path, "ab"):
                    self._opened = True
            except OSError:
                return False
        return True


def file_handler(path: Union[Path, str], level: int, log_format: str) -> logging.FileHandler:
    """Make a handler whose file appears with the first record of at least ``level``, not before.

    Raises:
        OSError: The file could not be opened now: no such directory, or not writable.
    """
    target = os.path.abspath(path)
    parent = os.path.dirname(target)
    if os.path.isdir(target) or not os.access(target if os.path.exists(target) else parent, os.W_OK):
        raise OSError(f"Log file {target} cannot be written. Set LoggerConfig.log_file_path_for_* to a writable place.")
    handler = logging.FileHandler(target, delay=True)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(log_format))
    handler.addFilter(_OpensWhenNeeded(target))
    return handler


def apply_logger_settings(
    level: Optional[str],
    info_path: Optional[Union[Path, str]],
    error_path: Optional[Union[Path, str]],
    log_format: str,
) -> Callable[[], None]:
    """Set the level and add the files to the logger above all of this library's own.

    So a module-level logger made at import follows the settings too, and each file is opened once.

    Args:
        level: Name of a level, ``None`` to leave the application's choice.
        info_path: File for records of INFO and above, ``None`` for none.
        error_path: File for records of ERROR and above, ``None`` for none.
        log_format: Format of the lines in both files.

    Returns:
        A function that restores what was before; calling it again does nothing.
    """
    library_logger = logging.getLogger(LIBRARY_LOGGER_NAME)
    handlers = _file_handlers(info_path, error_path, log_format)
    for handler in handlers:
        library_logger.addHandler(handler)
    previous_level = library_logger.level
    if level is not None:
        library_logger.setLevel(level)
    applied_level = library_logger.level

    def undo() -> None:
        while handlers:
            handler = handlers.pop()
            library_logger.removeHandler(handler)
            handler.close()
        if library_logger.level == applied_level:  # else somebody set another one since, which stays
            library_logger.setLevel(previous_level)

    return undo


def _file_handlers(
    info_path: Optional[Union[Path, str]], error_path: Optional[Union[Path, str]], log_format: str
) -> List[logging.Handler]:
    handlers: List[logging.Handler] = []
    for path, level in ((info_path, logging.INFO), (error_path, logging.ERROR)):
        if path is None:
            continue
        try:
            handlers.append(file_handler(path, level, log_format))
        except OSError as error:
            logging.getLogger(LIBRARY_LOGGER_NAME).warning("No log file: %s", error)
    return handlers
