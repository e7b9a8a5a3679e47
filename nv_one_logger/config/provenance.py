"""Why each exporter is on or off and where each of its values came from: a typed answer, and its text for a person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Tuple

from nv_one_logger.config.masking import shown
from nv_one_logger.config.models import Entry, Merged, Origin, Setting
from nv_one_logger.core.internal.held_values import name_text, text_of
from nv_one_logger.core.internal.strenum import StrEnum

__all__ = ["Beaten", "Decision", "Explanation", "State", "ValueOrigin", "origin_of_type", "values_of"]


class State(StrEnum):
    """What was decided about a plugin."""

    ON = "on"
    OFF = "off"
    BLOCKED = "blocked"
    BROKEN = "broken"


@dataclass(frozen=True)
class Beaten:
    """A value that lost against one of higher priority; hidden when it is a secret."""

    value: object
    origin: Origin


@dataclass(frozen=True)
class ValueOrigin:
    """An effective value and where it came from.

    Attributes:
        key: ``enabled``, ``class_name``, ``name``, ``background``, or ``config.<argument>``.
        value: The value as configured, before conversion; ``***`` when its key looks like a secret.
        origin: Where it came from.
        beaten: What it won against, the highest priority first.
    """

    key: str
    value: object
    origin: Origin
    beaten: Tuple[Beaten, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What was decided about one plugin, and why.

    Attributes:
        name: The name it is best known by.
        class_name: Import path of its class; ``""`` when its package default was not read.
        state: On, off, blocked or broken.
        reason: Why, in words.
        origin: The source that decided.
        aliases: All names it answers to.
        values: Every effective value with its origin.
        replaced: Origins of entries it pushed aside as a whole.
    """

    name: str
    class_name: str
    state: State
    reason: str
    origin: Optional[Origin] = None
    aliases: Tuple[str, ...] = ()
    values: Tuple[ValueOrigin, ...] = ()
    replaced: Tuple[Origin, ...] = ()

    def value(self, key: str) -> Optional[ValueOrigin]:
        """Look one value up by its key."""
        return next((value for value in self.values if value.key == key), None)


@dataclass(frozen=True)
class Explanation:
    """The whole answer: which plugins run, with which values, from where, and what was wrong.

    Attributes:
        decisions: One per plugin, in calling order.
        problems: Texts of all mistakes and warnings.
        sources: The sources that were read, the highest priority first.
        switches: The switches in force, as ``NAME=value``.
    """

    decisions: Tuple[Decision, ...] = ()
    problems: Tuple[str, ...] = ()
    sources: Tuple[str, ...] = ()
    switches: Tuple[str, ...] = ()

    def decision(self, name: str) -> Optional[Decision]:
        """Look a decision up by any name its plugin answers to."""
        return next((found for found in self.decisions if name == found.name or name in found.aliases), None)

    def with_manual(self, name: str, plugin: object, origin: Origin, state: State, reason: str = "") -> Explanation:
        """Add a plugin that was registered by hand, and return the new explanation."""
        path = origin_of_type(plugin)
        why = reason or "registered by hand"
        decision = Decision(name, path, state, why, origin, tuple(dict.fromkeys((name, path))))
        return replace(self, decisions=(*self.decisions, decision))

    def as_dict(self) -> Dict[str, object]:
        """Return plain, JSON-compatible data (values that JSON cannot say as their ``repr``)."""
        return {
            "sources": list(self.sources),
            "switches": list(self.switches),
            "plugins": [_decision_dict(decision) for decision in self.decisions],
            "problems": list(self.problems),
        }

    def render(self) -> str:
        """Return the text that ``ONE_LOGGER_EXPLAIN=1`` prints."""
        lines = ["one-logger configuration"]
        lines.append(f"  sources: {'; '.join(self.sources) or 'none'}")
        lines.extend(f"  switch: {switch}" for switch in self.switches)
        if not self.decisions:
            lines.append("  no plugin is configured")
        for decision in self.decisions:
            lines.extend(_decision_lines(decision))
        if self.problems:
            lines.append("  problems:")
            lines.extend(f"    {problem}" for problem in self.problems)
        return "\n".join(lines)


def values_of(merged: Merged) -> Tuple[ValueOrigin, ...]:
    """All effective values of a merged entry with their origins."""
    values: List[ValueOrigin] = []
    for field in ("class_name", "name", "background"):
        mentions = merged.field(field)
        if mentions:
            values.append(_value_origin(field, mentions))
    values.append(_enabled_origin(merged))
    values.extend(_value_origin(f"config.{key}", merged.settings_of(key)) for key in merged.config())
    return tuple(values)


def origin_of_type(plugin: object) -> str:
    """Import path of a plugin's class, or the name of a module."""
    if hasattr(plugin, "__name__") and not isinstance(plugin, type):
        return str(plugin.__name__)
    cls = plugin if isinstance(plugin, type) else type(plugin)
    return f"{cls.__module__}.{cls.__qualname__}"


def _value_origin(key: str, mentions: Tuple[Setting, ...]) -> ValueOrigin:
    found = [Beaten(shown(key, setting.node), setting.origin) for setting in mentions]
    return ValueOrigin(key, found[0].value, found[0].origin, tuple(found[1:]))


def _enabled_origin(merged: Merged) -> ValueOrigin:
    found = [Beaten(layer.is_enabled, _enabled_place(layer)) for layer in merged.layers if layer.is_loaded]
    if not found:
        found = [Beaten(merged.is_enabled, _enabled_place(merged.top))]
    return ValueOrigin("enabled", found[0].value, found[0].origin, tuple(found[1:]))


def _enabled_place(entry: Entry) -> Origin:
    return entry.origin if entry.enabled is None else entry.enabled.origin


def _decision_lines(decision: Decision) -> List[str]:
    path = f" ({decision.class_name})" if decision.class_name and decision.class_name != decision.name else ""
    lines = [f"  {decision.state:<7} {decision.name}{path}", f"          {decision.reason}"]
    for value in decision.values:
        lines.append(f"          {value.key} = {text_of(value.value)}  <- {value.origin}")
        lines.extend(f"            beats {text_of(lost.value)}  <- {lost.origin}" for lost in value.beaten)
    lines.extend(f"          replaces the entry of {origin}" for origin in decision.replaced)
    return lines


def _decision_dict(decision: Decision) -> Dict[str, object]:
    return {
        "name": decision.name,
        "class_name": decision.class_name,
        "state": str(decision.state),
        "reason": decision.reason,
        "origin": None if decision.origin is None else str(decision.origin),
        "aliases": list(decision.aliases),
        "values": [
            {
                "key": value.key,
                "value": _plain(value.value),
                "origin": str(value.origin),
                "beaten": [{"value": _plain(lost.value), "origin": str(lost.origin)} for lost in value.beaten],
            }
            for value in decision.values
        ],
        "replaced": [str(origin) for origin in decision.replaced],
    }


def _plain(value: object) -> object:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is dict:
        return {name_text(key): _plain(item) for key, item in value.items()}
    if type(value) is list:
        return [_plain(item) for item in value]
    return text_of(value)
