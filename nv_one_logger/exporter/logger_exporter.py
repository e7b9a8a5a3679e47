"""Writes records as readable ``key=value`` lines to a logger."""

from __future__ import annotations

import json
import logging
import re
from typing import Any, Callable, Dict, List, Sequence, Tuple, Union

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter
from nv_one_logger.exporter.exporter import ExportError
from nv_one_logger.exporter.internal.encoder import plain_value

__all__ = ["LoggerExporter"]

_SEPARATOR = " | "
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

    def initialize(self) -> None:
        """Make the exporter ready, and warn if the logger's level will keep every record back."""
        super().initialize()
        is_enabled_for = getattr(self._logger, "isEnabledFor", None)  # loggers of other libraries may lack it
        if callable(is_enabled_for) and not is_enabled_for(logging.INFO):
            logging.getLogger(__name__).warning(
                "LoggerExporter will log nothing: logger %s does not let INFO through. Set its level to INFO or lower.",
                getattr(self._logger, "name", self._logger),
            )

    def _write(self, json_dict: Dict[str, Any]) -> None:
        self._logger.info(self._format_log(json_dict))

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
            except ValueError:  # of a bracket in the logging format's prefix, such as "[INFO]"
                end = start
            else:
                if "type" in record:
                    return record
                found = found or record
            start = text.find("[", end + 1)
        if found is not None:
            return found
        raise ExportError(f"No record found in the log line {text!r}. It looks like [key=value | key=value].")


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
