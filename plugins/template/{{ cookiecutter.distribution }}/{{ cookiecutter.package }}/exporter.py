"""{{ cookiecutter.description }}"""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.exporter import encode_record
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter
from nv_one_logger.exporter.exporter import ExportError

__all__ = ["{{ cookiecutter.class_name }}"]


class {{ cookiecutter.class_name }}(BaseJsonExporter):
    """Posts every record, as JSON, to an HTTP server.

    Args:
        url: Where to.
        headers: What to send along, such as an authorization.
        timeout_sec: How long to wait for an answer, in seconds.

    Raises:
        OneLoggerError: ``url`` is no HTTP or HTTPS address.
    """

    def __init__(self, url: str, headers: Optional[Dict[str, str]] = None, timeout_sec: float = 2.0) -> None:
        super().__init__()
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise OneLoggerError(f"{{ cookiecutter.class_name }}: url must be an http or https address, found {url!r}.")
        self._url = url
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._timeout_sec = timeout_sec

    def _write(self, json_dict: Dict[str, Any]) -> None:
        """Deliver one record. Called under a lock; the start of a span may be held back until something follows."""
        connection = self._connect()
        try:
            connection.request("POST", urlsplit(self._url).path or "/", encode_record(json_dict), self._headers)
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise ExportError(f"{self._url} cannot be reached: {error}") from error
        finally:
            connection.close()
        if status >= 300:
            raise ExportError(f"{self._url} answered with status {status}.")

    def _connect(self) -> HTTPConnection:
        # A connection a record: nothing to renew after a fork, nor to lock. A backend with a client library
        # of its own is opened in initialize() and closed in close(), each after its super().
        address = urlsplit(self._url)
        connect = HTTPSConnection if address.scheme == "https" else HTTPConnection
        return connect(str(address.hostname), address.port, timeout=self._timeout_sec)
