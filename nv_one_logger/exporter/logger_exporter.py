"""Writes records as readable ``key=value`` lines to a logger."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Sequence, Tuple, Type, Union

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter
from nv_one_logger.exporter.exporter import ExportError, RecordWriteError
from nv_one_logger.exporter.internal.encoder import plain_value
from nv_one_logger.exporter.internal.hookimpl import hookimpl

__all__ = ["LoggerExporter"]

_SEPARATOR = " | "
_MAX_SHOWN = 1000
_MAX_WAIT_SEC = 1.0
_MAX_WAITING = 10_000
# A part of a key that can stand in a line as it is; any other is written as a JSON string.
_BARE = r'[^\s."=|\[\]{}][^."=|\[\]{}\r\n]*'
_BARE_PART = re.compile(_BARE)
_BARE_KEY = re.compile(rf"({_BARE}(?:\.{_BARE})*)=")
_decode = json.JSONDecoder().raw_decode
# What raw_decode calls, without the call around it: a quarter of the time of a line.
_scan_json: Callable[[str, int], Tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class LoggerExporter(BaseJsonExporter):
    """Logs each record at INFO as one line, ``[key="text" | other.key=1 | ...]``.

    Keys come in descending order at every level, a nested dict is spread into dotted keys, and values are JSON, so
    that :meth:`deserialize_log` gets the record back from the line.

    Args:
        logger: Where to log; its level must let INFO through.

    Raises:
        OneLoggerError: ``logger`` cannot log.
    """

    def __init__(self, logger: Union[logging.Logger, logging.LoggerAdapter[Any]]) -> None:
        super().__init__()
        if not callable(getattr(logger, "info", None)):
            raise OneLoggerError(
                f"LoggerExporter needs a logging.Logger, found {logger!r}. In code pass logging.getLogger(name); "
                "in a configuration file the logger's name."
            )
        self._logger = logger
        self._lock = self._outbox = _Outbox(self._log)  # type: ignore[assignment]  # it is used as an RLock is

    def initialize(self) -> None:
        """Make the exporter ready, and warn if the logger's level will keep every record back."""
        super().initialize()
        is_enabled_for = getattr(self._logger, "isEnabledFor", None)  # loggers of other libraries may lack it
        if callable(is_enabled_for) and not is_enabled_for(logging.INFO):
            logging.getLogger(__name__).warning(
                "LoggerExporter will log nothing: logger %s does not let INFO through. Set its level to INFO or lower.",
                getattr(self._logger, "name", self._logger),
            )

    @hookimpl
    def flush(self, timeout_sec: float) -> None:
        """Log the pending start, and wait for lines that another thread is about to log.

        Raises:
            ExportError: It could not be logged.
        """
        super().flush(timeout_sec)
        self._outbox.wait(timeout_sec)

    def close(self) -> None:
        """Log the pending start and mark it closed; see ``BaseJsonExporter``."""
        super().close()
        self._outbox.wait(_MAX_WAIT_SEC)

    def _write(self, json_dict: Dict[str, Any]) -> None:
        self._outbox.put(self._format_log(json_dict))

    def _log(self, line: str) -> None:
        self._logger.info(line)

    def _renew_after_fork(self) -> None:
        super()._renew_after_fork()
        self._lock = self._outbox = _Outbox(self._log)  # type: ignore[assignment]  # see __init__

    def _format_log(self, json_dict: Dict[str, Any], prefix: str = "") -> str:
        # Frozen name and signature: users' tests call it. With a prefix, the items alone, each key behind the prefix.
        items: List[str] = []
        _append_items(items, plain_value(json_dict), f"{prefix}." if prefix else "")
        text = _SEPARATOR.join(items)
        return text if prefix or not json_dict else f"[{text}]"

    @staticmethod
    def deserialize_log(text: str) -> Dict[str, Any]:
        """Return the record that a log line shows, whatever stands before and after it in the line.

        Of several bracketed texts that could be records, such as a prefix ``[rank=3]``, the first with a ``type`` is
        taken, as every record of an exporter has one; else the first.

        Raises:
            ExportError: There is no record in the line.
        """
        found = None
        start = text.find("[")
        while start != -1:
            try:
                record, end = _parse_items(text, start + 1)
            except (ValueError, RecursionError):  # of a bracket in the logging format's prefix, such as "[INFO]"
                end = start
            else:
                if "type" in record:
                    return record
                found = found or record
            start = text.find("[", end + 1)
        if found is not None:
            return found
        shown = repr(text) if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]!r}... ({len(text)} characters)"
        raise ExportError(f"No record found in the log line {shown}. It looks like [key=value | key=value].")


class _Outbox:
    """Lines that wait to be logged, and the lock of the exporter, which logs them once it is released.

    A handler of the logger may record telemetry itself, and does so under a lock of its own. Were a line logged under
    the lock of the exporter, two threads would wait for each other for ever. One thread at a time logs, also the lines
    of the others, so that they keep their order.

    Args:
        log: Logs one line.
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        self._log = log
        self._lock = threading.RLock()
        self._depth = 0  # how often the thread that has the lock has taken it
        self._lines: Deque[str] = deque()
        self._is_logging = threading.Lock()
        self._logging_thread: Optional[int] = None

    def put(self, line: str) -> None:
        """Have a line logged; to be called under the lock.

        Raises:
            RecordWriteError: Too many lines wait.
        """
        if len(self._lines) >= _MAX_WAITING:
            raise RecordWriteError(f"A handler of the logger hangs, and {_MAX_WAITING} records wait for it.")
        self._lines.append(line)

    def wait(self, timeout_sec: float) -> None:
        """Wait until another thread has logged what it is about to, at most so many seconds."""
        if self._logging_thread != threading.get_ident() and self._is_logging.acquire(timeout=timeout_sec):
            self._is_logging.release()

    def __enter__(self) -> None:
        # Before anything is touched: the start that is pending may be that of another thread.
        if self._logging_thread == threading.get_ident():
            raise RecordWriteError(
                "A handler of the logger records telemetry itself while a record is logged. What it records is left "
                "out of the log, as it would be logged without end."
            )
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, error_type: Optional[Type[BaseException]], *error: object) -> None:
        self._depth -= 1
        is_free = self._depth == 0
        self._lock.release()
        if is_free and self._lines:
            failure = self._log_lines()
            if failure is not None and error_type is None:
                raise failure

    def _log_lines(self) -> Optional[Exception]:
        """Log all lines unless another thread, or a caller of this one, is about to; return the first failure."""
        failure: Optional[Exception] = None
        while self._lines and self._is_logging.acquire(blocking=False):
            self._logging_thread = threading.get_ident()
            try:
                while self._lines:
                    try:
                        self._log(self._lines.popleft())
                    except Exception as error:
                        failure = failure or error
            finally:
                self._logging_thread = None
                self._is_logging.release()
        return failure


def _append_items(items: List[str], values: Dict[str, Any], prefix: str) -> None:
    for key in sorted(values, reverse=True):
        value = values[key]
        # Printable also means that no reader takes a part of it for the end of the line.
        name = prefix + (key if _BARE_PART.fullmatch(key) and key.isprintable() else json.dumps(key))
        if value and isinstance(value, dict):
            _append_items(items, value, f"{name}.")
        else:
            items.append(f"{name}={json.dumps(value)}")


def _parse_items(text: str, position: int) -> Tuple[Dict[str, Any], int]:
    """Return the record whose items start at ``position``, and where its closing bracket is."""
    record: Dict[str, Any] = {}
    levels: Dict[str, Dict[str, Any]] = {"": record}  # the dict of each dotted prefix met so far
    while True:
        match = _BARE_KEY.match(text, position)
        if match is not None:
            prefix, _, name = match.group(1).rpartition(".")
            target = levels.get(prefix)
            if target is None:
                target = levels[prefix] = _level(record, prefix.split("."))
            position = match.end()
        else:
            path, position = _parse_quoted_key(text, position)
            target, name = _level(record, path[:-1]), path[-1]
        try:
            target[name], position = _scan_json(text, position)
        except StopIteration as error:
            raise ValueError(f"no value at {error.value}") from None
        if text.startswith("]", position):
            return record, position
        if not text.startswith(_SEPARATOR, position):
            raise ValueError(f"no separator at {position}")
        position += len(_SEPARATOR)


def _level(record: Dict[str, Any], path: Sequence[str]) -> Dict[str, Any]:
    """Return the nested dict at a path, made where it is missing."""
    for part in path:
        record = record.setdefault(part, {})
        if not isinstance(record, dict):
            raise ValueError(f"{part} is a value and has parts")
    return record


def _parse_quoted_key(text: str, position: int) -> Tuple[List[str], int]:
    """Return the parts of the dotted key, some of them quoted, that starts at ``position``; and where its value is."""
    path: List[str] = []
    while True:
        if text.startswith('"', position):
            part, position = _decode(text, position)
        else:
            match = _BARE_PART.match(text, position)
            if match is None:
                raise ValueError(f"no key at {position}")
            part, position = match.group(), match.end()
        path.append(part)
        if text.startswith("=", position):
            return path, position + 1
        if not text.startswith(".", position):
            raise ValueError(f"neither '=' nor '.' at {position}")
        position += 1
