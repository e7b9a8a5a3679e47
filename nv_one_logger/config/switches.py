"""The environment variables that switch plugins, or all telemetry, off before anything is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Tuple

from nv_one_logger.core.exceptions import ConfigError

__all__ = ["DISABLE", "DISABLED", "EXPLAIN", "SAFE_MODE", "STRICT", "Switches"]

DISABLE = "ONE_LOGGER_DISABLE"
DISABLED = "ONE_LOGGER_DISABLED"
EXPLAIN = "ONE_LOGGER_EXPLAIN"
SAFE_MODE = "ONE_LOGGER_SAFE_MODE"
STRICT = "ONE_LOGGER_STRICT"

_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True)
class Switches:
    """What the environment switches.

    Attributes:
        disable: Names of plugins that are off (``ONE_LOGGER_DISABLE=name,name``).
        safe_mode: Only built-in exporters run (``ONE_LOGGER_SAFE_MODE=1``).
        disabled: No telemetry at all (``ONE_LOGGER_DISABLED=1``).
        explain: Print what was decided and why (``ONE_LOGGER_EXPLAIN=1``).
        strict: Raise for every configuration warning (``ONE_LOGGER_STRICT=1``).
        problems: Values that are neither on nor off, and were taken as off.
    """

    disable: Tuple[str, ...] = ()
    safe_mode: bool = False
    disabled: bool = False
    explain: bool = False
    strict: bool = False
    problems: Tuple[ConfigError, ...] = ()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Switches:
        """Read all switches. On is 1, true, yes or on; off is 0, false, no, off or nothing, in any case."""
        problems: List[ConfigError] = []
        names = dict.fromkeys(name.strip() for name in environ.get(DISABLE, "").split(","))
        return cls(
            disable=tuple(name for name in names if name),
            safe_mode=_is_on(environ, SAFE_MODE, problems),
            disabled=_is_on(environ, DISABLED, problems),
            explain=_is_on(environ, EXPLAIN, problems),
            strict=_is_on(environ, STRICT, problems),
            problems=tuple(problems),
        )


def _is_on(environ: Mapping[str, str], name: str, problems: List[ConfigError]) -> bool:
    text = environ.get(name, "")
    value = text.strip().lower()
    if value not in _ON | _OFF:
        problems.append(
            ConfigError(
                "is neither on nor off, and is taken as off",
                source="environment",
                key=name,
                value=text,
                remedy="Set it to 1 or 0",
            )
        )
    return value in _ON
