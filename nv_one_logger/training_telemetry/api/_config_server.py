"""Gets a document from a configuration server over HTTP or HTTPS."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, List

from nv_one_logger.core.exceptions import ConfigError

__all__ = ["ServerError", "address", "fetch"]


class ServerError(Exception):
    """The server does not give the document.

    Attributes:
        problem: Why.
        remedy: What to do.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def address(url: object) -> str:
    """Return the address as messages may show it: without user, password and query.

    Raises:
        ConfigError: It is no address of one of the two schemes.
    """
    parts = urllib.parse.urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            "is no HTTP or HTTPS address",
            source="code",
            key="config_server_url",
            value=url,
            remedy="Give one such as https://config.example.com/run.json",
        )
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


def fetch(url: str, timeout_sec: float, max_bytes: int) -> bytes:
    """Return the first ``max_bytes`` bytes of the document.

    Args:
        url: Its address.
        timeout_sec: Seconds to wait for the connection, for each piece of the answer, and for the whole of it.
        max_bytes: How much to read.

    Raises:
        ServerError: The server answers with an error, or not at all.
    """
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    try:
        with urllib.request.build_opener(_SameKindOfAddress).open(request, timeout=timeout_sec) as answer:
            return _read(answer, max_bytes, time.monotonic() + timeout_sec)
    except urllib.error.HTTPError as error:
        error.close()
        raise ServerError(
            f"answers {error.code} {error.reason}", "Correct the address or ask who runs the server"
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ServerError(f"cannot be reached ({reason})", "Correct the address, or leave this source out") from error


def _read(answer: Any, max_bytes: int, deadline: float) -> bytes:
    """Read piece by piece: the timeout of a connection starts anew with each byte that a slow server sends."""
    pieces: List[bytes] = []
    while max_bytes > 0:
        piece = answer.read1(min(max_bytes, 65_536))
        if not piece:
            break
        pieces.append(piece)
        max_bytes -= len(piece)
        if time.monotonic() > deadline:
            raise TimeoutError("timed out in the middle of the answer")
    return b"".join(pieces)


class _SameKindOfAddress(urllib.request.HTTPRedirectHandler):
    """Follows redirections within HTTP and HTTPS, but never from the encrypted one to the other."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError("redirected from HTTPS to an unencrypted address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
