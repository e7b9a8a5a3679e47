"""What a process says about itself in front of its records: the content of a ``session`` record."""

from __future__ import annotations

import os
import platform
import time
from typing import Any, Dict, Mapping, Optional

from nv_one_logger.core.internal import launcher
from nv_one_logger.core.internal.version import get_version
from nv_one_logger.core.time import TracingTimestamp

__all__ = ["SessionDescription"]

_SCHEMA_VERSION = 1
_DISTRIBUTION = "nv-one-logger-core"
_CONFIGURED = ("application_name", "session_tag", "world_size")


class SessionDescription:
    """Knows what was configured, and asks the launcher's environment and the system for the rest."""

    def __init__(self) -> None:
        self._configured: Dict[str, object] = {}
        self._versions: Optional[Dict[str, str]] = None

    def configure(self, config: object) -> None:
        """Learn what the application says of itself."""
        for name in _CONFIGURED:
            value = getattr(config, name, None)
            if value is not None:
                self._configured[name] = value

    def content(self, environ: Mapping[str, str]) -> Dict[str, Any]:
        """Describe this process now, for the key ``session`` of a record; what is not known is left out."""
        now = TracingTimestamp.now()
        monotonic_msec = int(time.monotonic() * 1000)
        described = {
            "schema_version": _SCHEMA_VERSION,
            "application_name": self._configured.get("application_name"),
            "session_tag": self._configured.get("session_tag", launcher.session_tag(environ)),
            "attempt": launcher.attempt(environ),
            "rank": launcher.rank(environ),
            "world_size": self._configured.get("world_size", launcher.world_size(environ)),
            "local_rank": launcher.known_local_rank(environ),
            "host": launcher.node_name(),
            "versions": self._known_versions(),
            "process_start_msec": _process_start_msec(now.seconds_since_epoch),
            "timestamp_msec": now.milliseconds_since_epoch,
            "monotonic_msec": monotonic_msec,
        }
        return {name: value for name, value in described.items() if value is not None}

    def _known_versions(self) -> Dict[str, str]:
        # Looked up once: a rotation needs them again, on the path of a record.
        if self._versions is None:
            self._versions = {"core": get_version(_DISTRIBUTION), "python": platform.python_version()}
        return self._versions


def _process_start_msec(now_sec: float) -> Optional[int]:
    """Return when this process began (wall clock, milliseconds, to 10 ms), ``None`` where the system does not tell.

    From field 22 of ``/proc/self/stat``, clock ticks since the machine started (proc(5)).
    """
    try:
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as stat_file:
            # "pid (command) state ...": the command may hold blanks and parentheses.
            started_ticks = int(stat_file.read().rpartition(")")[2].split()[19])
        age_sec = time.clock_gettime(time.CLOCK_BOOTTIME) - started_ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):  # AttributeError: a platform without that clock
        return None
    return int((now_sec - age_sec) * 1000)
