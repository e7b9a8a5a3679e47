"""Keeps our own log output small: at most one line per cause and interval."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Callable, Dict, Hashable, Optional

__all__ = ["LogLimiter", "is_logged", "mark_logged"]

# How many causes are remembered at most; the oldest is forgotten, so that memory stays bounded.
_MAX_CAUSES = 1000


class LogLimiter:
    """Logs the first message of each cause, then stays silent about that cause for an interval.

    What was left out is counted and told with the next line of that cause. Never raises, and never logs from inside
    its own logging (a handler may use telemetry itself).

    Args:
        logger: Where to log, by default the logger of the given name at call time.
        interval_sec: Seconds of silence after a line.
        clock: Monotonic seconds; tests inject their own.
    """

    def __init__(
        self, logger: logging.Logger, interval_sec: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._interval_sec = interval_sec
        self._clock = clock
        self._last: Dict[Hashable, float] = {}  # cause -> when it was last logged; guarded by _lock
        self._silenced: Dict[Hashable, int] = {}
        self._lock = threading.Lock()
        self._inside = threading.local()

    def error(self, cause: Hashable, message: str, *args: Any, exc_info: Optional[BaseException] = None) -> None:
        """Log at ERROR, at most once per cause and interval."""
        self._log(logging.ERROR, cause, message, args, exc_info)

    def warning(self, cause: Hashable, message: str, *args: Any, exc_info: Optional[BaseException] = None) -> None:
        """Log at WARNING, at most once per cause and interval."""
        self._log(logging.WARNING, cause, message, args, exc_info)

    def _log(self, level: int, cause: Hashable, message: str, args: Any, exc_info: Optional[BaseException]) -> None:
        if getattr(self._inside, "active", False):
            return
        self._inside.active = True
        try:
            silenced = self._due(cause)
            if silenced is None:
                return
            if silenced:
                message, args = message + " (%d more like this since the last such line.)", (*args, silenced)
            self._logger.log(level, message, *args, exc_info=exc_info)
        except Exception:  # noqa: S110  # a broken handler of the application must not break the application through us
            pass
        finally:
            self._inside.active = False

    def _due(self, cause: Hashable) -> Optional[int]:
        """Return how many lines were left out since the last one, or ``None`` when it is too early for another."""
        now = self._clock()
        if not self._lock.acquire(timeout=1.0):  # held over a fork by a thread that no longer exists
            return None
        try:
            last = self._last.get(cause)
            if last is not None and now - last < self._interval_sec:
                self._silenced[cause] = self._silenced.get(cause, 0) + 1
                return None
            if last is None and len(self._last) >= _MAX_CAUSES:
                forgotten = next(iter(self._last))
                del self._last[forgotten]
                self._silenced.pop(forgotten, None)
            self._last[cause] = now
            return self._silenced.pop(cause, 0)
        finally:
            self._lock.release()


def mark_logged(error: BaseException) -> None:
    """Note on an exception that a line in the log has told of it, so that who catches it does not tell it again."""
    try:
        error._one_logger_is_logged = True  # type: ignore[attr-defined]  # ours, on whatever class it is
    except Exception:  # noqa: S110  # of a class that takes no attributes: it is told twice
        pass


def is_logged(error: BaseException) -> bool:
    """Whether :func:`mark_logged` was called with this exception."""
    try:
        return getattr(error, "_one_logger_is_logged", False) is True
    except Exception:
        return False
