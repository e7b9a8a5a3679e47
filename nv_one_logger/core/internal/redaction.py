"""Keeps configured secrets out of texts that others wrote, such as the messages of exceptions."""

from __future__ import annotations

import json
import threading
import traceback
from typing import Dict, Iterable, Iterator, Optional, Tuple

__all__ = ["MASK", "redacted", "redacted_error", "remember_secrets", "without"]

MASK = "***"

# So many are remembered at most, the oldest being forgotten: a process may configure telemetry again and again.
_MAX_SECRETS = 1000

_lock = threading.Lock()  # guards changes of _known
_known: Dict[str, None] = {}


def remember_secrets(secrets: Iterable[str]) -> None:
    """Have these texts hidden by :func:`redacted` from now on, in this process."""
    with _lock:
        for secret in secrets:
            _known[secret] = None
            if len(_known) > _MAX_SECRETS:
                del _known[next(iter(_known))]


def redacted(text: str) -> str:
    """Return a text in which every remembered secret is ``***``."""
    return without(text, list(_known)) if _known else text


def redacted_error(error: BaseException) -> Tuple[str, Optional[BaseException]]:
    """Return what a line in the log needs to show the traceback of an error without any secret.

    Returns:
        A text to append to the message, and what to give as ``exc_info``. The text is empty, and the error is given,
        unless its traceback holds a secret.
    """
    if not _known:
        return "", error
    try:
        shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception:  # an exception whose __str__ raises, on the interpreters where that is not caught
        return "", error
    hidden = redacted(shown)
    return ("", error) if hidden == shown else (f"\n{hidden.rstrip()}", None)


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which secrets are ``***``, also where they stand as ``repr``, JSON or URLs write them."""
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):  # a secret may be a part of another
        text = text.replace(spelling, MASK)
    return text


def _spellings(secret: str) -> Iterator[str]:
    from urllib.parse import quote, quote_plus  # only where there is a secret, as importing it takes a while

    yield secret
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    try:
        yield quote(secret, safe="")
        yield quote(secret)
        yield quote_plus(secret)
    except UnicodeEncodeError:  # a lone surrogate, which no URL can hold
        return
